"""What is needed to draw one source: image, centre line, slices across the plume with fits; or track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import Geod

from yaotan.geodesy import distance
from yaotan.plume.detection import plume_of
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import PlumeResult
from yaotan.plume.flux import travel_speed
from yaotan.plume.line import make_line
from yaotan.plume.mass import find_column
from yaotan.plume.model import PlumeModel
from yaotan.plume.peak import PeakFit, peak_shape
from yaotan.plume.transect import transects

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]

_EARTH: Final = Geod(ellps="WGS84")
#: methods by how well their lines show a plume: the frame of a view is that of the first one with a fit
PREFERRED: Final = ("cross_section", "ime", "gaussian", "light_cross_section")
#: how far beyond the plume an image is shown [m], and its radius without a plume [m]
EDGE: Final = 20e3
BARE: Final = 80e3
#: wind is drawn as its way in this time [s]
HOUR: Final = 3600.0
#: points of a curve along a track
POINTS: Final = 241


def draw_view(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    results: Mapping[str, PlumeResult],
    wind: EffectiveWind,
    *,
    mask_variable: str | None = None,
) -> xr.Dataset:
    """Put together what is drawn of one source.

    Parameters
    ----------
    data : xarray.Dataset
        Scene (with plumes of `detect_plumes` where it was run) or soundings, with ``<v>_mass_factor``.
    source : geopandas.GeoDataFrame
        One row.
    results : mapping of str to PlumeResult
        By method, with their ``fit``.
    wind : EffectiveWind
        Wind of the source.
    mask_variable : str, optional
        Second gas, which gave the mask.

    Returns
    -------
    xarray.Dataset
        Of an image (attribute ``kind`` "image view"): ``column``, ``mask_column``, ``plume``, ``own`` with
        dims ``y, x`` around the source; the centre line (dim ``way``); mean columns of slices across it
        (dims ``transect, offset``) with the fits of each method; fluxes of lines (dim ``flux_line``). Of a
        track ("track view"): the soundings and the fitted curve (dim ``point``). All columns are in the unit
        of the variable. Parts without a fit are absent.
    """
    name = find_column(data, None)
    fits = {method: one.fit for method, one in results.items() if one.fit is not None}
    if "sounding" in data.dims:
        peak = next((fit for fit in fits.values() if isinstance(fit, PeakFit)), None)
        parts = _track(data, source, name, wind, peak)
    else:
        models = {method: fits[method] for method in PREFERRED if isinstance(fits.get(method), PlumeModel)}
        reach = max((float(one.layout.options.end) for one in models.values()), default=BARE - EDGE)
        parts = _image(data, source, name, mask_variable, reach + EDGE)
        if models:
            method, first = next(iter(models.items()))
            flux_wind = results[method].wind or wind
            parts |= {**_way(first, source), **_fluxes(first, flux_wind), **transects(models)}
            parts["method_of_frame"] = ((), method)
    view = xr.Dataset(parts)
    row = source.iloc[0]
    attrs = {
        "source": str(row["source"]),
        "source_name": str(row["name"]),
        "source_longitude": float(row.geometry.x),
        "source_latitude": float(row.geometry.y),
        "kind": "track view" if "sounding" in data.dims else "image view",
        "variable": name,
        "mask_variable": mask_variable or "",
        "units": str(data[name].attrs.get("units", "1")),
        "substance": str(data.attrs.get("plume_substance", "unknown")),
    }
    if wind.known:
        attrs |= {"wind_u": wind.u, "wind_v": wind.v}
    if "method_of_frame" in view:
        attrs["method"] = str(view["method_of_frame"].item())
        view = view.drop_vars("method_of_frame")
    return view.assign_attrs(attrs)


def to_degrees(source: gpd.GeoDataFrame, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Longitude and latitude of places east and north of a source [m]."""
    point = source.geometry.iloc[0]
    flat = np.hypot(x, y).ravel()
    azimuth = np.degrees(np.arctan2(x, y)).ravel()
    start = np.full(flat.size, point.x), np.full(flat.size, point.y)
    lon, lat, _ = _EARTH.fwd(*start, azimuth, flat)
    return np.reshape(lon, x.shape), np.reshape(lat, x.shape)


def centre_line(model: PlumeModel, count: int = 60) -> tuple[Floats, Floats, Floats]:
    """Fitted centre line of a plume: ``x, y`` east and north of the source, and the way along it [m]."""
    layout = model.layout
    x, y, way = layout.line.points(count)
    tangent = np.stack([np.gradient(x, way), np.gradient(y, way)])
    tangent /= np.hypot(*tangent)
    shift = layout.options.moves(way) @ model.shape[2:]
    used = way <= layout.options.end
    return (x - tangent[1] * shift)[used], (y + tangent[0] * shift)[used], way[used]


