"""What a calendar month is expected to be from the other years, and how far years depart from that."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

#: values held at once of one array
_BUDGET: Final = 500_000
#: relative determinant below which years do not tell the growth
_SINGULAR: Final = 1e-9
#: longest persistence told: correlation of neighbouring months
_LONGEST: Final = 0.97


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
    :math:`x_{ym} = c_m + \sum_{0<j<k} a_j t_{ym}^j + e_{ym}`, so that the expectation is a weighted sum
    :math:`\sum w x` of all months. Departures e last: with correlation :math:`r^{|s - t|}` between months s
    and t (`persistence`), its error has the variance

    .. math:: s_m^2 (1 + w) = \sum_{st} v_s v_t s_s s_t r^{|s - t|}, \quad
              s_m^2 = \frac{\sum_y e_{ym}^2}{n - n_1 - (k - 1) q}, \quad
              n_1 = 1 + 2 \sum_i (1 - i / n)\, r^{12 i}

    with v the weights less 1 at the month judged, n years, and q the share of the variance of a month that
    the mean of a year keeps: by that much one month alone tells the growth as well as all of a year. For
    k = 1 departures of years are taken as independent: the prediction of a mean, w = 1 / n and n - 1 degrees
    of freedom.

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
        share, hold = persistence(rest, use, terms)
        value = mean + np.einsum("jmp,pj->mp", ahead, slope)
        freedom = years - _joint(hold**12, years) - (terms - 1) * share
        spread = np.sqrt((rest**2).sum(axis=0) / np.where(freedom > 0.0, freedom, np.nan))
        weight = _weights(power, ahead, normal, use, years, number)
        error = _quadratic(weight, spread, hold)
        freedom = _joint_freedom(spread**2 * (1.0 + 1.0 / years), error, freedom, share)
        stated = use & np.isfinite(variance)
        noise = np.where(stated, variance, 0.0).sum(axis=0) / stated.sum(axis=0)
    growth = slope[:, 0] / span if terms > 1 else np.zeros(values.shape[2])
    given = np.isfinite(value)
    return (
        value,
        spread,
        np.where(spread > 0.0, error / spread**2 - 1.0, np.nan),
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


def _weights(power: Floats, ahead: Floats, normal: Floats, use: Mask, years: Floats, number: int) -> Floats:
    """Weights ``(time, month, place)`` of all values in an expectation less the value of the month judged."""
    months = use.shape[1]
    shape = (power.shape[0], use.shape[0] * months, use.shape[2])
    flat = np.moveaxis(power.reshape(shape), 2, 0)
    weight = np.einsum("jmp,pjt->tmp", ahead, _solve(normal, flat))
    for month in range(months):
        weight[month::months, month] += use[:, month] / years[month]
        weight[number * months + month, month] -= 1.0
    return weight


def _quadratic(weight: Floats, spread: Floats, hold: Floats) -> Floats:
    """Variance ``(month, place)`` of weighted sums, the correlation of two times hold^|s - t|."""
    # a month that is too rare to have a spread counts with the mean of the others
    square = np.where(np.isfinite(spread), spread**2, 0.0)
    mean = square.sum(axis=0) / np.maximum(np.isfinite(spread).sum(axis=0), 1)
    scale = np.where(np.isfinite(spread), spread, np.sqrt(mean))
    total, carry = np.zeros(spread.shape), np.zeros(spread.shape)
    for step, row in enumerate(weight):
        scaled = row * scale[step % len(scale)]
        total += scaled * (scaled + 2.0 * carry)
        carry = hold * (carry + scaled)
    return total


def _joint_freedom(own: Floats, error: Floats, freedom: Floats, share: Floats) -> Floats:
    """Degrees of freedom of a variance whose part of the own spread is told by the month's years alone.

    The rest, the error of the growth, is told by all months: by freedom / share, of which the month's own
    years are a part. The variances of both estimates add as those of Satterthwaite (1946) do.
    """
    rest = np.maximum(error - own, 0.0) if share.any() else np.zeros_like(own)
    common = np.where(share > 0.0, share, 1.0)
    together = (own + rest * np.sqrt(common)) ** 2 + rest**2 * common * (1.0 - common)
    return np.asarray(freedom * (own + rest) ** 2 / together, float)


def persistence(rest: Floats, use: Mask, terms: int) -> tuple[Floats, Floats]:
    """How much departures last, by place: share q of the mean of a year, and correlation of next months.

    Two estimates of q, of which the larger counts: by the correlation r of neighbouring months, and by the
    variance of means of years over that of months (which sees what lasts beside noise that does not). Without
    growth neither is needed, and departures of years are taken as independent; so they are where years have
    fewer than two months.

    Parameters
    ----------
    rest, use : numpy.ndarray
        ``(year, month, place)`` departures (0 where not used), and which are used.
    terms : int
        Terms k of the polynomial.

    Returns
    -------
    share, hold : numpy.ndarray
        ``(place,)``.
    """
    count = use.sum(axis=1)
    present = count > 0
    years = present.sum(axis=0)
    months = count.sum(axis=0) / np.maximum(years, 1)
    zero = np.zeros(years.shape)
    if terms == 1:
        return zero, zero
    line, seen = rest.reshape(-1, rest.shape[2]), use.reshape(-1, rest.shape[2])
    both = seen[1:] & seen[:-1]
    top = np.where(both, line[1:] * line[:-1], 0.0).sum(axis=0)
    under = np.where(both, line[1:] ** 2 + line[:-1] ** 2, 0.0).sum(axis=0) / 2.0
    near = np.clip(np.where(under > 0.0, top / under, 0.0), 0.0, _LONGEST)
    hold = near
    for _ in range(3):  # the growth has taken some of what lasts out of the departures
        lost = (terms - 1) * _joint(hold, 12.0) / 12.0 / np.maximum(years, 1)
        hold = np.clip(near * (1.0 - lost) + lost, 0.0, _LONGEST)
    hold = np.where(near > 0.0, hold, 0.0)
    yearly = rest.sum(axis=1) / np.where(present, count, 1)
    used = use.any(axis=0).sum(axis=0)
    single = (rest**2).sum(axis=(0, 1)) / np.maximum(count.sum(axis=0) - used - (terms - 1), 1)
    joint = (yearly**2).sum(axis=0) / np.where(years > terms, years - terms, np.nan)
    share = np.clip(np.nan_to_num(np.where(single > 0.0, joint / single, 1.0), nan=1.0), 0.0, 1.0)
    # of few months the mean of a year keeps more: brought to twelve as if all months of a year were alike
    few = (present / np.maximum(count, 1)).sum(axis=0) / np.maximum(years, 1)
    alike = np.clip((share - few) / np.where(few < 1.0, 1.0 - few, np.inf), 0.0, 1.0)
    whole = np.maximum(alike + (1.0 - alike) / 12.0, _joint(hold, 12.0) / 12.0)
    table = np.linspace(0.0, _LONGEST, 200)
    hold = np.interp(whole, _joint(table, 12.0) / 12.0, table)
    share = np.clip(share, 1.0 / np.maximum(months, 1.0), 1.0)
    return share, np.where(months < 2.0, 0.0, hold)


def _joint(hold: Floats, count: Floats | float) -> Floats:
    """Variance of a sum of n values over that of independent ones: 1 + 2 sum (1 - k / n) r^k."""
    n = np.maximum(count, 1.0)
    return np.asarray((1 + hold) / (1 - hold) - 2 * hold * (1 - hold**n) / (n * (1 - hold) ** 2), float)
