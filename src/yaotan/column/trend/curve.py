"""The curves of Thoning et al. (1989) as rows of numbers: every value is a fixed mean of the data.

Function, filters and derivative are linear in the data. Written as matrices they give each curve, and the
exact variance of each curve for any covariance of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.column.trend.moment import FILTER_YEAR
from yaotan.errors import SeriesError

Floats = NDArray[np.float64]
Kind = Literal["function", "smooth", "trend", "season", "growth"]
#: below this the filter counts as zero
_NEGLIGIBLE: Final = 1e-10
#: power of the filter: H(f) = 2 ** -((f / cut-off) ** 6) (NOAA GML, ccgfilt.py, `_freq_filter`)
_POWER: Final = 6


@dataclass(frozen=True)
class Settings:
    """Polynomial terms, harmonics, cut-offs [days], step of the filter [days; None: median spacing]."""

    terms: int = 3
    harmonics: int = 4
    short: float = 80.0
    long: float = 667.0
    step: float | None = None

    @property
    def parameters(self) -> int:
        """Number of coefficients of the function."""
        return self.terms + 2 * self.harmonics

    @property
    def names(self) -> list[str]:
        """Names of the coefficients in order."""
        polynomial = [f"p{power}" for power in range(self.terms)]
        return polynomial + [f"{wave}{k}" for k in range(1, self.harmonics + 1) for wave in ("sin", "cos")]


class Curve:
    """Rows that turn the values of one series into its curves.

    Parameters
    ----------
    year : array_like
        ``(n,)`` decimal years of the values, rising, each once.
    settings : Settings
        Of fit and filters.
    weight : array_like, optional
        ``(n,)`` weights of the least-squares fit of the function; equal without it.

    Attributes
    ----------
    origin : float
        Decimal year in which the polynomial counts its time from: the middle of the series.
    step : float
        Step of the filter [years].

    Raises
    ------
    SeriesError
        The times cannot tell the coefficients apart.

    Notes
    -----
    f(t) = sum a_i (t - origin)^i + sum b_j sin 2 pi j t + c_j cos 2 pi j t, by weighted least squares. The
    residuals are interpolated linearly to equal steps; the straight line through the residuals within a
    quarter of the long cut-off of either end is taken off, filtered curves get it back. H(f) = 2^-(f / f_c)^6
    with f_c = 365 / cut-off per year. Here the steps are padded with zeros by at least one long cut-off, so
    that one end does not reach the other (ccgcrv pads to the next power of two only), and curves are
    evaluated from their Fourier sum, not between steps.
    """

    def __init__(self, year: ArrayLike, settings: Settings, weight: ArrayLike | None = None) -> None:
        self.year = np.asarray(year, float)
        self.settings = settings
        self.origin = float((self.year[0] + self.year[-1]) / 2.0)
        root = np.ones(self.year.size) if weight is None else np.sqrt(np.asarray(weight, float))
        self.fit_rows = self._least_squares(root)
        self._end_rows = self._line_through_ends()
        self.step, self._spectrum_rows, self._size = self._spectrum()

    def design(self, at: ArrayLike, *, derivative: bool = False) -> Floats:
        """Give terms of the function at times ``(k, parameters)``, or their derivatives by the year."""
        t = np.asarray(at, float)
        x = t - self.origin
        columns = []
        for power in range(self.settings.terms):
            if derivative:
                columns.append(power * x ** max(power - 1, 0) if power else np.zeros_like(x))
            else:
                columns.append(x**power)
        for k in range(1, self.settings.harmonics + 1):
            turn = 2.0 * np.pi * k
            wave = [turn * np.cos(turn * t), -turn * np.sin(turn * t)]
            columns += wave if derivative else [np.sin(turn * t), np.cos(turn * t)]
        return np.stack(columns, axis=-1)

    def _least_squares(self, root: Floats) -> Floats:
        """Give coefficients as rows on the data ``(parameters, n)``."""
        design = self.design(self.year) * root[:, None]
        scale = np.sqrt((design**2).sum(axis=0))
        with np.errstate(invalid="ignore", divide="ignore"):
            left, singular, right = np.linalg.svd(design / scale, full_matrices=False)
        if not np.isfinite(scale).all() or (scale == 0.0).any() or singular[-1] < 1e-8 * singular[0]:
            raise SeriesError(
                f"the times of the values cannot tell {self.settings.terms} polynomial terms and "
                f"{self.settings.harmonics} harmonics apart",
                expected="values in most parts of the year and over more than two years",
                fix="use fewer harmonics (harmonics=2) or terms",
            )
        return np.asarray((right.T / singular) @ left.T * root[None, :] / scale[:, None])

    def _line_through_ends(self) -> Floats:
        """Give intercept and slope of the line through both ends as rows on the residuals ``(2, n)``."""
        rows = np.zeros((2, self.year.size))
        length = self.settings.long / FILTER_YEAR
        if self.year[-1] - self.year[0] < length:
            return rows
        near = (self.year <= self.year[0] + length / 4.0) | (self.year >= self.year[-1] - length / 4.0)
        x = self.year[near] - self.origin
        centred = x - x.mean()
        slope = centred / (centred**2).sum()
        rows[1, near] = slope
        rows[0, near] = 1.0 / x.size - slope * x.mean()
        return rows

    def _line(self, at: Floats) -> Floats:
        return np.stack([np.ones_like(at), at - self.origin], axis=-1)

    def _spectrum(self) -> tuple[float, Floats, int]:
        """Give the filter's step [years], cosine and sine sums as rows on the data, and the padded length."""
        span = self.year[-1] - self.year[0]
        wanted = self.settings.step
        if wanted is None:
            wanted = max(1.0, round(float(np.median(np.diff(self.year))) * FILTER_YEAR))
        count = max(2, round(span * FILTER_YEAR / wanted) + 1)
        step = span / (count - 1)
        steps = self.year[0] + step * np.arange(count)
        padded = count + self.settings.long / FILTER_YEAR / step
        size = 2 ** int(np.ceil(np.log2(padded)))
        residual = -self.design(self.year) @ self.fit_rows
        residual[np.diag_indices(self.year.size)] += 1.0
        self._residual_rows = residual
        flat = residual - self._line(self.year) @ (self._end_rows @ residual)
        even = _interpolate(self.year, flat, steps)
        self._frequency = np.fft.rfftfreq(size, step)
        kept = self._filter(self.settings.short) > _NEGLIGIBLE
        self._frequency = self._frequency[kept]
        sums = np.fft.rfft(even, n=size, axis=0)[kept]
        return step, np.concatenate([sums.real, sums.imag]), size

    def _filter(self, cutoff: float) -> Floats:
        limit = FILTER_YEAR / cutoff
        return np.asarray(2.0 ** -np.minimum((self._frequency / limit) ** _POWER, 1000.0))

    def _synthesis(self, at: Floats, cutoff: float, order: int) -> Floats:
        """Give weights of the sums at times, for the filtered residual or a derivative ``(k, 2 sums)``."""
        frequency = self._frequency
        double = np.where(frequency == 0.0, 1.0, 2.0)
        # the highest frequency of an even length stands once in the spectrum
        double[np.isclose(frequency, 0.5 / self.step)] = 1.0
        gain = double * self._filter(cutoff) / self._size
        angle = 2.0 * np.pi * frequency * (at - self.year[0])[:, None]
        turned = gain * (2j * np.pi * frequency) ** order * np.exp(1j * angle)
        return np.concatenate([turned.real, -turned.imag], axis=1)

    def _parts(self, at: Floats, kind: Kind, order: int) -> tuple[Floats, Floats, Floats]:
        """Weights of coefficients, of the line through the ends, and of the sums of the spectrum."""
        terms = self.settings.terms
        if order > 1:
            raise ValueError("the function has rows for its first derivative only")
        design = self.design(at, derivative=order == 1)
        line = self._line(at)
        if order == 1:
            line = np.stack([np.zeros_like(at), np.ones_like(at)], axis=-1)
        polynomial = np.arange(design.shape[1]) < terms
        long = self._synthesis(at, self.settings.long, order)
        if kind == "function":
            return design, 0.0 * line, 0.0 * long
        if kind == "trend":
            return np.where(polynomial, design, 0.0), line, long
        short = self._synthesis(at, self.settings.short, order)
        if kind == "smooth":
            return design, line, short
        return np.where(polynomial, 0.0, design), 0.0 * line, short - long

    def rows(self, at: ArrayLike, kind: Kind, *, order: int = 0, combine: Floats | None = None) -> Floats:
        """Give a curve at times as rows on the data.

        Parameters
        ----------
        at : array_like
            ``(k,)`` decimal years inside the series.
        kind : {"function", "smooth", "trend", "season", "growth"}
            Growth is the derivative of the trend by the year.
        order : {0, 1}
            The curve or its derivative by the year.
        combine : numpy.ndarray, optional
            ``(m, k)``: sums over the times with these weights instead of the times themselves.

        Returns
        -------
        numpy.ndarray
            ``(k, n)`` or ``(m, n)``.
        """
        kind, order = ("trend", order + 1) if kind == "growth" else (kind, order)
        design, line, sums = self._parts(np.asarray(at, float), kind, order)
        if combine is not None:
            design, line, sums = combine @ design, combine @ line, combine @ sums
        return (
            design @ self.fit_rows
            + line @ (self._end_rows @ self._residual_rows)
            + sums @ self._spectrum_rows
        )

    def evaluator(self, data: Floats, kind: Kind) -> Callable[[ArrayLike], Floats]:
        """Give a function of time that is a curve through data: `rows` times the data, without the rows.

        ``data`` ``(n,)`` or ``(n, columns)``; the function turns ``(k,)`` decimal years into ``(k,)`` or
        ``(k, columns)``.
        """
        kind, order = ("trend", 1) if kind == "growth" else (kind, 0)
        coefficients = self.fit_rows @ data
        ends = self._end_rows @ (self._residual_rows @ data)
        spectrum = self._spectrum_rows @ data

        def evaluate(at: ArrayLike) -> Floats:
            design, line, sums = self._parts(np.asarray(at, float), kind, order)
            return np.asarray(design @ coefficients + line @ ends + sums @ spectrum)

        return evaluate


def _interpolate(year: Floats, columns: Floats, steps: Floats) -> Floats:
    """Interpolate every column linearly to the steps."""
    place = np.clip(np.searchsorted(year, steps, side="right"), 1, year.size - 1)
    share = (steps - year[place - 1]) / (year[place] - year[place - 1])
    share = np.clip(share, 0.0, 1.0)[:, None]
    return np.asarray((1.0 - share) * columns[place - 1] + share * columns[place])
