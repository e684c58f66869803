"""Vertical profiles of emission: shares of layers above the ground."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import model_validator

from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import load_yaml, root
from yaotan.errors import CatalogError

#: columns of tables of plant profiles: r0_100, r100_200, ... r1500 (that one is open above)
_LAYER: Final = re.compile(r"^r(\d+)(?:_(\d+))?$")


class VerticalProfile(Entry):
    """Shares of an emission by layer; they sum to 1.

    Parameters
    ----------
    edges : tuple of float
        Bounds of the layers above the ground [m], rising.
    shares : tuple of float
        One for each layer.
    """

    name: str
    title: Words
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    source: str

    @model_validator(mode="after")
    def _is_whole(self) -> VerticalProfile:
        if len(self.edges) != len(self.shares) + 1 or len(self.shares) == 0:
            raise ValueError("needs one edge more than shares")
        if (
            any(high <= low for low, high in zip(self.edges, self.edges[1:], strict=False))
            or self.edges[0] < 0
        ):
            raise ValueError("edges do not rise from 0 or above")
        if min(self.shares) < 0.0 or abs(sum(self.shares) - 1.0) > 1e-3:
            raise ValueError(f"shares sum to {sum(self.shares):g}, not to 1")
        return self


@cache
def vertical_profiles() -> dict[str, VerticalProfile]:
    """Give the profiles of ``catalogs/profiles/vertical.yaml`` by name.

    Examples
    --------
    >>> vertical_profiles()["gnfr_a"].shares
    (0.08, 0.46, 0.29, 0.17)
    """
    entries = load_yaml(root() / "profiles" / "vertical.yaml")
    return {name: VerticalProfile(name=name, **entry) for name, entry in entries.items()}


def plant_profile(row: Mapping[str, Any], *, source: str) -> VerticalProfile:
    """Make a profile of one row of a table of plant profiles.

    Parameters
    ----------
    row : mapping
        Columns ``ID_VertProf``, ``r0_100`` ... ``r1500``: the share of each layer in metres above the
        ground, as the CoCO2 data base of point sources has them (doi:10.24380/mxjo-nram). The open layer at
        the top is taken as 100 m deep.
    source : str
        Where the table comes from.

    Returns
    -------
    VerticalProfile
        The profile.

    Raises
    ------
    CatalogError
        The columns are no layers that follow one another, or the shares do not sum to 1.

    Examples
    --------
    >>> row = {"ID_VertProf": "VP_1", "r0_100": 0.0, "r100_200": 0.25, "r200": 0.75}
    >>> plant_profile(row, source="example").edges
    (0.0, 100.0, 200.0, 300.0)
    """
    layers = {}
    for key, value in row.items():
        found = _LAYER.match(str(key))
        if found:
            low = float(found[1])
            layers[low] = (float(found[2] or low + 100.0), float(value))
    name = str(row.get("ID_VertProf", "plant"))
    lows = sorted(layers)
    edges = [*lows, layers[lows[-1]][0]] if lows else []
    if any(layers[low][0] != high for low, high in zip(lows, edges[1:], strict=False)):
        raise CatalogError("layers leave a gap", where=name, expected="columns r0_100, r100_200, ...")
    title = {"en": f"profile {name}", "zh": f"廓线 {name}"}
    try:
        return VerticalProfile(
            name=name,
            title=title,
            edges=tuple(edges),
            shares=tuple(layers[low][1] for low in lows),
            source=source,
        )
    except ValueError as error:
        raise CatalogError(f"is no profile ({error})", where=name) from error
