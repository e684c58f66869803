"""The plume in an image: line densities, spread, centre line and background, fitted together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.image import PixelSet
from yaotan.plume.layout import FAR, Layout
from yaotan.plume.profile import Spread, pixel_profile

Floats: TypeAlias = NDArray[np.float64]

#: bounds of the logarithm of a, of b, of the turn [radian] and of the bend [radian in 100 km]
LOWER: Final = np.array([math.log(10.0), 0.3, -0.8, -1.5])
UPPER: Final = np.array([math.log(1000.0), 1.6, 0.8, 1.5])


@dataclass(frozen=True)
class PlumeModel:
    """A fitted plume.

    ``density`` [kg m-1] of each line at ``centre`` [m], ``covariance`` with the shape held, and
    ``full_covariance`` with its error; ``shape`` the parameters log a, b, turn, bend.
    """

    layout: Layout
    shape: Floats
    density: Floats
    covariance: Floats
    full_covariance: Floats
    weights: Floats = field(repr=False)
    residual: Floats = field(repr=False)
    noise_scale: float = 1.0
    at_bound: bool = False
    background: Floats = field(default_factory=lambda: np.zeros(0), repr=False)
    profile: Floats = field(default_factory=lambda: np.zeros(0), repr=False)
    coefficients: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    @property
    def spread(self) -> Spread:
        """Width of the plume."""
        return Spread(math.exp(self.shape[0]), float(self.shape[1]), self.layout.options.source_width)

    @property
    def across(self) -> Floats:
        """Distance from the fitted centre line [m]."""
        return moved(self.layout.along, self.layout.across, self.shape)


def moved(along: Floats, across: Floats, shape: Floats) -> Floats:
    """Distance from the centre line after its turn and bend [m]."""
    down = np.maximum(along, 0.0)
    return across - down * shape[2] - down**2 / FAR * shape[3]


def _seen(frame: Any, shape: Floats, layout: Layout, down: Any) -> Floats:
    """What one kilogram per metre gives in each pixel [m-1], zero where the plume is not."""
    spread = Spread(math.exp(shape[0]), float(shape[1]), layout.options.source_width)
    along = frame.along[down]
    across = moved(along, frame.across[down], shape)
    out = np.zeros(frame.along.shape)
    out[down] = pixel_profile(across, spread.width(along), frame.half_1[down], frame.half_2[down])
    if math.isfinite(layout.options.decay):
        out[down] *= np.exp(-along / layout.options.decay)
    return out


def plume_profile(layout: Layout, shape: Floats) -> Floats:
    """What one kilogram per metre of the plume gives in each pixel [m-1], zero upwind."""
    return _seen(layout, shape, layout, layout.bin >= 0)


def _design(layout: Layout, shape: Floats) -> Floats:
    """Columns: a line density each, then other plumes, then the background."""
    lines = np.zeros((layout.along.size, layout.centre.size))
    down = layout.bin >= 0
    lines[np.flatnonzero(down), layout.bin[down]] = plume_profile(layout, shape)[down]
    others = [_seen(frame, shape, layout, frame.along > 0.0)[:, None] for frame in layout.others]
    return np.concatenate([lines, *others, layout.background], axis=1)


def _solve(layout: Layout, shape: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Amplitudes, residual / sigma, and the weighted design with the scale of its columns."""
    design = _design(layout, shape) / layout.sigma[:, None]
    scale = np.sqrt(np.sum(design**2, axis=0))
    scale = np.where(scale > 0.0, scale, 1.0)
    design = design / scale
    data = layout.mass / layout.sigma
    normal = design.T @ design
    # a line without a pixel has no column: the ridge gives it zero and, below, no weight
    normal[np.diag_indices_from(normal)] += 1e-10
    amplitude = np.linalg.solve(normal, design.T @ data)
    return amplitude / scale, data - design @ amplitude, design, scale


def fit_plume(
    layout: Layout, *, shape: Floats | None = None, start: Floats | None = None, search: bool = False
) -> PlumeModel:
    """Fit line densities, background and shape; amplitudes enter linearly and need no first guess.

    Parameters
    ----------
    layout : Layout
        Pixels in the frame.
    shape : numpy.ndarray, optional
        Shape to hold, such as that of a second gas; else it is fitted under its prior.
    start : numpy.ndarray, optional
        Shape with which the fit begins; default: the mean of its prior.
    search : bool
        Try centre lines over 2.5 standard errors of the turn first: for lines that only the wind gives.

    Returns
    -------
    PlumeModel
        The fit.

    Raises
    ------
    NoEstimateError
        No line has enough pixels.
    """
    mean, error = layout.options.prior
    free = np.flatnonzero(error > 0.0) if shape is None else np.zeros(0, int)
    first = shape if shape is not None else mean if start is None else start
    current = np.array(first, float)
    if search and 2 in free:
        current = _search(layout, current, mean, error, free)
    if free.size:
        current = _descend(layout, current, mean, error, free)
    return _finish(layout, current, mean, error, free)


def _cost(layout: Layout, shape: Floats, mean: Floats, error: Floats, free: Any) -> float:
    residual = _solve(layout, shape)[1]
    return float(residual @ residual + np.sum(((shape - mean)[free] / error[free]) ** 2))


def _search(layout: Layout, current: Floats, mean: Floats, error: Floats, free: Any) -> Floats:
    trials = []
    for turn in np.linspace(-2.5, 2.5, 21) * error[2]:
        trial = current.copy()
        trial[2] = np.clip(turn, LOWER[2], UPPER[2])
        trials.append((_cost(layout, trial, mean, error, free), turn, trial))
    return min(trials, key=lambda one: one[:2])[2]


