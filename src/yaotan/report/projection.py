"""Which equal-area projection fits a study, and what its map frame covers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

Floats = npt.NDArray[np.float64]

#: Albers equal-area conic as maps of China use it (105 E, standard parallels 25 N and 47 N)
CHINA: Final = "+proj=aea +lat_0=0 +lon_0=105 +lat_1=25 +lat_2=47 +ellps=WGS84 +units=m"
#: the main map of China ends here; what lies south of it is in the inset
CHINA_SOUTH: Final = 17.0
#: west, south, east, north of the customary inset of the South China Sea
INSET_BOUNDS: Final = (105.5, 2.5, 123.0, 24.5)


@cache
def _transformer(crs: pyproj.CRS, *, inverse: bool = False) -> pyproj.Transformer:
    source, target = (crs, "EPSG:4326") if inverse else ("EPSG:4326", crs)
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


@dataclass(frozen=True)
class MapFrame:
    """Projection and extent of a map.

    Parameters
    ----------
    crs : pyproj.CRS
        Equal-area projection.
    centre : float
        Its central meridian [degrees east].
    extent : tuple of float
        Left, bottom, right, top [m].
    outline : shapely.Geometry
        The study's bounds in the projection.
    borders : shapely.Geometry
        Regional boundaries as lines, simplified to what can be seen.
    labels : tuple of (name, name_zh, x, y, width)
        Points inside regions, largest region first; width of the region [m].
    inset : MapFrame, optional
        South China Sea.
    """

    crs: pyproj.CRS
    centre: float
    extent: tuple[float, float, float, float]
    outline: Any
    borders: Any
    labels: tuple[tuple[str, str, float, float, float], ...] = ()
    inset: MapFrame | None = None

    @property
    def aspect(self) -> float:
        """Height over width."""
        left, bottom, right, top = self.extent
        return (top - bottom) / (right - left)

    def degrees_along(self, extent: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
        """Give longitude and latitude along the edge of an extent; points off the globe are left out."""
        left, bottom, right, top = extent
        share = np.linspace(0, 1, 40)
        x = np.concatenate([left + (right - left) * share] * 2 + [np.full(40, left), np.full(40, right)])
        y = np.concatenate([np.full(40, bottom), np.full(40, top)] + [bottom + (top - bottom) * share] * 2)
        lon, lat = (np.asarray(part) for part in _transformer(self.crs, inverse=True).transform(x, y))
        good = np.isfinite(lon) & np.isfinite(lat)
        return (lon[good] - self.centre + 180) % 360 - 180 + self.centre, lat[good]

    def project(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Project degrees to metres."""
        x, y = _transformer(self.crs).transform(lon, lat)
        return np.asarray(x), np.asarray(y)


