"""One band of a raster file, read window by window by any number of threads."""

from __future__ import annotations

import itertools
import math
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import rasterio
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from yaotan.errors import NotAGranuleError, RegionError

#: pixels of one chunk, about
_CHUNK: Final = 1 << 22
#: bytes of blocks that GDAL may keep: every block is used once
_CACHE: Final = 64 << 20
#: the sample that checks look at: pixels along an axis of an overview; else windows along an axis, their side
_SAMPLE: Final = 512
_PLACES: Final = 8
_SIDE: Final = 64


@dataclass(frozen=True)
class Band:
    """What one band says of itself."""

    shape: tuple[int, int]
    block: tuple[int, int]
    dtype: np.dtype[Any]
    transform: tuple[float, ...]
    crs: Any
    nodata: float | None
    scale: float
    offset: float
    units: str
    description: str
    tags: dict[str, str]


class RasterFile:
    """An array of one band that reads what is asked of it; each thread has the file open for itself.

    Parameters
    ----------
    source : str
        Path, or the text of a VRT.
    name : str
        For messages.
    band : int
        From 1.
    """

    ndim = 2

    def __init__(self, source: str, name: str, band: int) -> None:
        self.source, self.name, self.band = source, name, band
        self._open = threading.local()
        self.facts = self._read_facts()
        self.shape, self.dtype = self.facts.shape, self.facts.dtype

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_open"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open = threading.local()

    def __dask_tokenize__(self) -> Any:
        path = Path(self.source)
        found = path.stat() if not self.source.startswith("<") and path.exists() else None
        return (self.source, self.band, None if found is None else (found.st_mtime_ns, found.st_size))

    def _dataset(self) -> Any:
        if not hasattr(self._open, "file"):
            try:
                self._open.file = rasterio.open(self.source, sharing=False)
            except RasterioError as error:
                raise NotAGranuleError(
                    f"cannot be opened as a raster ({error})",
                    where=self.name,
                    expected="GeoTIFF, VRT or another format that GDAL reads",
                    fix="check the path",
                ) from error
        return self._open.file

    def _read_facts(self) -> Band:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE):
            file = self._dataset()
            if not 1 <= self.band <= file.count:
                raise NotAGranuleError(
                    f"has {file.count} band(s), not {self.band}", where=self.name, fix="give band="
                )
            index = self.band - 1
            return Band(
                (file.height, file.width),
                file.block_shapes[index],
                np.dtype(file.dtypes[index]),
                tuple(file.transform)[:6],
                file.crs,
                file.nodatavals[index],
                file.scales[index],
                file.offsets[index],
                file.units[index] or file.tags(self.band).get("units", ""),
                file.descriptions[index] or "",
                {**file.tags(), **file.tags(self.band)},
            )

    def files(self) -> list[Path]:
        """Files that the raster is made of: itself and, of a VRT, the tiles that it names."""
        own = [] if self.source.startswith("<") else [Path(self.source)]
        named = [Path(name) for name in self._dataset().files]
        return list(dict.fromkeys([*own, *(path for path in named if path.is_file())]))

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray[Any]:
        rows, columns = (slice(*k.indices(n)) for k, n in zip(key, self.shape, strict=True))
        window = Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        with rasterio.Env(GDAL_CACHEMAX=_CACHE):
            try:
                values = self._dataset().read(self.band, window=window)
            except RasterioError as error:
                raise NotAGranuleError(
                    f"rows {rows.start} to {rows.stop} cannot be read ({error})",
                    where=self.name,
                    fix="the file is damaged, or a tile of the mosaic is missing: get it again",
                ) from error
        return np.asarray(values[:: rows.step, :: columns.step])

    def sample(self) -> NDArray[Any]:
        """Pixels spread over the raster: all of a small one, or of its overview; else 8 x 8 windows."""
        small = math.prod(self.shape) <= _SAMPLE**2
        if small:
            return self[:, :].ravel()
        with rasterio.Env(GDAL_CACHEMAX=_CACHE):
            if self._dataset().overviews(self.band):
                shape = tuple(min(size, _SAMPLE) for size in self.shape)
                return np.asarray(self._dataset().read(self.band, out_shape=shape)).ravel()
        starts = (np.linspace(0, max(0, size - _SIDE), _PLACES).astype(int) for size in self.shape)
        places = itertools.product(*starts)
        return np.concatenate([self[row : row + _SIDE, col : col + _SIDE].ravel() for row, col in places])


