"""What a bias may depend on: the terms of each predictor, and where they were learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import SchemaError
from yaotan.schema import SURFACE

Floats: TypeAlias = NDArray[np.float64]

#: Predictors that every table of soundings has in its place and time.
PLACED: Final = ("latitude", "season")
#: Prefix of the variables that are carried to the pairs.
PREFIX: Final = "predictor_"


def predictor_fields(soundings: xr.Dataset, predictors: Sequence[str]) -> xr.Dataset:
    """Add the predictors that are no function of place and time as ``predictor_<name>``; lazy stays lazy.

    ``surface`` becomes the share of water: land 0, mixed 1/2, water 1, unknown NaN.

    Raises
    ------
    SchemaError
        A predictor is no variable of the soundings.
    """
    made = {}
    for name in predictors:
        if name in PLACED:
            continue
        if name not in soundings or soundings[name].dims != ("sounding",):
            raise SchemaError(
                f"has no predictor {name!r}",
                where=str(soundings.attrs.get("product", "soundings")),
                expected=f"{', '.join(PLACED)}, or a variable with one number for each sounding",
                fix="name another predictor, or read the soundings with this variable",
            )
        field = soundings[name]
        if name == "surface":
            share = xr.full_like(field, np.nan, dtype=float)
            for kind, water in (("land", 0.0), ("mixed", 0.5), ("water", 1.0)):
                share = share.where(field != SURFACE[kind], water)
            field = share
        made[PREFIX + name] = field.astype(float)
    return soundings.assign(made)


def predictor_values(table: xr.Dataset, predictors: Sequence[str]) -> dict[str, Floats]:
    """Give the number of each predictor at each row of pairs or soundings; season is the month, 1 to 12."""
    values = {}
    for name in predictors:
        if name == "season":
            values[name] = table["time"].dt.month.values.astype(float)
        else:
            values[name] = table[name if name in PLACED else PREFIX + name].values.astype(float)
    return values


def design(
    table: xr.Dataset, predictors: Sequence[str], centre: dict[str, float]
) -> tuple[Floats, list[str]]:
    """Give the terms of the regression ``(row, term)`` and their names.

    A constant; latitude and its square in units of 90 degrees; season as sine and cosine of the year; every
    other predictor linearly about its centre.
    """
    rows = table["time"].size
    terms: dict[str, Any] = {"constant": np.ones(rows)}
    values = predictor_values(table, predictors)
    for name in predictors:
        if name == "latitude":
            terms["latitude"] = values[name] / 90.0
            terms["latitude_squared"] = (values[name] / 90.0) ** 2
        elif name == "season":
            moment = table["time"].dt
            phase = 2.0 * np.pi * (moment.dayofyear.values - 1 + moment.hour.values / 24.0) / 365.25
            terms["season_sine"], terms["season_cosine"] = np.sin(phase), np.cos(phase)
        else:
            terms[name] = values[name] - centre[name]
    return np.column_stack(list(terms.values())), list(terms)
