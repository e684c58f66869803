"""The commands of point sources: run, write, say what came out."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pandas as pd

from yaotan.errors import YaotanError
from yaotan.io.source import open_sources
from yaotan.io.tabular import read_parquet
from yaotan.io.write import write
from yaotan.plume.annual import annual_emission
from yaotan.plume.observability import detection_law
from yaotan.plume.observable import observable_sources
from yaotan.plume.source import make_sources
from yaotan.plume.table import estimate_of_table, estimate_table
from yaotan.recipes.inventory import Progress
from yaotan.recipes.plume import quantify_files
from yaotan.units import convert

#: lines of each kind that are said
_SHOWN: Final = 10
#: unit of a year and how it is written: of other gases, of CO2
_YEARLY: Final = (("Gg yr-1", "kt/yr"), ("Tg yr-1", "Mt/yr"))


def quantify_scenes(
    files: list[str], sources: str | None, wind: list[str] | None, progress: Progress | None, **options: Any
) -> None:
    """Quantify files, and say emissions, what has none and why, and what could not be used.

    Raises
    ------
    YaotanError
        Sources or wind are not given, or no file could be used.
    """
    if sources is None or not wind:
        raise YaotanError("sources and wind are needed", where="plume", expected="--sources FILE --wind FILE")
    kernel = options.pop("kernel")
    made = quantify_files(
        files,
        sources=sources,
        wind=wind[0] if len(wind) == 1 else wind,
        columns=named_columns(options.pop("columns")),
        kernel=kernel if kernel in (None, "product") else _number(kernel),
        progress=progress,
        **options,
    )
    for scene, reason in made.failures.itertuples(index=False):
        print(f"failed {scene}: {reason}", file=sys.stderr)
    if made.scenes and len(made.failures) and made.estimates.empty:
        raise YaotanError(f"none of {made.scenes} files could be used", where="plume")
    _say(made.estimates)
    counts = Counter(made.estimates["status"]) if len(made.estimates) else Counter[str]()
    words = ", ".join(f"{status} {count}" for status, count in counts.most_common())
    print(f"{made.scenes} files: {words or 'no source in them'}; {made.outside} times a source lay outside")
    if made.paths:
        print(f"tables: {made.paths[0].parent}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise YaotanError(f"kernel is {text!r}", where="plume", expected="product, or a number") from error


def named_columns(pairs: list[str] | None) -> dict[str, str] | None:
    """Read ROLE=NAME pairs.

    Examples
    --------
    >>> named_columns(["longitude=x", "latitude=y"])
    {'longitude': 'x', 'latitude': 'y'}
    """
    made = {}
    for pair in pairs or []:
        role, mark, name = pair.partition("=")
        if not mark:
            raise YaotanError(f"{pair!r} is no pair", where="columns", expected="ROLE=NAME")
        made[role] = name
    return made or None


def _say(estimates: pd.DataFrame) -> None:
    """Say the greatest emissions, then sources without one."""
    if estimates.empty:
        return
    given = estimates[estimates["status"] == "estimated"].sort_values("emission", ascending=False)
    for row in given.head(_SHOWN).to_dict("records"):
        value, sigma = row["emission"], row["emission_uncertainty"]
        unit, word = _YEARLY[row["substance"] == "co2"]
        year = [float(convert(number, "kg s-1", unit)) for number in (value, sigma)]
        caution = f" ({row['cautions'].replace(',', ', ')})" if row["cautions"] else ""
        print(
            f"{row['scene']} {row['name']}: {value:.4g} +- {sigma:.2g} kg/s {row['substance']}, "
            f"{year[0]:.3g} +- {year[1]:.2g} {word}{caution}"
        )
    if len(given) > _SHOWN:
        print(f"... and {len(given) - _SHOWN} more")
    none = estimates[estimates["status"] != "estimated"]
    for row in none.head(_SHOWN).to_dict("records"):
        print(f"{row['scene']} {row['name']}: {row['status']}, {row['reason']}", file=sys.stderr)
    if len(none) > _SHOWN:
        print(f"... and {len(none) - _SHOWN} more without an emission", file=sys.stderr)


def average_year(estimates: str, target: str, **options: Any) -> None:
    """Average estimates over a year, and write and say the means."""
    table = read_parquet(estimates)
    missing = [
        name for name in ("source", "longitude", "latitude", "emission", "status") if name not in table
    ]
    if missing:
        raise YaotanError(f"there is no column {missing[0]}", where=estimates, fix="give estimates.parquet")
    first = table.drop_duplicates("source")
    places = make_sources(
        list(first["source"]), first["longitude"], first["latitude"], name=list(first["name"])
    )
    seen = estimate_of_table(table[~table["time"].isna()], places)
    sensor = options.pop("detection")
    law = None if sensor is None else detection_law(sensor, str(seen.attrs["substance"]))
    made = annual_emission(seen, detection=law, **options)
    rows = estimate_table(made).drop(columns=["scene", "time"])
    for name in ("emission_lower", "emission_upper", "overpass_count", "used_count"):
        if name in made:
            rows[name] = made[name].values
    write(made.drop_vars("time") if Path(target).suffix == ".nc" else rows, target)
    for row in rows.to_dict("records"):
        if row["status"] != "estimated":
            print(f"{row['source']}: {row['status']}, {row['reason']}", file=sys.stderr)
            continue
        unit, word = _YEARLY[row["substance"] == "co2"]
        value, low, high = (
            float(convert(row[name], "kg s-1", unit))
            for name in ("emission", "emission_lower", "emission_upper")
        )
        count = row["used_count"]
        print(f"{row['source']}: {value:.3g} ({low:.3g} to {high:.3g}) {word}, {count:.0f} overpasses")
    print(target)


def observe(
    sources: str, target: str, columns: list[str] | None, clear_share: float | None, **options: Any
) -> None:
    """Say what sensors could see of a list of sources."""
    if clear_share is None:
        raise YaotanError(
            "the share of clear overpasses is needed", where="plume-observe", expected="--clear-share 0.2"
        )
    table = open_sources(sources, columns=named_columns(columns))
    made = observable_sources(table, clear_share=clear_share, **options)
    write(made if Path(target).suffix != ".csv" else pd.DataFrame(made.drop(columns="geometry")), target)
    for sensor, rows in made.groupby("sensor", sort=False):
        seen = int((rows["detection"] > 0.5).sum())
        good = int((rows["good_visits"] >= 1.0).sum())
        print(f"{sensor}: {seen} of {len(rows)} are likely seen in a clear overpass, {good} well once a year")
    print(target)
