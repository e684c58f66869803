"""Named computations that a product file may ask for (``compute:``), where one dataset is not enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def quadrature(terms: Sequence[Floats], optional: Sequence[Floats]) -> Floats:
    """Root of the sum of squares of independent error terms.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        All needed: a missing one gives NaN.
    optional : sequence of numpy.ndarray
        Terms that count as zero where they are missing (NIES external error: never filled so far).

    Returns
    -------
    numpy.ndarray
        1 sigma, in the unit of the terms.

    Examples
    --------
    >>> import numpy as np
    >>> quadrature([np.array([3.0]), np.array([4.0])], [np.array([np.nan])])
    array([5.])
    """
    total = sum((term**2 for term in terms), np.zeros_like(terms[0]))
    for term in optional:
        total = total + np.nan_to_num(term, nan=0.0) ** 2
    return np.sqrt(total)


def normalise(terms: Sequence[Floats], optional: Sequence[Floats]) -> Floats:
    """Weights of the layers: partial columns over their sum, so that each row adds up to 1."""
    (amounts,) = terms
    return amounts / amounts.sum(axis=1, keepdims=True)


def equal_pressure_edges(terms: Sequence[Floats], optional: Sequence[Floats]) -> Floats:
    """Edges of 15 layers of equal pressure thickness, ``p_k = p_surface (15 - k) / 15``, surface first.

    NIES does not store them. The dry-air weights of its layers times 15 lie within 0.983 and 1.011 in
    real files, which equal thickness explains but for humidity and gravity: an approximation.
    """
    (surface_pressure,) = terms
    return surface_pressure[:, None] * (np.arange(15, -1, -1.0) / 15.0)


COMPUTATIONS: Final[dict[str, Callable[[Sequence[Floats], Sequence[Floats]], Floats]]] = {
    "copy": lambda terms, optional: terms[0],
    "quadrature": quadrature,
    "normalise": normalise,
    "equal_pressure_edges": equal_pressure_edges,
}
#: computations whose result runs surface first whatever the file's order is
ORDERED: Final = frozenset({"equal_pressure_edges"})