def lazy_array(file: RasterFile, chunks: Any, part: tuple[slice, slice]) -> xr.DataArray:
    """Give a lazy array of a window of a file, with the centres of its pixels as coordinates.

    Parameters
    ----------
    file : RasterFile
        To be read.
    chunks : Any
        As dask takes them; None: whole blocks of the file, some four million pixels.
    part : tuple of slice
        Rows and columns.

    Returns
    -------
    xarray.DataArray
        Dims ``y, x``.
    """
    a, b, c, d, e, f = file.facts.transform
    if b or d:
        raise NotAGranuleError(
            "is rotated: its rows are no lines of one y",
            where=file.name,
            fix="warp it to a grid without rotation (gdalwarp)",
        )
    chosen = chunks if chunks is not None else _chunks(file)
    name = f"raster-{tokenize(file, chosen)}"
    data = da.from_array(file, chunks=chosen, name=name, lock=False, meta=np.empty((0, 0), dtype=file.dtype))
    y = f + e * (np.arange(file.shape[0]) + 0.5)
    x = c + a * (np.arange(file.shape[1]) + 0.5)
    whole = xr.DataArray(data, dims=("y", "x"), coords={"y": y, "x": x})
    return whole.isel(y=part[0], x=part[1])


def _chunks(file: RasterFile) -> tuple[int, int]:
    (height, width), (rows, columns) = file.shape, file.facts.block
    wide = width if rows < 16 or columns >= width else max(columns, min(width, 4096 // columns * columns))
    tall = max(1, _CHUNK // wide // rows) * rows
    return min(tall, height), min(wide, width)


def window_of(file: RasterFile, crs: Any, region: Any) -> tuple[slice, slice]:
    """Rows and columns that a region touches.

    Parameters
    ----------
    file : RasterFile
        Raster.
    crs : pyproj.CRS
        Its reference system.
    region : None, tuple or geopandas.GeoDataFrame
        (west, south, east, north) in degrees, or features.

    Returns
    -------
    tuple of slice
        Rows, columns.

    Raises
    ------
    RegionError
        The region lies outside the raster.
    """
    if region is None:
        return slice(0, file.shape[0]), slice(0, file.shape[1])
    import geopandas as gpd
    import pyproj

    if isinstance(region, gpd.GeoDataFrame):
        west, south, east, north = region.to_crs(crs).total_bounds
    else:
        turn = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        left, bottom, right, top = region
        west, south, east, north = turn.transform_bounds(left, bottom, right, top, densify_pts=41)
    a, _, c, _, e, f = file.facts.transform
    columns = sorted(((west - c) / a, (east - c) / a))
    rows = sorted(((south - f) / e, (north - f) / e))
    part = tuple(
        slice(max(0, int(np.floor(low + 1e-9))), min(size, int(np.ceil(high - 1e-9))))
        for (low, high), size in zip((rows, columns), file.shape, strict=True)
    )
    if any(one.stop <= one.start for one in part):
        raise RegionError(
            "the region lies outside the raster", where=file.name, fix="compare their bounds and CRS"
        )
    return part[0], part[1]


def with_crs(raster: xr.DataArray, crs: Any) -> xr.DataArray:
    """Give a raster its reference system.

    Parameters
    ----------
    raster : xarray.DataArray
        Dims ``y, x``.
    crs : Any
        As rioxarray takes it.

    Returns
    -------
    xarray.DataArray
        With the coordinate ``spatial_ref``.
    """
    import rioxarray  # noqa: F401  (registers the accessor; heavy, so late)

    with warnings.catch_warnings():
        # CF has no words for some projections; the well-known text that is written beside them has
        warnings.filterwarnings("ignore", message=".*lost in conversion to CF", category=UserWarning)
        placed: xr.DataArray = raster.rio.write_crs(crs)
    return placed


def read_band(path: Path) -> Band:
    """Read what the first band of a raster says of itself."""
    return RasterFile(str(path), str(path), 1).facts
