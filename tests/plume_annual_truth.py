"""A year of single overpasses with truth (SMARTCARB, estimates by ddeq)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog.temporal import EmissionProfile, LoadProfile, profile_from_tables
from yaotan.plume.estimate import PlumeResult, make_estimate
from yaotan.plume.source import make_sources

#: kg s-1 in 1 Mt a-1 (year of 365 days, as the truth tables have it)
MT = 1e9 / (365 * 86400.0)
#: country of the plants; Berlin, a city, has no profile of its own and is given that of German plants
COUNTRY = {
    "Chvaletice": "CZE",
    "Melnik": "CZE",
    "Pocerady": "CZE",
    "Prunerov": "CZE",
    "Opole": "POL",
    "Turow": "POL",
}


def read_overpasses(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "smartcarb_csf_year_estimates.csv.gz", parse_dates=["time"])
    return table.sort_values(["source", "time"]).reset_index(drop=True)


def one_dataset(results: list[PlumeResult], names: list[str]) -> xr.Dataset:
    """Estimates of many overpasses in one dataset, in which a source comes again and again."""
    places = make_sources([str(k) for k in range(len(results))], 14.0, 51.0)
    made = make_estimate(results, places, method="cross_section", substance="co2")
    return made.assign_coords(source=("source", np.array(names)))


def make_overpasses(table: pd.DataFrame) -> xr.Dataset:
    """Estimates of the rows; those without one are failed overpasses."""
    results = []
    for row in table.itertuples():
        when = np.datetime64(row.time, "ns")
        if np.isfinite(row.co2_est_Mt_yr) and row.co2_est_std_Mt_yr > 0:
            # the table states a total; most of it is 1 m/s of wind
            terms = {"wind_speed": row.co2_est_std_Mt_yr * MT}
            results.append(PlumeResult(row.co2_est_Mt_yr * MT, terms, time=when))
        else:
            results.append(PlumeResult(status="not_detected", reason="no estimate in the table", time=when))
    return one_dataset(results, list(table["source"]))


def country_profiles(folder: Path, sources: list[str]) -> dict[str, EmissionProfile]:
    """Profiles of coal plants by country (CoCO2 tables, local standard time UTC+1)."""
    plants = pd.read_csv(folder / "coco2_power_plants_3Mt.csv")
    tables = {
        key: pd.read_csv(folder / f"coco2_{name}_profiles.csv", index_col=0)
        for key, name in (("Month", "monthly"), ("Week", "weekly"), ("Hour", "hourly"))
    }
    found = {}
    for source in sources:
        country = COUNTRY.get(source, "DEU")
        plant = plants[(country == plants.ISO3) & (plants.fuel == "coal")].iloc[0]
        rows = [tables[key].loc[plant[f"ID_{key}Fact"]].to_dict() for key in ("Month", "Week", "Hour")]
        found[source] = profile_from_tables(f"coal, {country}", "CoCO2 1.1", *rows, utc_offset=1.0)
    return found


def load_profiles(folder: Path, sources: list[str]) -> dict[str, EmissionProfile]:
    """The hourly load of the inventory: one shape for all plants, another for the city."""
    hourly = pd.read_csv(folder / "smartcarb_hourly_emissions_2015.csv.gz", parse_dates=["UTC"])
    times = hourly["UTC"].to_numpy().astype("datetime64[s]")
    shapes = {name: hourly[f"{name} (Mt/yr)"].to_numpy(float) for name in ("Janschwalde", "Berlin")}
    return {
        source: LoadProfile(
            "hourly load", "SMARTCARB", times, shapes["Berlin" if source == "Berlin" else "Janschwalde"]
        )
        for source in sources
    }


def true_means(folder: Path, table: pd.DataFrame) -> pd.Series:
    """Annual mean of each source [Mt a-1]: of its hours, or of its true overpasses over the plants' load.

    The inventory gives every plant one and the same load, so the true emission of an overpass over that
    load's factor is the annual mean; a test checks that it is one number.
    """
    loads = load_profiles(folder, sorted(set(table["source"])))
    ratio = {
        source: rows["co2_true_Mt_yr"].to_numpy() / loads[source].factor(rows["time"].to_numpy())
        for source, rows in table.groupby("source")
    }
    return pd.Series({source: float(np.median(values)) for source, values in ratio.items()})


def filtered_mean(table: pd.DataFrame) -> pd.Series:
    """Mean of ddeq's filtered overpasses [Mt a-1]: 0 < Q < 100, sigma < 20."""
    good = table[(table.co2_est_Mt_yr > 0) & (table.co2_est_Mt_yr < 100) & (table.co2_est_std_Mt_yr < 20)]
    return good.groupby("source")["co2_est_Mt_yr"].mean()
