"""How a delivery without public layout writes time, and in which zone: taught, stated, or told by digits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np

from yaotan.catalog.product import Product
from yaotan.catalog.rule import TimeRule
from yaotan.errors import UnitsError
from yaotan.io.alias_name import names_of
from yaotan.io.container import Container
from yaotan.io.decode import to_text
from yaotan.io.teaching import HOW_TO, AliasTime

_BEIJING: Final = re.compile(r"(?i)beijing|北京|bjt|(utc|gmt)\s*\+\s*0?8")
_UTC: Final = re.compile(r"(?i)\butc?\b|\bgmt\b|世界时")


def find_time_rule(container: Container, product: Product, item: str, taught: AliasTime | None) -> TimeRule:
    """Tell how one dataset writes time.

    Parameters
    ----------
    container : Container
        The open file.
    product : Product
        Says which attributes hold units.
    item : str
        Path of the dataset.
    taught : AliasTime, optional
        What the user says; each key of it wins over what the file says.

    Returns
    -------
    TimeRule
        Form, epoch and hours ahead of UTC.

    Raises
    ------
    UnitsError
        Neither the user nor the file says what the numbers count, or in which zone StartTime is.
    """
    attributes = container.attributes_of(item)
    offset = _offset(container, item, attributes, taught)
    units = taught.units if taught is not None else None
    if taught is not None and taught.kind is not None:
        return TimeRule(path=item, kind=taught.kind, units=units, offset_hours=offset)
    stated = units or next((str(attributes[k]) for k in product.units_attributes if k in attributes), "")
    if "since" in stated:
        return TimeRule(path=item, kind="epoch", units=stated, offset_hours=offset)
    if "j2000millisecond" in names_of(item):
        epoch = "milliseconds since 2000-01-01 12:00:00"
        return TimeRule(path=item, kind="epoch", units=epoch, offset_hours=offset)
    kind = _kind(container, item)
    if kind is None:
        raise UnitsError(
            f"/{item} does not say what its numbers count",
            where=container.path,
            fix="add 'time: {units: seconds since 1970-01-01}', or what is right, to an alias file "
            f"({HOW_TO})",
        )
    return TimeRule(path=item, kind=kind, offset_hours=offset)


def _offset(
    container: Container, item: str, attributes: Mapping[str, Any], taught: AliasTime | None
) -> float:
    """Tell how far the clock is ahead of UTC [hours]: as taught, as the file says, else not at all."""
    if taught is not None and "offset_hours" in taught.model_fields_set:
        return taught.offset_hours
    words = " ".join(str(value) for value in attributes.values()) + " " + item
    if _BEIJING.search(words):
        return 8.0
    # Beijing time in the XML sidecar of GF-5B; whether a dataset of that name is, nobody knows
    if "starttime" in names_of(item) and not _UTC.search(words):
        raise UnitsError(
            f"/{item} does not say whether it is UTC or Beijing time, and deliveries differ",
            where=container.path,
            fix="add 'time: {offset_hours: 8}' for Beijing time, 'time: {offset_hours: 0}' for UTC, "
            f"to an alias file ({HOW_TO})",
        )
    return 0.0


def _kind(container: Container, item: str) -> Literal["text", "digits"] | None:
    values = container.read(item, slice(0, 16))
    if values.dtype.kind in "SUO":
        text = to_text(values)
        return "digits" if text.size and all(str(t).isdigit() for t in text) else "text"
    good = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    digits = good.size and all(len(str(int(value))) in (14, 16, 17) for value in good if value > 0)
    plausible = digits and all(1990 <= int(str(int(value))[:4]) < 2100 for value in good if value > 0)
    return "digits" if plausible and (good > 0).any() else None
