"""What a grid says of itself: which terms are not known, and what was left out and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.grid.finalise import NO_SIGMA
from yaotan.grid.footprint import (
    REASONS,
    VALUE_REASONS,
    Source,
)


def describe_unknown(source: Source, systematic: Any, area_unknown: bool) -> list[dict[str, str]]:
    """For each variable: suffix -> why it holds no number, or an assumed one."""
    comments = []
    for name, sigma in zip(source.variables, source.sigma, strict=True):
        out: dict[str, str] = {}
        if sigma is None:
            out |= dict.fromkeys(NO_SIGMA, f"not known: the soundings have no {name}_uncertainty")
        if systematic is None or (isinstance(systematic, Mapping) and name not in systematic):
            out["_uncertainty_systematic"] = "no systematic error was given (systematic=): taken as zero"
        if area_unknown:
            out["_coverage"] = "not known: soundings counted by their centres, without footprint_area="
        comments.append(out)
    return comments


def describe_losses(
    soundings: xr.Dataset, source: Source, rejected: NDArray[np.int64], lost: NDArray[np.int64]
) -> dict[str, Any]:
    """Attributes of the source products, and the count of what was left out."""
    reasons = {word: int(n) for word, n in zip(REASONS, rejected, strict=True) if n}
    by_variable = {
        name: {word: int(n) for word, n in zip(VALUE_REASONS, row, strict=True) if n}
        for name, row in zip(source.variables, lost, strict=True)
    }
    total = int(soundings.sizes["sounding"])
    counts = {"soundings": total, "reasons": reasons, "variables": by_variable}
    return dict(soundings.attrs) | {"rejected": json.dumps(counts)}
