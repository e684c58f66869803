"""Moments as the Lite products write them: sounding ids and broken-down dates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _tick(time: NDArray[Any]) -> NDArray[Any]:
    """Nearest frame, in thirds of a second since 1970: frames come three times a second."""
    whole = time.astype("datetime64[ns]").astype(np.int64)
    return (whole * 3 + 500_000_000) // 1_000_000_000


def sounding_id(time: NDArray[Any], footprint: NDArray[Any]) -> NDArray[np.uint64]:
    """Make YYYYMMDDhhmmssmf: m the tenth of a second of the frame (0, 3 or 7), f the footprint.

    Examples
    --------
    >>> sounding_id(np.array(["2016-07-27T18:18:44.560"], "datetime64[ns]"), np.array([1]))
    array([2016072718184471], dtype=uint64)
    """
    tick = _tick(time)
    tenth = np.array([0, 3, 7])[tick % 3]
    return (digits(tick // 3) * 100 + tenth * 10 + footprint).astype(np.uint64)


def digits(seconds: NDArray[Any]) -> NDArray[np.int64]:
    """Write whole seconds since 1970 as the number YYYYMMDDhhmmss."""
    parts = calendar(seconds)
    number = np.zeros(seconds.shape, np.int64)
    for part, size in zip(parts, (10_000, 100, 100, 100, 100, 100), strict=True):
        number = number * size + part
    return number


def calendar(seconds: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Split whole seconds since 1970 into year, month, day, hour, minute, second."""
    moment = seconds.astype(np.int64).astype("datetime64[s]")
    year, month, day = (moment.astype(f"datetime64[{unit}]") for unit in "YMD")
    second = (moment - day).astype(np.int64)
    return [
        year.astype(np.int64) + 1970,
        month.astype(np.int64) % 12 + 1,
        (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
        second // 3600,
        second // 60 % 60,
        second % 60,
    ]


def frame_date(time: NDArray[Any]) -> NDArray[np.int64]:
    """Give year, month, day, hour, minute, second and the 0, 300 or 700 ms of the frame."""
    tick = _tick(time)
    return np.stack([*calendar(tick // 3), np.array([0, 300, 700])[tick % 3]], axis=1)
