"""Observations from soundings and grids: `gather` is the one way in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.column.fill.cell import table_of_cells
from yaotan.column.fill.observation import COLUMNS, Observations
from yaotan.column.fill.track import table_of_soundings
from yaotan.errors import SchemaError, TooFewSoundingsError, UnitsError, YaotanError
from yaotan.schema import column_variables


def gather(
    data: xr.Dataset | Sequence[xr.Dataset] | Observations,
    *,
    variable: str | None = None,
    average: str | float | None = None,
    overpass_correlation: float = 0.5,
    uncertainty: float | None = None,
) -> Observations:
    r"""Turn soundings or grids into flat observations with their errors.

    Soundings: value, time and place of each, with ``v_uncertainty``. The correlated part of the error is
    :math:`\sqrt{r}\,u`. Cells of a grid: the mean at the cell's centre, at the middle of its first and last
    sounding (the middle of the period where these are not known), with the overpass term of its uncertainty,
    of which the part common to the overpass is `split_overpass`'s; the systematic term becomes the error
    common to all (its median over the cells).

    With `average`, the soundings of one overpass are averaged first, in steps of time along the track (a text
    such as ``"10s"``) or in cells of so many degrees (a number; for wide swaths). Of n soundings with plain
    weights 1 / n the mean has

    .. math:: u^2 = \frac{(1-r) \sum u_i^2 + r (\sum u_i)^2}{n^2}, \quad
              u_\mathrm{shared} = \frac{\sqrt{r} \sum u_i}{n}

    Parameters
    ----------
    data : xarray.Dataset, sequence of them, or Observations
        Soundings or grid of `yaotan.schema`; several (of other satellites, say) are joined, their overpasses
        kept apart. Observations are given back as they are.
    variable : str, optional
        Column variable; may be left out where the data hold one only.
    average : str or float, optional
        None: every sounding is an observation.
    overpass_correlation : float
        r, correlation of the errors of two soundings of one overpass.
    uncertainty : float, optional
        1 sigma of every value, for data that state none (the user's word, in the unit of the variable).

    Returns
    -------
    Observations
        In order of time. What cannot be used is counted in ``lost``: ``no_value``, ``no_uncertainty`` (NaN or
        negative), ``no_geolocation``, ``quality``.

    Raises
    ------
    TooFewSoundingsError
        Nothing is left (all values NaN, say).
    UnitsError
        Values and uncertainties, or the data sets, are in different units, or in none.
    SchemaError
        The variable or its uncertainty is missing, or it cannot be told which variable is meant.
    YaotanError
        An option is out of range.

    Notes
    -----
    A mean loses what its soundings say of the field between them; steps should be short against the range of
    the field's correlation.

    Examples
    --------
    >>> soundings = xr.Dataset(
    ...     {
    ...         "time": ("sounding", np.array(["2019-01-01", "2019-01-01T00:00:04"], "datetime64[ns]")),
    ...         "latitude": ("sounding", [30.0, 30.2]),
    ...         "longitude": ("sounding", [110.0, 110.0]),
    ...         "xco2": ("sounding", [410.0, 411.0], {"units": "ppm"}),
    ...         "xco2_uncertainty": ("sounding", [0.5, 0.5], {"units": "ppm"}),
    ...     }
    ... )
    >>> means = gather(soundings, average="10s")
    >>> means.value.tolist(), means.sigma.round(3).tolist(), means.shared.round(3).tolist()
    ([410.5], [0.433], [0.354])
    """
    if not 0.0 <= overpass_correlation <= 1.0:
        raise YaotanError(f"overpass_correlation is {overpass_correlation!r}", expected="from 0 to 1")
    if isinstance(data, Observations):
        if variable not in (None, data.variable):
            raise SchemaError(f"the observations are of {data.variable}, not of {variable}")
        return data
    parts = [data] if isinstance(data, xr.Dataset) else list(data)
    if not parts:
        raise TooFewSoundingsError("no data set is given")
    names = [_choose(part, variable) for part in parts]
    parts = [_with_sigma(part, name, uncertainty) for part, name in zip(parts, names, strict=True)]
    for part, name in zip(parts, names, strict=True):
        _check_units(part, name)
    return join_observations(
        [
            table_of_soundings(part, name, average, overpass_correlation)
            if "sounding" in part.dims
            else table_of_cells(part, name, overpass_correlation)
            for part, name in zip(parts, names, strict=True)
        ]
    )


def _choose(data: xr.Dataset, variable: str | None) -> str:
    names = column_variables(data)
    if variable is None:
        if len(names) != 1:
            raise SchemaError(
                f"the data hold {', '.join(names) or 'no column variable'}",
                where="variable",
                expected="one column variable, or its name",
            )
        return names[0]
    if variable not in data:
        raise SchemaError(f"{variable} is missing", expected=f"one of {', '.join(names)}")
    return variable


def _with_sigma(data: xr.Dataset, variable: str, uncertainty: float | None) -> xr.Dataset:
    """Give data with errors: their own, or the one that the user states for data without."""
    sigma = f"{variable}_uncertainty"
    if sigma in data:
        return data
    if uncertainty is None:
        raise SchemaError(
            f"{sigma} is missing: without errors of the observations no error of the field can be stated",
            expected=f"{variable} with {sigma} (1 sigma)",
            fix="state it (uncertainty=) where the product does not",
        )
    if not uncertainty >= 0.0:
        raise YaotanError(f"uncertainty is {uncertainty!r}", expected="1 sigma, 0 or more")
    stated = xr.full_like(data[variable], uncertainty, dtype=float)
    return data.assign({sigma: stated.where(data[variable].notnull())})


def _check_units(data: xr.Dataset, variable: str) -> None:
    sigma = f"{variable}_uncertainty"
    units = data[variable].attrs.get("units")
    if not units:
        raise UnitsError(f"{variable} has no unit", expected="attribute units", fix="set it")
    other = data[sigma].attrs.get("units", units)
    if other != units:
        raise UnitsError(f"{variable} is in {units!r}, {sigma} in {other!r}", expected="one unit for both")
    entry = gases().get(variable)
    if entry is not None and entry.units != units:
        raise UnitsError(
            f"{variable} is in {units!r}", expected=repr(entry.units), fix="convert it (yaotan.units.convert)"
        )


def join_observations(tables: list[Observations]) -> Observations:
    """Join tables of one variable and unit, overpasses kept apart, in order of time.

    Raises
    ------
    UnitsError
        They are of different variables or units.
    TooFewSoundingsError
        Nothing is left in any of them.
    """
    for name in ("variable", "units"):
        found = sorted({str(getattr(table, name)) for table in tables})
        if len(found) > 1:
            raise UnitsError(f"the data mix {name} {' and '.join(found)}", expected="one, the same in all")
    if not sum(len(table) for table in tables):
        words = [f"{reason} {number}" for table in tables for reason, number in table.lost.items()]
        raise TooFewSoundingsError(
            f"no observation of {tables[0].variable} is left (lost: {', '.join(words) or 'none was there'})"
        )
    if len(tables) == 1:
        return tables[0]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(table, name) for table in tables]) for name in COLUMNS
    }
    offsets = np.cumsum([0] + [int(table.overpass.max(initial=-1)) + 1 for table in tables])
    arrays["overpass"] = np.concatenate(
        [table.overpass + first for table, first in zip(tables, offsets, strict=False)]
    )
    reasons = {reason for table in tables for reason in table.lost}
    joined = replace(
        tables[0],
        **arrays,
        systematic=max(table.systematic for table in tables),
        lost={reason: sum(table.lost.get(reason, 0) for table in tables) for reason in sorted(reasons)},
        attrs={
            key: ", ".join(dict.fromkeys(str(table.attrs[key]) for table in tables if key in table.attrs))
            for key in dict.fromkeys(key for table in tables for key in table.attrs)
        },
    )
    return joined.take(np.argsort(joined.time, kind="stable"))
