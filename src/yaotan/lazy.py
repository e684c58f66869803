"""Public names of a package whose modules load when a name is first used."""

from __future__ import annotations

from collections.abc import Mapping
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