def _descend(layout: Layout, current: Floats, mean: Floats, error: Floats, free: Any) -> Floats:
    """Levenberg-Marquardt on the projected residual (variable projection, numeric derivative)."""
    damping = 1e-3
    steps = np.array([1e-3, 1e-3, 1e-4, 1e-4])

    def full(shape: Floats) -> Floats:
        residual = _solve(layout, shape)[1]
        return np.concatenate([residual, (shape - mean)[free] / error[free]])

    now = full(current)
    for _ in range(25):
        columns = []
        for k in free:
            trial = current.copy()
            trial[k] += steps[k]
            columns.append((full(trial) - now) / steps[k])
        jacobian = np.stack(columns, -1)
        normal, slope = jacobian.T @ jacobian, jacobian.T @ now
        better = False
        for _ in range(6):
            move = -np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope)
            trial = current.copy()
            trial[free] = np.clip(current[free] + move, LOWER[free], UPPER[free])
            then = full(trial)
            if then @ then < now @ now:
                better = True
                break
            damping *= 10.0
        if not better:
            break
        gain = now @ now - then @ then
        current, now, damping = trial, then, damping / 10.0
        if gain < 1e-8 * (now @ now):
            break
    return current


def _finish(layout: Layout, shape: Floats, mean: Floats, error: Floats, free: Any) -> PlumeModel:
    profile = plume_profile(layout, shape)
    amplitude, residual, design, scale = _solve(layout, shape)
    count = layout.centre.size
    freedom = max(residual.size - amplitude.size - free.size, 1)
    noise = float(residual @ residual) / freedom * correlation_factor(layout.pixels, residual)
    inverse = np.linalg.inv(design.T @ design + 1e-10 * np.eye(design.shape[1]))
    held = inverse / np.outer(scale, scale) * noise
    columns = []
    for k in free:
        trial = shape.copy()
        trial[k] += 1e-4
        change = (plume_profile(layout, trial) - profile) / 1e-4
        columns.append(np.where(layout.bin >= 0, amplitude[:count][layout.bin], 0.0) * change)
    full = held[:count, :count]
    if free.size:
        extra = np.stack(columns, -1) / layout.sigma[:, None]
        wide = np.concatenate([design, extra], axis=1)
        normal = wide.T @ wide
        normal[np.diag_indices_from(normal)] += 1e-10
        place = np.arange(design.shape[1], wide.shape[1])
        normal[place, place] += noise / error[free] ** 2
        both = np.linalg.inv(normal)[:count, :count]
        full = both / np.outer(scale[:count], scale[:count]) * noise
    weights = (inverse @ design.T) / scale[:, None] / layout.sigma[None, :]
    bound = bool(np.any((shape[free] <= LOWER[free]) | (shape[free] >= UPPER[free])))
    return PlumeModel(
        layout,
        shape,
        amplitude[:count],
        held[:count, :count],
        full,
        weights,
        residual,
        noise_scale=noise,
        at_bound=bound,
        background=(design[:, count:] * scale[count:] * layout.sigma[:, None]) @ amplitude[count:],
        coefficients=amplitude,
        profile=profile,
    )


def correlation_factor(pixels: PixelSet, residual: Floats, lags: int = 3) -> float:
    """Factor of variances of means by the correlation of neighbouring residuals, at least 1.

    The sum of the autocorrelation over lags up to three pixels in each direction: what the variance of a
    mean over many pixels is larger than without correlation. Beyond three pixels a background polynomial has
    taken most.

    Parameters
    ----------
    pixels : PixelSet
        Their place in the image.
    residual : numpy.ndarray
        Residual / standard error.
    lags : int
        Largest lag [pixels].

    Returns
    -------
    float
        1 for independent noise.
    """
    rows, columns = pixels.row - pixels.row.min(), pixels.column - pixels.column.min()
    image = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    # strong residuals near the source are misfit of the plume, not noise
    image[rows, columns] = np.clip(residual, -4.0 * residual.std(), 4.0 * residual.std())
    variance = float(np.nanmean(image**2))
    total = 1.0
    for dy in range(lags + 1):
        for dx in range(-lags, lags + 1):
            if (dy == 0 and dx <= 0) or dy >= image.shape[0] or abs(dx) >= image.shape[1]:
                continue
            one = image[: image.shape[0] - dy, max(0, -dx) : image.shape[1] - max(0, dx)]
            two = image[dy:, max(0, dx) : image.shape[1] + min(0, dx)]
            product = one * two
            if np.isfinite(product).sum() > 30:
                correlation = float(np.nanmean(product)) / variance
                total += 2.0 * correlation
    return max(1.0, total)


def choose_order(layouts: dict[int, Layout], shape: Floats) -> int:
    """Choose the degree of the background polynomial by the criterion of Schwarz (1978).

    Noise is that of the highest degree, with its correlation; what a term gains must exceed the logarithm of
    the number of independent pixels.

    Parameters
    ----------
    layouts : dict of int to Layout
        The same pixels by degree, with line densities.
    shape : numpy.ndarray
        Shape of the plume.

    Returns
    -------
    int
        The degree.
    """
    found = {}
    for order, layout in layouts.items():
        residual = _solve(layout, shape)[1]
        found[order] = (residual, layout.background.shape[1])
    last = found[max(found)][0]
    factor = correlation_factor(next(iter(layouts.values())).pixels, last)
    variance = float(last @ last) / max(last.size - 10, 1) * factor
    price = math.log(max(last.size / factor, 2.0))
    return min(
        found, key=lambda order: float(found[order][0] @ found[order][0]) / variance + price * found[order][1]
    )
