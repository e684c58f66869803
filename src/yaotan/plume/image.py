"""Pixels around a source: place in metres, size, value, and whether they belong to a plume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import SchemaError
from yaotan.geodesy import distance
from yaotan.plane import local_plane
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.mass import find_column

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class PixelSet:
    """Pixels with a value around one source; every array has one entry for each pixel.

    Parameters
    ----------
    x, y : numpy.ndarray
        Eastward and northward distance of the centre from the source [m], true north.
    edge_1, edge_2 : numpy.ndarray
        ``(n, 2)`` vectors from side to side of the pixel [m].
    value : numpy.ndarray
        Column in the variable's unit.
    sigma : numpy.ndarray
        Its random standard error.
    factor : numpy.ndarray
        Mass for a unit of it [kg m-2].
    row, column : numpy.ndarray
        Place in the image.
    label : numpy.ndarray
        Number of the plume, 0 for none.
    empty : tuple of numpy.ndarray
        ``x, y`` of pixels in the window without a value.
    """

    x: Floats
    y: Floats
    edge_1: Floats
    edge_2: Floats
    value: Floats
    sigma: Floats
    factor: Floats
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    label: NDArray[np.int64]
    empty: tuple[Floats, Floats]

    @cached_property
    def area(self) -> Floats:
        """Area of each pixel [m2]."""
        return np.abs(self.edge_1[:, 0] * self.edge_2[:, 1] - self.edge_1[:, 1] * self.edge_2[:, 0])

    @cached_property
    def width(self) -> float:
        """Typical width of a pixel: the root of the median area [m]."""
        return float(np.sqrt(np.median(self.area)))

    def take(self, chosen: Any) -> PixelSet:
        """Give some of the pixels."""
        names = [name for name in self.__dataclass_fields__ if name != "empty"]
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


def noise_of(values: Floats) -> float:
    """Random standard error of an image from differences of neighbours, robust against plumes and gradients.

    Parameters
    ----------
    values : numpy.ndarray
        ``(y, x)``, NaN where there is none.

    Returns
    -------
    float
        1.4826 x median absolute difference of second neighbours, over the root of 2; NaN without pairs.
    """
    pairs = [(values[:, 2:] - values[:, :-2]).ravel(), (values[2:] - values[:-2]).ravel()]
    steps = np.concatenate(pairs)
    steps = steps[np.isfinite(steps)]
    return (
        float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0)) if steps.size else np.nan
    )


def read_sigma(scene: xr.Dataset, name: str) -> Floats:
    """Random standard error of each pixel: ``<v>_uncertainty``, else one number from neighbours."""
    values = np.asarray(scene[name].values, float)
    if f"{name}_uncertainty" in scene:
        sigma = np.asarray(scene[f"{name}_uncertainty"].values, float)
        return np.where(sigma > 0.0, sigma, np.nan)
    return np.full(values.shape, noise_of(values))


def take_pixels(
    scene: xr.Dataset, source: gpd.GeoDataFrame, *, variable: str | None = None, radius: float = 150e3
) -> PixelSet:
    """Take the pixels of a scene within a distance of a source.

    Parameters
    ----------
    scene : xarray.Dataset
        Dims ``y, x``; ``latitude``, ``longitude``, their corners if it has them; the column variable, its
        ``<v>_mass_factor`` (1 where there is none: the caller works in the variable's unit), ``plume``.
    source : geopandas.GeoDataFrame
        One row.
    variable : str, optional
        Column variable.
    radius : float
        [m].

    Returns
    -------
    PixelSet
        The pixels with a value.

    Raises
    ------
    SchemaError
        The data are no image.
    NoEstimateError
        The source lies outside the image, or no pixel has a value.
    """
    name = find_column(scene, variable)
    if not {"y", "x"} <= set(scene[name].dims):
        raise SchemaError(f"{name} has dims {scene[name].dims}", where="plume image", expected="y, x")
    lat, lon = scene["latitude"].values, scene["longitude"].values
    lat0, lon0 = float(source.geometry.y.iloc[0]), float(source.geometry.x.iloc[0])
    box = _window(lat, lon, lat0, lon0, radius)
    cut = scene.isel(y=box[0], x=box[1])
    x, y = local_plane(cut["latitude"].values, cut["longitude"].values, lat0, lon0)
    edge_1, edge_2 = _edges(cut, x, y, lat0, lon0)
    _check_inside(x, y, edge_1, edge_2)
    value = np.asarray(cut[name].values, float)
    sigma = read_sigma(cut, name)
    factor = (
        np.asarray(cut[f"{name}_mass_factor"].values, float)
        if f"{name}_mass_factor" in cut
        else np.ones_like(value)
    )
    placed = np.isfinite(x) & np.isfinite(edge_1).all(-1) & np.isfinite(edge_2).all(-1)
    good = placed & np.isfinite(value) & np.isfinite(sigma) & np.isfinite(factor) & (np.hypot(x, y) <= radius)
    if not good.any():
        raise NoEstimateError("cloudy", f"no pixel within {radius / 1e3:.0f} km has a value")
    label = cut["plume"].values if "plume" in cut else np.zeros(value.shape, int)
    row, column = (np.asarray(part) for part in np.indices(value.shape))
    gone = placed & ~good & (np.hypot(x, y) <= radius)
    return PixelSet(
        x=x[good],
        y=y[good],
        edge_1=edge_1[good],
        edge_2=edge_2[good],
        value=value[good],
        sigma=sigma[good],
        factor=factor[good],
        row=row[good] + box[0].start,
        column=column[good] + box[1].start,
        label=label[good],
        empty=(x[gone], y[gone]),
    )


def _window(lat: Floats, lon: Floats, lat0: float, lon0: float, radius: float) -> tuple[slice, slice]:
    # a band of latitude first: most pixels of a swath are far away (a degree has 110.5 km or more)
    band = np.flatnonzero((np.abs(lat - lat0) <= radius / 110.5e3).any(axis=1))
    part = slice(int(band[0]), int(band[-1]) + 1) if band.size else slice(0, 0)
    away = distance(lat0, lon0, lat[part], lon[part])
    near = np.nan_to_num(away, nan=np.inf) <= radius
    if not near.any():
        raise NoEstimateError("outside", f"no pixel within {radius / 1e3:.0f} km of the source")
    rows, columns = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
    rows = rows + part.start
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _edges(cut: xr.Dataset, x: Floats, y: Floats, lat0: float, lon0: float) -> tuple[Floats, Floats]:
    """Vectors across each pixel: from corners where there are any, else from the distance of centres."""
    if "latitude_corner" in cut and "longitude_corner" in cut:
        corners = local_plane(cut["latitude_corner"].values, cut["longitude_corner"].values, lat0, lon0)
        corner = np.stack(corners, -1)  # (y, x, corner, 2), in order round the pixel
        one = (corner[..., 1, :] + corner[..., 2, :] - corner[..., 0, :] - corner[..., 3, :]) / 2.0
        two = (corner[..., 2, :] + corner[..., 3, :] - corner[..., 0, :] - corner[..., 1, :]) / 2.0
        return one, two
    if min(x.shape) < 2:
        raise NoEstimateError(
            "too_few", "an image of one line has pixels of unknown size: no corners are given"
        )
    place = np.stack([x, y], -1)
    return np.gradient(place, axis=1), np.gradient(place, axis=0)


def _check_inside(x: Floats, y: Floats, edge_1: Floats, edge_2: Floats) -> None:
    """Refuse a source that no pixel of the image holds (with half a pixel of slack for gaps of place)."""
    reach = np.maximum(np.hypot(*np.moveaxis(edge_1, -1, 0)), np.hypot(*np.moveaxis(edge_2, -1, 0)))
    away = np.hypot(x, y) / reach
    if not (away <= 1.0).any():
        nearest = float(np.nanmin(np.hypot(x, y))) / 1e3
        raise NoEstimateError(
            "outside", f"the source lies outside the image; the nearest pixel is {nearest:.0f} km away"
        )
