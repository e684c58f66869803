"""One table of all that a trend analysis says of each region and year."""

from __future__ import annotations

import xarray as xr


def summarise_trend(rates: xr.Dataset, cycle: xr.Dataset, test: xr.Dataset) -> xr.Dataset:
    """Join growth, season and trend test.

    Parameters
    ----------
    rates, cycle, test : xarray.Dataset
        From `growth`, `seasonal_cycle` and `trend_test` of the same series.

    Returns
    -------
    xarray.Dataset
        Dims ``([region,] year)`` and ``([region])``; flags as ``growth_flag`` and ``season_flag``.
    """
    table = xr.merge(
        [rates.rename(flag="growth_flag"), cycle.rename(flag="season_flag"), test],
        compat="override",
        combine_attrs="drop_conflicts",
        join="outer",
    )
    table.attrs = {key: value for key, value in rates.attrs.items() if key != "method"} | {
        "title": f"Growth, season and trend of {rates.attrs['variable']}",
        "growth_method": rates.attrs["method"],
        "test_method": test.attrs["method"],
    }
    return table
