"""Public names of a package whose modules load when a name is first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def load(package: str, home: Mapping[str, str], name: str) -> Any:
    """Give the object that a public name of a package stands for.

    Parameters
    ----------
    package : str
        Where the name was asked for.
    home : mapping of str to str
        Public name to the module that holds it; a module of the name's own may be the object itself.
    name : str
        What was asked for.

    Returns
    -------
    object
        The function or class.

    Raises
    ------
    AttributeError
        The package has no such name.

    Examples
    --------
    >>> load("yaotan", {"YaotanError": "yaotan.errors"}, "YaotanError").__name__
    'YaotanError'
    """
    if name not in home:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    module = import_module(home[name])
    return module if module.__name__ == f"{package}.{name}" else getattr(module, name)


def attach(package: str, home: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make ``__getattr__`` and ``__dir__`` of a package whose names load when first used.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    home : mapping of str to str
        As in `load`.

    Returns
    -------
    get, list_names : callable
        What the package assigns to ``__getattr__`` and ``__dir__``; a name that was asked for is kept there.

    Examples
    --------
    >>> import yaotan.carbon
    >>> get, list_names = attach("yaotan.carbon", {"class_area": "yaotan.carbon.land"})
    >>> get("class_area").__name__, "class_area" in list_names()
    ('class_area', True)
    """
    names = vars(sys.modules[package])

    def get(name: str) -> Any:
        value = load(package, home, name)
        names[name] = value
        return value

    def list_names() -> list[str]:
        return sorted({*names, *home})

    return get, list_names
