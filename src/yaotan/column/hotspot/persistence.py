"""`persistence`: how often a cell is hot among the times it was measured."""

from __future__ import annotations

from typing import Literal

import xarray as xr

from yaotan.column.hotspot.hotspot import COLD, HOT, PLAIN
from yaotan.errors import SchemaError, SeriesError, YaotanError


def persistence(
    found: xr.Dataset, *, kind: Literal["hot", "cold"] = "hot", level: float = 0.95, minimum: int = 3
) -> xr.Dataset:
    r"""Share of the times at which a cell is hot, among those at which it was judged.

    With k hot of n judged times the interval of the share is that of Clopper and Pearson (1934,
    doi:10.1093/biomet/26.4.404):

    .. math:: B^{-1}(\alpha / 2;\, k, n - k + 1) \; .. \; B^{-1}(1 - \alpha / 2;\, k + 1, n - k)

    Parameters
    ----------
    found : xarray.Dataset
        What `hot_spots` gave, with dim ``time``.
    kind : {"hot", "cold"}
        Which clusters.
    level : float
        Of the interval.
    minimum : int
        Fewest judged times of a cell.

    Returns
    -------
    xarray.Dataset
        ``persistence`` (1, NaN with fewer judged times), ``persistence_lower``, ``persistence_upper`` and
        ``persistence_count`` (judged times).

    Raises
    ------
    SchemaError
        No ``hotspot`` with dim ``time``.
    SeriesError
        Fewer times than `minimum`.
    YaotanError
        The level is no probability.

    Notes
    -----
    Times count as independent; a blocking high over two months makes the interval too narrow. A cell that is
    measured in dry months only is judged by those.

    Examples
    --------
    >>> flags = xr.DataArray([[1, 0], [1, 4], [1, 0], [0, 0]], dims=("time", "lat"))
    >>> share = persistence(xr.Dataset({"hotspot": flags}))
    >>> share.persistence.values.tolist(), share.persistence_lower.values.round(3).tolist()
    ([0.75, 0.0], [0.194, 0.0])
    """
    from scipy.special import betaincinv

    if "hotspot" not in found or "time" not in found["hotspot"].dims:
        raise SchemaError(
            "hotspot with dim time is missing", where="persistence", expected="what hot_spots gave"
        )
    if not 0 < level < 1:
        raise YaotanError(f"level is {level!r}", where="persistence", expected="between 0 and 1")
    flag = found["hotspot"]
    if flag.sizes["time"] < minimum:
        raise SeriesError(
            f"there are {flag.sizes['time']} times",
            where="persistence",
            expected=f"at least {minimum}",
            fix="judge more months",
        )
    judged = flag.isin([PLAIN, HOT, COLD]).sum("time")
    k = (flag == (HOT if kind == "hot" else COLD)).sum("time").where(judged >= minimum)
    n = judged.where(judged >= minimum)
    tail = (1.0 - level) / 2.0
    # the ends are 0 and 1 where no time, or every time, is hot
    lower = xr.apply_ufunc(betaincinv, k.where(k > 0), n - k + 1, tail).where(k != 0, 0.0)
    upper = xr.apply_ufunc(betaincinv, k + 1, (n - k).where(k < n), 1.0 - tail).where(k != n, 1.0)
    one = {"units": "1"}
    return xr.Dataset(
        {
            "persistence": (k / n).assign_attrs(**one, long_name=f"share of judged times that are {kind}"),
            "persistence_lower": lower.where(n.notnull()).assign_attrs(one),
            "persistence_upper": upper.where(n.notnull()).assign_attrs(one),
            "persistence_count": judged.assign_attrs(one),
        },
        attrs={key: found.attrs[key] for key in ("product", "references", "options") if key in found.attrs},
    )
