"""Where a model may be used: how far a row is from what was learned from, the area of applicability."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

    from yaotan.emission.panel import Panel

Array: TypeAlias = NDArray[np.float64]
#: an upper whisker ends at the last value within so many interquartile ranges above the upper quartile
WHISKER: Final = 1.5
#: rows of one block of distances: the whole matrix of a large panel is never held at once
_BLOCK: Final = 512


@dataclass
class Domain:
    r"""Area of applicability of a model (Meyer and Pebesma 2021, Methods Ecol. Evol. 12, 1620).

    The columns are standardised with mean and standard deviation of the training rows and multiplied by the
    importance of each. The dissimilarity index of a row is its distance to the nearest training row over the
    mean distance between training rows,

    .. math:: DI_k = \min_i d_{ki} / \bar d, \quad
        \bar d = \frac{1}{n} \sum_i \frac{1}{n - 1} \sum_{j \ne i} d_{ij}

    For a training row only rows of other folds count as near, so its index says how far the validation
    reached. The threshold is the largest of these after outliers: the upper whisker of a box plot (the last
    value within 1.5 interquartile ranges above the upper quartile). Rows beyond it are outside: the error
    that cross-validation found says nothing of them.

    Attributes
    ----------
    names_ : tuple of str
        Columns, in the order of the importance.
    training_ : pandas.Series
        Dissimilarity of each training row to those of other folds.
    threshold_ : float
        Largest index that is still inside.
    left_out_ : int
        Training rows with a missing value: they have no distance.
    mean_distance_ : float

    Notes
    -----
    Give the columns as the model takes them (logarithms, ratios): a distance in raw sizes is that of the few
    largest regions. The index does not see errors of the target, nor a relation that changed while the
    features stayed where they were.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"light": [0.0, 1.0, 2.0, 3.0]})
    >>> domain = Domain().fit(rows, folds=["a", "b", "a", "b"])
    >>> domain.assess(pd.DataFrame({"light": [1.5, 9.0]})).inside.tolist()
    [True, False]
    """

    names_: tuple[str, ...] = field(default=(), repr=False)
    training_: pd.Series | None = field(default=None, repr=False)
    threshold_: float = field(default=float("nan"))
    left_out_: int = field(default=0)
    mean_distance_: float = field(default=float("nan"))
    _mean: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    _scale: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    _points: Array = field(default_factory=lambda: np.zeros((0, 0)), repr=False)

    def fit(self, matrix: pd.DataFrame, *, folds: ArrayLike, importance: pd.Series | None = None) -> Domain:
        """Learn what was learned from.

        Parameters
        ----------
        matrix : pandas.DataFrame
            One row for each training row, one column for each feature, numbers.
        folds : array-like
            Fold of each row in the validation whose error is quoted (the province, where provinces were left
            out).
        importance : pandas.Series, optional
            Weight of each column, by name; a negative one counts as 0. All equal by default.

        Returns
        -------
        Domain
            Itself.

        Raises
        ------
        PanelError
            No two folds have a complete row, no column varies, importances are missing or none is above 0.
        """
        import pandas as pd

        label = np.asarray(folds)
        values = matrix.to_numpy(dtype=float)
        if len(label) != len(values):
            raise PanelError(f"{len(label)} folds for {len(values)} rows", where="domain")
        whole = np.isfinite(values).all(axis=1)
        self.names_, self.left_out_ = tuple(map(str, matrix.columns)), int((~whole).sum())
        if len(set(label[whole].tolist())) < 2:
            empty = [
                name
                for name, column in zip(self.names_, values.T, strict=True)
                if not np.isfinite(column).any()
            ]
            raise PanelError(
                f"complete rows are of fewer than two folds ({self.left_out_} of {len(values)} have gaps)",
                where="domain", expected="rows without a gap in two folds or more",
                fix=f"leave out {', '.join(empty)}, which has no value" if empty else "",
            )  # fmt: skip
        self._mean = values[whole].mean(axis=0)
        spread = values[whole].std(axis=0, ddof=1)
        # a column that does not vary here has no unit of distance: it takes no part
        self._scale = np.divide(
            _weights(self.names_, importance), spread, out=np.zeros_like(spread), where=spread > 0
        )
        if not (self._scale > 0).any():
            raise PanelError("no column varies among the training rows", where="domain")
        self._points = (values[whole] - self._mean) * self._scale
        self.mean_distance_ = _mean_distance(self._points)
        nearest = np.full(len(values), np.nan)
        nearest[whole] = _nearest(self._points, self._points, label[whole], label[whole])
        self.training_ = pd.Series(nearest / self.mean_distance_, index=matrix.index, name="dissimilarity")
        self.threshold_ = upper_whisker(np.asarray(self.training_.dropna(), dtype=np.float64))
        return self

    def assess(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """Say of each row how far it is from the training rows.

        Parameters
        ----------
        matrix : pandas.DataFrame
            The columns of `fit`; others are not looked at.

        Returns
        -------
        pandas.DataFrame
            ``dissimilarity`` (NaN where a value is missing), ``inside`` (bool), ``reason``: empty,
            ``beyond the threshold`` or ``a value is missing``; ``farthest``: the column that contributes most
            to the distance to the nearest training row.

        Raises
        ------
        PanelError
            Not fitted, or a column is missing.
        """
        import pandas as pd

        if self.training_ is None:
            raise PanelError("the domain is not fitted", where="domain", fix="call fit first")
        lacking = [name for name in self.names_ if name not in matrix]
        if lacking:
            raise PanelError(f"columns are missing: {', '.join(lacking)}", where="domain")
        values = matrix[list(self.names_)].to_numpy(dtype=float)
        whole = np.isfinite(values).all(axis=1)
        points = (values[whole] - self._mean) * self._scale
        index = np.full(len(values), np.nan)
        index[whole] = _nearest(points, self._points) / self.mean_distance_
        farthest = np.full(len(values), "", dtype=object)
        farthest[whole] = [self.names_[column] for column in _farthest(points, self._points)]
        inside = whole & (np.nan_to_num(index, nan=np.inf) <= self.threshold_)
        reason = np.where(inside, "", np.where(whole, "beyond the threshold", "a value is missing"))
        fields = {"dissimilarity": index, "inside": inside, "reason": reason, "farthest": farthest}
        return pd.DataFrame(fields, index=matrix.index)


def upper_whisker(values: Array) -> float:
    """Give the end of the upper whisker of a box plot: the largest value that is no outlier.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Finite. The quartiles are Tukey's hinges, the medians of the halves, each of which holds the median of
        an odd number of values.

    Returns
    -------
    float
        Largest value within 1.5 times the distance of the hinges above the upper one.

    Examples
    --------
    >>> upper_whisker(np.array([1.0, 2.0, 3.0, 4.0, 100.0]))
    4.0
    """
    ordered = np.sort(values)
    half = (len(ordered) + 1) // 2
    lower, upper = float(np.median(ordered[:half])), float(np.median(ordered[-half:]))
    return float(ordered[ordered <= upper + WHISKER * (upper - lower)].max())


def _weights(names: tuple[str, ...], importance: pd.Series | None) -> Array:
    if importance is None:
        return np.ones(len(names))
    lacking = [name for name in names if name not in importance.index]
    if lacking:
        raise PanelError(f"no importance is given for {', '.join(lacking)}", where="domain")
    weight = np.clip(importance[list(names)].to_numpy(dtype=float), 0.0, None)
    if not np.isfinite(weight).all() or not (weight > 0).any():
        raise PanelError("no importance is above 0, or one is missing", where="domain")
    return np.asarray(weight)


def _mean_distance(points: Array) -> float:
    from scipy.spatial.distance import cdist

    n = len(points)
    total = sum(float(cdist(points[at : at + _BLOCK], points).sum()) for at in range(0, n, _BLOCK))
    return total / (n * (n - 1))


def _nearest(
    points: Array, others: Array, fold: ArrayLike | None = None, other_fold: ArrayLike | None = None
) -> Array:
    """Distance to the nearest of the others; of those of another fold where folds are given."""
    from scipy.spatial.distance import cdist

    out = np.empty(len(points))
    for at in range(0, len(points), _BLOCK):
        distance = cdist(points[at : at + _BLOCK], others)
        if fold is not None:
            same = np.asarray(fold)[at : at + _BLOCK, None] == np.asarray(other_fold)[None, :]
            distance = np.where(same, np.inf, distance)
        out[at : at + _BLOCK] = distance.min(axis=1)
    return out


def _farthest(points: Array, others: Array) -> list[int]:
    """Column with the largest part in the distance to the nearest training row."""
    from scipy.spatial.distance import cdist

    out: list[int] = []
    for at in range(0, len(points), _BLOCK):
        part = points[at : at + _BLOCK]
        near = others[cdist(part, others).argmin(axis=1)]
        out.extend(np.abs(part - near).argmax(axis=1).tolist())
    return out


def model_numbers(model: Any, panel: Panel) -> pd.DataFrame | None:
    """Give the numbers that a model makes of features, without year and marks of gaps; None: it has none."""
    import pandas as pd

    design = getattr(getattr(model, "engine_", None), "design_", None)
    if design is None:
        return None
    names = list(design.names_)
    table = pd.DataFrame(design.transform(panel), columns=names)
    return table[[name for name in names if name != "year" and not name.endswith(" missing")]]


def find_domain(model: Any, panel: Panel) -> Domain | None:
    """Fit the domain of a model to the rows that it learned from.

    Parameters
    ----------
    model : ProvincialEmission
        Fitted; a feature weighs as the mean absolute coefficient of its linear members, or all alike.
    panel : Panel
        What it was fitted to.

    Returns
    -------
    Domain or None
        None for a question that is answered from the past alone.
    """
    known = panel.observed()
    numbers = model_numbers(model, known)
    if numbers is None:
        return None
    import pandas as pd

    members = [member.estimator_ for member in model.engine_.members_]
    lines = [np.abs(np.asarray(one.coef_, float)) for one in members if hasattr(one, "coef_")]
    importance = None
    if lines:
        weight = pd.Series(np.mean(lines, axis=0), index=list(model.engine_.design_.names_))
        used = weight[[str(name) for name in numbers]]
        importance = weight if bool((used.to_numpy(float) > 0).any()) else None
    return Domain().fit(numbers, folds=known.group.to_numpy(), importance=importance)
