"""The command ``validate``: open granules and stations, pair and score them, write both, say what came."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import xarray as xr

from yaotan.column.validation.collocation import collocate
from yaotan.column.validation.validation import score_table, validate
from yaotan.errors import YaotanError
from yaotan.io.soundings import open_soundings
from yaotan.io.station import open_stations
from yaotan.io.write import write


def compare_files(files: list[str], target: str, stations: list[str] | None, **options: Any) -> None:
    """Find pairs, score them, write both, and show the scores.

    Parameters
    ----------
    files : list of str
        Granules.
    target : str
        File for the pairs; the scores go beside it.
    stations : list of str, optional
        Files of stations; needed.
    **options
        Those of `open_soundings`, `collocate` and `validate`.
    """
    if not stations:
        raise YaotanError("no station is given", where="--stations", fix="--stations FILE, folder or pattern")
    names = ("product", "quality", "on_error", "aliases", "trust_layout")
    trust = options["trust_layout"]
    soundings = open_soundings(files, **{name: options.pop(name) for name in names})
    for entry in json.loads(soundings.attrs["reading"]):
        if "error" in entry:
            print(f"skipped {entry['error']}", file=sys.stderr)
    scoring = {name: options.pop(name) for name in ("level", "minimum_pairs")}
    pairs = collocate(soundings, open_stations(stations, trust_layout=trust), **options)
    write(pairs, target)
    print(f"{target}: {pairs.sizes['pair']} pairs")
    for what, counts in json.loads(pairs.attrs["lost"]).items():
        if what != "stations" and counts:
            print(f"{what} without partner: " + ", ".join(f"{k} {v}" for k, v in counts.items()))
    scores = validate(pairs, **scoring)
    path = Path(target).with_name(f"{Path(target).stem}_scores{Path(target).suffix}")
    write(scores if path.suffix.startswith(".nc") else score_table(scores), path)
    print(f"{path}: {scores.sizes['station']} stations")
    print(describe_scores(scores))


def describe_scores(scores: xr.Dataset) -> str:
    """Say bias, scatter and chi-square of each station and over all, one line each."""
    units = scores.attrs.get("units", "")
    lines = []
    for k, name in enumerate(scores["station"].values):
        one = {
            key: float(scores[key][k])
            for key in ("bias", "bias_lower", "bias_upper", "scatter", "chi_square")
        }
        lines.append(
            f"{name}: {int(scores['pairs'][k])} pairs, bias {one['bias']:+.2f} "
            f"[{one['bias_lower']:+.2f}, {one['bias_upper']:+.2f}] {units}, scatter {one['scatter']:.2f}, "
            f"chi-square {one['chi_square']:.2f}"
        )
    mean, low, high = (float(scores[f"mean_bias{end}"]) for end in ("", "_lower", "_upper"))
    spread, scatter = float(scores["station_spread"]), float(scores["mean_scatter"])
    lines.append(
        f"all: bias {mean:+.2f} [{low:+.2f}, {high:+.2f}] {units}, station to station {spread:.2f}, "
        f"scatter {scatter:.2f}"
    )
    for name, count in json.loads(scores.attrs["left_out"]).items():
        lines.append(f"{name}: left out, {count} pairs are too few")
    return "\n".join(lines)
