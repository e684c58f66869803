"""The one-degree maps of fossil CO2 of CDIAC: 64,800 numbers of text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from yaotan.errors import NotAGranuleError
from yaotan.geodesy import cell_area
from yaotan.io.inventory.emission import year_start
from yaotan.schema import check_grid
from yaotan.typing import PathLike
from yaotan.units import conversion

_YEAR: Final = re.compile(r"(?<!\d)(1[789]\d\d|20\d\d)(?!\d)")


def open_cdiac(path: PathLike, *, year: int | None = None) -> xr.Dataset:
    """Open a file ``gridcar.yyyy`` as a grid of fluxes.

    Parameters
    ----------
    path : path-like
        180 rows of 360 numbers, from 90 N southward and from 180 W eastward, 1e6 t of carbon in each cell
        and year (the producer's read-me, doi:10.3334/CDIAC/ffe.ndp058.2016).
    year : int, optional
        Default: the year in the name of the file.

    Returns
    -------
    xarray.Dataset
        Dims (time 1, lat 180, lon 360), rows from south to north: ``flux_fossil`` [kg m-2 s-1 of carbon,
        positive to the atmosphere] on the ellipsoid's areas. Emissions are spread by population: a model that
        learns from population is not to be scored on them.

    Raises
    ------
    NotAGranuleError
        The file holds other than 64,800 numbers, a number below 0, or no year is known.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "gridcar.2005"
    >>> _ = path.write_text("0.000000E+00 " * 64800)
    >>> grid = open_cdiac(path)
    >>> dict(grid.sizes)["lat"], str(grid.time.values[0])[:4]
    (180, '2005')
    """
    path = Path(path)
    found = _YEAR.findall(path.name)
    if year is None and len(found) != 1:
        raise NotAGranuleError("the name holds no year", where=path, fix="give year=")
    try:
        values = np.array(path.read_text(encoding="ascii").split(), dtype=float)
    except (OSError, ValueError) as error:
        raise NotAGranuleError(f"cannot be read as numbers ({error})", where=path) from error
    if values.size != 180 * 360 or not np.isfinite(values).all() or values.min() < 0:
        raise NotAGranuleError(
            f"holds {values.size} numbers from {values.min(initial=0.0):g}",
            where=path,
            expected="180 x 360 numbers of 0 or more",
        )
    lat, lon = np.arange(-90.0, 91.0), np.arange(-180.0, 181.0)
    rate = values.reshape(180, 360)[::-1] * conversion("Mt yr-1", "kg s-1")[0]
    start = year_start(year if year is not None else found[0])
    attributes = {
        "units": "kg m-2 s-1",
        "substance": "C",
        "positive": "to_atmosphere",
        "long_name": "fossil fuel, cement and flaring",
    }
    grid = xr.Dataset(
        {
            "flux_fossil": (("time", "lat", "lon"), (rate / cell_area(lat, lon))[None], attributes),
            "lat_bnds": (("lat", "bnds"), np.stack([lat[:-1], lat[1:]], axis=1)),
            "lon_bnds": (("lon", "bnds"), np.stack([lon[:-1], lon[1:]], axis=1)),
        },
        coords={
            "time": ("time", [start]),
            "lat": ("lat", lat[:-1] + 0.5, {"units": "degrees_north", "bounds": "lat_bnds"}),
            "lon": ("lon", lon[:-1] + 0.5, {"units": "degrees_east", "bounds": "lon_bnds"}),
        },
        attrs={
            "kind": "model",
            "product": "cdiac_gridcar",
            "source": path.name,
            "references": "doi:10.3334/CDIAC/ffe.ndp058.2016",
        },
    )
    return check_grid(grid)
