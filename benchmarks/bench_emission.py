"""Emission of provinces and cities: every split, baseline and model, scored by the one door of the library.

    YAOTAN_TEST_DATA=/path/to/data YAOTAN_PEERS=/path/to/peers python benchmarks/bench_emission.py [--cities]

The tables are those of ``ml`` beside the real data, the models of others (GRNN, random forest, extremely
randomised trees, LightGBM, night-light line) are built as in ``ml_baselines.py`` among the peers, in the same
folds and on the same rows. Prints tables for the docs, the time of the nested evaluation and of a prediction
of 10,000 rows. CPU seconds tell more than wall seconds on a busy machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from yaotan import ProvincialEmission, evaluate, load_model, open_regions, save_model
from yaotan.emission import Panel, capacity_feature, join_features, open_panel, place_feature, splits
from yaotan.emission.interval import GroupedConformal
from yaotan.io import open_power_plants

DATA = Path(os.environ.get("YAOTAN_TEST_DATA", "../shared/data")).resolve()
PEERS = Path(os.environ.get("YAOTAN_PEERS", DATA.parent / "peers"))
SHANDONG = "370000"
AREAS = ("urban", "crop", "forest", "grass", "barren", "water", "area")
LIGHT = "nW cm-2 sr-1"
PARTS = ("power_heat", "ferrous", "nonmetal_mineral", "transport", "process_cement")


def open_real(cities: bool = False) -> Panel:
    """Open the province or city table; what may not be learned from is left out with the reason."""
    unit = "city" if cities else "province"
    target = {"role": "target", "unit": "Mt yr-1", "scope": "scope 1, fossil and cement process", "lag": 2}
    columns: dict[str, Any] = {"co2_mt": target, "population": {"role": "scale", "unit": "1"}}
    columns["ntl_sum"] = {"role": "scale", "unit": LIGHT}
    columns |= {name: {"role": "feature", "unit": LIGHT} for name in ("ntl_sum_urban", "ntl_sum_crop")}
    columns["population_urban"] = {"role": "feature", "unit": "1"}
    columns |= {f"{name}_km2": {"role": "feature", "unit": "km2"} for name in AREAS}
    columns["npp_mean"] = {"role": "feature", "unit": "g m-2 yr-1"}
    ignore = {"population_crop": "a difference of the other two"}
    keys: dict[str, Any] = {"region": f"{unit}_id", "period": "year", "region_name": unit}
    keys["zone"] = {"column": "province_id", "digits": 1}
    if cities:
        keys["parent"] = {"column": "province_id", "digits": 6}
        ignore["province"] = "a name"
    else:
        columns["target_flag"] = {"role": "flag", "unit": "1"}
        columns |= {f"co2_{name}_mt": {"role": "part", "unit": "Mt yr-1", "lag": 2} for name in PARTS}
        ignore["chen2020_ntl_co2_mt"] = "made from lights and from the target's own statistics"
    description = {"keys": keys, "columns": columns, "ignore": ignore}
    panel = open_panel(DATA / "ml" / f"{unit}_panel.csv", description)
    return panel.select(~(panel.table["co2_mt"] <= 0).to_numpy())


def add_features(panel: Panel, cities: bool = False) -> Panel:
    """Give a real panel the fossil capacity of its regions by year, and cities their place.

    Plants are those of the WRI list (CC BY 4.0, an edition of 2018; starts by year, plants closed before are
    not in it); outlines those of the extra ``boundaries``. Neither knows the inventory.
    """
    regions, years = open_regions("china_city" if cities else "china_province"), range(2001, 2021)
    plants = open_power_plants(DATA / "geo" / "points" / "gppd_wri_china_raw.csv")
    capacity = capacity_feature(plants, regions, years, buffer=20e3)
    return join_features(panel, [capacity, place_feature(regions, years)] if cities else [capacity])


def load_peers() -> ModuleType:
    """Import the script of the peers by its path."""
    path = PEERS / "ml_baselines.py"
    spec = importlib.util.spec_from_file_location("ml_baselines", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"no {path}: set YAOTAN_PEERS to the folder of the peers")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Peer:
    """A model of the peers behind the door of `evaluate`."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self.module, self.name = module, name

    def __deepcopy__(self, memo: dict[int, Any]) -> Peer:
        return type(self)(self.module, self.name)  # a module cannot be copied

    def _numbers(self, panel: Panel) -> np.ndarray:
        kind = self.module.models(True)[self.name][0]
        made: np.ndarray = self.module.xmat(panel.table.rename(columns={"period": "year"}), kind)
        return made

    def _learn(self, x: np.ndarray, y: np.ndarray, group: np.ndarray) -> Any:
        model = self.module.models(True)[self.name][1]()
        if hasattr(model, "n_jobs"):
            model.set_params(n_jobs=1)
        return model.fit(x, y, groups=group) if self.name.startswith("grnn") else model.fit(x, y)

    def fit(self, panel: Panel) -> Peer:
        x, y, group = self._numbers(panel), np.log(panel.values()), panel.group.to_numpy()
        self.model = self._learn(x, y, group)
        return self

    def predict_values(self, panel: Panel) -> np.ndarray:
        made: np.ndarray = np.exp(self.model.predict(self._numbers(panel)))
        return made


