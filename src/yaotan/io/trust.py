"""Say once that a layout is known from documents only, until the user takes it over."""

from __future__ import annotations

import warnings

from yaotan.errors import UncheckedLayoutWarning

_SAID: set[str] = set()


def warn_unchecked(name: str, title: str, trust: bool, *, stacklevel: int = 3) -> None:
    """Warn, once per product and process, that its reader was never run on a real file.

    Parameters
    ----------
    name : str
        Product, as in the catalog.
    title : str
        Its name for people.
    trust : bool
        True when the user has confirmed the layout (``trust_layout=True``, ``--trust-layout``): nothing
        is said then. A catalog entry with ``checked: file`` never comes here.
    stacklevel : int
        Whose line the warning names: 3 is the caller of the function that calls this one.

    Warns
    -----
    UncheckedLayoutWarning
        What is not known, and how to confirm it.
    """
    if trust or name in _SAID:
        return
    _SAID.add(name)
    warnings.warn(
        f"{title} ({name}): the layout is taken from documents, this reader was never run on a real file. "
        f"Compare a few values with another tool, then confirm with trust_layout=True (--trust-layout) or "
        f"with a product file that says 'extends: {name}' and 'checked: file'",
        UncheckedLayoutWarning,
        stacklevel=stacklevel,
    )


def forget_warnings() -> None:
    """Start anew: each product warns again (a new study in the same process)."""
    _SAID.clear()
