"""Monthly grids joined and screened, and tables in the two forms that a study leaves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import xarray as xr

from yaotan.io.write import write


def join_months(grids: list[xr.Dataset]) -> xr.Dataset:
    """Join grids of equal cells along time."""
    return xr.concat(
        grids,
        dim="time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )


def hide_sparse(grid: xr.Dataset, variable: str, least: int) -> xr.Dataset:
    """Make the cells of a variable missing that hold fewer than the least number of soundings."""
    enough = grid[f"{variable}_count"] >= least
    names = [n for n in grid.data_vars if n == variable or str(n).startswith(f"{variable}_")]
    return grid.assign({name: grid[name].where(enough) for name in names})


def write_table(table: pd.DataFrame, stem: Path) -> list[Path]:
    """Write a table as CSV and as Parquet."""
    return [write(table, stem.with_name(stem.name + suffix)) for suffix in (".csv", ".parquet")]
