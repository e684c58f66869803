"""One pass over rasters: areas of classes or of pairs of classes by region, with sums of densities."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.carbon.class_layer import ClassLayer
from yaotan.carbon.histogram import SINGLE, label_histogram
from yaotan.carbon.lattice import Pieces, common_pieces
from yaotan.carbon.layer import Layer, Window
from yaotan.carbon.tally import Job, Sums, tally
from yaotan.carbon.weight import Method, make_weights
from yaotan.carbon.zone import WHOLE_ZONE, PolygonMask, ZoneLayer
from yaotan.errors import GridError, RegionError, SchemaError

#: pieces that are worked on at once: where pixels are only counted, and in general
_COUNTED: Final = 1 << 22
_GENERAL: Final = 1 << 20


@dataclass
class Overlay:
    """Rasters that are laid over one another; see `land_histogram`."""

    before: ClassLayer
    after: ClassLayer | None
    zones: ZoneLayer | PolygonMask | None
    densities: dict[str, Layer]
    method: Method
    squares: bool
    rows: Pieces = field(init=False)
    columns: Pieces = field(init=False)

    def __post_init__(self) -> None:
        land = [layer for layer in (self.before, self.after) if layer is not None]
        others = [self.zones] if isinstance(self.zones, ZoneLayer) else []
        layers: list[Layer] = [*land, *others, *self.densities.values()]
        self.numbers = {id(layer): number for number, layer in enumerate(layers)}
        reach = [layer.reach() for layer in land]
        split = max(layer.split() for layer in layers)
        self.rows, self.columns = (
            common_pieces(
                [None if layer.axes is None else layer.axes[k] for layer in layers],
                [ends[k] for ends in reach],
                split,
            )
            for k in (0, 1)
        )
        self.weights = make_weights(self.before.lattice, self.rows, self.columns, self.method)

    def windows(self) -> Iterator[Window]:
        """Cut the pieces along the chunks of the first raster."""
        plain = self.zones is None and not self.densities and self.weights.scale is None
        most = _COUNTED if plain and self.weights.uniform else _GENERAL
        chunks = self.before.raster.chunks or tuple((n,) for n in self.before.raster.shape)
        columns = _cut(self.columns.edges, np.cumsum((0, *chunks[1])), most)
        for part in _cut(self.rows.edges, np.cumsum((0, *chunks[0])), most):
            for other in columns:
                tall = max(1, most // (other.stop - other.start))
                for start in range(part.start, part.stop, tall):
                    yield Window(slice(start, min(part.stop, start + tall)), other)

    def run(self, workers: int | None) -> Sums:
        """Tally every window and add up in their order, so that the number of workers changes nothing."""
        jobs = Job(self.before, self.after, self.zones, self.densities, self.numbers, self.rows, self.columns,
                   self.weights)  # fmt: skip
        total = Sums.empty(len(jobs.zone_ids), jobs.cells, len(self.densities))
        count = workers or min(2, os.cpu_count() or 1)
        with ThreadPoolExecutor(count) as pool:
            waiting: deque[Future[Any]] = deque()
            try:
                for window in self.windows():
                    waiting.append(pool.submit(tally, jobs, window))
                    if len(waiting) > 2 * count:
                        total.add(waiting.popleft().result())
                while waiting:
                    total.add(waiting.popleft().result())
            except BaseException:
                for future in waiting:
                    future.cancel()
                raise
        return total


def _cut(edges: NDArray[np.float64], at: NDArray[np.int64], most: int) -> list[slice]:
    """Slices of pieces between the edges of chunks, and outside of them, of at most so many pieces."""
    places = np.unique(np.concatenate([[0, len(edges) - 1], np.searchsorted(edges, at)]))
    places = places[places <= len(edges) - 1]
    out = []
    for start, stop in pairwise(places.tolist()):
        parts = -(-(stop - start) // most)
        bounds = np.linspace(start, stop, parts + 1).astype(int).tolist()
        out += [slice(a, b) for a, b in pairwise(bounds)]
    return out


def land_histogram(
    before: xr.DataArray,
    after: xr.DataArray | None = None,
    *,
    regions: gpd.GeoDataFrame | xr.DataArray | None = None,
    densities: Mapping[str, xr.DataArray] | None = None,
    squares: bool = False,
    area: Method = "exact",
    workers: int | None = None,
) -> xr.Dataset:
    """Lay rasters over one another and sum areas (and densities) by class or pair of classes, and region.

    Rasters are read window by window, once, in constant memory. Those of one reference system are cut at the
    edges of all their pixels, so that lattices that differ are compared by exact shares; of a raster in
    another reference system the pixel under the middle of each piece is taken, with pieces of at most half
    its pixel.

    Parameters
    ----------
    before : xarray.DataArray
        Land classes with the attribute ``scheme``, as of `yaotan.io.raster.open_raster`. Its reference
        system is that of the overlay.
    after : xarray.DataArray, optional
        The same at a later date, in the same scheme.
    regions : geopandas.GeoDataFrame or xarray.DataArray, optional
        Polygons (``region_id``, ``name``, ``name_zh``) with their exact share of every pixel of `before`, or
        a raster of region codes.
    densities : mapping of str to xarray.DataArray, optional
        Rasters whose sums are wanted, missing is NaN; the attribute ``units`` is needed.
    squares : bool
        Whether sums of squares are wanted as well.
    area : {"exact", "planar"}
        On the WGS84 ellipsoid; or in the plane of the projection, only to match others.
    workers : int, optional
        Threads, by default two at most. The result does not depend on it.

    Returns
    -------
    xarray.Dataset
        A land histogram (`yaotan.carbon.histogram.check_histogram`), of the classes that occur.
        ``attrs["area_method"]`` says how areas were found.

    Raises
    ------
    SchemaError
        A raster does not say its scheme, schemes differ, a code is in no legend, a density has no unit.
    GridError
        Nothing is valid at every date: the rasters have no land in common.
    RegionError
        No region touches valid land.

    Examples
    --------
    >>> import rioxarray
    >>> axes = {"y": [1500.0, 500.0], "x": [500.0, 1500.0]}
    >>> codes = xr.DataArray(np.array([[1, 1], [2, 0]], dtype="uint8"), coords=axes, dims=("y", "x"))
    >>> land = codes.assign_attrs(scheme="clcd").rio.write_crs("EPSG:6933")
    >>> (land_histogram(land).area[0] / 1e6).round(3).values.tolist()
    [2.0, 1.0]
    """
    first = ClassLayer(before)
    second = None if after is None else ClassLayer(after, first.lattice)
    if second is not None and second.legend != first.legend:
        raise SchemaError(
            f"before is in {first.legend.scheme}, after in {second.legend.scheme}",
            where="land histogram",
            expected="one scheme",
            fix="bring both to one with reclassify(landuse, scheme), e.g. 'six_class'",
        )
    zones: ZoneLayer | PolygonMask | None = None
    if isinstance(regions, xr.DataArray):
        zones = ZoneLayer(regions, first.lattice)
    elif regions is not None:
        zones = PolygonMask(regions, first.lattice)
    layers, units = _densities(densities or {}, first)
    overlay = Overlay(first, second, zones, layers, area, squares)
    return _dataset(overlay, overlay.run(workers), units)


def _densities(
    rasters: Mapping[str, xr.DataArray], first: ClassLayer
) -> tuple[dict[str, Layer], dict[str, str]]:
    units = {}
    for name, raster in rasters.items():
        if not raster.attrs.get("units"):
            raise SchemaError(
                f"the density {name} has no unit", where="land histogram", fix="open it with open_raster"
            )
        if raster.attrs.get("scheme"):
            raise SchemaError(f"the density {name} is a raster of classes", where="land histogram")
        units[name] = str(raster.attrs["units"])
    return {name: Layer(raster, first.lattice) for name, raster in rasters.items()}, units


def _dataset(overlay: Overlay, sums: Sums, units: dict[str, str]) -> xr.Dataset:
    legend, codes = overlay.before.legend, overlay.before.codes
    size, zones = len(codes), overlay.zones.zones if overlay.zones is not None else WHOLE_ZONE
    pair = overlay.after is not None
    tables = {"area": sums.area, "count": sums.counts}
    for number, name in enumerate(overlay.densities):
        kept = ("_sum", "_square_sum", "_area") if overlay.squares else ("_sum", "", "_area")
        tables |= {name + end: sums.densities[number, k] for k, end in enumerate(kept) if end}
    data: dict[str, Any] = {}
    for name, table in tables.items():
        if not pair:
            data[name] = (("region", "class"), table[:, :size])
            continue
        square = table.reshape(len(zones), size + 2, size + 2)
        data[name] = (("region", "before", "after"), square[:, :size, :size])
        if name in ("area", "count"):
            for ending, dim in SINGLE.items():
                alone = square[:, :size, size] if dim == "before" else square[:, size, :size]
                data[f"{name}_{ending}"] = (("region", dim), alone)
    frame = xr.Dataset(data)
    _refuse_empty(frame, pair, overlay)
    there = _occurring(frame, pair)
    frame = frame.isel({dim: there for dim in ("class", "before", "after") if dim in frame.dims})
    out = label_histogram(frame, zones.ids, codes[there], legend.scheme, legend.names(), zones.names, units)
    out.attrs["area_method"] = "plane of the projection" if overlay.method == "planar" else "WGS84 ellipsoid"
    for name, layer in overlay.densities.items():
        said = {k: v for k, v in layer.raster.attrs.items() if k in ("quantity", "substance", "depth_cm")}
        out[f"{name}_sum"].attrs |= said
    return out


def _refuse_empty(frame: xr.Dataset, pair: bool, overlay: Overlay) -> None:
    if float(frame["area"].sum()) > 0.0:
        return
    alone = pair and float(frame["area_before_only"].sum()) > 0 and float(frame["area_after_only"].sum()) > 0
    if overlay.zones is not None:
        raise RegionError(
            "no region touches land that is valid at every date",
            where="land histogram",
            expected="regions on the rasters",
            fix="compare bounds and reference systems of regions and rasters",
        )
    raise GridError(
        "the two dates have no valid land in common" if alone else "no pixel is valid at every date",
        where="land histogram",
        expected="rasters that overlap",
        fix="compare their bounds, reference systems and nodata values",
    )


def _occurring(frame: xr.Dataset, pair: bool) -> NDArray[np.bool_]:
    if not pair:
        return np.asarray((frame["area"] > 0).any("region"))
    some = (frame["area"] > 0).any("region")
    there = some.any("after").values | some.any("before").values
    for ending in SINGLE:
        there = there | (frame[f"area_{ending}"] > 0).any("region").values
    return np.asarray(there)
