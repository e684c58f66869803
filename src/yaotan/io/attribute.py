"""What a table or a scene says of itself: attributes of its variables, its sources, and the record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from yaotan.clock import now
from yaotan.io.granule import Granule
from yaotan.io.variable import find_rule, units_of
from yaotan.schema import FLAG_FILL, MODE, QUALITY, SURFACE

_CODES: Final = {"quality": QUALITY, "surface": SURFACE, "mode": MODE}


def variable_attributes(name: str, granule: Granule, granules: Sequence[Granule] = ()) -> dict[str, Any]:
    """Describe a variable: unit, name in the file, what was done to it, and the files that lack it.

    Parameters
    ----------
    name : str
        Canonical name.
    granule : Granule
        One that has it.
    granules : sequence of Granule
        All that the variable is put together from.

    Returns
    -------
    dict
        CF attributes and those of ``docs/design.md``.
    """
    rule, attributes = find_rule(name), dict[str, Any]()
    units = units_of(granule.product, name)
    if units is not None:
        attributes["units"] = units
    if rule is not None and rule.standard_name:
        attributes["standard_name"] = rule.standard_name
    source = granule.sources.get(name)
    if source is not None:
        own = granule.product.variables.get(name)
        attributes["native_name"] = str(source)
        if own is not None and own.long_name:
            attributes["long_name"] = own.long_name
        if source.bias_corrected is not None:
            attributes["bias_corrected"] = "yes" if source.bias_corrected else "no"
        if source.units_source:
            attributes["units_source"] = source.units_source
        if source.comment:
            attributes["comment"] = source.comment
    attributes.update(_special_attributes(name, granule))
    missing = [base_name(item) for item in granules if name not in item.names()]
    if missing:
        attributes["missing_in"] = ", ".join(missing)
    return attributes


def _special_attributes(name: str, granule: Granule) -> dict[str, Any]:
    if name in _CODES:
        codes = _CODES[name]
        attributes: dict[str, Any] = {
            "flag_values": np.array(list(codes.values()), dtype=np.uint8),
            "flag_meanings": " ".join(codes),
        }
        if name != "quality":
            meaning = granule.meanings.get(name)
            attributes["native_name"] = meaning.path if meaning else ""
            attributes["fill_value"] = np.uint8(FLAG_FILL)
            if meaning and meaning.comment:
                attributes["comment"] = meaning.comment
        elif any(flag.unknown for flag in granule.flags):
            attributes["fill_value"] = np.uint8(FLAG_FILL)
        elif granule.unflagged:
            attributes["fill_value"] = np.uint8(FLAG_FILL)
            attributes["comment"] = f"the file lacks {granule.unflagged}: which soundings are good is unknown"
        elif not granule.flags:
            rule = granule.product.quality
            attributes["comment"] = (
                rule and rule.assumed
            ) or "the product has no quality flag: every sounding counts as good"
        return attributes
    if name == "quality_native":
        flag = granule.flags[0]
        meanings = " ".join(f"{key}={text.replace(' ', '_')}" for key, text in flag.meanings.items())
        return {"native_name": flag.path, "native_meanings": meanings}
    if name == "quality_bits":
        masks = np.array([1 << place for place in range(len(granule.bits[:64]))], dtype=np.uint64)
        return {"flag_masks": masks, "flag_meanings": " ".join(granule.bits[:64])}
    if name in ("latitude_corner", "longitude_corner"):
        return _corner_attributes(name, granule)
    if {"level", "layer", "edge"} & set(granule.dims_of(name)) and granule.product.vertical:
        return {"vertical_kind": granule.product.vertical.kind, "positive": "up"}
    return {}


def _corner_attributes(name: str, granule: Granule) -> dict[str, Any]:
    rule = granule.footprint
    assert rule is not None
    comment = {
        "corners": "corners as stored in the product",
        "ring": "quadrilateral with the area and centre of the ring of footprint points in the product",
        "circle": f"square of the area of a circle of {rule.diameter_km} km diameter: {rule.source}",
    }[rule.kind]
    return {"comment": comment, "footprint_kind": rule.kind}


def dataset_attributes(granules: Sequence[Granule], reading: list[dict[str, Any]]) -> dict[str, Any]:
    """Describe a dataset made of granules of one product.

    Parameters
    ----------
    granules : sequence of Granule
        Files, in the order in which they are numbered.
    reading : list of dict
        What was read, kept and left out, per file.

    Returns
    -------
    dict
        Product, versions, sources, terms, and the record as JSON.
    """
    product = granules[0].product
    versions = sorted({item.version for item in granules} - {""})
    attributes = {
        "product": product.product,
        "product_version": ", ".join(versions),
        "platform": product.platform,
        "instrument": product.instrument,
        "references": "; ".join(product.references),
        "licence": product.licence,
        "source": ", ".join(base_name(item) for item in granules),
        "reading": json.dumps(sorted(reading, key=lambda r: (Path(r["file"]).name, r["file"]))),
        "history": f"{now():%Y-%m-%dT%H:%M:%SZ} opened with yaotan",
    }
    notes: dict[str, str] = {}
    for item in granules:
        notes.update(item.notes)
    for name in product.attributes:  # stations of one network may lie in one table
        if said := sorted({item.notes[name] for item in granules if name in item.notes}):
            notes[name] = "; ".join(said)
    return {**attributes, **notes}


def base_name(granule: Granule) -> str:
    """Name of the file without its folder."""
    return Path(granule.path).name
