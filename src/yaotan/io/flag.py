"""Flags of a granule: the product's quality, why soundings are bad, surface and mode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.rule import FillRule, FlagRule, MeaningRule
from yaotan.io.container import Container
from yaotan.io.decode import fill_values, to_float, to_text
from yaotan.io.frame import Rows
from yaotan.schema import FLAG_FILL, QUALITY

if TYPE_CHECKING:
    from yaotan.io.granule import Granule

#: raw flags with a scale factor (0.01 in TROPOMI) come out as 0.4999999: an edge belongs to its interval
_EDGE = 1e-6


def is_good(
    raw: NDArray[Any], attributes: Mapping[str, Any], flag: FlagRule, fill: FillRule
) -> NDArray[np.bool_]:
    """Tell which soundings a flag calls good; a missing flag value is not good."""
    if flag.pattern is not None:
        texts, index = np.unique(to_text(raw), return_inverse=True)
        good = [re.search(flag.pattern, str(text)) is not None for text in texts]
        return np.array(good, dtype=bool)[index]
    if flag.min is not None or flag.max is not None:
        values = to_float(raw, attributes, fill)
        low = -np.inf if flag.min is None else flag.min - _EDGE
        high = np.inf if flag.max is None else flag.max + _EDGE
        return (values >= low) & (values <= high)
    if raw.dtype.kind in "SUO":
        return np.isin(to_text(raw), [str(value) for value in flag.good])
    return np.isin(raw, np.array(flag.good))


def read_quality(granule: Granule, container: Container, rows: Rows) -> NDArray[np.uint8]:
    """Give 0 (good), 1 (bad), or 255 where the product's flag is missing from the file."""
    if not granule.flags:
        value = FLAG_FILL if granule.unflagged else QUALITY["good"]
        return np.full(granule.frame.number(rows), value, dtype=np.uint8)
    rule = granule.product.quality
    combine = np.logical_or if rule is not None and rule.one_suffices else np.logical_and
    good = combine.reduce([_good(granule, container, flag, rows) for flag in granule.flags])
    quality = np.where(good, QUALITY["good"], QUALITY["bad"]).astype(np.uint8)
    for flag in granule.flags:
        if flag.unknown:
            quality[np.isin(granule.frame.read(container, flag.path, rows), flag.unknown)] = FLAG_FILL
    return quality


def _good(granule: Granule, container: Container, flag: FlagRule, rows: Rows) -> NDArray[np.bool_]:
    raw = granule.frame.read(container, flag.path, rows)
    return is_good(raw, container.attributes_of(flag.path), flag, granule.product.fill)


def read_native(granule: Granule, container: Container, rows: Rows) -> NDArray[np.int64]:
    """Give the product's own flag as stored; text as its place among the declared meanings, else -1."""
    flag = granule.flags[0]
    raw = granule.frame.read(container, flag.path, rows)
    if raw.dtype.kind in "SUO":
        known = list(flag.meanings)
        return np.array([known.index(t) if t in known else -1 for t in to_text(raw)], dtype=np.int64)
    if raw.dtype.kind == "f":
        raw = np.where(np.isfinite(raw), raw, -1)
    return raw.astype(np.int64)


def read_bits(granule: Granule, container: Container, rows: Rows) -> NDArray[np.uint64]:
    """Give why each sounding is bad: the product's bit field, or one bit per flag that is not good."""
    rule = granule.product.quality.bits if granule.product.quality else None
    if rule is not None and rule.path in container:
        raw = granule.frame.read(container, rule.path, rows)
        missing = np.isin(
            raw, fill_values(container.attributes_of(rule.path), granule.product.fill, raw.dtype)
        )
        # by way of the same-size unsigned type: a u8 field must not pass through int32 or float
        bits = raw.astype(raw.dtype.str.replace("i", "u")).astype(np.uint64)
        return np.where(missing, np.uint64(0), bits)
    total: Any = np.uint64(0)
    for place, flag in enumerate(granule.flags):
        bad = ~_good(granule, container, flag, rows)
        total = total | (bad.astype(np.uint64) << np.uint64(place))
    return np.asarray(total, dtype=np.uint64)


def read_meaning(
    granule: Granule, container: Container, rule: MeaningRule, codes: Mapping[str, int], rows: Rows
) -> NDArray[np.uint8]:
    """Translate a native variable into a flag of the schema; 255 where it says nothing known."""
    raw = granule.frame.read(container, rule.path, rows)
    result = np.full(raw.shape[:1], FLAG_FILL, dtype=np.uint8)
    if rule.ranges:
        values = to_float(raw, container.attributes_of(rule.path), granule.product.fill)
        for interval in reversed(rule.ranges):
            low = -np.inf if interval.min is None else interval.min
            high = np.inf if interval.max is None else interval.max
            result[(values >= low) & (values <= high)] = codes[interval.name]
        return result
    if rule.mask is not None:
        raw = raw & raw.dtype.type(rule.mask)
    texts = to_text(raw) if raw.dtype.kind in "SUO" else None
    for value, name in rule.map.items():
        result[(texts == str(value)) if texts is not None else (raw == value)] = codes[name]
    return result
