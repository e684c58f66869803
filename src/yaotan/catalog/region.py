"""Key regions of China as data: members, sources, approximate outlines, and the names of provinces."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from yaotan.catalog.source import load_yaml, root
from yaotan.errors import RegionError

if TYPE_CHECKING:
    import geopandas as gpd

#: Share of the outline that dissolved members must cover to count as complete.
_COMPLETE: Final = 0.7


class KeyRegion(BaseModel):
    """A policy region: the codes of its members, where that is written, and a rough outline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    name_zh: str
    members: tuple[str, ...] = Field(min_length=1)
    definition: str
    source: str
    check: str
    outline: tuple[tuple[float, float], ...] = Field(min_length=3)


class Division(BaseModel):
    """A meridian that divides an area (west, south, east, north) for a contrast of its two sides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    name_zh: str
    meridian: float
    bounds: tuple[float, float, float, float]
    source: str
    check: str


class RegionCatalog(BaseModel):
    """The whole of ``catalogs/regions.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_regions: dict[str, KeyRegion]
    divisions: dict[str, Division]
    #: adcode -> English, Chinese, short Chinese name
    provinces: dict[str, tuple[str, str, str]]


@cache
def region_catalog() -> RegionCatalog:
    """Return the catalog of regions.

    Examples
    --------
    >>> region_catalog().provinces["610000"][0]
    'Shaanxi'
    >>> region_catalog().divisions["china_west_east"].meridian
    105.0
    """
    return RegionCatalog(**load_yaml(root() / "regions.yaml"))


def key_regions(
    boundaries: gpd.GeoDataFrame | None = None, *, names: Iterable[str] | None = None
) -> gpd.GeoDataFrame:
    """Give the key regions as polygons: dissolved from boundaries that carry codes, else as rough outlines.

    Parameters
    ----------
    boundaries : geopandas.GeoDataFrame, optional
        Provinces or cities with their six-digit code in ``region_id`` (as `open_regions` returns). A member
        that is a whole province may be there as itself or as all rows whose code begins with its two digits.
    names : iterable of str, optional
        Ids of the wanted regions; all without it.

    Returns
    -------
    geopandas.GeoDataFrame
        ``region_id, name, name_zh, definition, geometry`` in EPSG:4326; ``definition`` is ``members`` where
        every member was found and they fill the outline, else ``outline`` (approximate: a few vertices,
        wrong by some ten kilometres).
        ``attrs["source"]`` says what was used.

    Raises
    ------
    RegionError
        An id is not in the catalog, or boundaries have no column ``region_id``.

    Examples
    --------
    >>> regions = key_regions(names=["fenwei"])
    >>> regions.name.item(), regions.definition.item()
    ('Fenwei plain', 'outline')
    """
    import geopandas as gpd  # late: the catalog is read by light-weight callers, too

    entries = region_catalog().key_regions
    wanted = list(entries) if names is None else list(names)
    for identifier in wanted:
        if identifier not in entries:
            raise RegionError(
                f"there is no key region {identifier!r}", expected=f"one of {', '.join(entries)}"
            )
    coded = _coded(boundaries)
    rows = [_row(identifier, entries[identifier], coded) for identifier in wanted]
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")
    used = "" if boundaries is None else str(boundaries.attrs.get("source", "boundaries given by the caller"))
    kinds = set(table["definition"])
    parts = [f"members dissolved from: {used}"] if "members" in kinds else []
    parts += ["approximate outlines of the region catalog"] if "outline" in kinds else []
    table.attrs["source"] = "; ".join(parts)
    return table


def _coded(boundaries: gpd.GeoDataFrame | None) -> dict[str, Any]:
    if boundaries is None:
        return {}
    if "region_id" not in boundaries.columns:
        raise RegionError(
            "boundaries have no column region_id", where="key_regions", fix="read them with open_regions"
        )
    table = boundaries if boundaries.crs is None else boundaries.to_crs("EPSG:4326")
    return {str(code): geometry for code, geometry in zip(table["region_id"], table.geometry, strict=True)}


def _row(identifier: str, entry: KeyRegion, coded: dict[str, Any]) -> dict[str, Any]:
    import shapely

    found: list[Any] = []
    for member in entry.members:
        parts = _member(member, coded)
        if not parts:
            geometry, definition = shapely.Polygon(entry.outline), "outline"
            break
        found += parts
    else:
        geometry, definition = shapely.union_all(found), "members"
        rough = shapely.Polygon(entry.outline)
        # a table that holds only some cities of a province must not pass for the province
        if geometry.intersection(rough).area < _COMPLETE * rough.area:
            geometry, definition = rough, "outline"
    return {
        "region_id": identifier,
        "name": entry.name,
        "name_zh": entry.name_zh,
        "definition": definition,
        "geometry": geometry,
    }


def _member(code: str, coded: dict[str, Any]) -> list[Any]:
    """Polygons of one member: itself, or every city of the province that it is."""
    if code in coded:
        return [coded[code]]
    if not code.endswith("0000"):
        return []
    return [geometry for other, geometry in coded.items() if len(other) == 6 and other[:2] == code[:2]]
