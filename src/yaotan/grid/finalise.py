"""From sums to a grid: means, uncertainties by term, spread, coverage, and their CF attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.grid import kernel
from yaotan.grid.state import FrozenSums, lazy_array

#: suffix of a stored sum -> (column of the float table, power of the variable's unit, what it is)
FLOAT_SUMS: Final = {
    "_sum_weight": (kernel.W, 0, "sum of weights w"),
    "_sum_value": (kernel.WX, 1, "sum of w (x - reference)"),
    "_sum_square": (kernel.WXX, 2, "sum of w (x - reference)^2"),
    "_sum_weight_square": (kernel.WW, 0, "sum of w^2"),
    "_sum_uncertainty_square": (kernel.WU2, 2, "sum of (w u)^2, u the random 1 sigma"),
    "_sum_uncertainty": (kernel.WU, 1, "sum of w u"),
    "_sum_overpass_square": (kernel.OVER, 2, "sum over overpasses of (sum of w u)^2"),
    "_sum_systematic": (kernel.WB, 1, "sum of w b, b the systematic 1 sigma"),
    "_sum_share": (kernel.SHARE, 0, "sum of shares of the cell area"),
}
#: suffix -> (column of the integer table, dtype, fill, what it is)
INT_SUMS: Final = {
    "_count": (kernel.COUNT, "int32", 0, "number of soundings that touch the cell"),
    "_sum_subcell": (kernel.BITS, "int32", 0, "sub-cell centres covered, each as often as it is covered"),
    "_time_min": (kernel.FIRST, "datetime64[ns]", np.datetime64("NaT"), "earliest sounding"),
    "_time_max": (kernel.LAST, "datetime64[ns]", np.datetime64("NaT"), "latest sounding"),
}
MASK: Final = "_subcell_mask"
#: every stored sum, in the order in which it is written
SUMS: Final = (*FLOAT_SUMS, *INT_SUMS, MASK)

NO_SIGMA: Final = ("_uncertainty", "_uncertainty_random", "_uncertainty_overpass")
#: variables of which a comment says why they hold no number, or an assumed one
COMMENTED: Final = (*NO_SIGMA, "_uncertainty_systematic", "_coverage")


def _ratio(top: Any, bottom: Any) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), np.nan)


def _overpass(random: Any, over: Any, weight: Any, correlation: float) -> Any:
    # rounding of the running sums may leave the cross terms a hair below the squares
    return _ratio(np.sqrt((1.0 - correlation) * random + correlation * np.maximum(over, random)), weight)


def _spread(square: Any, value: Any, weight: Any, weight_square: Any, count: Any) -> Any:
    mean = _ratio(value, weight)
    variance = np.maximum(_ratio(square, weight) - mean * mean, 0.0)
    freedom = 1.0 - _ratio(weight_square, weight * weight)
    return np.sqrt(_ratio(variance, np.where(count > 1, freedom, 0.0)))


def _coverage(share: Any, covered: Any, mask: Any) -> Any:
    union = np.bitwise_count(mask).astype(float)
    # the sub-cells say how much footprints overlap; how much one footprint covers is known exactly
    overlap = np.where(covered > 0, union / np.maximum(covered, 1), 1.0)
    return np.where(share > 0, np.minimum(share * overlap, 1.0), 0.0)


def _unknown(values: Any, *_: Any) -> Any:
    return np.full(values.shape, np.nan)


def derivations(
    correlation: float, reference: float, commented: frozenset[str] = frozenset()
) -> dict[str, tuple[tuple[str, ...], Callable[..., Any]]]:
    """Give for each derived variable (by suffix) the sums it needs and the function of them.

    Parameters
    ----------
    correlation : float
        Correlation r of random errors inside one overpass.
    reference : float
        Value that was subtracted before summing.
    commented : frozenset of str
        Variables with a comment. All but the systematic term (an assumed zero) are not known: NaN.

    Returns
    -------
    dict
        ``suffix -> (suffixes of sums, function)``.
    """
    w, random, over = "_sum_weight", "_sum_uncertainty_square", "_sum_overpass_square"
    bias = "_sum_systematic"

    def total(random: Any, over: Any, bias: Any, weight: Any) -> Any:
        return np.hypot(_overpass(random, over, weight, correlation), _ratio(bias, weight))

    def error(square: Any, value: Any, weight: Any, weight_square: Any, count: Any) -> Any:
        spread = _spread(square, value, weight, weight_square, count)
        return spread * np.sqrt(_ratio(weight_square, weight * weight))

    moments = ("_sum_square", "_sum_value", w, "_sum_weight_square", "_count")
    rules: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
        "": (("_sum_value", w), lambda value, weight: _ratio(value, weight) + reference),
        "_uncertainty": ((random, over, bias, w), total),
        "_uncertainty_random": ((random, w), lambda random, weight: _ratio(np.sqrt(random), weight)),
        "_uncertainty_overpass": (
            (random, over, w),
            lambda random, over, weight: _overpass(random, over, weight, correlation),
        ),
        "_uncertainty_systematic": ((bias, w), _ratio),
        "_spread": (moments, _spread),
        "_standard_error": (moments, error),
        "_coverage": (("_sum_share", "_sum_subcell", MASK), _coverage),
    }
    for suffix in commented - {"_uncertainty_systematic"}:
        rules[suffix] = (rules[suffix][0], _unknown)
    return rules


_WORDS: Final = {
    "": "mean of {name}",
    "_uncertainty": "1 sigma of the mean of {name}: overpass term and systematic term together",
    "_uncertainty_random": "1 sigma of the mean of {name} if random errors are independent",
    "_uncertainty_overpass": "1 sigma of the mean of {name} with random errors correlated inside an overpass",
    "_uncertainty_systematic": "1 sigma of the mean of {name} from fully correlated errors",
    "_spread": "standard deviation of {name} inside the cell",
    "_standard_error": "spread of {name} over the square root of the effective number of soundings",
    "_coverage": "area of the union of footprints over the area of the cell",
}
_METHODS: Final = {"": "mean", "_spread": "standard_deviation"}


def _attributes(suffix: str, name: str, source: Mapping[str, Any], method_dims: str) -> dict[str, Any]:
    entry = gases().get(name)
    standard = source.get("standard_name") or (entry.standard_name if entry else None)
    text = _WORDS.get(suffix) or (FLOAT_SUMS[suffix][2] if suffix in FLOAT_SUMS else "")
    text = text or (INT_SUMS[suffix][3] if suffix in INT_SUMS else "union of sub-cells covered, 8 x 8 bits")
    attrs: dict[str, Any] = {"long_name": text.format(name=source.get("long_name", name))}
    attrs["grid_mapping"] = "crs"
    if suffix in FLOAT_SUMS:
        attrs["units"] = power_of(str(source.get("units", "1")), FLOAT_SUMS[suffix][1])
    elif suffix in ("_coverage", "_count", "_sum_subcell", MASK):
        attrs["units"] = "1"
    elif suffix in _WORDS:
        attrs["units"] = source.get("units", "1")
    if suffix in _METHODS:
        attrs["cell_methods"] = f"{method_dims}: {_METHODS[suffix]}"
    if standard and suffix in ("", "_spread"):
        attrs["standard_name"] = standard
    if standard and suffix == "_uncertainty":
        attrs["standard_name"] = f"{standard} standard_error"
    if suffix == "_count":
        attrs["standard_name"] = "number_of_observations"
    return attrs


def power_of(units: str, power: int) -> str:
    """Give a CF unit to a power of 0, 1 or 2.

    Examples
    --------
    >>> power_of("mol m-2", 2)
    '(mol m-2)2'
    """
    if power == 0 or units == "1":
        return "1"
    return units if power == 1 else f"({units}){power}" if " " in units else f"{units}{power}"


def assemble(
    name: str,
    arrays: Mapping[str, Any],
    source: Mapping[str, Any],
    *,
    dims: tuple[str, str, str],
    reference: float,
    missing: Mapping[str, str],
) -> dict[str, tuple[tuple[str, str, str], Any, dict[str, Any], dict[str, Any]]]:
    """Give one gridded variable and all that belongs to it, with CF attributes.

    Parameters
    ----------
    name : str
        The variable.
    arrays : mapping
        Suffix -> array, derived and stored.
    source : mapping
        Attributes of the variable in the soundings (or of an older grid).
    dims : tuple of str
        Names of the dimensions.
    reference : float
        Value that was subtracted before summing.
    missing : mapping
        Suffix -> why this variable holds no number (or a zero that is no measurement).

    Returns
    -------
    dict
        ``full name -> (dims, array, attributes, encoding)``.
    """
    out = {}
    methods = ": ".join(dims)
    for suffix, array in arrays.items():
        attrs = _attributes(suffix, name, source, methods)
        if suffix in missing:
            attrs["comment"] = missing[suffix]
        # integers have no missing value; one in the file would turn them into floats when read again
        whole = array.dtype.kind in "iu"
        out[name + suffix] = (dims, array, attrs, {"_FillValue": None} if whole else {})
    main = out[name][2]
    main["ancillary_variables"] = " ".join(name + s for s in arrays if s in _WORDS and s) + f" {name}_count"
    main["reference"] = reference
    return out


def _same(values: Any) -> Any:
    return values


def from_sums(
    sums: FrozenSums,
    variable: int,
    shape: tuple[int, int, int],
    correlation: float,
    reference: float,
    commented: frozenset[str] = frozenset(),
) -> dict[str, da.Array]:
    """Give lazy arrays of one variable, derived and stored; a band of rows is made when it is asked for."""
    slots: dict[str, int] = {suffix: entry[0] for suffix, entry in FLOAT_SUMS.items()}
    slots |= {suffix: entry[0] for suffix, entry in INT_SUMS.items()} | {MASK: kernel.MASK}
    out: dict[str, da.Array] = {}
    for suffix, (needs, function) in derivations(correlation, reference, commented).items():
        fill: Any = 0.0 if suffix == "_coverage" and suffix not in commented else np.nan
        needed = tuple(slots[need] for need in needs)
        out[suffix] = lazy_array(sums, shape, variable, needed, function, fill, np.dtype(float))
    for suffix, slot in slots.items():
        fill, kind = (INT_SUMS[suffix][2], INT_SUMS[suffix][1]) if suffix in INT_SUMS else (0, "float64")
        dtype = np.dtype("uint64" if suffix == MASK else kind)
        out[suffix] = lazy_array(sums, shape, variable, (slot,), _same, fill, dtype)
    return out


def from_arrays(
    arrays: Mapping[str, Any], correlation: float, reference: float, commented: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Derive from whole arrays of sums (lazy ones stay lazy), and keep the sums."""
    out: dict[str, Any] = {}
    for suffix, (needs, function) in derivations(correlation, reference, commented).items():
        given = [arrays[need] for need in needs]
        lazy = any(isinstance(array, da.Array) for array in given)
        out[suffix] = da.map_blocks(function, *given, dtype=float) if lazy else function(*given)
    return out | dict(arrays)


def time_coords(start: NDArray[Any], end: NDArray[Any]) -> xr.Dataset:
    """Give the CF time axis of half-open intervals."""
    bounds = np.stack([start, end], axis=1)
    attrs = {"standard_name": "time", "long_name": "start of the period", "axis": "T", "bounds": "time_bnds"}
    encoding = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    return xr.Dataset(
        coords={
            "time": ("time", start, attrs, encoding),
            "time_bnds": (("time", "bnds"), bounds, {}, encoding),
        }
    )
