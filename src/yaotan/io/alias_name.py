"""Names of datasets as aliases compare them."""

from __future__ import annotations

import re


def normalise_name(name: str) -> str:
    """Bring a dataset's name to lower case, letters and digits only.

    Examples
    --------
    >>> normalise_name("XCO2_Posterior-Error")
    'xco2posteriorerror'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def names_of(path: str) -> set[str]:
    """Give a dataset's name without and with its group.

    Examples
    --------
    >>> sorted(names_of("Result/XCO2_Error"))
    ['resultxco2error', 'xco2error']
    """
    parts = path.strip("/").split("/")
    return {normalise_name(parts[-1]), normalise_name("".join(parts[-2:]))}
