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
from yaotan.io.decode import to_float
from yaotan.io.field import decode_time
from yaotan.io.moment import parse_epoch

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
        given = _moments(container, axis)
        if np.isnat(given).any() or (np.diff(given) <= np.timedelta64(0)).any():
            raise SchemaError("time does not rise, or is missing", where=container.path)
    else:
        found = _without_axis(container, product)
        if found is None:
            return None, None, None
        given = found
    stated = _stated(container, product)
    if stated is not None:
        return stated[:, 0], stated, axis
    cover = _cover(container, product)
    if cover == "spacing":
        cover, step = _spacing(given)
    else:
        step = np.timedelta64(0, "ns")
    return *_interval(given, cover, step), axis


def _stated(container: Container, product: GridProduct) -> Times | None:
    """Give the periods that a file states, shape (n, 2)."""
    rule, where = product.time, container.path
    if rule.start is None or rule.start not in container:
        return None
    start = _moments(container, rule.start)
    if rule.stop is not None and rule.stop in container:
        stop = _moments(container, rule.stop)
    elif rule.length is not None and rule.length in container:
        attributes = container.attributes_of(rule.length)
        length = to_float(np.atleast_1d(container.read(rule.length)), attributes, product.fill)
        step, _ = parse_epoch(f"{attributes.get('units', '')} since 1970-01-01")
        stop = start + np.round(length * step).astype("timedelta64[ns]")
    else:
        return None
    if np.isnat(start).any() or (np.diff(start) <= np.timedelta64(0)).any() or not (stop > start).all():
        raise SchemaError("periods do not rise, or end before they start", where=where)
    return np.stack([start, stop], axis=1)


def _moments(container: Container, path: str) -> Times:
    values = np.atleast_1d(container.read(path))
    return decode_time(values, container.attributes_of(path), where=f"{container.path}: {path}")


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
