"""Ask an index: which files hold a product, a period, a region."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from yaotan.errors import YaotanError
from yaotan.geodesy import wrap_longitude
from yaotan.io.bound import Box, Polygons, parse_period, parse_region
from yaotan.io.index.scan import INDEX_NAME
from yaotan.io.index.table import read_about, read_table
from yaotan.typing import PathLike, Period


def locate_index(index: PathLike) -> tuple[Path, Path]:
    """Give an index and the folder that its paths are relative to.

    Parameters
    ----------
    index : path-like
        What `yaotan.index_granules` wrote, or the folder that was indexed.

    Returns
    -------
    tuple of pathlib.Path
        File and folder.

    Raises
    ------
    YaotanError
        There is no index.
    """
    path = Path(index)
    path = path / INDEX_NAME if path.is_dir() else path
    if not path.is_file():
        raise YaotanError("there is no index", where=path, fix="make one with `yaotan catalog FOLDER`")
    about = read_about(path)
    if about is None:
        raise YaotanError("is no index of granules", where=path, fix="make one with `yaotan catalog FOLDER`")
    return path, path.parent if about["folder"] == "." else path.parent / about["folder"]


def open_index(index: PathLike) -> gpd.GeoDataFrame:
    """Open an index of granules as a table.

    Parameters
    ----------
    index : path-like
        What `yaotan.index_granules` wrote, or the folder that was indexed.

    Returns
    -------
    geopandas.GeoDataFrame
        One row per data file (see `yaotan.index_granules` for the columns), EPSG:4326;
        ``attrs["folder"]`` is the folder that the paths are relative to.

    Raises
    ------
    YaotanError
        There is no index.
    """
    path, folder = locate_index(index)
    frame = read_table(path).to_pandas()
    for name in ("count", "good", "size"):
        frame[name] = frame[name].astype("Int64")
    geometry = gpd.GeoSeries.from_wkb(frame.pop("geometry"), crs="EPSG:4326")
    opened = gpd.GeoDataFrame(frame, geometry=geometry, crs="EPSG:4326")
    opened.attrs["folder"] = str(folder)
    return opened


def find_granules(
    index: PathLike,
    *,
    product: str | None = None,
    region: Any = None,
    period: Period | None = None,
    folder: PathLike | None = None,
) -> list[str]:
    """List the files that may hold soundings of a product, a period and a region.

    Parameters
    ----------
    index : path-like
        What `yaotan.index_granules` wrote, or the folder that was indexed.
    product : str, optional
        Name of the product.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        As in `yaotan.open_soundings`. Footprints are made of grid cells, so a file whose soundings only come
        near may be listed too; none that has soundings inside is left out.
    period : pair of ISO dates, optional
        Both included.
    folder : path-like, optional
        Where the granules lie now, if they were moved away from the index.

    Returns
    -------
    list of str
        Paths for `yaotan.open_soundings`, sorted as in the index; empty when there is none. Files with an
        error are not listed; with `region` or `period`, neither are those without any place or time.

    Raises
    ------
    YaotanError, RegionError
        There is no index, or an argument cannot be read.
    """
    path, base = locate_index(index)
    area, span = parse_region(region), parse_period(period)
    columns = ["path", "product", "start", "end", "error", *(["geometry"] if area else [])]
    table = read_table(path, columns)
    table = table.filter(pc.is_null(table.column("error")))
    if product is not None:
        names = sorted(set(table.column("product").to_pylist()))
        if names and product not in names:
            raise YaotanError(
                f"the index has no file of {product!r}", where=path, expected=f"one of {', '.join(names)}"
            )
        table = table.filter(pc.equal(table.column("product"), product))
    if span is not None:
        kind = table.column("start").type
        start, end = (pa.scalar(int(moment.astype(np.int64)), kind) for moment in (span.start, span.end))
        table = table.filter(
            pc.and_(pc.less(table.column("start"), end), pc.greater_equal(table.column("end"), start))
        )
    if area is not None:
        table = table.filter(pa.array(_touches(table.column("geometry"), area), type=pa.bool_()))
    base = Path(folder) if folder is not None else base
    return [str(base / name) for name in table.column("path").to_pylist()]


def _touches(column: pa.ChunkedArray, area: Box | Polygons) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which footprints meet an area; a missing one meets none."""
    shapes = shapely.from_wkb(np.array(column.to_pylist(), dtype=object))
    wanted = _as_polygon(area)
    shapely.prepare(wanted)
    return np.asarray(shapely.intersects(wanted, shapes))


def _as_polygon(area: Box | Polygons) -> Any:
    """Give an area within one turn of longitude, as the footprints are."""
    if isinstance(area, Polygons):
        turns = [
            shapely.transform(area.geometry, lambda xy, t=t: xy + [t, 0.0]) for t in (-360.0, 0.0, 360.0)
        ]
        world = shapely.box(-180.0, -90.0, 180.0, 90.0)
        return shapely.union_all([shapely.intersection(world, turn) for turn in turns])
    if area.east - area.west >= 360.0:
        return shapely.box(-180.0, area.south, 180.0, area.north)
    west, east = (float(value) for value in wrap_longitude([area.west, area.east]))
    if east == -180.0 and area.east > area.west:
        east = 180.0
    if west <= east:
        return shapely.box(west, area.south, east, area.north)
    parts = [(west, 180.0), (-180.0, east)]
    return shapely.union_all([shapely.box(w, area.south, e, area.north) for w, e in parts])
