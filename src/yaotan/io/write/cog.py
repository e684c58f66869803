"""Cloud-optimised GeoTIFF of a raster or of one gridded variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from affine import Affine
from rasterio.windows import Window

from yaotan.errors import OutputError
from yaotan.io.write.format import Options
from yaotan.io.write.obs4mips import column_of

_BLOCK: Final = 512
_STRIP: Final = 1024
#: tolerated difference between the steps of an axis, in steps
_UNEVEN: Final = 1e-3
#: attributes of a raster that say what its values mean
_MEANING: Final = ("scheme", "quantity", "substance", "depth_cm")
_GEOTIFF_TYPES: Final = frozenset(
    ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
)


def write_cog(obj: xr.Dataset | xr.DataArray, path: Path, options: Options) -> None:
    """Write a raster, or one variable of a grid, as COG; each time step is a band.

    Rows run from north to south whatever the order in `obj`. A plain tiled GeoTIFF is filled strip by strip
    (the array is never in memory as a whole), then GDAL turns it into a COG with overviews.

    Parameters
    ----------
    obj : xarray.Dataset or xarray.DataArray
        Grid or raster, evenly spaced.
    path : pathlib.Path
        New file.
    options : Options
        `variable` names one of several; `compression` is the Deflate level.

    Raises
    ------
    OutputError
        The axes are uneven, the type has no GeoTIFF form, or the variable has to be named.
    """
    array = obj[column_of(obj, options)] if isinstance(obj, xr.Dataset) else obj
    names = ("lat", "lon") if "lat" in array.dims else ("y", "x")
    widths = {dim: _cell_width(obj, name) for dim, name in zip(("y", "x"), names, strict=True)}
    array, crs = _oriented(array, obj)
    if array.dtype == bool:
        array = array.astype("uint8")
    if str(array.dtype) not in _GEOTIFF_TYPES:
        raise OutputError(
            f"values of type {array.dtype} have no GeoTIFF form", expected=", ".join(sorted(_GEOTIFF_TYPES))
        )
    plain = path.with_name(path.stem + ".plain.tif")
    try:
        _write_plain(array, plain, crs, widths, options)
        integer = array.dtype.kind in "iu"
        rasterio.shutil.copy(
            plain,
            path,
            driver="COG",
            NUM_THREADS="ALL_CPUS",
            COMPRESS="DEFLATE",
            LEVEL=max(1, options.compression),
            PREDICTOR="YES",
            BLOCKSIZE=_BLOCK,
            OVERVIEWS="AUTO",
            # classes and counts may not be averaged
            OVERVIEW_RESAMPLING="NEAREST" if integer else "AVERAGE",
            BIGTIFF="IF_SAFER",
        )
    finally:
        plain.unlink(missing_ok=True)


def _oriented(array: xr.DataArray, obj: xr.Dataset | xr.DataArray) -> tuple[xr.DataArray, Any]:
    """Bring an array to dims ``(band, y, x)``, north up and west first, and find its CRS."""
    if {"lat", "lon"} <= set(array.dims):
        crs: Any = "EPSG:4326"
        array = array.rename(lat="y", lon="x")
    else:
        crs = _projected_crs(obj)
    extra = [dim for dim in array.dims if dim not in ("y", "x")]
    if len(extra) > 1:
        raise OutputError(f"a COG cannot hold dims {array.dims}", expected="y, x and at most one more")
    array = array.expand_dims("band") if not extra else array.rename({extra[0]: "band"})
    array = array.transpose("band", "y", "x")
    for dim, descending in (("y", True), ("x", False)):
        values = array[dim].values
        if len(values) > 1 and (values[0] > values[-1]) != descending:
            array = array.isel({dim: slice(None, None, -1)})
    return array, crs


def _projected_crs(obj: xr.Dataset | xr.DataArray) -> Any:
    import rioxarray  # noqa: F401  (registers the accessor)

    if obj.rio.crs is not None:
        return obj.rio.crs
    for name in ("crs", "spatial_ref"):
        if name in getattr(obj, "variables", obj.coords) and "crs_wkt" in obj[name].attrs:
            return obj[name].attrs["crs_wkt"]
    raise OutputError("the grid has no coordinate reference system", expected="a grid mapping crs")


def _step(values: np.ndarray, dim: str, width: float | None) -> tuple[float, float]:
    """Give the first outer edge and the signed step of an even axis; `width` serves an axis of one cell."""
    values = values.astype("float64")
    if len(values) < 2:
        if width is None:
            raise OutputError(f"{dim} has one value and no bounds", expected="bounds, or two cells and more")
        step = -width if dim == "y" else width
    else:
        step = float(values[-1] - values[0]) / (len(values) - 1)
        if np.abs(np.diff(values) / step - 1).max() > _UNEVEN:
            raise OutputError(
                f"{dim} is not evenly spaced", expected="equal steps", fix="regrid, or write netCDF"
            )
    return float(values[0] - step / 2), step


def _cell_width(obj: xr.Dataset | xr.DataArray, dim: str) -> float | None:
    bounds = obj[dim].attrs.get("bounds")
    if not isinstance(obj, xr.Dataset) or bounds not in obj.variables:
        return None
    low, high = obj[bounds].values[0]
    return float(abs(high - low))


def _write_plain(
    array: xr.DataArray, path: Path, crs: Any, widths: dict[str, float | None], options: Options
) -> None:
    (left, dx), (top, dy) = (_step(array[dim].values, dim, widths[dim]) for dim in ("x", "y"))
    count, height, width = array.shape
    integer = array.dtype.kind in "iu"
    fill = array.attrs.get("_FillValue", array.encoding.get("_FillValue"))
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=str(array.dtype),
        count=count,
        height=height,
        width=width,
        crs=crs,
        transform=Affine(dx, 0, left, 0, dy, top),
        nodata=fill if integer else float("nan"),
        tiled=True,
        blockxsize=_BLOCK,
        blockysize=_BLOCK,
        BIGTIFF="IF_SAFER",
    ) as target:
        _describe(target, array, options)
        data = (
            array.data if hasattr(array.data, "dask") else da.from_array(array.data, chunks=(1, _STRIP, -1))
        )
        for band in range(count):
            for row in range(0, height, _STRIP):
                strip = np.asarray(data[band, row : row + _STRIP])
                target.write(strip, band + 1, window=Window(0, row, width, len(strip)))


def _describe(target: Any, array: xr.DataArray, options: Options) -> None:
    units, name = str(array.attrs.get("units", "")), str(array.name or "raster")
    long_name = str(array.attrs.get("long_name", name))
    labels: Any = array["band"].values if "band" in array.coords else []
    for index in range(1, target.count + 1):
        label = labels[index - 1] if len(labels) else None
        when = np.datetime_as_string(label, "D") if isinstance(label, np.datetime64) else label
        target.set_band_description(index, name if when is None else f"{name} {when}")
        target.update_tags(index, units=units, long_name=long_name)
        if units:
            target.set_band_unit(index, units)
    # what the values mean goes with them: `open_raster` reads it back
    said = {key: array.attrs[key] for key in _MEANING if key in array.attrs}
    texts = {key: str(value) for key, value in {**said, **(options.attributes or {})}.items()}
    target.update_tags(units=units, long_name=long_name, variable=name, date_created=options.date, **texts)
