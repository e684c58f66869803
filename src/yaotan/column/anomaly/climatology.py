"""What a calendar month is expected to be from the other years, and how far years depart from that."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

#: values held at once of one array
_BUDGET: Final = 2_000_000
#: relative determinant below which years do not tell the growth
_SINGULAR: Final = 1e-9


@dataclass(frozen=True)
class Expected:
    """Expectation of every month from the years of the base period other than its own.

    All arrays ``(year, month, place)``.

    Attributes
    ----------
    value : numpy.ndarray
        Mean of the same calendar month, moved along the growth to this year.
    spread : numpy.ndarray
        1 sigma of a year about that.
    widening : numpy.ndarray
        Variance of the expectation, in squared spreads.
    freedom : numpy.ndarray
        Degrees of freedom of the spread.
    years : numpy.ndarray
        Years that the calendar month was taken from.
    growth : numpy.ndarray
        Growth at that time [unit per year], 0 where none is fitted.
    noise : numpy.ndarray
        Mean stated variance of those years, NaN where none is stated.
    """

    value: Floats
    spread: Floats
    widening: Floats
    freedom: Floats
    years: Floats
    growth: Floats
    noise: Floats


def expect(values: Floats, variance: Floats, base: Mask, moment: Floats, terms: int) -> Expected:
    r"""Expect each month from the other years.

    With the year judged left out, month means c and growth are fitted to the base period by least squares,
    :math:`x_{ym} = c_m + \sum_{0<j<k} a_j t_{ym}^j + e_{ym}`. The months of a year depart together, so the
    growth is told by less than all months: by the share q of the variance of a single month that the mean of
    a year keeps (1: months of a year are one value; 1 / months: they are independent). Then

    .. math:: s_m^2 = \frac{\sum_y e_{ym}^2}{n - 1 - (k - 1) q}, \quad
              w = \frac{1}{n} + q\, d^T (A / M)^{-1} d

    with n years, d the departure of the powers of t from their means over the years, A the normal matrix of
    all months, M the months of a year. For q = 1 and for k = 1 both are those of linear regression.

    Parameters
    ----------
    values, variance : numpy.ndarray
        ``(year, month, place)``, NaN where missing; variance is that stated for each value.
    base : numpy.ndarray of bool
        ``(year, month)`` of the base period.
    moment : numpy.ndarray
        ``(year, month)`` decimal years.
    terms : int
        Terms k of the polynomial; 1: no growth.

    Returns
    -------
    Expected
        NaN where the years do not tell it.
    """
    places = values.shape[2]
    step = max(1, _BUDGET // max(1, values.shape[0] * values.shape[1]))
    parts = [
        _expect_part(
            values[..., start : start + step], variance[..., start : start + step], base, moment, terms
        )
        for start in range(0, places, step)
    ]
    return Expected(*(np.concatenate([getattr(p, f.name) for p in parts], axis=2) for f in fields(Expected)))


def _expect_part(values: Floats, variance: Floats, base: Mask, moment: Floats, terms: int) -> Expected:
    known = np.isfinite(values) & base[..., None]
    rows = []
    for number in range(values.shape[0]):
        use = known.copy()
        use[number] = False
        rows.append(_expect_year(values, variance, use, moment, number, terms))
    return Expected(*(np.stack(column) for column in zip(*rows, strict=True)))


def _expect_year(
    values: Floats, variance: Floats, use: Mask, moment: Floats, number: int, terms: int
) -> tuple[Floats, ...]:
    """Give the fields of `Expected` for one year, each ``(month, place)``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        years = use.sum(axis=0).astype(float)
        mean = np.where(use, values, 0.0).sum(axis=0) / years
        rest = np.where(use, values - mean, 0.0)
        span = max(float(np.ptp(moment)), 1.0)
        # time from the month judged, so that its growth is the first coefficient
        power, ahead = _powers((moment - moment[number]) / span, use, years, terms)
        normal = np.einsum("jymp,kymp->pjk", power, power)
        slope = _solve(normal, np.einsum("jymp,ymp->pj", power, rest))
        rest = rest - np.einsum("jymp,pj->ymp", power, slope)
        share, months = _share(rest, use, terms)
        value = mean + np.einsum("jmp,pj->mp", ahead, slope)
        inverse = _solve(normal / months[:, None, None], np.moveaxis(ahead, 2, 0))
        lever = np.einsum("jmp,pjm->mp", ahead, inverse)
        freedom = years - 1.0 - (terms - 1) * share
        square = (rest**2).sum(axis=0) / np.where(freedom > 0.0, freedom, np.nan)
        stated = use & np.isfinite(variance)
        noise = np.where(stated, variance, 0.0).sum(axis=0) / stated.sum(axis=0)
    growth = slope[:, 0] / span if terms > 1 else np.zeros(values.shape[2])
    given = np.isfinite(value)
    return (
        value,
        np.sqrt(square),
        1.0 / np.where(years > 0, years, np.nan) + share * lever,
        np.where(given, freedom, np.nan),
        years,
        np.where(given, growth, np.nan),
        noise,
    )


def _powers(time: Floats, use: Mask, years: Floats, terms: int) -> tuple[Floats, Floats]:
    """Powers of time less their means by calendar month: of the years used, and of the year judged."""
    power = np.empty((terms - 1, *use.shape))
    ahead = np.empty((terms - 1, *use.shape[1:]))
    for j in range(1, terms):
        column = np.where(use, (time**j)[..., None], 0.0)
        mean = column.sum(axis=0) / years
        power[j - 1] = np.where(use, column - mean, 0.0)
        ahead[j - 1] = -mean
    return power, ahead


def _solve(matrix: Floats, right: Floats) -> Floats:
    """Solve a small system for each place; NaN where it is singular."""
    size = matrix.shape[-1]
    if size == 0:
        return np.zeros((matrix.shape[0], *right.shape[1:]))
    scale = np.sqrt(np.einsum("pjj->pj", matrix))
    scaled = matrix / (scale[:, :, None] * scale[:, None, :])
    good = np.isfinite(scaled).all(axis=(1, 2))
    good &= np.linalg.det(np.where(good[:, None, None], scaled, np.eye(size))) > _SINGULAR
    safe = np.where(good[:, None, None], scaled, np.eye(size))
    flat = right.reshape(*right.shape[:2], -1) / scale[:, :, None]
    found = np.linalg.solve(safe, np.nan_to_num(flat)) / scale[:, :, None]
    bad = ~good[:, None, None] | ~np.isfinite(flat)
    return np.asarray(np.where(bad, np.nan, found).reshape(right.shape), float)


def _share(rest: Floats, use: Mask, terms: int) -> tuple[Floats, Floats]:
    """Share of the variance that the mean of a year keeps, and months of a year, by place."""
    count = use.sum(axis=1)
    present = count > 0
    years = present.sum(axis=0)
    months = count.sum(axis=0) / years
    yearly = rest.sum(axis=1) / np.where(present, count, 1)
    used = use.any(axis=0).sum(axis=0)
    single = (rest**2).sum(axis=(0, 1)) / np.maximum(count.sum(axis=0) - used - (terms - 1), 1)
    joint = (yearly**2).sum(axis=0) / np.where(years > terms, years - terms, np.nan)
    share = np.where(single > 0.0, joint / single, 1.0)
    return np.clip(np.nan_to_num(share, nan=1.0), 1.0 / np.maximum(months, 1.0), 1.0), months
