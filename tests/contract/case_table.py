"""Tables of text: ground stations and points, each in the spelling of its makers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from contract.case_ground import at_station
from contract.text import write_table
from contract.truth import Case, Expected, Truth


def stamp(time: np.ndarray, style: str) -> list[str]:
    """Write times in the letters of strftime."""
    return [moment.astype("datetime64[s]").item().strftime(style) for moment in time]


def number(value: float, digits: int, missing: str) -> str:
    """Write a number; NaN as the product does."""
    return missing if np.isnan(value) else f"{value:.{digits}f}"


def whole_seconds(truth: Truth) -> Truth:
    """Put stations apart, at whole seconds."""
    truth = at_station(truth)
    return replace(truth, time=truth.time.astype("datetime64[s]").astype("datetime64[ns]"))


def write_tccon(path: Path, truth: Truth) -> Expected:
    """As R writes it: quoted names, float32 written out, a cell of a satellite beside the station."""
    truth = whole_seconds(truth)
    names = ("xco2", "error", "datetime", "solar_time", "latitude", "longitude")
    quoted = [f'"tccon_{name}"' for name in names] + ['"date"', '"latitude"', '"longitude"']
    column, error = truth.column("xco2"), truth.uncertainty("xco2")
    rows = [
        (
            number(column[k], 12, "NA"),
            f"{error[k]:.15g}",
            when,
            12.5,
            f"{truth.latitude[k]:.13f}",
            f"{truth.longitude[k]:.12f}",
            when[:10],
            np.floor(truth.latitude[k]) + 0.5,
            np.floor(truth.longitude[k]) + 0.5,
        )
        for k, when in enumerate(stamp(truth.time, "%Y-%m-%d %H:%M:%S"))
    ]
    write_table(path, quoted, rows)
    return {
        **truth.place(),
        "xco2": column,
        "xco2_uncertainty": error,
        "solar_time": np.full(truth.count, 12.5),
    }


CASES = [
    Case("tccon_table", write_tccon, "saga01_tccon.csv", ""),
]
