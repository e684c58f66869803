"""The command ``trend``: open what holds series, analyse them, write table and curves, say what came out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from yaotan.column.trend.fit import fit_trend
from yaotan.column.trend.growth import growth
from yaotan.column.trend.region import band_series, region_series
from yaotan.column.trend.season import seasonal_cycle
from yaotan.column.trend.significance import trend_test
from yaotan.column.trend.summary import summarise_trend
from yaotan.errors import SeriesError
from yaotan.io.region import open_regions
from yaotan.io.series import open_series
from yaotan.io.write import write


def fit_file(file: str, target: str, **options: Any) -> None:
    """Analyse the series of a file.

    Parameters
    ----------
    file : str
        Regional table, grid, or file of a station.
    target : str
        Table to write; the curves go to ``<target without suffix>_curves.nc``.
    **options
        Those of the command.
    """
    try:
        _fit(file, target, options)
    except SeriesError as error:
        if error.where:
            raise
        raise SeriesError(error.what, where=file, expected=error.expected, fix=error.fix) from error


def _fit(file: str, target: str, options: dict[str, Any]) -> None:
    regions, edges, pattern = (options.pop(name) for name in ("regions", "edges", "pattern"))
    reading = {name: options.pop(name) for name in ("product", "trust_layout")}
    data = open_series(file, **reading)
    if not {"sounding", "region"} & set(data.dims):
        data = _of_grid(data, regions, edges, pattern, options["variable"])
    elif regions is not None or edges:
        raise SeriesError("is no grid, so it cannot be cut into regions", where=file, fix="leave it out")
    rating = {name: options.pop(name) for name in ("uncertainty", "seed")}
    method, prewhitening = options.pop("method"), options.pop("prewhitening")
    fit = fit_trend(data.load(), **options)
    fit = _with_region(fit, Path(file).stem)
    asked = {name: options[name] for name in ("variable", "period")}
    test = _with_region(trend_test(data, prewhitening=prewhitening, **asked), Path(file).stem)
    rates = growth(fit, method=method, **rating)
    table = summarise_trend(rates, seasonal_cycle(fit, **rating), test)
    curves = Path(target).with_name(f"{Path(target).stem}_curves.nc")
    write(table, target)
    write(fit, curves)
    _say(fit, rates, target, curves)


def _of_grid(
    data: xr.Dataset, regions: str | None, edges: list[float] | None, pattern: Any, variable: str | None
) -> xr.Dataset:
    if edges and regions is None:
        return band_series(data, edges, variable=variable, pattern=pattern)
    if regions is not None and not edges:
        return region_series(data, open_regions(regions), variable=variable, pattern=pattern)
    raise SeriesError(
        "a grid needs regions", expected="either --regions with a file or name, or --edges with latitudes"
    )


def _with_region(result: xr.Dataset, name: str) -> xr.Dataset:
    """Give a single series the dim region, named by its file, so that it is written like others."""
    if "region" in result.dims:
        return result
    keep = [str(n) for n in result.variables if n not in result.coords]
    wide = result[keep].expand_dims(region=np.array([name], dtype=object))
    return wide.assign_attrs(result.attrs)


def _say(fit: xr.Dataset, rates: xr.Dataset, target: str, curves: Path) -> None:
    units = rates["growth"].attrs["units"]
    print(f"times: {fit.attrs['time_placement']}")
    for number, region in enumerate(rates["region"].values[:5]):
        one = rates.isel(region=number)
        good = one["flag"].values == 0
        years = one["year"].values[good]
        if not years.size:
            print(f"{region}: no year inside the trusted part")
            continue
        mean = float(one["growth"].values[good].mean())
        print(f"{region}: {mean:.2f} {units} in {years[0]} to {years[-1]}, {years.size} trusted years")
    more = rates.sizes["region"] - 5
    if more > 0:
        print(f"... and {more} more")
    for region, reason in json.loads(fit.attrs["not_fitted"]).items():
        print(f"not fitted {region}: {reason}", file=sys.stderr)
    print(f"{target}; curves: {curves}")
