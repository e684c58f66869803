"""What a grid is: edges of its cells, its coordinate reference system, and the CF coordinates of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.geodesy import band_area
from yaotan.grid.edges import axis_edges, check_edges, crs_of, parse_crs, regular_edges

#: Degrees (or share of a step) by which a bound may miss a whole number of cells through rounding.
_ROUNDING: Final = 1e-6
#: Full turn [degrees].
_TURN: Final = 360.0


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
        object.__setattr__(self, "y_edges", check_edges(self.y_edges, "y_edges"))
        object.__setattr__(self, "x_edges", check_edges(self.x_edges, "x_edges"))
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
        if parse_crs(crs).is_geographic and west > east:
            east += _TURN
        return cls(regular_edges(south, north, dy, "y"), regular_edges(west, east, dx, "x"), crs)

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
        crs = crs_of(other, pair)
        limit = 90.0 if parse_crs(crs).is_geographic else math.inf
        return cls(axis_edges(other, pair[0], limit), axis_edges(other, pair[1], math.inf), crs)

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
        return parse_crs(self.crs)

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