class PeerMore(Peer):
    """The same with further columns: logarithms of one and the value, as their own are made."""

    def __init__(self, module: ModuleType, name: str, more: tuple[str, ...]) -> None:
        super().__init__(module, name)
        self.more = more

    def __deepcopy__(self, memo: dict[int, Any]) -> PeerMore:
        return type(self)(self.module, self.name, self.more)

    def _numbers(self, panel: Panel) -> np.ndarray:
        further = np.log(panel.table[list(self.more)].to_numpy(float) + 1.0)
        return np.hstack([super()._numbers(panel), further])


class PeerBand(Peer):
    """The same with intervals by grouped conformal, as those of the library."""

    def fit(self, panel: Panel) -> PeerBand:
        from sklearn.model_selection import GroupKFold

        super().fit(panel)
        x, y, group = self._numbers(panel), np.log(panel.values()), panel.group.to_numpy()
        residual = np.empty(len(y))
        for train, test in GroupKFold(6).split(x, groups=group):
            residual[test] = y[test] - self._learn(x[train], y[train], group[train]).predict(x[test])
        self.conformal = GroupedConformal().fit(residual, group)
        return self

    def predict_bounds(self, panel: Panel, *, level: float) -> tuple[np.ndarray, np.ndarray]:
        factor = np.exp(self.conformal.half_width(level)[0])
        return self.predict_values(panel) / factor, self.predict_values(panel) * factor


def tables(name: str, model: Any, panel: Panel, peers: dict[str, Peer], **asked: Any) -> Any:
    """Score one protocol and print its tables in Markdown."""
    from yaotan.emission import baselines

    folds = splits(panel, **asked)
    question = "no_inventory" if folds.protocol in ("province_forward", "random_rows") else folds.question
    rivals = {**baselines(panel, question), **peers}
    wall, cpu = time.perf_counter(), time.process_time()
    found = evaluate(model, panel, folds, baselines=rivals)
    spent = f"{time.perf_counter() - wall:.0f} s wall, {time.process_time() - cpu:.0f} s CPU with the peers"
    leaky = " (LEAKY, for contrast only)" if found.leaky else ""
    print(f"\n### {name}: {found.protocol}{leaky}\n")
    print(f"{len(found.predictions)} rows, {found.configurations} configurations inside each fold, {spent}\n")
    print(show_metrics(found), "\n")
    print(show_intervals(found.intervals), flush=True)
    print(f"\nchosen: {pd.Series(found.choices).value_counts().to_dict()}; not scored: {found.left_out}")
    return found


