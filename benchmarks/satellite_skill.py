"""What columns of CO2 add to lights, people and land, against the bias of the retrieval: a simulated study.

    YAOTAN_TEST_DATA=/path/to/data python benchmarks/satellite_skill.py FOLDER [--records 4] [--draws 3]

Emissions, lights, people and land are those of the real panel of provinces (2007-2016); only the columns are
simulated, for that panel holds none. Each record is ten years along the track of OCO-2 with its clouds and
correlated errors over a field with season and weather (`yaotan.simulate.record`). To it are added

* the enhancement of every province: the mean column around a source of rate E in winds of all directions is
  E / (2 pi r U), r the distance and U = 3 m/s (from the continuity of mass), cut off at 1000 km, each
  province spread evenly over its area; times a factor of the day (lognormal, 0.4) for wind and mixing. A
  province of 1 Gt/yr and 400 km gets about 0.8 ppm;
* a bias of the retrieval of 0, 0.5 or 1 ppm (1 sigma), waves of 500 to 2500 km, half of its variance the same
  in all years and half drawn anew each year.

Then the chain of the library: monthly grid, enhancement over the median of latitude bands, zonal features,
and `evaluate` with the same learner with and without the columns. Two controls: columns of another province
(bias "-1"; the true one is 0), and columns of a country where nobody emits (bias "-2"; the true one is
0.5 ppm): smooth patterns that tell where a province lies and no more. What FOLDER holds is read again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from yaotan import GridSpec, evaluate, grid_soundings, open_regions
from yaotan.constants import GRAVITY_EQUATOR, MOLAR_MASS_CO2, MOLAR_MASS_DRY_AIR
from yaotan.emission import Panel, PanelColumn, enhance_grid, grid_feature, splits
from yaotan.emission.transform import Design
from yaotan.geodesy import cell_area, distance
from yaotan.grid.axes import axes_of
from yaotan.grid.coverage import region_cells
from yaotan.simulate.record import simulate_record

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from conftest import find_data_root  # noqa: E402
from emission_panel import province_panel  # noqa: E402

#: simulated years stand for those of the panel
FIRST, YEARS, START = 2007, 10, 2019
BIASES = (0.0, 0.5, 1.0)
#: controls, as codes in place of a bias
PLACEBO, SILENT = -1.0, -2.0
HEADLINE = 0.5
BOUNDS = (74.0, 18.0, 134.0, 54.0)
#: mean speed of the wind in the mixed layer [m s-1], length after which an enhancement is background [m]
WIND, REACH = 3.0, 1.0e6
#: surface pressure [Pa]
PRESSURE = 9.5e4
DAY_FACTOR = 0.4


def cells() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (flat) and areas of the cells of one degree on which provinces emit."""
    lat, lon = np.arange(BOUNDS[1], BOUNDS[3] + 1), np.arange(BOUNDS[0], BOUNDS[2] + 1)
    centre = np.meshgrid(lat[:-1] + 0.5, lon[:-1] + 0.5, indexing="ij")
    return centre[0].ravel(), centre[1].ravel(), np.broadcast_to(
        cell_area(lat, lon), (lat.size - 1, lon.size - 1)
    ).ravel()  # fmt: skip


def response(regions: Any) -> np.ndarray:
    """Enhancement [ppm] of each cell for 1 kg/s of each province: shape (cells, provinces)."""
    lat, lon, area = cells()
    side = np.sqrt(area / np.pi)
    apart = distance(lat[:, None], lon[:, None], lat[None, :], lon[None, :])
    # a cell feels itself as the mean over a disc of its area: 0.85 a / U of its own density
    near = np.where(apart > 0, 1.0 / (2.0 * np.pi * np.maximum(apart, 1.0)), 0.85 * side / area)
    mass = near * np.exp(-apart / REACH) / WIND
    air = PRESSURE / GRAVITY_EQUATOR / MOLAR_MASS_DRY_AIR
    field = xr.DataArray(
        np.zeros((36, 60)),
        {"lat": np.unique(lat), "lon": np.unique(lon)},
        ("lat", "lon"),
    )
    share = np.zeros((lat.size, len(regions)))
    for number, found in enumerate(region_cells(axes_of(field), regions)):
        weight = found.fraction * found.area
        np.add.at(share[:, number], found.row * 60 + found.column, weight / weight.sum())
    return mass @ share / MOLAR_MASS_CO2 / air * 1e6


