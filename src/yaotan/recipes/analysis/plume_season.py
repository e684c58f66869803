"""Many scenes of a source in a study: read one by one, added up, and estimated from the mean."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.errors import YaotanError
from yaotan.io.write import write
from yaotan.plume.divergence import fit_mean_flux
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.emg import fit_travel, fitted_curve
from yaotan.plume.fluxgrid import FluxSums, SceneFlux
from yaotan.plume.meanflux import make_field
from yaotan.plume.ratio import co2_from_nox
from yaotan.plume.season_table import count_neighbours, note_neighbours, season_rows, stack_estimates
from yaotan.plume.travel import TravelRows
from yaotan.recipes.analysis.plume_flux import USED, Opened, flux_step, ratio_of
from yaotan.recipes.context import Context
from yaotan.recipes.monthly import write_table
from yaotan.recipes.season_option import SeasonOptions
from yaotan.recipes.step import Step

Records = Mapping[str, Mapping[str, Any]]
#: sources without an estimate that are named one by one
_NAMED: Final = 5


@dataclass
class Gathered:
    """What scenes have added up to for one source; no scene is kept.

    Parameters
    ----------
    sums, rows
        Of the divergence, of emg; None where the study does not ask for it.
    attributes : dict
        Of the first scene: gas, corrections, error of the mass.
    """

    sums: FluxSums | None
    rows: TravelRows | None
    attributes: dict[str, Any] = field(default_factory=dict)

    def add(self, piece: xr.Dataset) -> None:
        """Add one scene of the source.

        Raises
        ------
        YaotanError
            It is of another gas than those before.
        """
        self.attributes = self.attributes or dict(piece.attrs)
        gases = [str(attrs["plume_substance"]) for attrs in (self.attributes, piece.attrs)]
        if gases[0] != gases[1]:
            raise YaotanError(
                f"scenes are of {gases[0]} and of {gases[1]}", where="plumes.season", fix="give gas"
            )
        wind = EffectiveWind(
            float(piece["wind_u"]),
            float(piece["wind_v"]),
            uncertainty={"wind_speed": float(piece["wind_speed_uncertainty"])},
        )
        if self.sums is not None:
            status = str(piece["divergence_status"].item())
            flux = SceneFlux(piece["mass"].values, piece["variance"].values)
            self.sums.add(flux if status == USED else status, wind)
        if self.rows is not None:
            status = str(piece["emg_status"].item())
            self.rows.add(piece["travel_flux"].values if status == USED else status, wind)


def do_season(
    context: Context,
    season: SeasonOptions,
    files: Sequence[str],
    shared: Mapping[str, str],
    opened: Opened,
    do: Callable[[Step], dict[str, Any]],
) -> None:
    """Do the steps of a season: scenes one by one, then what they make together."""
    (context.folder / "plumes" / "season").mkdir(parents=True, exist_ok=True)
    records = {}
    for file in files:
        step = flux_step(context, season, file, shared, opened)
        records[step.name] = do(step)
    do(season_step(context, season, records, shared, opened))


def check_season(context: Context, season: SeasonOptions, sources: gpd.GeoDataFrame) -> None:
    """Refuse a season whose options name what the study does not have.

    Raises
    ------
    YaotanError
        A ratio is of a source that is not in the list, a height is asked of a table of winds, or the period
        reaches beyond that of the study.
    """
    options, (start, end) = context.study.plumes, context.study.period
    assert options is not None
    if season.period is not None and not start <= season.period[0] <= season.period[1] <= end:
        raise YaotanError(
            f"the period {season.period[0]} to {season.period[1]} is not within that of the study",
            where="plumes.season.period",
            expected=f"{start} to {end}, or a part of it",
        )
    unknown = sorted(set(season.co2_ratio) - set(sources["source"]))
    if unknown:
        raise YaotanError(
            f"{unknown[0]!r} is no source",
            where="plumes.season.co2_ratio",
            expected=f"identifiers of the list of sources, such as {sources['source'].iloc[0]}",
        )
    first = options.wind if isinstance(options.wind, str) else options.wind[0]
    if season.choice is not None and Path(first).suffix.lower() in (".csv", ".xlsx"):
        raise YaotanError(
            "winds of a table are of one height", where="plumes.season.choice", fix="leave choice out"
        )


def season_step(
    context: Context, season: SeasonOptions, records: Records, shared: Mapping[str, str], opened: Opened
) -> Step:
    """Make the step that adds up the scenes and estimates emissions.

    Parameters
    ----------
    context : Context
        Facts of the run.
    season : SeasonOptions
        Which means.
    records : mapping
        Records of the steps of the scenes (`flux_step`).
    shared : mapping
        Hashes of the list of sources and of the wind.
    opened : callable
        Gives sources and wind.

    Returns
    -------
    Step
        Outputs ``plumes/season.csv`` and ``.parquet`` (GeoParquet), ``season_scenes.csv`` and ``.parquet``,
        ``season_<method>_<gas>.nc`` (estimates), ``season/<number>_<method>.nc`` (mean flux field, travel
        curve). Memory holds the sums of every source and one scene.
    """
    folder = context.folder / "plumes"

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        sources, _ = opened()
        held, told = gather(read_pieces(context.folder, records), season)
        scenes = pd.concat([*told, _failures(records)], ignore_index=True)
        paths = write_table(scenes, folder / "season_scenes")
        summary: dict[str, Any] = {"facts": _facts(records, scenes), "drawn": {}, "skipped": []}
        if not held:
            nothing = {"variable": "season", "code": "other", "reason": "no scene sees a source"}
            summary["skipped"].append(nothing)
            return paths, summary
        made: dict[tuple[str, str], list[xr.Dataset]] = {}
        for name, one in held.items():
            row = sources[sources["source"] == name].reset_index(drop=True)
            near = count_neighbours(row, sources, season.radius)
            for estimate, drawn in estimate_source(one, row, season, neighbours=near):
                kind = str(estimate.attrs["method"]), str(estimate.attrs["substance"])
                made.setdefault(kind, []).append(estimate)
                if drawn is not None:
                    target = folder / "season" / f"{len(summary['drawn']):03d}_{kind[0]}.nc"
                    paths.append(write(drawn, target))
                    summary["drawn"][target.name] = [f"season_{kind[0]}_{kind[1]}.nc", name]
        stacked = [stack_estimates(parts) for parts in made.values()]
        paths += [
            write(one, folder / f"season_{one.attrs['method']}_{one.attrs['substance']}.nc")
            for one in stacked
        ]
        table = season_rows(stacked, scenes)
        summary["skipped"] += _without(table)
        points = gpd.points_from_xy(table["longitude"], table["latitude"], crs=4326)
        paths += [
            write(table, folder / "season.csv"),
            write(gpd.GeoDataFrame(table, geometry=points), folder / "season.parquet"),
        ]
        return paths, summary

    inputs = {path: digest for record in records.values() for path, digest in record["outputs"].items()}
    summaries = {name: record["summary"] for name, record in records.items()}
    digest = hashlib.sha256(json.dumps(summaries, sort_keys=True).encode()).hexdigest()
    return Step("plume-season", {**inputs, **shared, "summaries": digest}, season.model_dump(), work)


def read_pieces(folder: Path, records: Records) -> Iterator[xr.Dataset]:
    """Read what the scenes left, one at a time."""
    for record in records.values():
        for path in record["outputs"]:
            with xr.open_dataset(folder / path, engine="h5netcdf") as piece:
                yield piece.load()


def gather(
    pieces: Iterator[xr.Dataset], season: SeasonOptions
) -> tuple[dict[str, Gathered], list[pd.DataFrame]]:
    """Add scenes up by source.

    Returns
    -------
    held : dict of str to Gathered
        By source, of those that a scene sees.
    told : list of pandas.DataFrame
        By scene, a row for each source and method: whether the scene was used, or why not.
    """
    held: dict[str, Gathered] = {}
    told = []
    for piece in pieces:
        for place, name in enumerate(piece["source"].values.astype(str)):
            if name not in held:
                held[name] = Gathered(
                    FluxSums(**season.grid) if "divergence" in season.methods else None,
                    TravelRows(**season.way) if "emg" in season.methods else None,
                )
            held[name].add(piece.isel(source=place))
        told += [_rows(piece, method) for method in season.methods]
    return held, told


def estimate_source(
    one: Gathered, row: gpd.GeoDataFrame, season: SeasonOptions, *, neighbours: int = 0
) -> Iterator[tuple[xr.Dataset, xr.Dataset | None]]:
    """Give the estimates of one source, each with what draws it; those of CO2 by NOx have no drawing.

    With neighbours inside the grid estimates carry the caution ``overlap``: they disturb the constant.
    """
    ratio = ratio_of(season, str(one.attributes["plume_substance"]))
    made: list[tuple[xr.Dataset, xr.Dataset | None]] = []
    if one.sums is not None:
        drawn = make_field([one.sums], row, one.attributes, ratio=ratio, **season.grid)
        decay = season.lifetime or np.inf
        made.append((fit_mean_flux(drawn, row, decay_time=decay, wind_error=season.wind_error), drawn))
    if one.rows is not None:
        curve = one.rows.curve(one.attributes)
        estimate = fit_travel(curve, row, ratio=ratio, wind_error=season.wind_error)
        fitted = fitted_curve(curve, estimate, ratio=ratio)
        # the flux of each scene as it was read, without the ratio, beside the mean with it
        scenes = curve.rename(flux="scene_flux")
        scenes["scene_flux"].attrs["substance"] = curve.attrs["substance"]
        drawn = fitted.merge(scenes, combine_attrs="override").assign_attrs(curve.attrs | fitted.attrs)
        made.append((estimate, drawn))
    made = [(note_neighbours(estimate, neighbours), drawn) for estimate, drawn in made]
    yield from made
    name = str(row["source"].iloc[0])
    if name in season.co2_ratio:
        told = season.co2_ratio[name]
        for estimate, _ in made:
            yield co2_from_nox(estimate, told.value, told.uncertainty, source=told.source), None


def _rows(piece: xr.Dataset, method: str) -> pd.DataFrame:
    """Rows of one scene: whether it was used for each source."""
    u, v = piece["wind_u"].values, piece["wind_v"].values
    columns = {
        "scene": piece["scene"].values.astype(str),
        "source": piece["source"].values.astype(str),
        "method": method,
        "time": piece["time"].values,
        "status": piece[f"{method}_status"].values.astype(str),
        "reason": "",
        "wind_speed": np.hypot(u, v),
        "wind_direction": np.degrees(np.arctan2(-u, -v)) % 360.0,
    }
    return pd.DataFrame(columns)


def _failures(records: Records) -> pd.DataFrame:
    """Rows of scenes that could not be used at all."""
    pairs = [pair for record in records.values() for pair in record["summary"]["failures"]]
    columns = {
        "scene": [str(scene) for scene, _ in pairs],
        "source": "",
        "method": "",
        "time": np.full(len(pairs), np.datetime64("NaT"), "datetime64[ns]"),
        "status": "failed",
        "reason": [str(reason) for _, reason in pairs],
        "wind_speed": np.nan,
        "wind_direction": np.nan,
    }
    return pd.DataFrame(columns, index=range(len(pairs)))


def _facts(records: Records, scenes: pd.DataFrame) -> dict[str, Any]:
    return {
        "scenes": len(records),
        "failed": int((scenes["status"] == "failed").sum()),
        "outside": sum(int(record["summary"]["outside"]) for record in records.values()),
        "status": dict(Counter(scenes["status"])),
    }


def _without(table: pd.DataFrame) -> list[dict[str, str]]:
    """Name sources that have no estimate, and why."""
    none = table[(table["status"] != "estimated")]
    rows = [
        {
            "variable": f"{row['method']} of {row['name']}",
            "code": "too_few" if row["status"] == "too_few" else "other",
            "reason": f"{row['status']}: {row['reason']}",
        }
        for row in none.drop_duplicates(["source", "method"]).to_dict("records")
    ]
    if len(rows) > _NAMED:
        text = f"{len(rows) - _NAMED} more have no estimate (plumes/season.csv says why)"
        rows = [*rows[:_NAMED], {"variable": "season", "code": "other", "reason": text}]
    return rows
