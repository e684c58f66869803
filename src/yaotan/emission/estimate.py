"""Tables of regions and years as estimates, one of the six nouns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yaotan.emission.panel_column import RATE
from yaotan.schema import check_estimate
from yaotan.units import conversion

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def make_estimate(table: pd.DataFrame, unit: str, **attributes: str | float) -> xr.Dataset:
    """Make an estimate of a table.

    Parameters
    ----------
    table : pandas.DataFrame
        ``region``, ``period`` and columns of emissions, such as ``emission`` and ``emission_uncertainty``.
    unit : str
        Of these columns.
    **attributes
        Of the dataset.

    Returns
    -------
    xarray.Dataset
        Dims ``region``, ``time`` (1 January of each year); every column in kg s-1, substance CO2; NaN where
        the table has no row.
    """
    import pandas as pd
    import xarray as xr

    years, regions = sorted(set(table["period"])), sorted(set(table["region"]))
    made = xr.Dataset(coords={"region": regions, "time": pd.to_datetime([f"{year}-01-01" for year in years])})
    for name in table.columns.drop(["region", "period"]):
        wide = table.pivot(index="region", columns="period", values=name)
        values = wide.to_numpy(float) * conversion(unit, RATE)[0]
        made[name] = (("region", "time"), values, {"units": RATE, "substance": "CO2"})
    made.attrs |= attributes
    return check_estimate(made)
