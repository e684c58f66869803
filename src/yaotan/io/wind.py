"""Open winds: ERA5 on single and pressure levels, netCDF or GRIB, and the wind that a product brings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.catalog.source import is_yaml
from yaotan.catalog.wind import WindSource, read_winds, winds
from yaotan.errors import CatalogError, NotAGranuleError, SchemaError, YaotanError
from yaotan.io.bound import parse_period, parse_region
from yaotan.io.field import open_raw
from yaotan.io.paths import find_files, show_paths
from yaotan.io.trust import warn_unchecked
from yaotan.io.wind_file import WindPiece, WindRequest, holds_wind, read_piece
from yaotan.io.wind_grib import is_grib, open_grib
from yaotan.io.wind_merge import check_pairs, merge_pieces
from yaotan.typing import Paths, Period

_COMPONENTS: Final = ("wind_u", "wind_v")


def open_wind(
    paths: Paths | xr.Dataset,
    *,
    source: str = "era5",
    region: Any = None,
    period: Period | None = None,
    variables: Sequence[str] | None = None,
    margin: int = 1,
    trust_layout: bool = False,
) -> xr.Dataset:
    """Open winds and what goes with them as one lazy data set.

    Parameters
    ----------
    paths : path-like, sequence of path-like or xarray.Dataset
        Files of ERA5 (netCDF of the Climate Data Store, before and since September 2024, or GRIB), of several
        days and of single and pressure levels together, folders or patterns; or soundings that bring their
        own wind, as `open_soundings` gives them; or a granule of such a product.
    source : str
        Entry of ``catalogs/winds.yaml``, or path of a YAML file of the same form with one entry.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, west > east crosses the dateline; or polygons. The result is a
        rectangle of rows and columns around the cells whose centre lies in it.
    period : pair of ISO dates, optional
        Both included.
    variables : sequence of str, optional
        Canonical names wanted. Default: all that the files have.
    margin : int
        Rows and columns beyond the region, so that every place of it can be interpolated.
    trust_layout : bool
        Whether the layout is taken as known where the catalog has it from documents only.

    Returns
    -------
    xarray.Dataset
        Dims ``(time[, level], lat, lon)``: ``time`` UTC rising, ``level`` [hPa] from the ground up, ``lat``
        rising, ``lon`` rising in [-180, 180) (beyond an end only where the region crosses the dateline).
        Any of ``wind_u_10m``, ``wind_v_10m``, ``wind_u_100m``, ``wind_v_100m`` [m s-1],
        ``boundary_layer_height`` [m], ``surface_pressure`` [hPa], ``temperature_2m`` [K],
        ``surface_geopotential_height`` [m], and on levels ``wind_u``, ``wind_v``,
        ``geopotential_height`` [m], ``temperature`` [K], ``specific_humidity`` [kg kg-1];
        ``preliminary`` (time) says 1 where any variable is of ERA5T. Winds are eastward and northward (true
        north). ``attrs["reading"]`` is a JSON text with counts. Of soundings: dim ``sounding`` with ``time``,
        ``latitude``, ``longitude``, ``wind_u``, ``wind_v``.

    Raises
    ------
    NotAGranuleError
        A file is damaged, unknown, or brings no wind.
    SchemaError
        One component without the other; another grid, level or value in two files; a rotated or projected
        grid; an ensemble; no common time; nothing in the region.
    YaotanError
        An argument cannot be read.

    Warns
    -----
    UncheckedLayoutWarning
        The source's layout was never checked on a real file.
    """
    area, span = parse_region(region), parse_period(period)
    if isinstance(paths, xr.Dataset):
        return _wind_of(paths, area, span)
    if margin < 0:
        raise YaotanError(f"margin is {margin}", where="open_wind", expected="0 or more")
    known = _find_source(source)
    wanted = tuple(variables) if variables is not None else None
    unknown = sorted(set(wanted or ()) - set(known.variables))
    if unknown:
        raise YaotanError(
            f"{', '.join(unknown)} unknown", where="variables", expected=f"among {', '.join(known.variables)}"
        )
    request = WindRequest(known, area, wanted, margin)
    files = _wind_files(paths)
    pieces: list[WindPiece] = []
    for path in files:
        raws = open_grib(path) if is_grib(path) else [open_raw(path)]
        held = [raw for raw in raws if holds_wind(raw, known)]
        if not held:
            return _wind_of_granules(paths, path, region, period, trust_layout)
        found = [read_piece(raw, path, request) for raw in held]
        pieces += [piece for piece in found if piece.dataset.data_vars]
    _check_wanted(pieces, wanted, known, files)
    warn_unchecked(source, known.title["en"], trust_layout or known.checked == "file")
    check_pairs(pieces, known)
    return _finish(*merge_pieces(pieces, span), pieces, known, source)


def _find_source(name: str) -> WindSource:
    if is_yaml(name):
        entries = read_winds(name)
        if len(entries) != 1:
            raise CatalogError(f"has {len(entries)} entries", where=name, expected="one source of winds")
        return next(iter(entries.values()))
    known = winds()
    if name not in known:
        raise CatalogError(
            f"source of winds {name!r} is unknown", expected=f"one of {', '.join(sorted(known))}"
        )
    return known[name]


def _wind_files(paths: Paths) -> list[str]:
    """List files; in folders GRIB counts too."""
    items = [paths] if isinstance(paths, str) or not isinstance(paths, Sequence) else list(paths)
    found: dict[str, None] = {}
    for item in items:
        path = Path(item)
        if path.is_dir():
            grib = [
                str(p) for p in sorted(path.rglob("*")) if p.suffix in (".grib", ".grb", ".grib2", ".grb2")
            ]
            if grib:
                found.update(dict.fromkeys(grib))
                continue
        found.update(dict.fromkeys(find_files(item)))
    return list(found)


def _check_wanted(
    pieces: Sequence[WindPiece], wanted: tuple[str, ...] | None, source: WindSource, files: Sequence[str]
) -> None:
    present = {str(name) for piece in pieces for name in piece.dataset.data_vars}
    missing = [name for name in wanted or () if name not in present]
    if missing or not present:
        names = missing or ["wind_u_10m", "wind_v_10m"]
        raise SchemaError(
            f"{', '.join(missing) or 'every variable'} is not in the files",
            where=show_paths(list(files)),
            expected=f"among those present: {', '.join(sorted(present)) or 'none'}",
            fix=f"download {'; '.join(source.archive_of(name) for name in names)}",
        )


def _finish(
    made: xr.Dataset, notes: dict[str, Any], pieces: Sequence[WindPiece], source: WindSource, name: str
) -> xr.Dataset:
    made = made[[name for name in source.variables if name in made]]
    made["time"].attrs.update(standard_name="time", long_name="time (UTC)", axis="T")
    made["lat"].attrs.update(units="degrees_north", standard_name="latitude", axis="Y")
    made["lon"].attrs.update(units="degrees_east", standard_name="longitude", axis="X")
    if "level" in made.coords:
        made["level"].attrs.update(units="hPa", standard_name="air_pressure", positive="down", axis="Z")
    late = int(np.count_nonzero(made["preliminary"].values))
    made["preliminary"].attrs.update(
        long_name="whether any variable is preliminary (ERA5T) at this time",
        flag_values=np.array([0, 1], np.uint8),
        flag_meanings="final preliminary",
    )
    files = [
        {"file": piece.path, "times": int(piece.dataset.sizes["time"]), **piece.notes} for piece in pieces
    ]
    made.attrs.update(
        Conventions="CF-1.8",
        title=source.title["en"],
        wind_source=name,
        source=", ".join(dict.fromkeys(Path(piece.path).name for piece in pieces)),
        references=" ".join(source.references),
        licence=source.licence,
        preliminary_times=late,
        reading=json.dumps({"files": files, **notes}),
    )
    return made


def _wind_of(soundings: xr.Dataset, area: Any, span: Any) -> xr.Dataset:
    """Take the wind that soundings bring."""
    missing = [name for name in _COMPONENTS if name not in soundings]
    if missing or "sounding" not in soundings.dims:
        raise SchemaError(
            f"the soundings have no {' and no '.join(missing or ['dimension sounding'])}",
            where=str(soundings.attrs.get("product", "open_wind")),
            expected="soundings with wind_u and wind_v (eastward, northward)",
            fix="this product brings no wind: give files of ERA5",
        )
    made = soundings[[*_COMPONENTS]].reset_coords(drop=True)
    made = made.assign_coords({name: soundings[name] for name in ("time", "latitude", "longitude")})
    keep = np.ones(made.sizes["sounding"], dtype=bool)
    if area is not None:
        keep &= area.holds(made["latitude"].values, made["longitude"].values)
    if span is not None:
        time = made["time"].values
        keep &= (time >= span.start) & (time < span.end)
    if not keep.all():
        made = made.isel(sounding=np.flatnonzero(keep))
    made.attrs = {**soundings.attrs, "wind_source": "product"}
    return made


def _wind_of_granules(paths: Paths, path: str, region: Any, period: Any, trust: bool) -> xr.Dataset:
    """Read the wind that a product brings, of every quality: the wind does not depend on the retrieval."""
    from yaotan.io.soundings import open_soundings  # late: winds alone need no product

    try:
        soundings = open_soundings(paths, region=region, period=period, quality="all", trust_layout=trust)
    except NotAGranuleError as error:
        raise NotAGranuleError(
            f"holds no wind that is known ({error.what})",
            where=path,
            expected="ERA5 of the Climate Data Store (u10, v10, u, v ...), or a granule that brings its wind",
        ) from error
    return _wind_of(soundings, None, None)
