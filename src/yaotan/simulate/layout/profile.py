"""Typical vertical shapes for soundings that bring no profiles of their own (index 0 = surface)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import SchemaError
from yaotan.simulate.layout.retrieval import Retrieval

# Shape of a clear land sounding: normalised column averaging kernel against pressure / surface pressure,
# and departure of the prior mole fraction from its column mean (fraction; younger air below, older above).
_SIGMA = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
_KERNEL = (0.37, 0.47, 0.60, 0.78, 0.88, 0.98, 1.017, 1.016, 1.014)
_PRIOR = (-0.020, -0.008, -0.002, 0.001, 0.002, 0.001, 0.0, -0.001, -0.002)


def kernel(soundings: Retrieval, sigma: NDArray[Any]) -> NDArray[Any]:
    """Give the averaging kernels of the soundings, or a typical one at `sigma` (surface first)."""
    return _own(soundings.kernel, "kernel", soundings, sigma.size, np.interp(sigma, _SIGMA, _KERNEL))


def prior_profile(soundings: Retrieval, sigma: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
    """Give the prior profiles; the typical one has the weighted mean `xgas_prior` exactly."""
    shape = np.interp(sigma, _SIGMA, _PRIOR)
    shape = shape[None, :] - (weight * shape[None, :]).sum(axis=1, keepdims=True)
    typical = soundings.xgas_prior[:, None] * (1.0 + shape)
    return _own(soundings.prior_profile, "prior_profile", soundings, sigma.size, typical)


def pressure_weight(soundings: Retrieval, typical: NDArray[Any]) -> NDArray[Any]:
    """Give the pressure weights of the soundings, or the typical ones of the product."""
    return _own(soundings.pressure_weight, "pressure_weight", soundings, typical.size, typical)


def _own(
    given: NDArray[Any] | None, name: str, soundings: Retrieval, size: int, typical: NDArray[Any]
) -> NDArray[Any]:
    if given is None:
        return np.broadcast_to(typical, (len(soundings), size)).astype(np.float64)
    if given.shape != (len(soundings), size):
        raise SchemaError(
            f"{name} has shape {given.shape}", where="layout", expected=f"({len(soundings)}, {size})"
        )
    return given
