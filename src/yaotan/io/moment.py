"""When: epochs, text, digits, columns and offsets to UTC; what is missing or malformed becomes NaT."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.rule import FillRule, TimeRule
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.io.container import Container
from yaotan.io.decode import to_float, to_text
from yaotan.io.frame import Frame, Rows

_EPOCH: Final = re.compile(
    r"^\s*(days?|hours?|minutes?|seconds?|sec|s|milliseconds?|ms|d|h)\s+since\s+"
    r"(\d{4}-\d{1,2}-\d{1,2})(?:[T\s]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?"
    r"\s*(?:Z|UTC|GMT)?\s*(?:([+-])(\d{1,2}):?(\d{2})?|00?:?(?:00)?)?\s*$",
    re.IGNORECASE,
)
_NANOSECONDS: Final = {"d": 86_400_000_000_000, "h": 3_600_000_000_000, "mi": 60_000_000_000}
NAT: Final = np.datetime64("NaT", "ns")


def parse_epoch(units: str) -> tuple[int, int]:
    """Read ``"seconds since 1970-01-01 00:00:00"``.

    Parameters
    ----------
    units : str
        CF time units; a time zone after the epoch ("... 00:00:00 +8:00") is taken off.

    Returns
    -------
    step, start : int
        Nanoseconds per unit, and nanoseconds of the epoch since 1970-01-01.

    Raises
    ------
    UnitsError
        The text is not of this form.

    Examples
    --------
    >>> parse_epoch("days since 1970-01-02")
    (86400000000000, 86400000000000)
    """
    match = _EPOCH.match(units)
    if match is None:
        raise UnitsError(f"{units!r} is not a time unit", expected="such as 'seconds since 1970-01-01'")
    unit, day, clock, sign, hours, minutes = match.groups()
    unit = unit.lower()
    year, month, date = (int(part) for part in day.split("-"))
    clock = (clock or "00:00:00").rjust(5, "0")
    try:
        moment = np.datetime64(f"{year:04d}-{month:02d}-{date:02d}T{clock.zfill(5)}", "ns")
    except ValueError as error:
        raise UnitsError(f"{units!r} counts from no date ({error})") from error
    ahead = (int(hours or 0) * 60 + int(minutes or 0)) * 60_000_000_000
    start = int(moment.astype(np.int64)) + (ahead if sign == "-" else -ahead)
    if unit.startswith(("millis", "ms")):
        return 1_000_000, start
    if unit.startswith("s"):
        return 1_000_000_000, start
    step = next(size for key, size in _NANOSECONDS.items() if unit.startswith(key))
    return step, start


def read_time(container: Container, frame: Frame, rule: TimeRule, fill: FillRule, rows: Rows) -> Any:
    """Read time; what stands once per scan line is decoded once and repeated.

    Parameters
    ----------
    container : Container
        Open file.
    frame : Frame
        Its soundings.
    rule : TimeRule
        Where time is and how it is written.
    fill : FillRule
        What marks missing values.
    rows : slice or integer array, optional
        Soundings wanted.

    Returns
    -------
    numpy.ndarray
        datetime64[ns], UTC.
    """
    if rule.columns:
        parts = [to_float(frame.read(container, path, rows), {}, fill) for path in rule.columns]
        return _shift(_assemble_parts(parts), rule)
    once = frame.repeats(container, rule.path)
    raw = frame.read_once(container, rule.path) if once else frame.read(container, rule.path, rows)
    attributes = container.attributes_of(rule.path)
    if rule.kind == "offset":
        assert rule.reference is not None
        base_attributes = container.attributes_of(rule.reference)
        base_rule = TimeRule(path=rule.reference)
        base = decode_time(frame.read_once(container, rule.reference), base_attributes, base_rule, fill)
        time = base[0] + _from_offset(raw, attributes, rule, fill)
    else:
        time = decode_time(raw, attributes, rule, fill)
    return frame.spread(container, rule.path, time, rows) if once else time


def decode_time(raw: NDArray[Any], attributes: Mapping[str, Any], rule: TimeRule, fill: FillRule) -> Any:
    """Decode time to UTC; what is missing or malformed becomes NaT.

    Parameters
    ----------
    raw : numpy.ndarray
        As stored: numbers, text, digits (``YYYYMMDDhhmmss[mf]``) or columns (year ... [millisecond]).
    attributes : mapping
        Attributes of the dataset; `rule.units` wins over its units.
    rule : TimeRule
        How it is written; `offset_hours` is taken off (8 for Beijing time).
    fill : FillRule
        What marks missing values.

    Returns
    -------
    numpy.ndarray
        datetime64[ns].
    """
    decoders = {"epoch": _from_epoch, "text": _from_text, "digits": _from_digits, "columns": _from_columns}
    return _shift(decoders[rule.kind](raw, attributes, rule, fill), rule)


def _shift(time: Any, rule: TimeRule) -> Any:
    return time - np.timedelta64(round(rule.offset_hours * 3600), "s") if rule.offset_hours else time


def _from_epoch(raw: NDArray[Any], attributes: Mapping[str, Any], rule: TimeRule, fill: FillRule) -> Any:
    units = rule.units or str(attributes.get("units", attributes.get("unit", "")))
    if not units.strip():
        raise UnitsError(
            "nothing says what the numbers count", expected="units such as 'seconds since 1970-01-01'"
        )
    step, start = parse_epoch(units)
    values = to_float(raw, attributes, fill)
    return _add(start, values, step)


def _from_offset(raw: NDArray[Any], attributes: Mapping[str, Any], rule: TimeRule, fill: FillRule) -> Any:
    """Time since the reference, as timedelta64; the unit must be stated, there or in the catalog."""
    units = rule.units or str(attributes.get("units", ""))
    step, _ = parse_epoch(f"{units} since 1970-01-01")
    return _add(0, to_float(raw, attributes, fill), step) - np.datetime64(0, "ns")


def _add(start: int, values: NDArray[np.float64], step: int) -> Any:
    good = np.isfinite(values) & (np.abs(values) * (step / 1e9) < 9e9)
    whole = np.floor(np.where(good, values, 0.0))
    # whole and broken part apart, the latter to the microsecond that float64 can tell
    part = np.round((np.where(good, values, 0.0) - whole) * (step / 1000)).astype(np.int64) * 1000
    time = (whole.astype(np.int64) * step + part + start).astype("datetime64[ns]")
    return np.where(good, time, NAT)


def _from_text(raw: NDArray[Any], attributes: Mapping[str, Any], rule: TimeRule, fill: FillRule) -> Any:
    text = np.char.rstrip(to_text(raw), "Zz ")
    if rule.format is not None:
        import pandas as pd  # late: only tables write time their own way

        return pd.to_datetime(pd.Series(text), format=rule.format, errors="coerce").to_numpy("datetime64[ns]")
    # numpy takes any number for a year, "-9999" too
    letters = np.ascontiguousarray(text, "U5").view("U1").reshape(-1, 5)
    dated = np.char.isdigit(letters[:, :4]).all(axis=1) & np.isin(letters[:, 4], ["-", "/"])
    text = np.where(dated, text, "NaT")
    zoned = np.char.find(text, "+", 10) >= 0
    try:
        if not zoned.any():
            return text.astype("datetime64[ns]")
    except ValueError:
        pass  # some are malformed: one by one, so that only those become NaT
    return np.array([_one_time(str(item)) for item in text], dtype="datetime64[ns]")


def _one_time(text: str) -> np.datetime64:
    clock, _, zone = text.replace("/", "-").partition("+")
    hours, _, minutes = zone.partition(":")
    try:
        ahead = np.timedelta64(int(hours or 0) * 60 + int(minutes or 0), "m")
        return np.datetime64(clock, "ns") - ahead
    except ValueError:
        return NAT


def _from_digits(raw: NDArray[Any], attributes: Mapping[str, Any], rule: TimeRule, fill: FillRule) -> Any:
    if raw.dtype.kind in "SUO":
        text = to_text(raw)
        number = np.char.isdecimal(text) & (np.char.str_len(text) < 19)  # what int64 holds
        digits = np.where(number, text, "0").astype(np.int64)
    elif raw.dtype.kind == "f" and raw.dtype.itemsize < 8:
        raise NotAGranuleError(f"{rule.path} holds time digits as float32, which cannot keep them")
    else:
        digits = np.where(np.isfinite(raw), raw, 0).astype(np.int64)
    # 16 digits end in tenth of a second and footprint, 17 in milliseconds
    long, longer = digits >= 10**15, digits >= 10**16
    milliseconds = np.where(longer, digits % 1000, np.where(long, digits // 10 % 10 * 100, 0))
    stamp = np.where(longer, digits // 1000, np.where(long, digits // 100, digits))
    parts = [stamp // 10**power % size for power, size in ((10, 10000), (8, 100), (6, 100), (4, 100))]
    parts += [stamp // 100 % 100, stamp % 100, milliseconds]
    return _assemble(np.stack(parts, axis=-1))


def _assemble_parts(parts: list[NDArray[np.float64]]) -> Any:
    """Put year, month[, day[, hour[, minute[, second]]]] together; the second may have a broken part.

    Year and month alone stand for the middle of the month.
    """
    good = np.logical_and.reduce([np.isfinite(part) for part in parts])
    if len(parts) == 2:
        start = _assemble_parts([*parts, np.ones_like(parts[0])])
        later = start.astype("datetime64[M]") + np.timedelta64(1, "M")
        return start + (later.astype("datetime64[ns]") - start) // 2
    whole = [np.where(good, part, 0.0) for part in parts]
    second = whole[5] if len(whole) > 5 else np.zeros_like(whole[0])
    zero = np.zeros_like(whole[0])
    numbers = [*whole[:5], *[zero] * (5 - len(whole[:5])), np.floor(second), np.round(second % 1 * 1000)]
    time = _assemble(np.stack(numbers, axis=-1).astype(np.int64))
    return np.where(good, time, NAT)


def _from_columns(raw: NDArray[Any], attributes: Mapping[str, Any], rule: TimeRule, fill: FillRule) -> Any:
    columns = raw.astype(np.int64)
    if columns.shape[1] < 7:  # ACOS Lite has no column of milliseconds
        columns = np.pad(columns, ((0, 0), (0, 7 - columns.shape[1])))
    return _assemble(columns)


def _assemble(parts: NDArray[np.int64]) -> Any:
    year, month, day, hour, minute, second, millisecond = parts.T
    good = (year >= 1950) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    good &= (hour >= 0) & (hour < 24) & (minute >= 0) & (minute < 60) & (second >= 0) & (second <= 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0)
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + np.where(
        good, day - 1, 0
    )
    seconds = days * 86400 + np.where(good, hour * 3600 + minute * 60 + second, 0)
    total = seconds * 1000 + np.where(good & (millisecond >= 0), millisecond, 0)
    return np.where(good, (total * 1_000_000).astype("datetime64[ns]"), NAT)
