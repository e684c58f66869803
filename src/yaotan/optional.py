"""One home for packages that are optional: what to install when one is missing."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Final

from yaotan.errors import MissingDependencyError

#: module -> extra of this package that installs it
EXTRA: Final = {
    "matplotlib": "report",
    "jinja2": "report",
    "zarr": "zarr",
    "frykit": "boundaries",
    "lightgbm": "ml",
    "earthaccess": "fetch",
    "sentinelhub": "fetch",
    "cfgrib": "grib",
    "pyresample": "swath",
}

#: part of an OSError's text -> system package (Debian and Ubuntu name) that holds the library
SYSTEM_PACKAGE: Final = {"libgomp.so": "libgomp1"}


def require(module: str) -> ModuleType:
    """Import an optional package, or say in one sentence how to get it.

    Parameters
    ----------
    module : str
        Dotted module name, such as ``"matplotlib.figure"``.

    Returns
    -------
    types.ModuleType
        The imported module.

    Raises
    ------
    MissingDependencyError
        The package, or a system library that its wheel needs, is absent.

    Examples
    --------
    >>> require("json").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        top = module.partition(".")[0]
        extra = EXTRA.get(top)
        wanted = f"yaotan[{extra}]" if extra else top
        raise MissingDependencyError(
            f"the package {top} cannot be imported ({error})", fix=f'pip install "{wanted}"'
        ) from error
    except OSError as error:
        package = next((name for part, name in SYSTEM_PACKAGE.items() if part in str(error)), None)
        if package is None:
            raise
        raise MissingDependencyError(
            f"{module} needs the system package {package} ({error})",
            fix=f"apt-get install {package} (Debian, Ubuntu) or your system's package of the same library",
        ) from error
