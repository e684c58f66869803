"""Slices across a plume: mean columns, and what methods have fitted to the same pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.model import PlumeModel

Floats: TypeAlias = NDArray[np.float64]

#: slices of a plume that are shown, at most, and how far to both sides [standard deviations of the plume; m]
SLICES: Final = 4
WIDE: Final = 4.0
LEAST_WIDE: Final = 20e3


def transects(models: Mapping[str, PlumeModel]) -> dict[str, Any]:
    """Mean columns over slices across the plume, and what each method has fitted to the same pixels.

    Parameters
    ----------
    models : mapping of str to PlumeModel
        By method; the first gives the frame, its pixels are shown.

    Returns
    -------
    dict
        Variables with the dims ``transect, offset`` and ``method, transect, offset``.
    """
    first = next(iter(models.values()))
    layout = first.layout
    start, end, width = layout.options.start, layout.options.end, layout.pixels.width
    count = max(1, min(SLICES, int((end - start) / (3.0 * width))))
    edges = np.linspace(start, end, count + 1)
    half = max(WIDE * float(first.spread.width(np.array([end]))[0]), LEAST_WIDE, 6.0 * width)
    side = np.arange(-math.ceil(half / width), math.ceil(half / width) + 1) * width
    across = first.across
    slice_of = np.digitize(layout.along, edges) - 1
    offset_of = np.round((across - side[0]) / width).astype(int)
    shown = (slice_of >= 0) & (slice_of < count) & (offset_of >= 0) & (offset_of < side.size)
    cell = np.where(shown, slice_of * side.size + offset_of, 0)

    def means(values: Floats) -> tuple[Floats, Floats]:
        good = shown & np.isfinite(values)
        number = np.bincount(cell[good], minlength=count * side.size)
        total = np.bincount(cell[good], values[good], minlength=count * side.size)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.asarray(total / number)
        return mean.reshape(count, -1), number.astype(float).reshape(count, -1)

    observed, number = means(layout.mass / layout.pixels.factor + layout.level)
    square, _ = means(layout.pixels.sigma**2)
    fitted = [_fitted_at(model, layout.pixels.row, layout.pixels.column) for model in models.values()]
    plain, curves = ([means(part)[0] for part in parts] for parts in zip(*fitted, strict=True))
    dims = ("transect", "offset")
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(square / number)
    return {
        "offset": ("offset", side, {"units": "m", "long_name": "distance to the left of the centre line"}),
        "method": ("method", list(models)),
        "transect_start": ("transect", edges[:-1], {"units": "m"}),
        "transect_end": ("transect", edges[1:], {"units": "m"}),
        "transect_observed": (dims, observed, {"long_name": "mean column"}),
        "transect_observed_uncertainty": (dims, error, {"long_name": "standard error of the mean by noise"}),
        "transect_count": (dims, number.astype(np.int32), {"long_name": "pixels", "units": "1"}),
        "transect_background": (("method", *dims), np.stack(plain), {"long_name": "fitted background"}),
        "transect_fit": (("method", *dims), np.stack(curves), {"long_name": "fitted plume and background"}),
    }


def _fitted_at(model: PlumeModel, row: Any, column: Any) -> tuple[Floats, Floats]:
    """Background, and background with plume, of a fit at pixels [unit of the variable]; NaN elsewhere."""
    layout, linear = model.layout, model.linear
    pixels = layout.pixels
    plume = np.where(layout.bin >= 0, linear.profile * layout.sigma * linear.density[layout.bin], 0.0)
    background = linear.background / pixels.factor + layout.level
    whole = background + plume / pixels.factor
    wide = 1 + max(int(pixels.column.max()), int(column.max()))
    key, wanted = pixels.row * wide + pixels.column, row * wide + column
    order = np.argsort(key)
    place = np.clip(np.searchsorted(key[order], wanted), 0, key.size - 1)
    found = key[order][place] == wanted
    background, whole = (np.where(found, part[order][place], np.nan) for part in (background, whole))
    return background, whole
