"""Covariance of the errors of regions: stated variances, given, or correlations shrunk from residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
_WHERE: Final = "error_covariance"
#: fewer residuals give no correlation that could be told from none
LEAST: Final = 4


def shrunk_correlation(residuals: Array) -> tuple[Array, float]:
    r"""Correlation matrix of residuals, shrunk to the identity by as much as its own noise asks for.

    .. math:: R^* = \lambda I + (1 - \lambda) R, \quad
        \lambda = \frac{\sum_{i \ne j} \widehat{Var}(r_{ij})}{\sum_{i \ne j} r_{ij}^2} \in [0, 1]

    (Schäfer and Strimmer 2005, Stat. Appl. Genet. Mol. Biol. 4, 32, target D; the variance of :math:`r_{ij}`
    is that of the mean of the products of standardised residuals.)

    Parameters
    ----------
    residuals : numpy.ndarray, shape (case, region)
        Errors without gaps; the mean over cases is taken off.

    Returns
    -------
    correlation : numpy.ndarray, shape (region, region)
        Positive definite for every shrinkage above 0.
    shrinkage : float
        Lambda: 0 keeps the sample's correlations, 1 keeps none.

    Raises
    ------
    SchemaError
        Fewer than 4 cases, a gap, or a region whose residuals are all equal.

    Examples
    --------
    >>> common = np.random.default_rng(0).normal(size=(400, 1))
    >>> _, shrinkage = shrunk_correlation(common + 0.1 * np.random.default_rng(1).normal(size=(400, 3)))
    >>> shrinkage < 0.01
    True
    """
    n = len(residuals)
    if n < LEAST or not np.isfinite(residuals).all():
        what = f"there are {n} residuals" if n < LEAST else "residuals have gaps"
        raise SchemaError(what, where=_WHERE, expected=f"at least {LEAST} cases without a gap")
    centred = residuals - residuals.mean(axis=0)
    scale = centred.std(axis=0, ddof=1)
    if not (scale > 0).all():
        raise SchemaError(
            f"the residuals of column {int(np.argmin(scale))} are all equal", where=_WHERE,
            fix="leave the residuals out, or give those of real cases",
        )  # fmt: skip
    standard = centred / scale
    products = standard[:, :, None] * standard[:, None, :]
    mean = products.mean(axis=0)
    correlation = mean * n / (n - 1)
    # unbiased variance of the mean of n products, brought to the scale of the correlation
    variance = n / (n - 1) ** 3 * ((products - mean) ** 2).sum(axis=0)
    off = ~np.eye(residuals.shape[1], dtype=bool)
    signal = float((correlation[off] ** 2).sum())
    shrinkage = 1.0 if signal == 0 else min(1.0, float(variance[off].sum()) / signal)
    shrunk = np.where(off, (1 - shrinkage) * correlation, 1.0)
    return shrunk, shrinkage


def error_covariance(
    regions: Sequence[str],
    sigma: Array,
    *,
    covariance: pd.DataFrame | Array | None = None,
    residuals: pd.DataFrame | None = None,
    name: str = "emission",
) -> Array:
    """Covariance of the errors of regions, period by period.

    Parameters
    ----------
    regions : sequence of str
        Order of the matrix.
    sigma : numpy.ndarray, shape (region, time)
        Stated uncertainty; NaN where there is no value.
    covariance : pandas.DataFrame or numpy.ndarray, optional
        Used as it is, for every period.
    residuals : pandas.DataFrame, optional
        Their correlations, shrunk, with the stated uncertainty. Residuals of one region alone have none.
    name : str
        Named in errors.

    Returns
    -------
    numpy.ndarray, shape (region, region, time)
        Symmetric; NaN in rows and columns of regions without a value.

    Raises
    ------
    SchemaError
        Both are given, or labels, shape or values do not fit.

    Examples
    --------
    >>> error_covariance(["a", "b"], np.array([[2.0], [3.0]]))[:, :, 0].tolist()
    [[4.0, 0.0], [0.0, 9.0]]
    """
    if covariance is not None and residuals is not None:
        raise SchemaError("both covariance and residuals are given", where=_WHERE, fix="give one of them")
    n, periods = sigma.shape
    if covariance is not None:
        given = _given(covariance, regions, name)
        return np.repeat(given[:, :, None], periods, axis=2)
    correlation = np.eye(n)
    if residuals is not None:
        _check_labels(residuals.columns, regions, "residuals")
        if n > 1:
            correlation, _ = shrunk_correlation(residuals[list(regions)].to_numpy(dtype=float))
    return np.asarray(correlation[:, :, None] * sigma[:, None, :] * sigma[None, :, :])


def _given(covariance: pd.DataFrame | Array, regions: Sequence[str], name: str) -> Array:
    if not isinstance(covariance, np.ndarray):
        _check_labels(covariance.index, regions, "rows of the covariance")
        _check_labels(covariance.columns, regions, "columns of the covariance")
        matrix = covariance.loc[list(regions), list(regions)].to_numpy(dtype=float)
    else:
        matrix = covariance.astype(float)
    if matrix.shape != (len(regions),) * 2:
        raise SchemaError(
            f"the covariance has shape {matrix.shape}", where=_WHERE,
            expected=f"({len(regions)}, {len(regions)}), one row for each region with {name}",
        )  # fmt: skip
    size = np.abs(matrix).max(initial=0.0)
    if not np.isfinite(matrix).all() or np.abs(matrix - matrix.T).max(initial=0.0) > 1e-9 * size:
        raise SchemaError("the covariance is not symmetric, or has gaps", where=_WHERE)
    return matrix


def _check_labels(labels: pd.Index, regions: Sequence[str], what: str) -> None:
    found = [str(label) for label in labels]
    lacking = [name for name in regions if name not in set(found)]
    strange = [name for name in found if name not in set(regions)]
    if lacking or strange or len(found) != len(set(found)):
        text = (
            f"lack {', '.join(lacking[:5])}" if lacking else f"name {', '.join(strange[:5]) or 'one twice'}"
        )
        raise SchemaError(f"{what} {text}", where=_WHERE, expected="each region of the estimates once")
