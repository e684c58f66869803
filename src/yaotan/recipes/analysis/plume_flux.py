"""One scene of a study as part of a mean: mass on a grid round each source, flux by travel time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import xarray as xr

from yaotan.catalog.nox import NoxRatio, find_nox_ratio
from yaotan.errors import SchemaError
from yaotan.io.digest import sha256
from yaotan.io.write import write
from yaotan.plume.choice import choose_winds, nearest
from yaotan.plume.effective import NO_WIND, EffectiveWind
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.fluxgrid import half_cells, read_flux
from yaotan.plume.mass import column_mass, find_column
from yaotan.plume.travel import read_travel, travel_edges
from yaotan.recipes.analysis.plume_scene import (
    Finder,
    cut_file,
    label_part,
    reason_text,
    scene_key,
    wind_options,
)
from yaotan.recipes.context import Context
from yaotan.recipes.plume_option import PlumeOptions
from yaotan.recipes.season_option import SeasonOptions
from yaotan.recipes.step import Step

#: sources and wind of a study, opened when a step asks for them
Opened = Callable[[], tuple[gpd.GeoDataFrame, Finder]]
#: status of a scene that takes part in a mean
USED: Final = "used"
#: what of a scene's attributes the estimates need
_ATTRIBUTES: Final = ("plume_substance", "mass_corrections", "mass_uncertainty")
#: options of the scenes that decide what is read from one
_SHARED: Final = (
    *("product", "quality", "columns", "wind", "wind_source", "gas", "winds", "mass"),
    *("speed_error", "direction_error"),
)


@dataclass
class ScenePiece:
    """What one file adds to the means.

    Parameters
    ----------
    parts : list of xarray.Dataset
        By part of the file, dims ``source, y, x, width, bin``: ``mass`` and ``variance`` of `SceneFlux`,
        ``travel_flux`` of `read_travel`, ``<method>_status`` (`USED`, or why the scene gives nothing),
        ``wind_u``, ``wind_v``, ``wind_speed_uncertainty``, ``time``, ``scene``.
    failures : list of (str, str)
        Name of the part and why it could not be used.
    outside : int
        Sources that the file does not see.
    """

    parts: list[xr.Dataset] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    outside: int = 0


def flux_step(
    context: Context, season: SeasonOptions, file: str, shared: Mapping[str, str], opened: Opened
) -> Step:
    """Make the step that reads one scene for the means.

    Parameters
    ----------
    context : Context
        Facts of the run.
    season : SeasonOptions
        Which means.
    file : str
        Scene.
    shared : mapping
        Hashes of the list of sources and of the wind.
    opened : callable
        Gives sources and wind.

    Returns
    -------
    Step
        Outputs ``.steps/plumes/<key>_<part>_flux.nc``; the summary names the parts that could not be used.
    """
    options = context.study.plumes
    assert options is not None
    known = context.relative(file)
    key = scene_key(known)
    period = season.period or context.study.period

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        sources, winds = opened()
        found = read_file(file, sources, winds, options, season, period=period)
        stem = context.folder / ".steps" / "plumes" / key
        paths = [
            write(part, stem.with_name(f"{key}_{number}_flux.nc")) for number, part in enumerate(found.parts)
        ]
        return paths, {"scene": known, "failures": found.failures, "outside": found.outside}

    held = options.model_dump(include=set(_SHARED))
    return Step(
        f"plume-flux-{key}",
        {f"scene: {known}": sha256(Path(file)), **shared},
        {**held, "season": season.reading, "period": period},
        work,
    )


def read_file(
    path: str,
    sources: gpd.GeoDataFrame,
    winds: Finder,
    options: PlumeOptions,
    season: SeasonOptions,
    *,
    period: tuple[Any, Any],
) -> ScenePiece:
    """Read what a file adds to the means; a part that cannot be used is named, and the next one is done.

    Returns
    -------
    ScenePiece
        Never an error of the data: those are ``failures``.
    """
    made = ScenePiece()
    name = Path(path).name
    one_gas = options.model_copy(update={"gas": season.gas or options.gas, "mask_gas": None})
    try:
        data, parts = cut_file(path, sources, one_gas)
        if "sounding" in data.dims:
            raise SchemaError("is a track of soundings", where="plumes.season", expected="images")
    except Exception as error:  # whatever a bad file does, the next one is done; what it was is told
        made.failures.append((name, reason_text(error, path)))
        return made
    made.outside = len(sources) - len({source for _, own in parts for source in own["source"]})
    for number, (part, own) in enumerate(parts):
        label = label_part(name, part, number, len(parts))
        try:
            piece = _read_part(part.load(), own, winds, one_gas, season)
        except Exception as error:
            made.failures.append((label, reason_text(error, path)))
            continue
        if in_period(period, piece["time"].values):
            made.parts.append(piece.assign(scene=("source", [label] * len(own))))
        else:
            made.failures.append((label, "outside the period of the season"))
    data.close()
    return made


def in_period(period: tuple[Any, Any], times: npt.NDArray[np.datetime64]) -> bool:
    """Tell whether a scene lies in a period, last day included; one without a time counts as in it."""
    known = times[~np.isnat(times)]
    first, last = (np.datetime64(day, "D") for day in period)
    return known.size == 0 or bool(first <= known.min().astype("datetime64[D]") <= last)


def _read_part(
    data: xr.Dataset, own: gpd.GeoDataFrame, winds: Finder, options: PlumeOptions, season: SeasonOptions
) -> xr.Dataset:
    massed = column_mass(
        data, variable=find_column(data, options.gas), **options.mass.model_dump(exclude_none=True)
    )
    times = nearest(massed, own)["time"]
    choice = season.choice or (options.winds[0] if options.winds else None)
    chosen = choose_winds(
        winds(data), own, times, None if choice is None else [choice], wind_options(options)
    )
    one = next(iter(chosen.values()))
    blown = [one if isinstance(one, EffectiveWind) else one.get(name, NO_WIND) for name in own["source"]]
    ratio = ratio_of(season, str(massed.attrs["plume_substance"]))
    parts: dict[str, Any] = {
        "wind_u": ("source", [wind.u for wind in blown]),
        "wind_v": ("source", [wind.v for wind in blown]),
        "wind_speed_uncertainty": ("source", [wind.speed_uncertainty for wind in blown]),
        "time": ("source", times),
    }
    rows = [own.iloc[place : place + 1] for place in range(len(own))]
    if "divergence" in season.methods:
        parts |= _flux_parts(massed, rows, blown, season, ratio)
    if "emg" in season.methods:
        parts |= _travel_parts(massed, rows, blown, season)
    attrs = {"kind": "scene flux"} | {name: massed.attrs[name] for name in _ATTRIBUTES}
    return xr.Dataset(parts, coords={"source": own["source"].to_numpy(dtype=str)}, attrs=attrs)


def ratio_of(season: SeasonOptions, substance: str) -> NoxRatio | None:
    """Give the ratio of NOx to NO2; None for other gases, and where the study wants NO2."""
    return find_nox_ratio(season.nox_ratio) if substance == "no2" and season.nox_ratio else None


def _flux_parts(
    scene: xr.Dataset,
    rows: list[gpd.GeoDataFrame],
    winds: list[EffectiveWind],
    season: SeasonOptions,
    ratio: NoxRatio | None,
) -> dict[str, Any]:
    size = 2 * half_cells(season.resolution, season.radius) + 1
    values = np.full((2, len(rows), size, size), np.nan)
    status = []
    for place, (row, wind) in enumerate(zip(rows, winds, strict=True)):
        try:
            found = read_flux(scene, row, wind, ratio=ratio, **season.grid)
        except NoEstimateError as none:
            status.append(none.status)
            continue
        values[:, place] = found.mass, found.variance
        status.append(USED)
    cells = ("source", "y", "x")
    return {
        "mass": (cells, values[0], {"units": "kg m-2"}),
        "variance": (cells, values[1], {"units": "kg2 m-4"}),
        "divergence_status": ("source", status),
    }


def _travel_parts(
    scene: xr.Dataset, rows: list[gpd.GeoDataFrame], winds: list[EffectiveWind], season: SeasonOptions
) -> dict[str, Any]:
    values = np.full((len(rows), 2, travel_edges(season.hours, season.step).size - 1), np.nan)
    status = []
    for place, (row, wind) in enumerate(zip(rows, winds, strict=True)):
        try:
            values[place] = read_travel(scene, row, wind, **season.way)
        except NoEstimateError as none:
            status.append(none.status)
            continue
        status.append(USED)
    return {
        "travel_flux": (("source", "width", "bin"), values, {"units": "kg s-1"}),
        "emg_status": ("source", status),
    }