def show_metrics(found: Any) -> str:
    against = found.skill.set_index(["against", "measure"])
    heads = ("model", "R2", "RMSE", "WMAPE %", "MAPE %", "bias of total %", "log RMSE")
    heads += ("skill RMSE [90 %]", "skill WMAPE [90 %]")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, row in found.metrics.sort_values("wmape").iterrows():
        cells = [
            f"{row['r2']:.3f}",
            f"{row['rmse']:.1f}",
            f"{100 * row['wmape']:.1f}",
            f"{100 * row['mape']:.1f}",
        ]
        cells += [f"{100 * row['bias_of_total']:+.1f}", f"{row['log_rmse']:.3f}"]
        for measure in ("rmse", "wmape"):
            if (name, measure) in against.index:
                one = against.loc[(name, measure)]
                cells.append(f"{one['skill']:+.3f} [{one['lower']:+.3f}, {one['upper']:+.3f}]")
            else:
                cells.append("")
        lines.append(f"| {'**yaotan**' if name == 'model' else name} | {' | '.join(cells)} |")
    if "sign_hits" in found.metrics:
        for name in ("model", "national_trend"):
            row = found.metrics.loc[name]
            lines.append(
                f"\nsign of change, {name}: {row['sign_hits']:.3f} (majority {row['sign_majority']:.3f}), "
                f"change R2 {row['change_r2']:.3f}"
            )
    return "\n".join(lines)


