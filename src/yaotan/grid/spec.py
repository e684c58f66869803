"""What a grid is: edges of its cells, its coordinate reference system, and the CF coordinates of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import GridError
from yaotan.geodesy import band_area

#: Degrees (or share of a step) by which a bound may miss a whole number of cells through rounding.
_ROUNDING: Final = 1e-6
#: Full turn [degrees].
_TURN: Final = 360.0


def _edges(values: ArrayLike, name: str) -> NDArray[np.float64]:
    edges = np.array(values, dtype=float)
    if edges.ndim != 1 or edges.size < 2:
        raise GridError(
            f"{name} has shape {edges.shape}", expected="edges of at least one cell, shape (n + 1,)"
        )
    if not np.isfinite(edges).all():
        raise GridError(f"{name} holds a value that is not finite", expected="finite edges")
    step = np.diff(edges)
    if not ((step > 0).all() or (step < 0).all()):
        raise GridError(f"{name} is not strictly monotonic", expected="edges that all rise or all fall")
    edges.setflags(write=False)
    return edges


def _regular_edges(low: float, high: float, step: float, name: str) -> NDArray[np.float64]:
    if not (math.isfinite(step) and step > 0):
        raise GridError(f"resolution is {step!r}", where=name, expected="a number above 0")
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        raise GridError(f"bounds run from {low!r} to {high!r}", where=name, expected="lower below upper")
    exact = (high - low) / step
    cells = round(exact)
    if cells < 1 or abs(exact - cells) > _ROUNDING * max(1.0, exact * 1e-3):
        fitting = low + step * max(1, math.floor(exact + _ROUNDING))
        raise GridError(
            f"{name} from {low:g} to {high:g} holds {exact:.6g} cells of {step:g}",
            expected="a whole number of cells",
            fix=f"take {fitting:.9g} as upper bound, another resolution, or give the edges themselves",
        )
    # one multiplication for each edge: repeated addition would let rounding grow along the axis
    edges = low + ((high - low) / cells) * np.arange(cells + 1)
    edges[-1] = high
    return np.asarray(edges, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class GridSpec:
    """Edges of rectangular cells in one coordinate reference system.

    Parameters
    ----------
    y_edges : array_like
        ``(ny + 1,)`` edges, rising or falling: latitude [degrees] or northing [units of the CRS].
    x_edges : array_like
        ``(nx + 1,)`` rising edges: longitude [degrees] (from -180, from 0, or any other start; at most a full
        turn) or easting.
    crs : str
        Anything that pyproj reads; geographic systems give dims ``lat, lon``, projected ones ``y, x``.

    Raises
    ------
    GridError
        The edges cannot be those of a grid, or the CRS is unknown.

    Examples
    --------
    >>> spec = GridSpec.regular(0.5, (73, 3, 136, 54))
    >>> spec.shape
    (102, 126)
    >>> GridSpec([90, 60, 30], [0, 90, 180]).lat_edges.tolist()
    [90.0, 60.0, 30.0]
    """

    y_edges: NDArray[np.float64]
    x_edges: NDArray[np.float64]
    crs: str = "EPSG:4326"

    def __post_init__(self) -> None:
        object.__setattr__(self, "y_edges", _edges(self.y_edges, "y_edges"))
        object.__setattr__(self, "x_edges", _edges(self.x_edges, "x_edges"))
        if self.x_edges[0] > self.x_edges[-1]:
            raise GridError("x_edges fall", where="GridSpec", expected="rising eastward edges")
        if self.is_geographic:
            if np.abs(self.y_edges).max() > 90.0 + _ROUNDING:
                raise GridError(
                    f"latitude edges reach {self.y_edges[np.abs(self.y_edges).argmax()]:g}",
                    where="GridSpec",
                    expected="edges between -90 and 90 degrees",
                )
            if self.x_edges[-1] - self.x_edges[0] > _TURN + _ROUNDING:
                raise GridError(
                    f"longitudes span {self.x_edges[-1] - self.x_edges[0]:g} degrees",
                    where="GridSpec",
                    expected="at most 360 degrees",
                )

    @classmethod
    def regular(
        cls,
        resolution: float | tuple[float, float],
        bounds: tuple[float, float, float, float] = (-180.0, -90.0, 180.0, 90.0),
        crs: str = "EPSG:4326",
    ) -> GridSpec:
        """Make a grid of equal steps.

        Parameters
        ----------
        resolution : float or (float, float)
            Step, or (step in y, step in x), in units of the CRS.
        bounds : tuple of float
            (west, south, east, north), outer edges. With a geographic CRS west > east crosses the dateline.
        crs : str
            As in the class.

        Returns
        -------
        GridSpec
            Rows from south to north.

        Raises
        ------
        GridError
            The bounds do not hold a whole number of cells, or are upside down.

        Examples
        --------
        >>> GridSpec.regular(1.0).shape
        (180, 360)
        >>> GridSpec.regular((0.5, 0.625), (170, -10, -170, 10)).lon_edges[-1]
        np.float64(190.0)
        """
        try:
            dy, dx = (resolution, resolution) if np.isscalar(resolution) else resolution  # type: ignore[misc]
            west, south, east, north = map(float, bounds)
            dy, dx = float(dy), float(dx)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise GridError(
                f"resolution {resolution!r} or bounds {bounds!r} cannot be read",
                where="GridSpec.regular",
                expected="a number or (dy, dx), and (west, south, east, north)",
            ) from error
        if _crs(crs).is_geographic and west > east:
            east += _TURN
        return cls(_regular_edges(south, north, dy, "y"), _regular_edges(west, east, dx, "x"), crs)

    @classmethod
    def like(cls, other: xr.Dataset | xr.DataArray) -> GridSpec:
        """Take the cells of a grid or raster: its CF bounds, else edges half-way between its centres.

        Parameters
        ----------
        other : xarray.Dataset or xarray.DataArray
            With coordinates ``lat, lon`` or ``latitude, longitude`` or ``y, x``; the CRS is read from the
            grid mapping ``crs`` or ``spatial_ref`` (else EPSG:4326 for latitude and longitude).

        Returns
        -------
        GridSpec
            Same cells in the same order.

        Raises
        ------
        GridError
            No such coordinates, no CRS for y and x, a single centre without bounds, or centres that fall
            eastward.
        """
        for pair in (("lat", "lon"), ("latitude", "longitude"), ("y", "x")):
            if all(name in other.coords and other[name].ndim == 1 for name in pair):
                break
        else:
            raise GridError(
                f"has coordinates {list(other.coords)}",
                where="GridSpec.like",
                expected="1-D lat, lon or y, x",
            )
        crs = _crs_of(other, pair)
        limit = 90.0 if _crs(crs).is_geographic else math.inf
        return cls(_axis_edges(other, pair[0], limit), _axis_edges(other, pair[1], math.inf), crs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GridSpec) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[bytes, bytes, str]:
        return self.y_edges.tobytes(), self.x_edges.tobytes(), self.pyproj_crs.to_wkt()

    @cached_property
    def pyproj_crs(self) -> pyproj.CRS:
        """The coordinate reference system as pyproj holds it."""
        return _crs(self.crs)

    @cached_property
    def is_geographic(self) -> bool:
        """Whether the cells are bounded by latitudes and longitudes."""
        return bool(self.pyproj_crs.is_geographic)

    @property
    def is_full_circle(self) -> bool:
        """Whether the last column is the neighbour of the first."""
        return self.is_geographic and bool(abs(self.x_edges[-1] - self.x_edges[0] - _TURN) < 1e-9)

    @property
    def dims(self) -> tuple[str, str]:
        """Names of the two dimensions."""
        return ("lat", "lon") if self.is_geographic else ("y", "x")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y_edges.size - 1, self.x_edges.size - 1

    @property
    def lat_edges(self) -> NDArray[np.float64]:
        """Latitude edges ``(ny + 1,)`` [degrees] of a geographic grid."""
        self._need_geographic("lat_edges")
        return self.y_edges

    @property
    def lon_edges(self) -> NDArray[np.float64]:
        """Longitude edges ``(nx + 1,)`` [degrees] of a geographic grid."""
        self._need_geographic("lon_edges")
        return self.x_edges

    def _need_geographic(self, name: str) -> None:
        if not self.is_geographic:
            raise GridError(
                f"a projected grid has no {name}", where="GridSpec", fix="use y_edges and x_edges"
            )

    def row_area(self) -> NDArray[np.float64]:
        """Area per unit of x in each row: ``(ny,)`` [m2 per degree], or [m2 per metre] when projected."""
        if self.is_geographic:
            return band_area(self.y_edges) * (math.pi / 180.0)
        scale = self.pyproj_crs.axis_info[0].unit_conversion_factor
        return np.abs(np.diff(self.y_edges)) * scale**2

    def coords(self) -> xr.Dataset:
        """Give the CF coordinates: centres, bounds and grid mapping.

        Returns
        -------
        xarray.Dataset
            ``lat, lon, lat_bnds, lon_bnds, crs`` or ``y, x, y_bnds, x_bnds, crs``; no data variable.

        Examples
        --------
        >>> GridSpec.regular(90.0).coords()["lat"].values.tolist()
        [-45.0, 45.0]
        """
        out: dict[str, Any] = {}
        for dim, edges in zip(self.dims, (self.y_edges, self.x_edges), strict=True):
            centres = 0.5 * (edges[:-1] + edges[1:])
            out[dim] = (dim, centres, {**self._axis_attrs(dim), "bounds": f"{dim}_bnds"})
            out[f"{dim}_bnds"] = ((dim, "bnds"), np.stack([edges[:-1], edges[1:]], axis=1))
        out["crs"] = ((), np.int32(0), self.pyproj_crs.to_cf())
        return xr.Dataset(coords=out)

    def _axis_attrs(self, dim: str) -> dict[str, str]:
        if self.is_geographic:
            kind, axis = ("latitude", "Y") if dim == "lat" else ("longitude", "X")
            units = "degrees_north" if dim == "lat" else "degrees_east"
            return {"standard_name": kind, "long_name": kind, "units": units, "axis": axis}
        unit = self.pyproj_crs.axis_info[0].unit_name
        return {
            "standard_name": f"projection_{dim}_coordinate",
            "long_name": f"{dim} coordinate of projection",
            "units": "m" if unit == "metre" else unit,
            "axis": dim.upper(),
        }


def _crs(text: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError as error:
        raise GridError(
            f"the CRS {text!r} is unknown", where="GridSpec", expected='such as "EPSG:4326" or a WKT text'
        ) from error


def _crs_of(other: xr.Dataset | xr.DataArray, pair: tuple[str, str]) -> str:
    for name in ("crs", "spatial_ref"):
        if name in other.coords or (isinstance(other, xr.Dataset) and name in other.variables):
            attrs = other[name].attrs
            text = attrs.get("crs_wkt") or attrs.get("spatial_ref")
            if text:
                crs = _crs(text)
                authority = crs.to_authority()
                return ":".join(authority) if authority else crs.to_wkt()
    if pair != ("y", "x"):
        return "EPSG:4326"
    raise GridError(
        "has y and x but no coordinate reference system",
        where="GridSpec.like",
        fix="raster.rio.write_crs(...)",
    )


def _axis_edges(other: xr.Dataset | xr.DataArray, name: str, limit: float) -> NDArray[np.float64]:
    bounds = other[name].attrs.get("bounds")
    if bounds is not None and (bounds in other.coords or bounds in getattr(other, "data_vars", ())):
        pairs = np.asarray(other[bounds].values, dtype=float)
        if pairs.ndim == 2 and np.array_equal(pairs[1:, 0], pairs[:-1, 1]):
            return np.append(pairs[:, 0], pairs[-1, 1])
        raise GridError(f"{bounds} leaves gaps between cells", where="GridSpec.like", expected="joined cells")
    centres = np.asarray(other[name].values, dtype=float)
    if centres.size < 2:
        raise GridError(f"{name} has one centre and no bounds", where="GridSpec.like", expected="CF bounds")
    step = (centres[-1] - centres[0]) / (centres.size - 1)
    if np.allclose(np.diff(centres), step, rtol=1e-4, atol=0.0):
        edges = centres[0] + step * (np.arange(centres.size + 1) - 0.5)
    else:
        middle = 0.5 * (centres[1:] + centres[:-1])
        first, last = centres[0] - (middle[0] - centres[0]), centres[-1] + (centres[-1] - middle[-1])
        edges = np.concatenate([[first], middle, [last]])
    return np.clip(edges, -limit, limit)