def trace_lines(
    shown: Sequence[tuple[gpd.GeoDataFrame, Mapping[str, PlumeResult], EffectiveWind]],
) -> gpd.GeoDataFrame:
    """Centre lines of the methods, and the way of an hour of wind from each source, as features.

    Parameters
    ----------
    shown : sequence
        Source (one row), results by method, wind.

    Returns
    -------
    geopandas.GeoDataFrame
        ``source``, ``method``, ``kind``, ``speed``, ``direction``, lines in longitude and latitude.
    """
    import geopandas as gpd
    import shapely

    rows: dict[str, list[Any]] = {name: [] for name in ("source", "method", "kind", "speed", "direction")}
    lines = []
    for source, results, wind in shown:
        traced = [
            (method, "centre_line", centre_line(one.fit)[:2], one.wind or wind)
            for method, one in results.items()
            if isinstance(one.fit, PlumeModel)
        ]
        if wind.known:
            ends = np.array([0.0, wind.u * HOUR]), np.array([0.0, wind.v * HOUR])
            traced.append(("", "wind", ends, wind))
        for method, kind, (x, y), own in traced:
            values = (str(source["source"].iloc[0]), method, kind, own.speed, own.direction)
            for name, value in zip(rows, values, strict=True):
                rows[name].append(value)
            lines.append(shapely.LineString(np.stack(to_degrees(source, x, y), -1)))
    return gpd.GeoDataFrame(rows, geometry=gpd.GeoSeries(lines, crs=4326), crs=4326)


def _way(model: PlumeModel, source: gpd.GeoDataFrame) -> dict[str, Any]:
    x, y, way = centre_line(model)
    lon, lat = to_degrees(source, x, y)
    return {
        "line_way": ("way", way, {"units": "m", "long_name": "way along the plume"}),
        "line_longitude": ("way", lon, {"units": "degrees_east"}),
        "line_latitude": ("way", lat, {"units": "degrees_north"}),
        "line_width": (
            "way",
            model.spread.width(way),
            {"units": "m", "long_name": "standard deviation of the plume across"},
        ),
    }


def _fluxes(model: PlumeModel, wind: EffectiveWind) -> dict[str, Any]:
    """Flux of each line with its noise; lines without pixels are left out."""
    variance = np.diag(model.covariance)
    good = np.isfinite(variance) & (variance < 1e6 * np.median(variance))
    way = model.layout.centre[good]
    speed = travel_speed(wind, way, history=True)
    return {
        "flux_way": ("flux_line", way, {"units": "m", "long_name": "way along the plume"}),
        "flux": ("flux_line", model.density[good] * speed, {"units": "kg s-1"}),
        "flux_uncertainty": ("flux_line", np.sqrt(variance[good]) * speed, {"units": "kg s-1"}),
    }


def _image(
    data: xr.Dataset, source: gpd.GeoDataFrame, name: str, second: str | None, radius: float
) -> dict[str, Any]:
    """Cut the image around the source."""
    point = source.geometry.iloc[0]
    near = distance(point.y, point.x, data["latitude"].values, data["longitude"].values) <= radius
    if not near.any():
        return {}
    rows, columns = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
    cut = data.isel(y=slice(rows[0], rows[-1] + 1), x=slice(columns[0], columns[-1] + 1))
    parts: dict[str, Any] = {"column": cut[name].variable}
    if second is not None and second != name and second in cut:
        parts["mask_column"] = cut[second].variable
    places = ("latitude", "longitude", "latitude_corner", "longitude_corner")
    parts |= {one: cut[one].variable for one in places if one in cut.variables}
    if "plume" in cut:
        number, _ = plume_of(data, str(source["source"].iloc[0]))
        parts["plume"] = cut["plume"].variable
        own = (cut["plume"].values == number) & (number > 0)
        parts["own"] = (cut["plume"].dims, own, {"long_name": "plume of this source"})
    return parts


def _track(
    data: xr.Dataset, source: gpd.GeoDataFrame, name: str, wind: EffectiveWind, peak: PeakFit | None
) -> dict[str, Any]:
    """Soundings along the track, moved onto it with the wind, and the fitted peak."""
    place = float(source.geometry.y.iloc[0]), float(source.geometry.x.iloc[0])
    line = make_line(data["latitude"].values, data["longitude"].values, place)
    along = line.shifted(line.crossing(wind.u, wind.v)) if wind.known else line.along
    column = np.asarray(data[name].values, float)
    units = data[name].attrs.get("units", "1")
    middle = 0.0 if peak is None else peak.centre
    parts: dict[str, Any] = {
        "along": ("sounding", along - middle, {"units": "m", "long_name": "way along the track"}),
        "column": ("sounding", column, {"units": units}),
        "latitude": ("sounding", data["latitude"].values, {"units": "degrees_north"}),
        "longitude": ("sounding", data["longitude"].values, {"units": "degrees_east"}),
    }
    if f"{name}_uncertainty" in data:
        parts["column_uncertainty"] = ("sounding", data[f"{name}_uncertainty"].values, {"units": units})
    if peak is None:
        return parts
    factor = float(np.nanmedian(data[f"{name}_mass_factor"].values))
    reach = 60e3 + 3.0 * peak.width
    x = np.linspace(-reach, reach, POINTS)
    level = np.nanmedian(column)
    background = level + (peak.level + peak.slope * x) / factor
    fit = background + peak.area * peak_shape(x, 0.0, peak.width) / factor
    return parts | {
        "fit_along": ("point", x, {"units": "m"}),
        "fit": ("point", fit, {"units": units, "long_name": "fitted plume and background"}),
        "fit_background": ("point", background, {"units": units, "long_name": "fitted background"}),
    }
