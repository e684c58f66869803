"""Screening by named rules: every sounding that goes is counted under the rule that took it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from yaotan.catalog.product import load_products
from yaotan.catalog.screening import ScreeningRule, find_rules
from yaotan.column.outlier import find_outliers
from yaotan.errors import RecipeError


def judge(
    soundings: xr.Dataset, rule: ScreeningRule, *, among: npt.NDArray[np.bool_] | None = None
) -> tuple[npt.NDArray[np.bool_], int]:
    """Find the soundings that break one rule.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table; only what the rule needs is loaded.
    rule : ScreeningRule
        Bounds are inclusive.
    among : ndarray of bool, optional
        ``(sounding,)`` those still in the table. A test for outliers judges these and compares them with
        one another; other rules do not depend on it.

    Returns
    -------
    failed : ndarray of bool, dims (sounding,)
        True where the rule is broken. A missing value breaks no rule: a rule can only judge what
        was measured.
    missing : int
        Number of soundings that could not be judged.

    Raises
    ------
    RecipeError
        The product has no such variable, or it has more dimensions than ``sounding``.
    """
    array = check_rule(soundings, rule)
    values = np.asarray(array.values)
    missing = np.isnan(values) if values.dtype.kind == "f" else values == _fill(array)
    failed = np.zeros(values.shape, bool)
    if rule.min is not None:
        failed |= values < rule.min
    if rule.max is not None:
        failed |= values > rule.max
    if rule.among is not None:
        failed |= ~np.isin(values, _codes(array, rule))
    if rule.outlier is not None:
        outlying, missing = _judge_outliers(soundings, rule, values, among)
        failed |= outlying
    return failed & ~missing, int(missing.sum())


def variables_of(rule: ScreeningRule) -> list[str]:
    """List what a rule needs to judge; the first must be there, the others help."""
    more = [f"{rule.variable}_uncertainty", "granule"] if rule.outlier else []
    return [rule.variable, *more]


def _judge_outliers(
    soundings: xr.Dataset, rule: ScreeningRule, values: npt.NDArray[np.float64], among: Any
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    assert rule.outlier is not None
    given = {
        name: soundings.get(key)
        for name, key in zip(("sigma", "granule"), variables_of(rule)[1:], strict=True)
    }
    known = {name: array.values for name, array in given.items() if array is not None}
    present = values if among is None else np.where(among, values, np.nan)
    outlying, missing = find_outliers(present, soundings["time"].values, rule.outlier, **known)
    return outlying, missing if among is None else missing & among


def check_rule(soundings: xr.Dataset, rule: ScreeningRule) -> xr.DataArray:
    """Refuse a rule that these soundings cannot answer; nothing is loaded.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table.
    rule : ScreeningRule
        What a study asks.

    Returns
    -------
    xarray.DataArray
        The variable that the rule judges.

    Raises
    ------
    RecipeError
        The product has no such variable, it has more dimensions than ``sounding``, or the rule keeps a
        name that the variable's flags do not know.
    """
    if rule.variable not in soundings.variables:
        scalar = sorted(str(n) for n, v in soundings.variables.items() if v.dims == ("sounding",))
        raise RecipeError(
            f"rule {rule.name!r} judges {rule.variable!r}, which the soundings do not have",
            where=soundings.attrs.get("product", ""),
            expected=f"one of {', '.join(scalar)}",
        )
    array = soundings[rule.variable]
    if array.dims != ("sounding",):
        raise RecipeError(
            f"rule {rule.name!r} judges {rule.variable!r}, which has dims {array.dims}",
            where=soundings.attrs.get("product", ""),
            expected="dims (sounding,)",
        )
    if rule.among is not None:
        _codes(array, rule)
    return array


def _fill(array: xr.DataArray) -> int:
    """Give what marks a missing whole number; -1, which no flag or id holds, where nothing does."""
    attributes = {**array.encoding, **array.attrs}
    return int(attributes.get("fill_value", attributes.get("_FillValue", -1)))


def _codes(array: xr.DataArray, rule: ScreeningRule) -> npt.NDArray[np.float64]:
    """Turn the values a rule keeps into numbers; names are looked up in the CF flag attributes."""
    values = np.atleast_1d(array.attrs.get("flag_values", []))
    meanings = dict(zip(str(array.attrs.get("flag_meanings", "")).split(), values, strict=False))
    codes = []
    for wanted in rule.among or ():
        if isinstance(wanted, str) and wanted not in meanings:
            raise RecipeError(
                f"rule {rule.name!r} keeps {wanted!r}, which {rule.variable!r} does not know",
                expected=f"one of {', '.join(meanings) or 'its numbers'}",
            )
        codes.append(float(meanings[wanted] if isinstance(wanted, str) else wanted))
    return np.asarray(codes)


def screen(soundings: xr.Dataset, rules: Sequence[str | ScreeningRule]) -> xr.Dataset:
    """Keep the soundings that pass every rule, and count the others by rule.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table; lazy variables stay lazy, only judged ones are loaded.
    rules : sequence of str or ScreeningRule
        Names of rules of the product or of ``catalogs/screening.yaml``, or rules written out.

    Returns
    -------
    xarray.Dataset
        The soundings kept. ``attrs["screening"]`` is a JSON list, one entry a rule, of ``rule``,
        ``failed`` (all that break it), ``dropped`` (those no earlier rule took) and ``not_judged``
        (missing value or no neighbours, kept).

    Raises
    ------
    RecipeError
        There is no rule of that name, or it names a variable that is not there.

    Notes
    -----
    Rules are applied in the order given, so ``dropped`` sums to the number lost; ``failed`` does not
    depend on the order, but for outliers, which are sought among those still there. Screening cannot
    repair a bias that a filter itself brings in (clear, bright scenes are kept more often).

    Examples
    --------
    >>> table = xr.Dataset({"airmass": ("sounding", [2.0, 3.5, 5.0])})
    >>> rule = ScreeningRule(name="airmass", variable="airmass", max=4.0, words={})
    >>> kept = screen(table, [rule])
    >>> kept.airmass.values.tolist(), kept.attrs["screening"]
    ([2.0, 3.5], '[{"rule": "airmass", "failed": 1, "dropped": 1, "not_judged": 0}]')
    """
    keep = np.ones(soundings.sizes["sounding"], bool)
    counts = []
    for rule in find_rules(rules, load_products().get(soundings.attrs.get("product", ""))):
        failed, missing = judge(soundings, rule, among=keep)
        dropped = int((failed & keep).sum())
        keep &= ~failed
        counts.append(
            {"rule": rule.name, "failed": int(failed.sum()), "dropped": dropped, "not_judged": missing}
        )
    kept = soundings if keep.all() else soundings.isel(sounding=np.flatnonzero(keep))
    return kept.assign_attrs(screening=json.dumps(counts))
