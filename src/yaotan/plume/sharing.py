"""What several methods need of one plume, made once inside a block that says so."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Made = TypeVar("Made")

#: key -> what was made, and what its key names by identity (held, so that the identity stays its own)
_HELD: ContextVar[dict[Hashable, tuple[Any, tuple[Any, ...]]] | None] = ContextVar("held", default=None)


@contextmanager
def shared_work() -> Iterator[None]:
    """Let methods share the frame, background and shape of plumes while the block runs.

    Inside, the same data object with the same source, wind and options is laid out once. The data must not be
    edited in the block. Outside of it nothing is remembered.

    Examples
    --------
    >>> made = []
    >>> with shared_work():
    ...     for _ in range(2):
    ...         one = make_once("name", (made,), {}, lambda: made.append(1) or len(made))
    >>> one, made
    (1, [1])
    """
    token = _HELD.set({})
    try:
        yield
    finally:
        _HELD.reset(token)


def make_once(
    name: str, objects: tuple[Any, ...], options: Mapping[str, Any], make: Callable[[], Made]
) -> Made:
    """Make something, or give what was made of the same objects and options in this block.

    Parameters
    ----------
    name : str
        What it is.
    objects : tuple
        What it is made of: numbers and texts count by value, everything else by identity.
    options : mapping
        Options, likewise.
    make : callable
        Makes it; what it raises is not remembered.
    """
    held = _HELD.get()
    if held is None:
        return make()
    items = (*objects, *(part for pair in sorted(options.items()) for part in pair))
    key = (name, *(one if isinstance(one, (str, int, float)) else id(one) for one in items))
    if key not in held:
        held[key] = (make(), items)
    found: Made = held[key][0]
    return found