def show_intervals(table: pd.DataFrame) -> str:
    lines = ["| level | coverage | by province | exact interval | holds | factor | width | interval score |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for _, row in table.iterrows():
        lines.append(
            f"| {100 * row['level']:g} % | {row['coverage']:.3f} | {row['province_coverage']:.3f} "
            f"({row['hits']} of {row['provinces']}) | {row['exact_lower']:.2f} to {row['exact_upper']:.2f} | "
            f"{'yes' if row['holds'] else 'no'} | {row['factor']:.2f} | {row['width']:.0f} | "
            f"{row['interval_score']:.0f} |"
        )
    return "\n".join(lines)


def show_years(found: Any, first: int) -> None:
    """Score the nowcasts from a year on, apart."""
    from yaotan.emission import skill

    part = found.predictions[found.predictions["period"] >= first]
    for measure in ("rmse", "wmape"):
        made = skill(part["observed"], part["model"], part["persistence"], part["group"], measure=measure)
        print(
            f"from {first}, {measure} against the copy: {made.value:+.3f} "
            f"[{made.lower:+.3f}, {made.upper:+.3f}] {made.verdict}"
        )


def show_place(found: Any, region: str) -> None:
    """Print the error of one region that was left out and whether its intervals held."""
    part = found.predictions[found.predictions["region"] == region]
    inside = part["observed"].between(part["lower_90"], part["upper_90"])
    for name in ("model", "loglinear_ntl_sum", "extratrees_log"):
        if name in part:
            error = (part[name] - part["observed"]).abs().sum() / part["observed"].sum()
            bias = part[name].sum() / part["observed"].sum() - 1
            print(f"{region} left out, {name}: WMAPE {100 * error:.1f} %, bias {100 * bias:+.1f} %")
    print(f"{region}: 90 % interval held in {inside.sum()} of {len(inside)} years")


def make_many(panel: Panel, noise: float) -> Panel:
    """Give 10,000 rows: those of the panel again and again, with noise each one of its own."""
    table = pd.concat([panel.table] * (1 + 10_000 // len(panel)), ignore_index=True).head(10_000)
    table["region"] = [f"{n}" for n in range(len(table))]
    rng = np.random.default_rng(0)
    for name in panel.features:
        table[name] *= rng.lognormal(0.0, noise, len(table))
    return Panel(table, panel.columns)


def time_calls(folder: str, name: str) -> None:
    """Time calls of a saved model that nobody has asked before; the process must be a fresh one."""
    panel = open_real()
    rows = {"each row its own": make_many(panel, 0.1), "rows of the panel repeated": make_many(panel, 0.0)}
    model = load_model(folder)
    for kind, many in rows.items():
        spent = []
        for _ in range(4):
            wall, cpu = time.perf_counter(), time.process_time()
            getattr(model, name)(many)
            spent.append(f"{time.perf_counter() - wall:.3f} ({time.process_time() - cpu:.3f})")
        print(f"10,000 rows, {name}, {kind}: {', '.join(spent)} s wall (CPU)", flush=True)


def time_prediction(panel: Panel) -> None:
    """Time 10,000 rows by a model of all families, each way of asking in a process that just loaded it."""
    with TemporaryDirectory() as place:
        folder = str(Path(place) / "model")
        save_model(ProvincialEmission().fit(panel), folder)
        for name in ("predict_values", "predict_table", "predict_interval", "predict"):
            subprocess.run([sys.executable, __file__, "--calls", folder, name], check=True)


def score_provinces(panel: Panel, peers: dict[str, Peer]) -> None:
    """Print every protocol of the province table."""
    here, unseen = "provinces", {"question": "no_inventory"}
    found = tables(here, ProvincialEmission(), panel, peers, **unseen)
    show_place(found, SHANDONG)
    if peers:
        tables("peer extratrees_log", PeerBand(load_peers(), "extratrees_log"), panel, {}, **unseen)
    for kind, levels in (("conformal", (0.5, 0.8, 0.9, 0.95)), ("cqr", (0.9,))):
        model = ProvincialEmission(interval=kind)
        made = evaluate(model, panel, splits(panel, "no_inventory"), baselines={}, levels=levels)
        print(f"\n{kind} intervals\n\n{show_intervals(made.intervals)}", flush=True)
    tables(here, ProvincialEmission(), panel, peers, **unseen, protocol="leave_region_out")
    forward = tables(here, ProvincialEmission("nowcast"), panel, peers, question="nowcast")
    for first in (2010, 2014):
        show_years(forward, first)
    asked = {"question": "nowcast", "protocol": "province_forward", "first": 2014}
    tables(here, ProvincialEmission(), panel, peers, **asked)
    tables(here, ProvincialEmission("infill"), panel, peers, question="infill")
    tables(here, ProvincialEmission("random"), panel, peers, question="random", folds=5)
    time_prediction(panel)


def score_more(panel: Panel, peers: dict[str, Peer], more: tuple[str, ...]) -> None:
    """Print both protocols of no inventory, peers as they are and with the same further columns."""
    named = [name for name in peers if name in ("extratrees_log", "lightgbm_log", "ridge_log_all")]
    rivals = peers | {f"{name} + {', '.join(more)}": PeerMore(load_peers(), name, more) for name in named}
    here = "cities" if panel.level == "parent" else "provinces"
    for protocol in ("leave_province_out", "leave_region_out"):
        name = f"{here} with {', '.join(more)}"
        tables(name, ProvincialEmission(), panel, rivals, question="no_inventory", protocol=protocol)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", action="store_true", help="the city table as well (a quarter of an hour)")
    parser.add_argument("--quick", action="store_true", help="no peers")
    parser.add_argument("--predict", action="store_true", help="the time of predictions alone")
    parser.add_argument("--calls", nargs=2, metavar=("MODEL", "METHOD"), help="of a saved model, first calls")
    given = parser.parse_args()
    if not (DATA / "ml").is_dir():
        print(f"no {DATA / 'ml'}: nothing to score")
        return
    if given.calls:
        time_calls(*given.calls)
        return
    panel = open_real()
    if given.predict:
        time_prediction(panel)
        return
    names = [] if given.quick else [n for n in load_peers().models(True) if n != "ntl_loglinear"]
    peers = {name: Peer(load_peers(), name) for name in names}
    score_provinces(panel, peers)
    score_more(add_features(panel), peers, ("capacity",))
    if given.cities:
        cities = open_real(cities=True)
        some = {name: peer for name, peer in peers.items() if name in ("ridge_log_all", "extratrees_log")}
        tables("cities", ProvincialEmission(), cities, some, question="no_inventory")
        score_more(add_features(cities, cities=True), some, ("capacity", "latitude", "longitude"))
        tables("cities", ProvincialEmission("nowcast"), cities, some, question="nowcast")


if __name__ == "__main__":
    main()
