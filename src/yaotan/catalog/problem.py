"""Entries read from YAML, and what is wrong with one, said in one message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from yaotan.catalog.source import load_yaml
from yaotan.errors import CatalogError, YaotanError
from yaotan.typing import PathLike

_Entry = TypeVar("_Entry", bound=BaseModel)


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


def read_entry(kind: type[_Entry], path: PathLike) -> _Entry:
    """Read a YAML file as one entry.

    Parameters
    ----------
    kind : type
        Model of the entry.
    path : path-like
        The file.

    Returns
    -------
    Entry
        Of that kind.

    Raises
    ------
    CatalogError
        The file is no YAML, or names file and key of what is wrong in it.

    Examples
    --------
    >>> from yaotan.catalog.boundary import BoundaryCatalog
    >>> from yaotan.catalog.source import root
    >>> read_entry(BoundaryCatalog, root() / "boundary_changes.yaml").changes["laiwu"].year
    2019
    """
    with name_problem(path):
        return kind.model_validate(load_yaml(path))
