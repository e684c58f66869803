"""What a file is that holds no soundings of a known product: the function that opens it, and what it says."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.errors import YaotanError
from yaotan.typing import PathLike

_FOLDER: Final = ("",)
_TABLES: Final = (".csv", ".txt", ".xlsx", ".xls", ".parquet")
_VECTORS: Final = (".geojson", ".json", ".shp", ".gpkg", ".parquet")
_ARRAYS: Final = (".nc", ".nc4", ".h5", ".hdf5")
_WINDS: Final = (".nc", ".grib", ".grb", ".grib2")
_RASTERS: Final = (".tif", ".tiff", ".vrt", ".img")
#: kind, endings, module and function that opens it, public name of what is to be used. The first that opens a
#: file wins: what asks most of a file stands first, and a list of places, which asks for two columns, last.
_OPENERS: Final = (
    ("saved model", _FOLDER, "yaotan.io.model:read_card", "yaotan.load_model"),
    ("image of columns", _ARRAYS, "yaotan.io.image:open_image", "yaotan.io.open_image"),
    ("grid", _ARRAYS, "yaotan.io.netcdf:open_grid", "yaotan.open_grid"),
    ("estimate", _ARRAYS, "yaotan.io.netcdf:open_estimate", "yaotan.io.open_estimate"),
    ("wind", _WINDS, "yaotan.io.wind:open_wind", "yaotan.open_wind"),
    ("raster", _RASTERS, "yaotan.io.raster_file:read_band", "yaotan.open_raster"),
    ("inventory", _TABLES, "yaotan.io.inventory.opening:open_inventory", "yaotan.io.open_inventory"),
    ("list of power plants", _TABLES, "yaotan.io.plant:open_power_plants", "yaotan.io.open_power_plants"),
    ("regions", _VECTORS, "yaotan.io.region:open_regions", "yaotan.open_regions"),
    ("list of places", (*_TABLES, *_VECTORS), "yaotan.io.source:open_sources", "yaotan.plume.open_sources"),
)
#: attributes and entries of a card that say what is in a file
_NAMED: Final = ("product", "title", "source", "method", "substance", "scope", "licence")


@dataclass(frozen=True)
class FileKind:
    """What a file is, by the function that opens it.

    Parameters
    ----------
    path, kind, opener : str
        File, kind in words, public name of the function.
    facts : dict of str to str
        What it says of itself: size, period, extent, source.
    variables : dict of str to str or None
        Unit of each variable, where it has any; columns of a table have none.
    """

    path: str
    kind: str
    opener: str
    facts: dict[str, str]
    variables: dict[str, str | None]


def find_kind(path: PathLike) -> FileKind | None:
    r"""Tell what a file is that is no granule of a known product, by opening it.

    Parameters
    ----------
    path : path-like
        Grid, estimate, image, wind, raster, inventory, list of plants or places, regions; or the folder of a
        saved model.

    Returns
    -------
    FileKind or None
        None where no function opens it. A table with longitudes and latitudes is a list of places only where
        it names them: else it may hold soundings that nobody has described yet.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text("source,longitude,latitude\nA,14.4,51.8\n")
    ...     found = find_kind(Path(folder) / "a.csv")
    >>> found.kind, found.opener, found.facts["rows"]
    ('list of places', 'yaotan.plume.open_sources', '1')
    """
    path = Path(path)
    for kind, endings, place, public in _OPENERS:
        if path.is_dir() != (endings == _FOLDER) or not (path.is_dir() or path.suffix.lower() in endings):
            continue
        module, name = place.split(":")
        opened = _try(getattr(import_module(module), name), path)
        if opened is not None and not _is_nameless(kind, opened):
            return FileKind(str(path), kind, public, *_tell(opened))
    return None


def _is_nameless(kind: str, opened: Any) -> bool:
    return kind == "list of places" and not {"source", "name", "name_zh"} & set(opened.attrs["columns"])


def _try(opener: Callable[[Any], Any], path: Path) -> Any:
    """Open a file, or give None where it is of another kind; what it warns of is said when it is used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return opener(path)
    except (YaotanError, OSError, ValueError):
        return None


def _tell(opened: Any) -> tuple[dict[str, str], dict[str, str | None]]:
    """Give facts and variables of what an opener gave: a card, a band, arrays, or a table of places."""
    if isinstance(opened, dict):
        return _named(opened["card"], ("kind", "question", *_NAMED)), {}
    if isinstance(opened, xr.Dataset):
        units = {str(name): array.attrs.get("units") for name, array in opened.data_vars.items()}
        return _tell_arrays(opened), units
    if isinstance(opened, pd.DataFrame):
        facts = {"rows": str(len(opened)), "extent": _extent(*opened.geometry.total_bounds)}
        return facts, {str(name): None for name in opened.columns if name != "geometry"}
    return _tell_raster(opened), {}


def _tell_arrays(opened: xr.Dataset) -> dict[str, str]:
    facts = _named(opened.attrs, _NAMED)
    facts["size"] = ", ".join(f"{name} {size}" for name, size in opened.sizes.items())
    if "time" in opened.variables:
        time = opened["time"].values.ravel()
        time = time[~np.isnat(time)] if time.dtype.kind == "M" else time[:0]
        if time.size:
            facts["period"] = f"{str(time.min())[:19]} to {str(time.max())[:19]} UTC"
    for names in (("longitude", "latitude"), ("lon", "lat")):
        if all(name in opened.variables for name in names):
            x, y = (opened[name].values for name in names)
            if np.isfinite(x).any() and np.isfinite(y).any():
                facts["extent"] = _extent(np.nanmin(x), np.nanmin(y), np.nanmax(x), np.nanmax(y))
            break
    return facts


def _tell_raster(band: Any) -> dict[str, str]:
    rows, columns = band.shape
    a, b, west, d, e, north = band.transform
    facts = {"size": f"{rows} rows, {columns} columns, {band.dtype}", "crs": _system(band.crs)}
    if not (b or d):
        facts["cells"] = f"{abs(a):g} x {abs(e):g} in units of the crs"
        x, y = sorted((west, west + columns * a)), sorted((north, north + rows * e))
        facts["extent"] = f"{x[0]:.6g} to {x[1]:.6g}, {y[0]:.6g} to {y[1]:.6g} in units of the crs"
    facts["nodata"] = "not stated" if band.nodata is None else f"{band.nodata:g}"
    return facts


def _system(crs: Any) -> str:
    if not crs:
        return "not stated"
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else "geographic, without a code" if crs.is_geographic else "without a code"


def _named(held: Mapping[Any, Any], names: tuple[str, ...]) -> dict[str, str]:
    return {name: str(held[name]) for name in names if held.get(name)}


def _extent(west: float, south: float, east: float, north: float) -> str:
    return f"west {west:.3f}, south {south:.3f}, east {east:.3f}, north {north:.3f}"
