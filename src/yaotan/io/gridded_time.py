"""When a gridded field holds: axis, attribute, datasets or file name, and the interval it covers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.grid import GridProduct
from yaotan.errors import SchemaError
from yaotan.io.container import Container
from yaotan.io.field import decode_time

Times = NDArray[Any]


def read_times(container: Container, product: GridProduct) -> tuple[Times | None, Times | None, str | None]:
    """Read times and the half-open intervals that they cover.

    Parameters
    ----------
    container : Container
        Open file.
    product : GridProduct
        Its entry.

    Returns
    -------
    time, bounds : numpy.ndarray or None
        Start of each interval ``(n,)``, and the intervals ``(n, 2)``; bounds are None for instants, both are
        None for a field without time.
    axis : str or None
        Path of the time axis, if the file has one.

    Raises
    ------
    SchemaError
        Times do not rise, or the file says nowhere when its field holds.
    """
    axis = next((path for path in product.axes.time if path in container), None)
    if axis is not None:
        given = decode_time(
            np.atleast_1d(container.read(axis)), container.attributes_of(axis), where=container.path
        )
        if np.isnat(given).any() or (np.diff(given) <= np.timedelta64(0)).any():
            raise SchemaError("time does not rise, or is missing", where=container.path)
    else:
        found = _without_axis(container, product)
        if found is None:
            return None, None, None
        given = found
    cover = _cover(container, product)
    if cover == "spacing":
        cover, step = _spacing(given)
    else:
        step = np.timedelta64(0, "ns")
    return *_interval(given, cover, step), axis


def _without_axis(container: Container, product: GridProduct) -> Times | None:
    rule, attributes = product.time, container.attributes
    for name in rule.attributes:
        if name in attributes:
            return np.array([str(attributes[name])[:10]], dtype="datetime64[ns]")
    if (
        rule.year is not None
        and rule.month is not None
        and rule.year in container
        and rule.month in container
    ):
        year, month = (int(np.ravel(container.read(path))[0]) for path in (rule.year, rule.month))
        return np.array([f"{year:04d}-{month:02d}"], dtype="datetime64[ns]")
    if rule.file_name is not None:
        match = re.search(rule.file_name, Path(container.path).name)
        if match is not None:
            return np.array(["-".join(match.groups())], dtype="datetime64[ns]")
    if rule.attributes or rule.year or rule.file_name:
        raise SchemaError(
            "does not say when its field holds",
            where=container.path,
            expected=", ".join((*product.axes.time, *rule.attributes, rule.year or "", rule.file_name or "")),
            fix="give the file its own name again" if rule.file_name else "get the file again",
        )
    return None


def _cover(container: Container, product: GridProduct) -> str:
    name = Path(container.path).name
    for pattern, cover in product.time.cover_by_name.items():
        if re.search(pattern, name):
            return cover
    return product.time.cover


def _spacing(time: Times) -> tuple[str, np.timedelta64]:
    """Tell months and even steps by the distance of times."""
    nothing = np.timedelta64(0, "ns")
    if time.size < 2:
        return "instant", nothing
    steps = np.diff(time)
    days = steps / np.timedelta64(1, "D")
    if days.min() >= 27.5 and days.max() <= 31.5:
        return "month", nothing
    if (abs(steps - steps[0]) <= np.timedelta64(1, "s")).all():
        return "step", steps[0]
    return "instant", nothing


def _interval(time: Times, cover: str, step: np.timedelta64) -> tuple[Times, Times | None]:
    if cover == "instant":
        return time, None
    if cover == "step":  # times of even steps stand in the middle
        start = time - step // 2
        return start, np.stack([start, start + step], axis=1)
    unit = "datetime64[M]" if cover == "month" else "datetime64[D]"
    start = time.astype(unit)
    if np.unique(start).size != start.size:
        raise SchemaError(f"several times lie in one {cover}", where="open_grid", expected=f"one per {cover}")
    bounds = np.stack([start, start + 1], axis=1).astype("datetime64[ns]")
    return bounds[:, 0], bounds