def waves(rng: np.random.Generator, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """A smooth field of unit variance at points, waves of 500 to 2500 km."""
    east, north = lon * 111.2 * np.cos(np.deg2rad(36.0)), lat * 111.2
    total = np.zeros(lat.size)
    for _ in range(40):
        number = 2 * np.pi / np.exp(rng.uniform(np.log(500.0), np.log(2500.0)))
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        total += np.cos(number * (np.cos(angle) * east + np.sin(angle) * north) + phase)
    return total * np.sqrt(2.0 / 40)


def record(folder: Path, seed: int) -> xr.Dataset:
    """Soundings of ten years without sources, kept in the folder; the step from west to east is taken out."""
    path = folder / f"record_{seed}.nc"
    if not path.exists():
        made = simulate_record(seed, start=f"{START}-01-01", days=round(365.25 * YEARS))
        data, field = made.soundings, made.field
        day = data["time"].values.astype("datetime64[D]")
        place = (data["latitude"].values, data["longitude"].values, day)
        flat = replace(field, east=0.0)
        data["xco2"] = data["xco2"] - field.smooth(*place) + flat.smooth(*place)
        data["xco2"].attrs["units"] = "ppm"
        data.to_netcdf(path)
    return xr.load_dataset(path)


def feature(data: xr.Dataset, added: np.ndarray, regions: Any) -> pd.DataFrame:
    """The chain of the library from soundings to a yearly feature of provinces."""
    seen = data.assign(xco2=data["xco2"] + added)
    seen["xco2"].attrs["units"] = "ppm"
    grid = grid_soundings(seen, GridSpec.regular(1.0, BOUNDS), period="month", weight="centre")
    made = grid_feature(enhance_grid(grid.compute()), regions, "xco2_enhancement")
    made = made.assign_coords(time=made["time"].dt.year - START + FIRST)
    return made["xco2_enhancement"].to_series().rename("xco2").reset_index()


def simulate(
    data: xr.Dataset, panel: Panel, regions: Any, bias: float, seed: int, emit: float = 1.0
) -> Panel:
    """Give the panel with columns of one draw; `emit` 0: nobody emits."""
    rng = np.random.default_rng([seed, 77])
    lat, lon = data["latitude"].values, data["longitude"].values
    year = data["time"].dt.year.values - START
    day = data["time"].values.astype("datetime64[D]").astype(int)
    gain = response(regions)
    rate = panel.table.assign(rate=panel.rates()).pivot(index="region", columns="period", values="rate")
    rate = rate.reindex(regions["region_id"]).fillna(0.0).to_numpy()[:, np.clip(year, 0, YEARS - 1)]
    row = ((lat - BOUNDS[1]).astype(int) * 60 + (lon - BOUNDS[0]).astype(int)).clip(0, 36 * 60 - 1)
    mixing = np.exp(rng.normal(-(DAY_FACTOR**2) / 2, DAY_FACTOR, day.max() - day.min() + 1))
    added = emit * (gain[row] * rate.T).sum(1) * mixing[day - day.min()]
    wrong = np.sqrt(0.5) * waves(rng, lat, lon)
    for number in range(YEARS + 1):
        here = year == number
        wrong[here] += np.sqrt(0.5) * waves(rng, lat[here], lon[here])
    table = feature(data, added + bias * wrong, regions)
    keys = panel.table[["region", "period"]].rename(columns={"period": "time"})
    values = keys.merge(table, on=["region", "time"], how="left")["xco2"]
    side = np.sqrt(panel.table["area_km2"])
    mean = values.groupby(keys["region"]).transform("mean")
    people = panel.table["population"]
    columns = {"xco2": values, "xco2_mean": mean, "xco2_person": mean * side / people * 1e6}
    return panel.with_columns(
        columns,
        [
            PanelColumn("xco2", "feature", "ppm"),
            PanelColumn("xco2_mean", "feature", "ppm"),
            PanelColumn("xco2_person", "feature", "ppm", description="times length, for 1e6 persons"),
        ],
    )


@dataclass
class Trees:
    """Extremely randomised trees on the logarithm of the emission per person."""

    features: tuple[str, ...]

    def fit(self, panel: Panel) -> Trees:
        from sklearn.ensemble import ExtraTreesRegressor

        known = panel.observed()
        self.design_ = Design("", self.features).fit(known)
        self.model_ = ExtraTreesRegressor(100, min_samples_leaf=2, max_features=0.6, random_state=0)
        self.model_.fit(self.design_.transform(known), np.log(known.values() / known.table["population"]))
        return self

    def predict_values(self, panel: Panel) -> np.ndarray:
        made = np.exp(self.model_.predict(self.design_.transform(panel)))
        return made * panel.table["population"].to_numpy()


@dataclass
class Growth:
    """The last known year times the growth of all provinces; with columns, their change adds to it."""

    column: str = ""

    def fit(self, panel: Panel) -> Growth:
        self.known_ = panel.table.assign(value=panel.values()).set_index(["region", "period"])
        self.last_ = int(self.known_["value"].dropna().index.get_level_values(1).max())
        return self

    def predict_values(self, panel: Panel) -> np.ndarray:
        table = panel.table
        year = int(table["period"].max())
        pairs = self._pairs(range(min(table["period"].min(), FIRST) + 2, self.last_ + 1), self.known_)
        line = np.array([pairs["growth"].mean(), 0.0])
        if self.column:
            line = np.polynomial.polynomial.polyfit(pairs["change"], pairs["growth"], 1)
        whole = table.assign(value=np.nan).set_index(["region", "period"])
        joint = pd.concat([self.known_, whole[~whole.index.isin(self.known_.index)]])
        now = self._pairs([year], joint).set_index("region")
        made = now["before"] * np.exp(line[0] + line[1] * now["change"])
        return table["region"].map(made).where(table["period"] == year).to_numpy(float)

    def _pairs(self, years: Any, table: pd.DataFrame) -> pd.DataFrame:
        rows = table.reset_index()[["region", "period", "value", *([self.column] if self.column else [])]]
        pairs = rows[rows["period"].isin(list(years))].merge(
            rows.assign(period=rows["period"] + 2), on=["region", "period"], suffixes=("", "_then")
        )
        change = pairs[self.column] - pairs[f"{self.column}_then"] if self.column else 0.0
        growth = np.log(pairs["value"] / pairs["value_then"])
        made = pairs.assign(before=pairs["value_then"], change=change, growth=growth)
        return made if len(years) == 1 else made.dropna(subset=["change", "growth"])


def exchange(panel: Panel, seed: int) -> Panel:
    """Give each province the columns of another one."""
    names = sorted(set(panel.table["region"]))
    other = dict(zip(names, np.random.default_rng([seed, 78]).permutation(names), strict=True))
    columns = ["xco2", "xco2_mean", "xco2_person"]
    source = panel.table.set_index(["region", "period"])[columns]
    keys = pd.MultiIndex.from_arrays([panel.table["region"].map(other), panel.table["period"]])
    return panel.with_columns({name: source.loc[keys, name].to_numpy() for name in columns})


def score(panel: Panel, plain: tuple[str, ...]) -> list[dict[str, Any]]:
    """Skill of the same learner with columns over that without, for both questions."""
    columns = ("xco2", "xco2_mean", "xco2_person")
    cases = {
        "no_inventory": (Trees((*plain, *columns)), Trees(plain)),
        "nowcast": (Growth("xco2"), Growth()),
    }
    rows = []
    for question, (model, other) in cases.items():
        found = evaluate(model, panel, splits(panel, question), baselines={"without": other})
        for line in found.skill.itertuples():
            values = {"skill": line.skill, "lower": line.lower, "upper": line.upper}
            rows.append({"question": question, "measure": line.measure} | values)
    return rows


def draw(table: pd.DataFrame, path: Path) -> None:
    """Added skill by case: every draw, their mean, and the mean interval over provinces."""
    import matplotlib.pyplot as plt

    words = {SILENT: "nobody\nemits", PLACEBO: "another\nprovince's"} | {b: f"{b:g} ppm" for b in BIASES}
    titles = {"no_inventory": "a province with no inventory", "nowcast": "two years after the last inventory"}
    figure, panes = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained", sharey=True)
    for pane, (question, title) in zip(panes, titles.items(), strict=True):
        chosen = table[(table["question"] == question) & (table["measure"] == "wmape")]
        pane.axhline(0.0, color="0.4", lw=0.8)
        for place, case in enumerate(words):
            rows = chosen[chosen["bias"] == case]
            color = "#b5651d" if case < 0 else "k"
            low, high = rows["lower"].mean(), rows["upper"].mean()
            pane.plot([place] * 2, [low, high], color="0.8", lw=8, solid_capstyle="butt",
                      label="90 % over provinces, mean of draws" if place == 0 else None)  # fmt: skip
            label = {SILENT: "controls, each draw", BIASES[0]: "each draw"}.get(case)
            pane.plot([place] * len(rows), rows["skill"], "o", color=color, ms=3, alpha=0.7, label=label)
            pane.plot([place], [rows["skill"].mean()], "_", color=color, ms=22, mew=2)
        pane.set(title=title, xticks=range(len(words)), xticklabels=list(words.values()))
    panes[0].set_ylabel("skill added by columns (WMAPE)")
    panes[1].legend(fontsize=8, loc="upper right")
    figure.supxlabel("columns, or bias of the retrieval", fontsize=10)
    figure.savefig(path, dpi=100)


def run(folder: Path, records: int, draws: int, cases: tuple[float, ...]) -> pd.DataFrame:
    """Simulate and score what the folder does not hold yet; the table so far is written after each case."""
    root = find_data_root()
    borders = root / "geo" / "boundaries" / "cn_province_tianditu_wgs84.geojson"
    regions = open_regions(borders, region_id="adcode")
    panel = province_panel(root).select(period=(FIRST, FIRST + YEARS - 1))
    kept = folder / "skill.csv"
    rows: list[dict[str, Any]] = pd.read_csv(kept).to_dict("records") if kept.exists() else []
    done = {(row["record"], row["draw"], row["bias"]) for row in rows}
    for seed in range(1, records + 1):
        data = record(folder, seed)
        for number in range(draws):
            for bias in cases:
                if (seed, number, bias) in done:
                    continue
                size, emit = (HEADLINE, 0.0) if bias == SILENT else (max(bias, 0.0), 1.0)
                made = simulate(data, panel, regions, size, 100 * seed + number, emit)
                made = exchange(made, 100 * seed + number) if bias == PLACEBO else made
                wanted = made.table.groupby("region")[["xco2_mean", "co2_mt"]].mean()
                close = wanted.corr(method="spearman").iloc[0, 1]
                about = {"record": seed, "draw": number, "bias": bias, "rank_correlation": close}
                about["missing"] = float(made.table["xco2"].isna().mean())
                rows += [about | line for line in score(made, panel.features)]
                pd.DataFrame(rows).to_csv(kept, index=False)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=4)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--read", action="store_true", help="show what the folder holds, simulate nothing")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    read = given.folder / "skill.csv"
    table = (
        pd.read_csv(read)
        if given.read
        else run(given.folder, given.records, given.draws, (*BIASES, PLACEBO, SILENT))
    )
    summary = table.groupby(["question", "measure", "bias"])
    print(summary[["skill", "lower", "upper", "rank_correlation", "missing"]].mean().round(3).to_string())
    print(summary["skill"].agg(["min", "max", "count"]).round(3).to_string())
    if given.figure:
        draw(table, given.figure)


if __name__ == "__main__":
    main()
