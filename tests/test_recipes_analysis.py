"""A study that asks for every column analysis gets what the public functions give, or is told why not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
import yaml

import yaotan
from analysis_study import BOUNDS, EAST, GROWTH, MONTHS, everything, make_study
from stac_validation import validate_tree
from yaotan.catalog.region import key_regions
from yaotan.column.validation.validation import score_table
from yaotan.errors import RecipeError, YaotanError
from yaotan.io.tabular import read_table
from yaotan.recipes import run as run_module
from yaotan.recipes.result import load_results
from yaotan.recipes.run import RunResult, run
from yaotan.report.result import WHOLE, StudyResults
from yaotan.simulate.layout import Retrieval, oco2_lite_name, write_oco2_lite

OCO2 = "oco2_lite"
LEVELS = {"values": [420.0, 400.0], "pressure": [1050.0, 0.0], "kind": "level"}
LAYERS = {"values": [400, 400], "pressure": [1e3, 5e2, 0], "kind": "layer", "units": "ppm"}


@pytest.fixture(scope="module", autouse=True)
def no_page() -> Iterator[None]:
    """Leave out the report, which takes most of the time of a run; its own tests draw it."""

    def write(context, provenance):
        return context.ledger.write_json(context.folder / "provenance.json", provenance)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "_report_record", write)
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    folder = tmp_path_factory.mktemp("analyses")
    return folder, run(make_study(folder, **everything()))


@pytest.fixture(scope="module")
def columns(done: tuple[Path, RunResult]) -> Path:
    return done[0] / "results" / "columns"


@pytest.fixture(scope="module")
def results(done: tuple[Path, RunResult]) -> StudyResults:
    return load_results(done[0] / "results")


@pytest.fixture(scope="module")
def monthly(columns: Path) -> xr.Dataset:
    """The grids of OCO-2 as one."""
    grids = [yaotan.open_grid(path) for path in sorted(columns.glob("oco2_lite_[0-9]*.nc"))]
    return xr.concat(grids, "time", data_vars="minimal", coords="minimal", compat="override", join="override")


@pytest.fixture(scope="module")
def soundings(done: tuple[Path, RunResult]) -> Callable[..., xr.Dataset]:
    def read(pattern: str, **how: Any) -> xr.Dataset:
        files = sorted(map(str, (done[0] / "data").glob(pattern)))
        return yaotan.open_soundings(files, region=(111.5, 27.5, 120.5, 34.5), **how)

    return read


def places(folder: Path) -> gpd.GeoDataFrame:
    own = yaotan.open_regions(folder / "regions.geojson", region_id="id")
    key = key_regions(names=["yangtze_delta"])
    table = pd.concat([own, key], ignore_index=True)[["region_id", "name", "name_zh", "geometry"]]
    wanted = ["west", "east", "far", "yangtze_delta"]
    return gpd.GeoDataFrame(table.set_index("region_id", drop=False).loc[wanted], crs=own.crs)


def test_all_was_done_and_every_file_is_catalogued(done: tuple[Path, RunResult], columns: Path) -> None:
    folder, result = done
    assert [note.partition(":")[0] for note in result.notes] == ["anomaly-nies_gosat_co2 xco2"]
    names = {path.name for path in columns.iterdir()}
    assert {
        *(f"oco2_lite_xco2_{end}" for end in ("trend.csv", "trend.parquet", "trend_series.csv")),
        *(f"oco2_lite_xco2_{end}" for end in ("growth.csv", "growth.parquet")),
        *(f"oco2_lite_xco2_{end}" for end in ("trend_skipped.csv", "filled.nc", "hotspots.nc")),
        *(f"oco2_lite_xco2_{end}" for end in ("hotspots.csv", "persistence.nc", "key_regions.csv")),
        *(f"oco2_lite_xco2_validation{end}" for end in (".csv", ".parquet", "_pairs.csv", "_lost.csv")),
        *("fused_xco2.nc", "fused_xco2.csv", "claims.csv", "nies_gosat_co2_xco2_key_regions.csv"),
    } <= names
    tree = validate_tree(folder / "results" / "stac")
    items = [item for item in tree["Feature"] if item["collection"] == "analyses"]
    assert {"claims", "fusion", "trend-oco2_lite", "hotspots-oco2_lite"} <= {item["id"] for item in items}
    linked = {Path(asset["href"]).name for item in tree["Feature"] for asset in item["assets"].values()}
    assert names <= linked
    steps = json.loads((folder / "results" / "provenance.json").read_text())["steps"]
    assert f"hotspot-{OCO2}-2019-01" in steps


def test_trend_is_that_of_the_regional_series(done: Any, monthly: xr.Dataset, results: StudyResults) -> None:
    series = yaotan.column.region_series(monthly, places(done[0]), fewest=4).load()
    found = next(one for one in results.trends if one.product == OCO2)
    rates = found.rates.set_index("region_id")
    assert rates.index.tolist() == ["west", "east", "yangtze_delta"]
    test = yaotan.column.trend_test(series.isel(region=[0, 1, 3]), variable="xco2")
    for column, name in (("rate", "slope"), ("lower", "slope_lower"), ("upper", "slope_upper")):
        np.testing.assert_allclose(rates[column], test[name], rtol=1e-12)
    np.testing.assert_allclose(rates["p_value"], test["p_value"], rtol=1e-9)
    assert rates["months"].tolist() == [10, 10, 10]
    assert (rates["lower"] < GROWTH).all()
    assert (rates["upper"] > GROWTH).all()
    fit = yaotan.fit_trend(series.isel(region=[0, 1, 3]), variable="xco2", terms=2, harmonics=1)
    cycle = yaotan.column.seasonal_cycle(fit)
    np.testing.assert_allclose(rates["amplitude"], cycle["amplitude"].mean("year"), rtol=1e-9)
    curve = found.series[found.series["region_id"] == "east"]
    np.testing.assert_allclose(curve["fitted"], fit["smooth"].sel(region="east"), rtol=1e-12)
    np.testing.assert_allclose(curve["trend"], fit["trend"].sel(region="east"), rtol=1e-12)
    growth = yaotan.growth(fit).sel(region="west")
    table = read_table(done[0] / "results/columns/oco2_lite_xco2_growth.csv").query("region_id == 'west'")
    np.testing.assert_allclose(table["growth"], growth["growth"], rtol=1e-12)
    assert table["year"].tolist() == growth["year"].values.tolist()


def test_a_region_without_a_trend_says_why(results: StudyResults) -> None:
    skipped = {one.product: one.skipped.set_index("region_id") for one in results.trends}
    assert skipped[OCO2]["reason"].to_dict() == {"far": "outside_grid"}
    assert "outside the grid" in skipped[OCO2].loc["far", "detail"]
    short = skipped["nies_gosat_co2"]
    assert set(short["reason"]) == {"too_short"}
    assert (short["needed"].iloc[0], short["given"].iloc[0]) == (24, 4)
    assert results.trends[-1].rates.empty or results.trends[0].rates.empty


def test_anomalies(done: Any, monthly: xr.Dataset, results: StudyResults) -> None:
    (found,) = results.anomalies
    series = yaotan.column.region_series(
        monthly, places(done[0]).loc[["west", "yangtze_delta"]], fewest=4
    ).load()
    direct = yaotan.column.anomaly_table(
        yaotan.anomaly(series, variable="xco2", growth="none", min_years=2), variable="xco2"
    )
    assert (found.product, found.level) == (OCO2, 0.05)
    for name in ("anomaly", "climatology", "spread", "z", "p"):
        np.testing.assert_allclose(found.table[name], direct[name], rtol=1e-9)
    for name in ("region_id", "verdict", "years", "name_zh"):
        assert found.table[name].tolist() == direct[name].tolist()
    january = found.table[found.table["time"] == "2020-01-01"]
    assert january["years"].tolist() == [2, 2]
    # the middle of three years of growth
    assert (january["anomaly"].abs() < 1.5).all()
    assert set(found.table["verdict"]) & {"too_few_years"}
    # of GOSAT there are two months
    assert any(note.startswith("anomaly-nies_gosat_co2 xco2: not done") for note in done[1].notes)


def test_filled_map(done: Any, monthly: xr.Dataset, results: StudyResults) -> None:
    (found,) = results.filled
    regions = places(done[0]).loc[["west", "east"]]
    direct = yaotan.fill_gaps(
        monthly,
        yaotan.GridSpec.regular(1.0, BOUNDS),
        [("2019-06", "2019-06"), ("2020-06", "2020-06")],
        region=regions,
        mean=yaotan.column.MeanModel(harmonics=1),
        refine=False,
        space_family="exponential",
        time_family="exponential",
    )
    for name in ("xco2", "xco2_uncertainty"):
        np.testing.assert_allclose(found.grid[name], direct[name], rtol=1e-6)
    np.testing.assert_array_equal(found.grid["xco2_measured"], direct["xco2_measured"])
    assert found.grid["time"].dt.strftime("%Y-%m").values.tolist() == ["2019-06", "2020-06"]
    assert found.validation["scheme"].tolist() == ["observation", "overpass", "block"]
    expected = pd.DataFrame(json.loads(direct.attrs["validation"]))
    np.testing.assert_allclose(found.validation["rmse"], expected["rmse"], rtol=1e-9)
    assert found.method == "kriging"


def test_hot_spots_of_a_month(soundings: Any, results: StudyResults) -> None:
    (found,) = results.hotspots
    assert (found.variable, found.options["distance"], found.options["draws"]) == (
        "xco2_enhancement",
        150e3,
        39,
    )
    table = soundings("oco2_LtCO2_1904*", period=("2019-04-01", "2019-04-30"))
    above = yaotan.enhancement(table, background=yaotan.background(table, method="regional"))
    grid = yaotan.grid_soundings(
        above, yaotan.GridSpec.regular(1.0, BOUNDS), variables=["xco2_enhancement"], period="month"
    )
    direct = yaotan.hot_spots(
        grid.load(), variable="xco2_enhancement", distance=150e3, draws=39, anywhere=0.05
    )
    mine = found.grid.sel(time="2019-04")
    np.testing.assert_array_equal(mine["hotspot"], direct["hotspot"])
    np.testing.assert_allclose(mine["xco2_enhancement_gstar"], direct["xco2_enhancement_gstar"], rtol=1e-6)
    np.testing.assert_allclose(mine["xco2_enhancement"], grid["xco2_enhancement"], rtol=1e-6)
    month = found.months[found.months["time"] == "2019-04-01"].iloc[0]
    summary = json.loads(direct.attrs["hotspot"])[0]
    assert (month["cells"], month["hot"], month["anywhere"]) == tuple(
        summary[key] for key in ("cells", "hot", "anywhere")
    )
    assert len(found.months) == len(MONTHS)
    share = yaotan.column.persistence(found.grid)
    np.testing.assert_allclose(found.persistence["persistence"], share["persistence"])


def test_pairs_and_scores(done: Any, soundings: Any, results: StudyResults) -> None:
    (found,) = results.validations
    stations = yaotan.open_stations(done[0] / "station.csv")
    table = soundings("oco2_*")
    pairs = yaotan.collocate(table, stations, kernel="none", method="radius", radius=300e3, hours=1.5)
    assert len(found.pairs) == pairs.sizes["pair"] > 20
    for name in ("value", "reference", "value_uncertainty", "distance"):
        np.testing.assert_allclose(found.pairs[name], pairs[name], rtol=1e-9)
    assert (found.pairs["time"].values == pairs["time"].values).all()
    scores = score_table(yaotan.validate(pairs))
    assert found.sites["station"].tolist() == ["station"]
    assert found.sites["bias"].iloc[0] == pytest.approx(scores["bias"].iloc[0])
    assert found.overall["bias_lower"] == pytest.approx(scores["bias_lower"].iloc[-1])
    lost = json.loads(pairs.attrs["lost"])["soundings"]
    mine = found.lost[found.lost["unit"] == "sounding"].set_index("reason")["count"].to_dict()
    assert mine == {reason: count for reason, count in lost.items() if count}
    assert (found.kernel, found.reference) == ("none", "TCCON XCO2 table (GGG2014)")


def test_fused_field(soundings: Any, results: StudyResults) -> None:
    (found,) = results.fused
    spec = yaotan.GridSpec.regular(4.0, BOUNDS[:3] + (36.0,))
    both = {"nies_gosat_co2": soundings("GOSAT*"), OCO2: soundings("oco2_*")}
    direct = yaotan.fuse(both, spec=spec, own_priors=True)
    for name in ("xco2", "xco2_uncertainty", "xco2_spread", "xco2_choice"):
        np.testing.assert_allclose(found.grid[name], direct[name], rtol=1e-6)
    assert found.products == ("nies_gosat_co2", OCO2)
    outcome = found.outcome.set_index("product")
    assert outcome["share"].sum() == pytest.approx(1.0)
    gap = (direct["xco2_average"].isel(product=0) - direct["xco2"]).mean()
    assert outcome.loc["nies_gosat_co2", "bias"] == pytest.approx(float(gap), rel=1e-5)
    assert outcome.loc["nies_gosat_co2", "months"] == 2
    assert outcome["title"].str.contains("GOSAT|OCO").all()


def test_claims(columns: Path, results: StudyResults) -> None:
    assert results.claims is not None
    claims = results.claims.claims
    table = read_table(columns / "oco2_lite_xco2_regions.csv")
    direct = yaotan.check_claim(table, a="east", b="west", at_least=0.5, period=("2019-01", "2021-12"))
    mine = claims[(claims["claim"] == 0) & (claims["product"] == OCO2)].iloc[0]
    for name in ("difference", "lower", "upper", "effective_months", "missed_bias"):
        assert mine[name] == pytest.approx(getattr(direct, name)), name
    assert (mine["verdict"], mine["sentence_zh"]) == (direct.verdict, direct.sentences["zh"])
    assert (mine["text_en"], mine["name_a_zh"], mine["b"]) == ("东部更高", "东部", "west")
    # halves of the area are 4 degrees apart
    assert mine["lower"] < 4 * EAST < mine["upper"]
    key = claims[claims["claim"] == 1]
    assert (key["a"].item(), key["b"].item(), key["product"].item()) == ("yangtze_delta", WHOLE, OCO2)
    with_key = pd.concat([table, read_table(columns / "oco2_lite_xco2_key_regions.csv")])
    direct = yaotan.check_claim(with_key, a="yangtze_delta", b="all", period=("2019-01", "2021-12"))
    assert key["difference"].item() == pytest.approx(direct.difference)
    alone = claims[claims["claim"] == 2]
    assert set(alone["verdict"]) == {"no_data"}
    assert alone["difference"].isna().all()
    assert alone.set_index("product")["months"].to_dict() == {OCO2: 1, "nies_gosat_co2": 0}


def test_the_page_has_a_section_for_each(results: StudyResults, tmp_path: Path) -> None:
    from yaotan.report.page import report

    page = report(results, tmp_path / "report.html").read_text(encoding="utf-8")
    for key in ("trends", "anomalies", "filled", "hotspots", "validation", "fused", "claims"):
        assert f'id="{key}"' in page, key
    assert "TCCON XCO2 table (GGG2014)" in page


def test_only_what_stands_on_a_change_is_done_again(done: tuple[Path, RunResult], tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(done[0], folder)
    path = folder / "study.yaml"
    study = yaml.safe_load(path.read_text(encoding="utf-8"))

    def again() -> set[str]:
        path.write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
        return {name for name in run(path).executed if name not in ("report", "stac")}

    assert again() == set()
    study["claims"][0]["at_least"] = 1.0
    assert again() == {"claims"}
    (folder / "results" / "columns" / "fused_xco2.nc").unlink()
    assert again() == {"fusion"}
    with (folder / "station.csv").open("a") as file:
        file.write("405.0,0.3,2021-12-31 02:00:00,12.5,31.0,116.0,2021-12-31,31.5,116.5\n")
    changed = again()
    assert {name.split("-")[0] for name in changed} == {"pairs", "validation"}
    assert len([name for name in changed if name.startswith("pairs")]) == len(MONTHS)
    for key in ("fill", "hotspots", "validation"):
        del study[key]
    assert again() == set()
    left = {path.name for path in (folder / "results").rglob("*")}
    assert not [name for name in left if "filled" in name or "hotspot-" in name or "pairs-" in name]
    assert load_results(folder / "results").hotspots == ()


class _Killed(BaseException):
    """As if the process had ended here."""


def test_a_run_that_ends_in_an_analysis_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {key: value for key, value in everything().items() if key not in ("fill", "trend", "anomaly")}
    study = make_study(tmp_path, months=2, **given | {"claims": given["claims"][:2]})
    from yaotan.recipes.analysis import hotspot

    real, calls = hotspot.hot_spots, []

    def killed(*arguments: Any, **options: Any) -> xr.Dataset:
        calls.append(1)
        if len(calls) == 2:
            raise _Killed
        return real(*arguments, **options)

    monkeypatch.setattr(hotspot, "hot_spots", killed)
    with pytest.raises(_Killed):
        run(study)
    done = {path.stem for path in (tmp_path / "results/.steps").glob("*.json")}
    assert f"hotspot-{OCO2}-2019-01" in done
    assert f"hotspot-{OCO2}-2019-04" not in done
    result = run(study)
    assert not done & set(result.executed)
    assert {f"hotspot-{OCO2}-2019-04", f"hotspots-{OCO2}", "fusion", "claims"} <= set(result.executed)
    assert run(study).executed == []
    # persistence needs three months, and there are two
    assert load_results(tmp_path / "results").hotspots[0].persistence is None


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunResult]:
    """One month of both satellites, with what a test asks for."""
    folder = tmp_path_factory.mktemp("small")
    base = yaml.safe_load(make_study(folder, months=1).read_text(encoding="utf-8"))

    def start(*, check: bool = False, output: str = "none", **given: Any) -> RunResult:
        path = folder / f"{output}.yaml"
        path.write_text(yaml.safe_dump(base | given, allow_unicode=True), encoding="utf-8")
        return run(path, output=folder / output, check=check)

    return start


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"claims": [{"a": "east", "b": "nowhere"}]}, "claims.0.b.*nowhere.*west, east, far.*yangtze_delta"),
        ({"claims": [{"a": "east", "b": "East"}]}, "'east' and 'East' are the same region"),
        ({"claims": [{"a": "east", "b": "jing_jin_ji"}]}, "jing_jin_ji lies outside the area"),
        ({"claims": [{"a": "east", "b": "west", "variable": "xch4"}]}, "claims.0.variable.*xch4.*xco2"),
        ({"claims": [{"a": "east", "b": "west", "period": ["2018-01-01", "2018-02-01"]}]}, "not within the"),
        ({"claims": [{"a": "east", "b": "west", "atleast": 1}]}, "claims.0.atleast.*'at_least'"),
        ({"claims": [{"a": 310000, "b": "west"}]}, "'310000' is not a region"),
        ({"trend": {"regions": ["north"]}}, "trend.regions.*north"),
        ({"trend": {"products": ["oco2"]}}, "trend.products.*did you mean 'oco2_lite'"),
        ({"fill": {"method": "magic"}}, "fill.method.*kriging"),
        ({"fill": {"options": {"maximal": 3}}}, "maximal.*kriging takes.*maximum"),
        ({"fill": {"months": ["2019-02"]}}, "fill.months.*2019-02 lies outside the period"),
        ({"fill": {"months": ["January"]}}, "is no month such as"),
        ({"validation": {"stations": "nothing/*.nc", "kernel": "none"}}, "validation.stations"),
        ({"validation": {"stations": "station.csv"}}, "station has no co2_prior_profile.*kernel: none"),
        ({"anomaly": {"min_years": 2}}, "min_years 2 is not more than the 2 terms"),
        ({"anomaly": {"base": ["2015", "2020-01"]}}, "'2015' is no month such as"),
        ({"validation": {}}, "'validation.stations' is missing"),
        ({"hotspots": {"distanc": 3}}, "hotspots.distanc.*'distance'"),
        ({"hotspots": {"draws": 50}}, "50 draws cannot tell anywhere 0.01: 99 can"),
        ({"hotspots": {"background": {"near": 300}}}, "near 300 is not less than far 200"),
        ({"hotspots": {"background": {"method": "model"}}}, "go together"),
        ({"hotspots": {"background": {"method": "model", "model": "m.nc"}}}, "the model 'm.nc' is missing"),
        ({"fusion": {"products": ["oco2_lite"]}}, "one product to be fused, oco2_lite"),
        ({"fusion": {}}, "the priors of xco2 differ.*own_priors: true"),
        ({"fusion": {"own_priors": True, "correlation": [[1.0]]}}, "correlation needs products"),
        ({"prior": {"file": "prior.nc"}}, "the prior 'prior.nc' is missing"),
        ({"prior": {}}, "either file .* or profile"),
        ({"prior": {"profile": LAYERS}}, "levels"),
    ],
)
def test_check_refuses_and_writes_nothing(small: Any, given: dict[str, Any], words: str) -> None:
    with pytest.raises(YaotanError, match=words) as caught:
        small(check=True, **given)
    assert isinstance(caught.value, RecipeError) or "prior" in given
    assert not list(Path(small.__closure__[1].cell_contents).glob("none/*"))


@pytest.fixture(scope="module")
def few(small: Any) -> RunResult:
    """A run whose data are too few for what it asks."""
    return small(
        output="few",
        minimum_count=3,
        trend={},
        hotspots={"background": {"method": "regional"}},
        fill={"products": [OCO2], "mean": {"space": 0, "time": 0}},
        fusion={"own_priors": True, "minimum_soundings": 1000},
        validation={"stations": "station.csv", "kernel": "none", "radius": 1, "method": "radius"},
        prior={"profile": {**LAYERS, **LEVELS}, "products": [OCO2]},
    )


def test_what_cannot_be_done_is_said_and_does_not_stop_the_run(few: RunResult) -> None:
    said = "\n".join(few.notes)
    assert f"fill-{OCO2} xco2: not done" in said
    assert f"validation-{OCO2} xco2: not done, validate needs 3 pairs" in said
    assert "fusion xco2: not done, no box has 2 products" in said
    results = load_results(few.folder)
    assert (results.filled, results.fused, results.validations) == ((), (), ())
    assert {tuple(one.skipped["reason"].unique()) for one in results.trends} == {("too_short",)}
    months = next(one for one in results.hotspots if one.product == OCO2).months
    assert "measured cells" in months["reason"].item()
    notes = {(note["step"], note["code"]) for note in results.provenance["notes"]}
    assert notes >= {(f"fill-{OCO2}", "too_few"), (f"validation-{OCO2}", "too_few"), ("fusion", "too_few")}
    assert all(any(note["reason"] in line for line in few.notes) for note in results.provenance["notes"])


def test_common_prior(few: RunResult) -> None:
    table = yaotan.open_soundings([granule.path for granule in few.inventory.of(OCO2)])
    prior = yaotan.column.Profile(LEVELS["values"], LEVELS["pressure"], "level", "ppm")
    moved = yaotan.harmonise_prior(table, prior)
    assert float(abs(moved["xco2_prior_adjustment"]).max()) > 0.01
    direct = yaotan.grid_soundings(moved, yaotan.GridSpec.regular(1.0, BOUNDS), period="month")
    with yaotan.open_grid(few.folder / "columns" / "oco2_lite_201901.nc") as grid:
        np.testing.assert_allclose(grid["xco2"], direct["xco2"], rtol=1e-9)
    steps = json.loads((few.folder / "provenance.json").read_text())["steps"]
    assert "prior" in steps[f"grid-{OCO2}-2019-01"]["parameters"]
    assert "prior" not in steps["grid-nies_gosat_co2-2019-01"]["parameters"]


def test_soundings_that_a_prior_does_not_reach_are_counted(small: Any) -> None:
    """Of a profile that ends far from the ground; and a study that asks for no analysis has none."""
    shallow = {**LAYERS, **LEVELS, "pressure": [600.0, 300.0]}
    result = small(output="shallow", prior={"profile": shallow, "products": [OCO2]})
    provenance = json.loads((result.folder / "provenance.json").read_text())
    assert provenance["products"][OCO2]["screening"] == {"common_prior_xco2": 100}
    losses = read_table(result.folder / "columns" / "losses.csv")
    lost = losses.query("product == 'oco2_lite' and reason == 'common_prior_xco2' and region_id == 'all'")
    assert lost["count"].sum() == 100
    results = load_results(result.folder)
    assert (results.trends, results.filled, results.hotspots, results.validations, results.fused) == ((),) * 5
    assert results.claims is None
    kinds = {name.split("-")[0] for name in result.executed}
    assert not kinds & {
        "trend",
        "anomaly",
        "fill",
        "hotspot",
        "hotspots",
        "boxes",
        "fusion",
        "pairs",
        "claims",
    }
    assert not (result.folder / "stac" / "analyses").exists()


def test_kernels_of_soundings_and_priors_of_a_station(satellite: Path, tmp_path: Path) -> None:
    """Harwell's priors, and a satellite over it that is made up."""
    station = satellite / "tccon" / "hw20230402_20230402.public.qc.nc"
    measured = yaotan.open_soundings(station).load()
    lat, lon = float(measured["latitude"][0]), float(measured["longitude"][0])
    (tmp_path / "data").mkdir()
    start = measured["time"].values[0].astype("datetime64[ns]")
    # passes a few minutes long, 50 minutes apart
    time = start + (np.repeat(np.arange(3), 4) * 3000 + np.tile(np.arange(4), 3) * 20) * np.timedelta64(
        10**9, "ns"
    )
    rng = np.random.default_rng(3)
    made = Retrieval.make(
        12, time=time, latitude=lat + rng.uniform(-0.3, 0.3, 12), longitude=lon + rng.uniform(-0.3, 0.3, 12)
    )
    write_oco2_lite(tmp_path / "data" / oco2_lite_name("2023-04-02"), made)
    box = gpd.GeoDataFrame({"id": ["here"]}, geometry=[shapely.box(-3, 50, 1, 53)], crs=4326)
    box.to_file(tmp_path / "regions.geojson")
    study = {
        "title": "kernels",
        "period": ["2023-04-01", "2023-04-30"],
        "inputs": [{"path": "data"}],
        "regions": {"path": "regions.geojson"},
        "validation": {"stations": str(station), "products": [OCO2]},
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    (found,) = load_results(run(path).folder).validations
    direct = yaotan.collocate(
        yaotan.open_soundings(tmp_path / "data"), yaotan.open_stations(station), column="xco2"
    )
    assert (found.kernel, found.reference, len(found.pairs)) == ("common_prior", "TCCON GGG2020", 3)
    np.testing.assert_allclose(found.pairs["value"], direct["value"], rtol=1e-9)
    as_they_are = yaotan.collocate(
        yaotan.open_soundings(tmp_path / "data"), yaotan.open_stations(station), column="xco2", kernel="none"
    )
    assert float(abs(direct["value"] - as_they_are["value"]).max()) > 0.01
