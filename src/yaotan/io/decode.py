"""From stored numbers to values: fills, scale, units and text, by attribute before constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.rule import FillRule
from yaotan.errors import NotAGranuleError, UnitsError

Floats = NDArray[np.float64]
#: what tables of text write where there is no number
NOTHING: Final = ("", "-", "na", "n/a", "nan", "null", "none")


def fill_values(attributes: Mapping[str, Any], rule: FillRule, dtype: np.dtype[Any]) -> NDArray[Any]:
    """List what marks a missing value of one dataset, in its own dtype.

    Parameters
    ----------
    attributes : mapping
        Attributes of the dataset.
    rule : FillRule
        Attribute names first; constants only where none of them is there.
    dtype : numpy.dtype
        Stored type. Fills are cast to it (-1e30 is another number in float32); one that it cannot hold
        is left out, except an int of the same size (255 declared as -1).

    Returns
    -------
    numpy.ndarray
        Fills, perhaps none.

    Examples
    --------
    >>> import numpy as np
    >>> from yaotan.catalog.rule import FillRule
    >>> fill_values({"missing_value": np.int8(-1)}, FillRule(), np.dtype("uint8"))
    array([255], dtype=uint8)
    """
    given = [attributes[name] for name in rule.attributes if name in attributes]
    found: list[Any] = []
    for value in given or _outside(rule.constants, attributes):
        for item in np.atleast_1d(np.asarray(value)):
            if np.asarray(item).dtype.kind not in "iuf":
                continue
            if dtype.kind == "f":
                found.append(np.asarray(item).astype(dtype))
            elif dtype.kind in "iu" and float(item) == int(item):
                info, number = np.iinfo(dtype), int(item)
                if dtype.kind == "u" and -(1 << (info.bits - 1)) <= number < 0:
                    number += 1 << info.bits
                if info.min <= number <= info.max:
                    found.append(np.asarray(number, dtype=dtype))
    return np.array(found, dtype=dtype)


def _outside(constants: tuple[float, ...], attributes: Mapping[str, Any]) -> list[float]:
    """Keep the constants that a stated valid range does not allow: within it they are values."""
    given = attributes.get("valid_range", attributes.get("validRange"))
    if given is None or np.size(given) != 2 or np.asarray(given).dtype.kind not in "iuf":
        return list(constants)
    low, high = (float(item) for item in np.asarray(given))
    return [value for value in constants if not low <= value <= high]


def to_float(raw: NDArray[Any], attributes: Mapping[str, Any], rule: FillRule) -> Floats:
    """Decode numbers: fills become NaN, scale and offset are applied once.

    Parameters
    ----------
    raw : numpy.ndarray
        As stored; text is read as numbers.
    attributes : mapping
        Attributes of the dataset.
    rule : FillRule
        What marks missing values.

    Returns
    -------
    numpy.ndarray
        float64.

    Raises
    ------
    NotAGranuleError
        A text is no number.
    """
    if raw.dtype.kind in "SUO":
        raw = to_numbers(to_text(raw))
    values = raw.astype(np.float64)
    fills = fill_values(attributes, rule, raw.dtype)
    if fills.size:
        values[np.isin(raw, fills)] = np.nan
    if rule.limits:
        values[_beyond(values, attributes)] = np.nan
    scale = _first_number(attributes, ("scale_factor", "Slope", "slope"))
    offset = _first_number(attributes, ("add_offset", "Intercept", "intercept"))
    if scale is not None:
        values *= scale
    if offset is not None:
        values += offset
    return values


def _beyond(values: Floats, attributes: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Tell what lies outside the valid range that the attributes state."""
    low, high = (_first_number(attributes, (name,)) for name in ("valid_min", "valid_max"))
    return (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))


def _first_number(attributes: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        value = attributes.get(name)
        if value is not None and np.asarray(value).dtype.kind in "iuf":
            return float(np.asarray(value).reshape(-1)[0])
    return None


def to_numbers(texts: NDArray[np.str_]) -> Floats:
    """Read numbers from text; empty fields, ``-``, ``NA``, ``N/A``, ``NaN``, ``null``, ``none`` are missing.

    Parameters
    ----------
    texts : numpy.ndarray
        Unicode, or objects that are `str`.

    Returns
    -------
    numpy.ndarray
        float64, same shape.

    Raises
    ------
    NotAGranuleError
        Names the first text that is neither (``1_000`` and ``4,5`` are not numbers).

    Examples
    --------
    >>> import numpy as np
    >>> to_numbers(np.array(["4.5", "na", "-1e3"]))
    array([    4.5,     nan, -1000. ])
    """
    flat = texts.ravel().tolist()
    wrong = next((text for text in flat if "_" in text), None)  # which Python takes for digits
    try:
        if wrong is None:
            return np.array([float(text) for text in flat], dtype=np.float64).reshape(texts.shape)
    except ValueError:
        values = [_number(text) for text in flat]
        wrong = next((text for text, value in zip(flat, values, strict=True) if value is None), None)
        if wrong is None:
            return np.array(values, dtype=np.float64).reshape(texts.shape)
    raise NotAGranuleError(f"holds {wrong!r} where a number is expected")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return np.nan if text.lower() in NOTHING else None


def to_text(raw: NDArray[Any]) -> NDArray[np.str_]:
    """Decode byte strings, variable-length strings and character rows to text, one per sounding.

    Parameters
    ----------
    raw : numpy.ndarray
        Kind S, U or O; a second axis of single characters is joined. Numbers (of a table of text, where
        the kind of a column is told from its fields) are written out, whole ones without a point.

    Returns
    -------
    numpy.ndarray
        Unicode, one axis; empty for NaN.
    """
    if raw.dtype.kind in "iuf":
        whole = np.isfinite(raw) & (raw == np.trunc(raw)) & (np.abs(raw) < 2**53)
        text = np.where(whole, np.where(whole, raw, 0).astype(np.int64).astype(str), raw.astype(str))
        return np.where(np.isnan(raw), "", text) if raw.dtype.kind == "f" else text
    if raw.dtype.kind == "O":
        raw = np.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in raw.flat])
        return np.char.strip(raw.astype(str), "\x00 ") if raw.size else raw.astype("U1")
    text = np.char.decode(raw, "utf-8", "replace") if raw.dtype.kind == "S" else raw
    if text.ndim == 2:
        text = np.array(["".join(row) for row in text], dtype=str)
    return np.char.strip(text, "\x00 ")


def tell_unit(values: Floats, plausible: Mapping[str, tuple[float, float]], *, where: str) -> str:
    """Tell the unit of values whose attribute is known to be wrong in real files, from their size.

    Parameters
    ----------
    values : numpy.ndarray
        As stored.
    plausible : mapping
        Unit -> least and greatest plausible value; the intervals must not overlap.
    where : str
        File and dataset, for the message.

    Returns
    -------
    str
        The unit whose interval holds the largest finite value by magnitude; the first one where there is
        no value at all.

    Raises
    ------
    UnitsError
        No interval holds it.

    Examples
    --------
    >>> import numpy as np
    >>> tell_unit(np.array([998.2]), {"hPa": (300, 1100), "Pa": (30000, 110000)}, where="")
    'hPa'
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return next(iter(plausible))
    peak = float(np.abs(finite).max())
    for unit, (low, high) in plausible.items():
        if low <= peak <= high:
            return unit
    spans = ", ".join(f"{low:g} to {high:g} for {unit}" for unit, (low, high) in plausible.items())
    raise UnitsError(f"values up to {peak:g} fit no unit", where=where, expected=spans)
