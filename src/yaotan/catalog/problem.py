"""What is wrong with an entry, said in one message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from yaotan.errors import CatalogError, YaotanError
from yaotan.typing import PathLike


@contextmanager
def name_problem(
    where: PathLike, *, fix: str = "mend this key", error: type[YaotanError] = CatalogError
) -> Iterator[None]:
    """Turn the first problem that a validation finds into an error that names file, key and problem.

    Parameters
    ----------
    where : path-like
        What is checked.
    fix : str
        What to do about it.
    error : type
        Error to raise.

    Raises
    ------
    CatalogError
        Or `error`: a key is missing, unknown or of the wrong kind.

    Examples
    --------
    >>> from yaotan.catalog.rule import Entry
    >>> with name_problem("mine.yaml"):
    ...     Entry.model_validate({"colour": "red"})
    Traceback (most recent call last):
    yaotan.errors.CatalogError: mine.yaml: colour: Extra inputs are not permitted. To do: mend this key.
    """
    try:
        yield
    except ValidationError as found:
        problem = found.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise error(f"{key or 'entry'}: {problem['msg']}", where=where, fix=fix) from found
