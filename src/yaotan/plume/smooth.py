"""Local means and smooth backgrounds of images with gaps."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


def local_mean(values: Floats, sigma: Floats, width: float) -> tuple[Floats, Floats]:
    """Mean under a Gaussian kernel over pixels that have a value, and the variance of its noise.

    Parameters
    ----------
    values, sigma : numpy.ndarray
        ``(y, x)`` value and standard error of independent noise, NaN where there is none.
    width : float
        Standard deviation of the kernel [pixels].

    Returns
    -------
    mean, variance : numpy.ndarray
        NaN where no pixel within the kernel (4 standard deviations) has a value.

    Examples
    --------
    >>> mean, variance = local_mean(np.full((5, 5), 2.0), np.ones((5, 5)), 1.0)
    >>> float(mean[2, 2]), bool(variance[2, 2] < 0.15)
    (2.0, True)
    """
    from scipy.ndimage import correlate1d

    half = max(1, int(np.ceil(4.0 * width)))
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / width) ** 2)

    def spread(image: Floats, weights: Floats) -> Floats:
        return correlate1d(correlate1d(image, weights, 0, mode="constant"), weights, 1, mode="constant")

    valid = np.isfinite(values) & np.isfinite(sigma)
    weight = spread(valid.astype(float), kernel)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = spread(np.where(valid, values, 0.0), kernel) / weight
        variance = spread(np.where(valid, sigma**2, 0.0), kernel**2) / weight**2
    return np.where(weight > 1e-6, mean, np.nan), np.where(weight > 1e-6, variance, np.nan)


def background_field(values: Floats, block: int) -> Floats:
    """Smooth background of an image: a robust plane, and block medians of what is left, linear in between.

    Parameters
    ----------
    values : numpy.ndarray
        ``(y, x)``, NaN for what takes no part (plumes, gaps).
    block : int
        Size of a block [pixels].

    Returns
    -------
    numpy.ndarray
        ``(y, x)``; NaN everywhere when nothing has a value. Beyond the centres of the outer blocks the plane
        goes on, and what is left of their median stays constant.
    """
    from scipy.ndimage import map_coordinates

    shape = values.shape
    counts = [max(1, round(size / block)) for size in shape]
    edges = [
        np.linspace(0, size, count + 1).round().astype(int) for size, count in zip(shape, counts, strict=True)
    ]
    median, weight = _medians(values, edges)
    if not weight.any():
        return np.full(shape, np.nan)
    centre = [(one[:-1] + one[1:] - 1) / 2.0 for one in edges]
    rows, columns = np.meshgrid(*centre, indexing="ij")
    held = weight > 0
    # about the middle of the blocks: where they are one row there is then no slope across it
    middle_row, middle_column = float(rows[held].mean()), float(columns[held].mean())
    down, right = (rows - middle_row) / shape[0], (columns - middle_column) / shape[1]
    terms = np.stack([np.ones_like(rows), down, right], -1)
    root = np.sqrt(weight[held])
    plane = np.linalg.lstsq(terms[held] * root[:, None], median[held] * root, rcond=1e-8)[0]
    rest = _fill(np.where(held, median - terms @ plane, np.nan), weight)
    places = [np.interp(np.arange(n), c, np.arange(c.size)) for n, c in zip(shape, centre, strict=True)]
    field = map_coordinates(rest, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    y = (np.arange(shape[0])[:, None] - middle_row) / shape[0]
    x = (np.arange(shape[1])[None, :] - middle_column) / shape[1]
    return np.asarray(plane[0] + plane[1] * y + plane[2] * x + field)


def _medians(values: Floats, edges: list[NDArray[np.int64]]) -> tuple[Floats, Floats]:
    rows, columns = edges
    median = np.full((rows.size - 1, columns.size - 1), np.nan)
    weight = np.zeros(median.shape)
    for j in range(rows.size - 1):
        for i in range(columns.size - 1):
            part = values[rows[j] : rows[j + 1], columns[i] : columns[i + 1]]
            part = part[np.isfinite(part)]
            if part.size >= 5:
                median[j, i], weight[j, i] = np.median(part), part.size
    return median, weight


def _fill(blocks: Floats, weight: Floats) -> Floats:
    """Give blocks without a median the weighted mean of their neighbours, ring by ring."""
    from scipy.ndimage import uniform_filter

    made = blocks.copy()
    share = np.where(np.isfinite(made), weight, 0.0)
    while not np.isfinite(made).all():
        total = uniform_filter(share, 3, mode="constant")
        mean = uniform_filter(np.nan_to_num(made) * share, 3, mode="constant")
        new = ~np.isfinite(made) & (total > 1e-12)
        made[new] = mean[new] / total[new]
        share[new] = total[new]
    return made
