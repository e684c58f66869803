"""The command ``carbon``: open rasters and pools, account, write tables, say what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from yaotan.carbon.change.change import check_period, stock_change
from yaotan.carbon.marginal import one_date
from yaotan.carbon.overlay import land_histogram
from yaotan.carbon.pool import PoolTable, open_pools
from yaotan.carbon.stock import carbon_stock
from yaotan.errors import SchemaError
from yaotan.io.raster import open_raster
from yaotan.io.region import open_regions
from yaotan.io.write import write
from yaotan.units import convert

#: options of a change alone
_CHANGE: Final = ("soil_years", "dead_years", "conversion")
#: options of both
_BUDGET: Final = ("uncertainty", "draws", "seed", "level", "class_correlation")


def account_files(files: list[str], target: str, period: tuple[int, int] | None, **options: Any) -> None:
    """Account for one raster, or for the change between two.

    Parameters
    ----------
    files : list of str
        Rasters of land classes.
    target : str
        Table to write.
    period : (int, int), optional
        Years of two rasters.
    **options
        Those of the command.

    Raises
    ------
    SchemaError
        There are more than two rasters, no pools, or a period that does not go with the rasters.
    """
    if len(files) > 2:
        raise SchemaError(
            f"{len(files)} rasters are given", where="carbon", expected="one, or two of two dates"
        )
    if (len(files) == 2) != (period is not None):
        raise SchemaError(
            f"{len(files)} raster(s) {'without' if period is None else 'with'} a period", where="carbon",
            expected="--period FIRST SECOND with two rasters, none with one",
        )  # fmt: skip
    if period is not None:
        check_period(period)
    pools = _pools(options)
    crs = options.pop("crs")
    lands = [open_raster(file, scheme=options["scheme"], crs=crs) for file in files]
    given: dict[str, Any] = {name: options[name] for name in _BUDGET}
    given["accounted"] = options["accounted"] or None
    sample: dict[str, Any] = {}
    if options["confusion"] is not None:
        sample["confusion"] = pd.read_csv(options["confusion"], index_col=0)
    regions = None if options["regions"] is None else open_regions(options["regions"])
    pixels = land_histogram(*lands, regions=regions, area=options["area"])  # the rasters are read once
    if period is None:
        stock = carbon_stock(pixels, pools, **sample, **given)
        write(stock, target)
        _say(stock, "stock", target)
        return
    stocks = [carbon_stock(one_date(pixels, date), pools, **given) for date in ("before", "after")]
    change = stock_change(
        pixels, None, pools, period=period, **{name: options[name] for name in _CHANGE}, **sample, **given
    )
    beside = Path(target).with_name(f"{Path(target).stem}_stock{Path(target).suffix}")
    write(change, target)
    write(xr.concat(stocks, dim=pd.Index(list(period), name="year")), beside)
    for stock, year in zip(stocks, period, strict=True):
        _say(stock, "stock", str(year))
    _say(change, "stock_change", f"change {change.attrs['period']}")
    alone = change[["area_before_only", "area_after_only"]].isel(region=-1).sum()
    areas = [float(convert(float(alone[name]), "m2", "km2")) for name in alone]
    print(f"valid at one date only: {areas[0]:.4g} km2 before, {areas[1]:.4g} km2 after")
    print(f"{change.attrs['conversion']}; {target}; stocks: {beside}")


def _pools(options: dict[str, Any]) -> PoolTable:
    if options["pools"] is None:
        raise SchemaError(
            "no table of pools is given", where="carbon", expected="--pools TABLE (docs/carbon.md)"
        )
    said = {name: options[name] for name in ("units", "depth", "edition", "scheme")}
    return open_pools(options["pools"], **said)


def _say(result: xr.Dataset, name: str, title: str) -> None:
    """Say the total with its interval, and what its uncertainty leaves out."""
    last = result.isel(region=-1)
    value, low, high = (
        float(convert(float(last[f"{name}{end}"]), "kg", "Tg")) for end in ("", "_lower", "_upper")
    )
    interval = f" ({low:.4g} to {high:.4g})" if low == low else " (no uncertainty is stated for any density)"
    print(f"{title}: {value:.4g} Tg C{interval}")
    left = result.attrs["uncertainty_not_included"]
    if left and low == low:
        print(f"  without the uncertainty of {left.count(';') + 1} densities that state none")
