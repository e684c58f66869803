"""Sources as features: a table of points, one row for each stack, plant or city."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from yaotan.errors import SchemaError
from yaotan.geodesy import wrap_longitude
from yaotan.schema import check_features

if TYPE_CHECKING:
    import geopandas as gpd

#: what a source may be; decides nothing but the words and the width it is given by default
KINDS: Final = ("power_plant", "steel_works", "cement", "city", "facility", "other")


def make_sources(
    source: Sequence[str],
    longitude: ArrayLike,
    latitude: ArrayLike,
    *,
    name: Sequence[str] | None = None,
    kind: str | Sequence[str] = "power_plant",
    diameter: ArrayLike = 200.0,
    stack_height: ArrayLike = np.nan,
) -> gpd.GeoDataFrame:
    """Make the table of sources that every plume function takes.

    Parameters
    ----------
    source : sequence of str
        Identifiers, each once.
    longitude, latitude : array_like
        Place of the stack [degrees east, north].
    name : sequence of str, optional
        Names for people. Default: the identifiers.
    kind : str or sequence of str
        One of `KINDS`.
    diameter : array_like
        Width of the area from which a plume starts [m]; default: a stack, or a few side by side. A stack that
        is given as an area of 1 km makes emissions 1 to 2 per cent too high with pixels of 2 km: its plume is
        taken for wider than it is. A city needs its own.
    stack_height : array_like
        Height of the stack above the ground [m]; NaN where it is not known.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``source``, ``name``, ``kind``, ``diameter``, ``stack_height`` and points in longitude and
        latitude of WGS84.

    Raises
    ------
    SchemaError
        An identifier comes twice, a place is no place, or a kind is unknown.

    Examples
    --------
    >>> table = make_sources(["JV"], 14.4535, 51.8415, name=["Jänschwalde"])
    >>> table[["source", "name", "diameter"]].values.tolist()
    [['JV', 'Jänschwalde', 200.0]]
    """
    import geopandas as gpd

    count = len(source)
    lon = np.broadcast_to(wrap_longitude(longitude), count)
    lat = np.broadcast_to(np.asarray(latitude, float), count)
    columns = {
        "source": [str(item) for item in source],
        "name": [str(item) for item in (source if name is None else name)],
        "kind": [kind] * count if isinstance(kind, str) else list(kind),
        "diameter": np.broadcast_to(np.asarray(diameter, float), count),
        "stack_height": np.broadcast_to(np.asarray(stack_height, float), count),
    }
    return check_sources(gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(lon, lat), crs=4326))


def check_sources(sources: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Check that a table is one of sources.

    Parameters
    ----------
    sources : geopandas.GeoDataFrame
        To be checked; further columns are welcome.

    Returns
    -------
    geopandas.GeoDataFrame
        The same object.

    Raises
    ------
    SchemaError
        Says which rule is broken.
    """
    check_features(sources)
    where = "sources check"
    missing = [name for name in ("source", "name", "kind", "diameter") if name not in sources]
    if missing:
        raise SchemaError(f"column {', '.join(missing)} is missing", where=where, fix="use make_sources")
    if len(sources) == 0:
        raise SchemaError("the table has no source", where=where)
    if sources.crs.to_epsg() != 4326:
        raise SchemaError(
            f"coordinates are of {sources.crs.to_string()}",
            where=where,
            expected="longitude and latitude of WGS84 (EPSG:4326)",
            fix="sources.to_crs(4326)",
        )
    if not (sources.geometry.geom_type == "Point").all():
        raise SchemaError("a source is no point", where=where, fix="take the centroid of its area")
    twice = sources["source"][sources["source"].duplicated()]
    if len(twice):
        raise SchemaError(f"source {twice.iloc[0]!r} comes twice", where=where)
    lon, lat = sources.geometry.x.to_numpy(), sources.geometry.y.to_numpy()
    if not (np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90.0)).all():
        raise SchemaError(
            "a source has no place on the globe", where=where, expected="degrees east and north"
        )
    unknown = sorted(set(sources["kind"]) - set(KINDS))
    if unknown:
        raise SchemaError(f"{unknown[0]!r} is no kind of source", where=where, expected=", ".join(KINDS))
    if not (sources["diameter"] > 0).all():
        raise SchemaError("a source has no diameter above 0 m", where=where)
    return sources
