"""Areas adjusted by a reference sample: what a map's errors do to areas, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from yaotan.carbon.budget.confusion import Confusion, read_confusion
from yaotan.carbon.histogram import check_histogram, is_pair, label_histogram
from yaotan.errors import SchemaError

Floats = NDArray[np.float64]


def adjusted_area(histogram: xr.Dataset, confusion: pd.DataFrame, *, level: float = 0.95) -> xr.Dataset:
    r"""Area of each class by a stratified reference sample, and the accuracy of the map.

    With mapped areas :math:`A_i`, weights :math:`W_i = A_i / \sum A`, and :math:`n_{ij}` of the
    :math:`n_i` sample points in mapped class i that are truly j (Olofsson et al. 2014, Remote Sens. Environ.
    148, 42, doi:10.1016/j.rse.2014.02.015, eq. 9 to 11):

    .. math:: \hat A_j = \sum_i A_i \frac{n_{ij}}{n_i}, \quad
              S^2(\hat A_j) = \sum_i A_i^2 \frac{(n_{ij} / n_i)(1 - n_{ij} / n_i)}{n_i - 1}

    and for user's, producer's and overall accuracy eq. 1 to 7 there.

    Parameters
    ----------
    histogram : xarray.Dataset
        Land histogram of one date, or the classes of change of two (`pair_classes`).
    confusion : pandas.DataFrame
        Counts of reference points: rows mapped class, columns true class, labels class codes. Points were
        drawn at random inside each mapped class.
    level : float
        Of the intervals.

    Returns
    -------
    xarray.Dataset
        Dims ``(region, class)``: ``area`` [m2], ``area_uncertainty`` (1 sigma), ``area_lower``,
        ``area_upper``, ``area_mapped``; over all regions, dim ``class``: ``users_accuracy``,
        ``producers_accuracy`` and their ``_uncertainty``; ``attrs["overall_accuracy"]`` and
        ``attrs["overall_accuracy_uncertainty"]``.

    Raises
    ------
    SchemaError
        The histogram is of two dates; the matrix is none, or does not fit.

    Notes
    -----
    In a region the shares of the whole sample are used: errors of the map are taken to be alike everywhere,
    and the interval does not tell where they are not. Intervals are normal ones, too narrow for classes with
    a handful of points. Where all points of a class agree the sample shows no error, and S is 0 for it.

    Examples
    --------
    >>> from yaotan.carbon.histogram import make_histogram
    >>> land = make_histogram(pd.DataFrame({"class": [1, 2], "area": [2e9, 8e9]}), scheme="own")
    >>> points = pd.DataFrame([[45, 5], [10, 90]], index=[1, 2], columns=[1, 2])
    >>> made = adjusted_area(land, points)
    >>> (made.area[0] / 1e9).round(6).values.tolist(), float((made.area_uncertainty[0, 0] / 1e9).round(3))
    ([2.6, 7.4], 0.256)
    """
    check_histogram(histogram)
    if is_pair(histogram):
        raise SchemaError(
            "the histogram is of two dates",
            where="adjusted_area",
            expected="one date, or classes of change",
            fix="carbon.marginal.one_date(histogram, 'before'), or carbon.accuracy.pair_classes(histogram)",
        )
    if not 0.0 < level < 1.0:
        raise SchemaError(f"level is {level!r}", where="adjusted_area", expected="a share, such as 0.95")
    mapped = histogram["area"].values.astype(float)
    sample = read_confusion(confusion, histogram["class"].values, mapped.sum(axis=0))
    area = mapped @ sample.share
    variance = (mapped**2) @ _row_variance(sample)
    deviation = np.sqrt(variance)
    reach = norm.ppf(0.5 + level / 2.0) * deviation
    dims = ("region", "class")
    units = {"units": "m2"}
    out = xr.Dataset(
        {
            "area": (dims, area, {**units, "long_name": "area adjusted by the reference sample"}),
            "area_uncertainty": (dims, deviation, {**units, "long_name": "1 sigma of sampling"}),
            "area_lower": (dims, np.maximum(area - reach, 0.0), units),
            "area_upper": (dims, area + reach, units),
            "area_mapped": (dims, mapped, {**units, "long_name": "area of the class on the map"}),
        },
        coords=histogram.coords,
    )
    accuracy, overall, spread = _accuracies(mapped.sum(axis=0), sample)
    for name, values in accuracy.items():
        out[name] = ("class", values, {"units": "1"})
    return out.assign_attrs(
        scheme=histogram.attrs["scheme"],
        level=level,
        overall_accuracy=overall,
        overall_accuracy_uncertainty=spread,
        method="stratified estimator of Olofsson et al. 2014, doi:10.1016/j.rse.2014.02.015",
    )


def _row_variance(sample: Confusion) -> Floats:
    """Variance of each share ``(mapped, true)``."""
    return np.array([np.diag(sample.covariance(row)) for row in range(sample.codes.size)])


def _accuracies(mapped: Floats, sample: Confusion) -> tuple[dict[str, Floats], float, float]:
    """User's and producer's accuracy of each class with their deviations; overall accuracy and its own."""
    share, variance = sample.share, _row_variance(sample)
    weight = mapped / mapped.sum()
    users = np.where(sample.count > 0, np.diag(share), np.nan)
    users_variance = np.diag(variance)
    true = mapped @ share
    with np.errstate(invalid="ignore", divide="ignore"):
        producers = mapped * np.diag(share) / true
        own = mapped**2 * (1.0 - producers) ** 2 * users_variance
        others = (mapped[:, None] ** 2 * variance).sum(axis=0) - mapped**2 * users_variance
        producers_variance = (own + producers**2 * others) / true**2
    accuracy = {
        "users_accuracy": users,
        "users_accuracy_uncertainty": np.where(sample.count > 1, np.sqrt(users_variance), np.nan),
        "producers_accuracy": producers,
        "producers_accuracy_uncertainty": np.sqrt(producers_variance),
    }
    overall = float((weight * np.diag(share)).sum())
    return accuracy, overall, float(np.sqrt((weight**2 * users_variance).sum()))


def pair_classes(pairs: xr.Dataset) -> xr.Dataset:
    """Make the pairs of a transition matrix the classes of a map of change, to be adjusted as such.

    Parameters
    ----------
    pairs : xarray.Dataset
        Land histogram of two dates.

    Returns
    -------
    xarray.Dataset
        Land histogram of one date with a class for each pair that occurs: before times 1000 plus after.
        Land of one date only is no part of it.

    Examples
    --------
    >>> from yaotan.carbon.histogram import make_histogram
    >>> rows = pd.DataFrame({"before": [1, 1], "after": [1, 2], "area": [3e6, 1e6]})
    >>> made = pair_classes(make_histogram(rows, scheme="clcd"))
    >>> made["class"].values.tolist(), made.area[0].values.tolist()
    ([1001, 1002], [3000000.0, 1000000.0])
    """
    check_histogram(pairs)
    found = np.argwhere((pairs["area"].sum("region") > 0).values)
    codes = pairs["before"].values.astype(np.int64)
    new = codes[found[:, 0]] * 1000 + codes[found[:, 1]]
    names: dict[int, list[str]] = {}
    for language, ending in ((0, ""), (1, "_zh")):
        before, after = (pairs[f"{dim}_name{ending}"].values for dim in ("before", "after"))
        for code, (i, j) in zip(new, found, strict=True):
            names.setdefault(int(code), ["", ""])[language] = f"{before[i]} > {after[j]}"
    data = {
        name: (("region", "class"), pairs[name].values[:, found[:, 0], found[:, 1]])
        for name in ("area", "count")
        if name in pairs
    }
    words = zip(pairs["region_name"].values, pairs["region_name_zh"].values, strict=True)
    regions = [str(region) for region in pairs["region"].values]
    known = dict(zip(regions, ((str(a), str(b)) for a, b in words), strict=True))
    spoken = {code: (en, zh) for code, (en, zh) in names.items()}
    scheme = f"{pairs.attrs['scheme']}_change"
    return label_histogram(xr.Dataset(data), regions, new, scheme, spoken, known, None)
