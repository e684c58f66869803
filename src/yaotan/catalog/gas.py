"""Column variables that the package knows: unit, CF name, symbol."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict

from yaotan.catalog.source import load_yaml, root


class Gas(BaseModel):
    """One column variable such as ``xco2``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: str
    standard_name: str | None
    symbol: str
    gas: str
    name: dict[str, str]
    plausible: tuple[float, float]
    harp: str | None = None


@cache
def gases() -> dict[str, Gas]:
    """Return every column variable of ``catalogs/gases.yaml`` by name.

    Examples
    --------
    >>> gases()["xco2"].units
    'ppm'
    """
    return {name: Gas(**entry) for name, entry in load_yaml(root() / "gases.yaml").items()}
