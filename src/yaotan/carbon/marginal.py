"""One date of a land histogram of two."""

from __future__ import annotations

from typing import Literal

import xarray as xr

from yaotan.carbon.histogram import DENSITY, SINGLE, check_histogram, is_pair
from yaotan.errors import SchemaError


def one_date(
    pairs: xr.Dataset, date: Literal["before", "after"], *, valid: Literal["both", "any"] = "any"
) -> xr.Dataset:
    """Give the histogram of one date of a histogram of two.

    Parameters
    ----------
    pairs : xarray.Dataset
        Dims ``(region, before, after)``.
    date : {"before", "after"}
        Which.
    valid : {"any", "both"}
        Land that is valid at this date, or at both dates.

    Returns
    -------
    xarray.Dataset
        Dims ``(region, class)``. Sums of densities are of land that is valid at both dates, so with
        ``valid="any"`` they are left out, and named in ``attrs["left_out"]``, where there is land of one
        date only.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.carbon.histogram import make_histogram
    >>> rows = pd.DataFrame({"before": [1, 1, 2], "after": [1, 2, None], "area": [4.0, 1.0, 2.0]})
    >>> one_date(make_histogram(rows, scheme="clcd"), "before").area[0].values.tolist()
    [5.0, 2.0]
    """
    check_histogram(pairs)
    if not is_pair(pairs) or date not in ("before", "after") or valid not in ("any", "both"):
        raise SchemaError(
            f"date={date!r}, valid={valid!r} of dims {list(pairs.dims)}",
            where="land histogram",
            expected="two dates; before or after; any or both",
        )
    other = "after" if date == "before" else "before"
    single = [str(n) for n in pairs.data_vars if str(n).endswith(tuple(SINGLE))]
    out = pairs.drop_vars(single).sum(other, keep_attrs=True)
    if valid == "any":
        alone = pairs[f"area_{date}_only"]
        if float(alone.sum()) > 0.0:
            left = [str(n) for n in out.data_vars if str(n).endswith(DENSITY)]
            out = out.drop_vars(left).assign_attrs(**({"left_out": ", ".join(left)} if left else {}))
        for name in ("area", "count"):
            if f"{name}_{date}_only" in pairs:
                out[name] = (out[name] + pairs[f"{name}_{date}_only"]).assign_attrs(pairs[name].attrs)
    renamed = {date: "class", f"{date}_name": "class_name", f"{date}_name_zh": "class_name_zh"}
    dropped = [other, f"{other}_name", f"{other}_name_zh"]
    return check_histogram(out.drop_vars(dropped, errors="ignore").rename(renamed))
