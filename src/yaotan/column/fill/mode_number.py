"""How many modes a matrix with gaps holds, from entries that are withheld."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from yaotan.column.fill.mode import Filled, iterate, iterate_known, modes_of
from yaotan.column.fill.observation import Floats, Mask
from yaotan.errors import TooFewSoundingsError

#: Entries that are withheld, at least, and known entries needed for that.
WITHHELD, KNOWN = 30, 120
#: Numbers of modes without gain after which the search ends.
_PATIENCE: Final = 3
#: Least unresolved variance in parts of that of the known entries.
_LEAST: Final = 1e-6


@dataclass(frozen=True)
class LearnedModes:
    """Matrix filled by the best number of modes (None: by none), what they leave, errors by number."""

    filled: Filled | None
    rest: float
    errors: list[float]


def learn_modes(
    value: Floats,
    error: Floats,
    block: NDArray[np.intp],
    *,
    modes: int | None,
    most: int,
    part: float,
    smoothing: Floats | None,
    seed: int,
) -> LearnedModes:
    """Find the number of modes and what they leave from withheld entries, then the modes from all.

    Parameters
    ----------
    value, error : numpy.ndarray
        ``(cells, steps)``: residuals (NaN: gaps) and their error variances.
    block : numpy.ndarray
        ``(cells,)`` number of the block that a cell lies in.
    modes : int or None
        Their number where it is given.
    most, part, smoothing, seed
        Modes that are tried, part of the entries that is withheld, filter in time, seed of the choice.

    Returns
    -------
    LearnedModes

    Raises
    ------
    TooFewSoundingsError
        Fewer than 120 known entries.
    """
    known = np.isfinite(value)
    if known.sum() < KNOWN:
        raise TooFewSoundingsError(
            f"Dineof needs at least {KNOWN} known entries of cells and times, given are {known.sum()}",
            fix="give a longer period or a wider region, or take wider cells or longer steps",
        )
    out = withhold(known, block, part, WITHHELD, seed)
    most = min(most, *(size - 1 for size in value.shape))
    errors: list[float] = []
    if modes is None:
        errors, best = choose_number(value, out, most, smoothing)
        number = number_within(errors, int(out.sum()))
    else:
        number = min(modes, most)
        best = iterate_known(np.where(out, np.nan, value), number, smoothing)
    rest = calibrate_rest(best, value, error, out)
    return LearnedModes(iterate_known(value, number, smoothing), rest, errors)


def withhold(known: Mask, block: NDArray[np.intp], part: float, least: int, seed: int) -> Mask:
    """Choose known entries to leave out, all of a block of cells at one step together.

    Parameters
    ----------
    known : numpy.ndarray of bool
        ``(cells, steps)``.
    block : numpy.ndarray
        ``(cells,)`` number of the block that a cell lies in.
    part, least
        Part of the known entries, and their number, at least.
    seed : int
        Of the choice.

    Returns
    -------
    numpy.ndarray of bool
    """
    cell, step = np.nonzero(known)
    _, label = np.unique(block[cell] * known.shape[1] + step, return_inverse=True)
    order = np.random.default_rng(seed).permutation(label.max() + 1)
    size = np.cumsum(np.bincount(label)[order])
    number = int(np.searchsorted(size, max(part * cell.size, least))) + 1
    chosen = np.isin(label, order[:number])
    out = np.zeros_like(known)
    out[cell[chosen], step[chosen]] = True
    return out


def choose_number(
    value: Floats, out: Mask, most: int, smoothing: Floats | None
) -> tuple[list[float], Filled | None]:
    """Try numbers of modes from 0 on: root mean square error at the withheld entries of each, and the best.

    The best is the smallest number whose error is not above the least one by more than the standard error of
    such a figure, 1 / sqrt(2 n) of it: a mode that is not seen to help is left out.

    Parameters
    ----------
    value : numpy.ndarray
        ``(cells, steps)``, NaN in gaps.
    out : numpy.ndarray of bool
        Known entries that are withheld.
    most : int
        Modes, at most.
    smoothing : numpy.ndarray or None
        Filter of the covariance in time.

    Returns
    -------
    errors : list of float
        For 0, 1, 2 ... modes; it ends when three more have brought no gain.
    best : Filled or None
        With the best number; None when that is 0.
    """
    known = np.isfinite(value) & ~out
    filled = np.where(known, value, 0.0)
    errors = [float(np.sqrt((value[out] ** 2).mean()))]
    tried: list[Filled | None] = [None]
    while len(tried) <= most and len(tried) - 1 - int(np.argmin(errors)) < _PATIENCE:
        found = iterate(filled, known, len(tried), smoothing)
        filled = found.value
        errors.append(float(np.sqrt(((filled[out] - value[out]) ** 2).mean())))
        tried.append(found)
    return errors, tried[number_within(errors, int(out.sum()))]


def number_within(errors: list[float], entries: int) -> int:
    """Give the smallest number of modes whose error is the least one, to within its standard error.

    Examples
    --------
    >>> number_within([0.9, 0.5, 0.42, 0.41], 200), number_within([0.9, 0.5, 0.42, 0.41], 20_000)
    (2, 3)
    """
    bar = min(errors) * (1.0 + 1.0 / np.sqrt(2.0 * entries))
    return next(number for number, error in enumerate(errors) if error <= bar)


def calibrate_rest(found: Filled | None, value: Floats, error: Floats, out: Mask) -> float:
    r"""Find the unresolved variance with which the stated errors at the withheld entries are right.

    :math:`\nu^2` solves :math:`\sum (y - \hat y)^2 / (u_j^T C_t u_j + \nu^2 + u^2) = n` over the withheld
    entries, predicted from the others with the modes of these.
    """
    masked = np.where(out, np.nan, value)
    cell, step = np.nonzero(out)
    scale = float(np.nanvar(value))

    def excess(logarithm: float) -> float:
        modes = modes_of(found, value.shape, scale * float(np.exp(logarithm)))
        amplitude, covariance = modes.amplitudes(masked, error)
        pattern = modes.pattern[cell]
        left = value[cell, step] - np.einsum("nk,nk->n", pattern, amplitude[step])
        spread = np.einsum("nk,nkl,nl->n", pattern, covariance[step], pattern)
        return float((left**2 / (spread + modes.rest + error[cell, step])).mean()) - 1.0

    low, high = float(np.log(_LEAST)), float(np.log(10.0))
    if excess(low) <= 0.0:
        return scale * _LEAST
    return scale * float(np.exp(brentq(excess, low, high, xtol=0.01)))