def _unwrap(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    return (west, south, east + 360 if east < west else east, north)


def fitting_projection(bounds: tuple[float, float, float, float]) -> tuple[str, float]:
    """Choose an equal-area projection for bounds in degrees: PROJ text and central meridian.

    Examples
    --------
    >>> fitting_projection((100, 20, 125, 45))
    ('+proj=laea +lat_0=32.5 +lon_0=112.5 +ellps=WGS84 +units=m', 112.5)
    >>> fitting_projection((-180, -60, 180, 80))[0].split()[0]
    '+proj=eqearth'
    """
    west, south, east, north = _unwrap(bounds)
    middle = ((west + east) / 2 + 180) % 360 - 180
    if east - west > 120 or north - south > 100:
        return f"+proj=eqearth +lon_0={middle} +ellps=WGS84 +units=m", middle
    return f"+proj=laea +lat_0={(south + north) / 2} +lon_0={middle} +ellps=WGS84 +units=m", middle


def _outline(bounds: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
    """Densified edge of the bounds in degrees, a hair inside so that it stays on one side of a seam."""
    west, south, east, north = _unwrap(bounds)
    share = np.linspace(0, 1, 60)
    lon = west + 1e-6 + (east - west - 2e-6) * share
    lat = south + (north - south) * share
    every_lon = np.concatenate([lon, np.full(60, lon[-1]), lon[::-1], np.full(60, lon[0])])
    every_lat = np.concatenate([np.full(60, south), lat, np.full(60, north), lat[::-1]])
    return every_lon, every_lat


def _pad(extent: tuple[float, ...], share: float) -> tuple[float, float, float, float]:
    left, bottom, right, top = extent
    pad = share * max(right - left, top - bottom)
    return left - pad, bottom - pad, right + pad, top + pad


def _finite(geometry: Any) -> bool:
    return bool(np.isfinite(shapely.get_coordinates(geometry)).all())


def _border_lines(shapes: list[Any], extent: tuple[float, float, float, float]) -> Any:
    """Join boundaries so that a shared one is drawn once, simplified to half a pixel of a 480 px map."""
    if not shapes:
        return shapely.MultiLineString()
    tolerance = (extent[2] - extent[0]) / 480 * 0.5
    lines = [shapely.boundary(shapely.simplify(shape, tolerance / 4)) for shape in shapes]
    joined = shapely.line_merge(shapely.unary_union(lines))
    return shapely.simplify(shapely.clip_by_rect(joined, *_pad(extent, 0.05)), tolerance)


def _label_points(regions: gpd.GeoDataFrame) -> tuple[tuple[str, str, float, float, float], ...]:
    rows = []
    for row in regions.itertuples():
        if row.geometry is None or row.geometry.is_empty or not _finite(row.geometry):
            continue
        largest = max(getattr(row.geometry, "geoms", [row.geometry]), key=lambda part: part.area)
        point = shapely.maximum_inscribed_circle(largest).coords[0] if largest.area else largest.coords[0]
        west, _, east, _ = largest.bounds
        name_zh = getattr(row, "name_zh", None)
        rows.append(
            (largest.area, (str(row.name), str(name_zh or row.name), point[0], point[1], east - west))
        )
    return tuple(row for _, row in sorted(rows, key=lambda pair: (-pair[0], pair[1][0])))


def covers_china(regions: gpd.GeoDataFrame) -> bool:
    """Tell whether regions reach from Xinjiang to the Ussuri and from Hainan to the Amur."""
    if not len(regions):
        return False
    west, south, east, north = regions.to_crs("EPSG:4326").total_bounds
    return bool(70 <= west <= 80 and 130 <= east <= 140 and south <= 22 and 50 <= north <= 56)


def make_frame(regions: gpd.GeoDataFrame, bounds: tuple[float, float, float, float]) -> MapFrame:
    """Choose projection and extent for a study.

    Parameters
    ----------
    regions : geopandas.GeoDataFrame
        Boundaries to draw, in any CRS; may be empty.
    bounds : (west, south, east, north)
        Degrees.

    Returns
    -------
    MapFrame
        Of China: Albers with an inset of the South China Sea when the boundaries reach there; else
        Lambert azimuthal equal-area, or Equal Earth for most of the globe.
    """
    china = covers_china(regions)
    definition, centre = (CHINA, 105.0) if china else fitting_projection(bounds)
    crs = pyproj.CRS.from_proj4(definition)
    plain = MapFrame(crs, centre, (0, 0, 1, 1), None, None)
    outline = shapely.Polygon(np.stack(plain.project(*_outline(bounds)), axis=-1))
    shapes: list[Any] = []
    labels: tuple[tuple[str, str, float, float, float], ...] = ()
    inset = None
    extent: tuple[float, ...] = outline.bounds
    if len(regions):
        local = regions.to_crs("EPSG:4326")
        if china:
            north = local.clip((-180, CHINA_SOUTH, 180, 90)).to_crs(crs)
            extent = tuple(north.total_bounds)
        projected = local.to_crs(crs)
        shapes = [shape for shape in projected.geometry if shape is not None and _finite(shape)]
        labels = _label_points(projected)
    padded = _pad(extent, 0.025)
    if china and bool(local.intersects(shapely.box(108, 2.5, 121, CHINA_SOUTH)).any()):
        area = shapely.Polygon(np.stack(plain.project(*_outline(INSET_BOUNDS)), axis=-1)).bounds
        inset = MapFrame(crs, centre, area, outline, _border_lines(shapes, area))
    return MapFrame(crs, centre, padded, outline, _border_lines(shapes, padded), labels, inset)


def _visible(lines: Any, pixel: float) -> Any:
    """Simplify lines to a pixel and leave out those that are shorter than two."""
    parts = shapely.get_parts(shapely.simplify(lines, pixel))
    return shapely.multilinestrings(parts[shapely.length(parts) > 2 * pixel])


def coarsen(frame: MapFrame, width: float) -> MapFrame:
    """Simplify a frame's boundaries for a map that is only `width` px wide; islets below 2 px go."""
    inset = frame.inset
    if inset is not None:
        inset = replace(
            inset, borders=_visible(inset.borders, (inset.extent[2] - inset.extent[0]) / width / 0.165)
        )
    pixel = (frame.extent[2] - frame.extent[0]) / width
    return replace(frame, borders=_visible(frame.borders, pixel), inset=inset)


def cell_corners(grid: xr.Dataset, frame: MapFrame) -> tuple[Floats, Floats]:
    """Project the corners of a grid's cells.

    Parameters
    ----------
    grid : xarray.Dataset
        Dims ``lat, lon`` with bounds, or ``y, x`` with bounds and a grid mapping ``crs``.
    frame : MapFrame
        Map.

    Returns
    -------
    tuple of ndarray, dims (rows + 1, columns + 1)
        x and y [m].
    """
    pair = ("lat", "lon") if "lat" in grid.dims else ("y", "x")
    first, second = (_edges(grid, dim) for dim in pair)
    if pair == ("lat", "lon"):
        # a hair inside, so that an edge on the seam of the projection stays on its side
        second = second + np.where(np.arange(second.size) == 0, 1e-6, 0) - 1e-7
        lon, lat = np.meshgrid(second, first)
        return frame.project(lon, lat)
    mapping = grid["crs"].attrs
    source = pyproj.CRS.from_user_input(mapping.get("crs_wkt") or mapping.get("spatial_ref"))
    x, y = np.meshgrid(second, first)
    east, north = pyproj.Transformer.from_crs(source, frame.crs, always_xy=True).transform(x, y)
    return np.asarray(east), np.asarray(north)


def _edges(grid: xr.Dataset, dim: str) -> Floats:
    name = grid[dim].attrs.get("bounds", f"{dim}_bnds")
    if name in grid:
        bounds = np.asarray(grid[name].values, float)
        return np.append(bounds[:, 0], bounds[-1, 1])
    centre = np.asarray(grid[dim].values, float)
    step = np.diff(centre)[0] if centre.size > 1 else 1.0
    return np.append(centre - step / 2, centre[-1] + step / 2)
