"""A study that asks for carbon gets what the public functions give, in files; or is told what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import yaml

import yaotan
from analysis_study import write_month
from carbon_study import DENSITY, POOLS, YEARS, carbon_options, codes, make_study
from land_truth import AEA, write_raster
from stac_validation import validate_tree
from yaotan.carbon.change.flow import Growth, Loss
from yaotan.carbon.reconciliation import waterfall
from yaotan.errors import YaotanError
from yaotan.recipes import run as run_module
from yaotan.recipes.analysis.carbon_map import cell_raster, cells_of_regions, map_change
from yaotan.recipes.result import load_results
from yaotan.recipes.run import RunResult, run

#: area of a pixel of the equal-area maps [m2]
PIXEL = 500.0**2


@pytest.fixture(scope="module", autouse=True)
def no_page() -> Iterator[None]:
    """Leave out the report; its own tests draw it."""

    def write(context, provenance):
        return context.ledger.write_json(context.folder / "provenance.json", provenance)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "_report_record", write)
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    folder = tmp_path_factory.mktemp("carbon")
    path = make_study(folder)
    before = sorted(folder.rglob("*"))
    run(path, check=True)
    assert sorted(folder.rglob("*")) == before, "a check writes nothing"
    return folder, run(path)


@pytest.fixture(scope="module")
def carbon(done: tuple[Path, RunResult]):
    return load_results(done[0] / "results").carbon


def regions(folder: Path) -> gpd.GeoDataFrame:
    return yaotan.open_regions(folder / "regions.geojson", region_id="id")


def lands(folder: Path) -> list[Any]:
    return [yaotan.open_raster(folder / f"land_{year}.tif", scheme="clcd") for year in YEARS]


def pick(table: pd.DataFrame, variable: str, **where: Any) -> pd.DataFrame:
    rows = table[table["variable"] == variable]
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return rows


def test_every_file_is_there_and_catalogued(done: tuple[Path, RunResult]) -> None:
    folder, result = done
    names = {path.name for path in (folder / "results/carbon").iterdir()}
    assert {
        *("classes.csv", "stock.csv", "stock.parquet", "area.csv", "area.parquet", "change.csv"),
        *("change.parquet", "transition.csv", "waterfall.csv", "patches.gpkg", "patches.csv"),
        *(
            "stock_density_2020.tif",
            "land_class_2020.tif",
            "change_2010_2020.tif",
            "change_2010_2020_full.tif",
        ),
    } <= names
    assert result.notes == []
    tree = validate_tree(folder / "results/stac")
    items = {item["id"] for item in tree["Feature"] if item["collection"] == "carbon"}
    assert items == {"carbon-stock", "carbon-change", "carbon-patches", "carbon-published"}
    linked = {Path(asset["href"]).name for item in tree["Feature"] for asset in item["assets"].values()}
    assert names - {"patches_pictures"} <= linked
    provenance = json.loads((folder / "results/provenance.json").read_text(encoding="utf-8"))
    inputs = {row["file"]: row for row in provenance["inputs"]}
    assert {"land_2010.tif", "land_2020.tif", "pools.csv", "account.csv"} == set(inputs)
    assert inputs["land_2010.tif"]["product"] == "land_use 2010"
    assert len(inputs["pools.csv"]["sha256"]) == 64


def test_stock_is_that_of_a_direct_call(done: tuple[Path, RunResult], carbon: Any) -> None:
    folder = done[0]
    pools = yaotan.carbon.open_pools(folder / "pools.csv", scheme="clcd")
    for year, land in zip(YEARS, lands(folder), strict=True):
        direct = yaotan.carbon_stock(land, pools, regions=regions(folder), draws=2000, seed=3)
        for region in ("west", "east", "*"):
            row = pick(carbon.stock, "stock", year=year, region=region).iloc[0]
            for column, name in (("value", ""), ("lower", "_lower"), ("upper", "_upper")):
                assert row[column] == pytest.approx(
                    float(direct[f"stock{name}"].sel(region=region)), rel=1e-12
                )
        table = pick(carbon.stock, "class_stock", year=year, region="*").set_index("class")["value"]
        expected = direct["class_stock"].sel(region="*").to_series()
        np.testing.assert_allclose(table.loc[expected.index], expected, rtol=1e-12)
    assert carbon.whole == "*"
    assert carbon.facts["stock"]["soil_depth"] == "1 m"


def test_totals_are_those_of_the_planted_pixels(carbon: Any) -> None:
    before, after = codes()
    for year, values in zip(YEARS, (before, after), strict=True):
        expected = sum((values == code).sum() * PIXEL * sum(parts) / 10 for code, parts in DENSITY.items())
        assert carbon.total(year)["value"] == pytest.approx(expected, rel=1e-6)
    both = (before != 255) & (after != 255)
    area = pick(carbon.change, "transition_area", region="*", before=2, after=1)["value"].iloc[0]
    assert area == pytest.approx((both & (before == 2) & (after == 1)).sum() * PIXEL, rel=1e-6)
    alone = pick(carbon.change, "area_before_only", region="*")["value"].sum()
    assert alone == pytest.approx(((before != 255) & (after == 255)).sum() * PIXEL, rel=1e-6)


def test_change_is_that_of_a_direct_call(done: tuple[Path, RunResult], carbon: Any) -> None:
    folder = done[0]
    pools = yaotan.carbon.open_pools(folder / "pools.csv", scheme="clcd")
    first, second = lands(folder)
    direct = yaotan.stock_change(
        first, second, pools, period=YEARS, regions=regions(folder), draws=2000, seed=3
    )
    for name in ("value", "lower", "upper"):
        wanted = float(direct["stock_change" + ("" if name == "value" else f"_{name}")].sel(region="*"))
        assert carbon.changed()[name] == pytest.approx(wanted, rel=1e-12)
    table = pick(carbon.change, "transition_change", region="east").set_index(["before", "after"])["value"]
    expected = direct["transition_change"].sel(region="east").to_series()
    np.testing.assert_allclose(table.loc[expected.index], expected, rtol=1e-12, atol=1e-6)
    matrix = pd.read_csv(folder / "results/carbon/transition.csv")
    assert set(matrix["region"]) == {"west", "east", "*"}
    cell = matrix.query("region == '*' and before == 'Forest'")["Cropland"].iloc[0]
    assert cell == pytest.approx(
        pick(carbon.change, "transition_area", region="*", before=2, after=1)["value"].iloc[0] / 1e6
    )


def test_maps_say_their_unit_and_hold_the_total(done: tuple[Path, RunResult], carbon: Any) -> None:
    folder = done[0] / "results/carbon"
    with rasterio.open(folder / "stock_density_2020.tif") as file:
        assert file.units == ("kg m-2",)
        assert file.tags()["substance"] == "carbon"
        assert file.read(1).shape == (12, 16)
    with rasterio.open(folder / "change_2010_2020_full.tif") as file:
        assert file.units == ("kg m-2",)
        assert file.shape == codes()[0].shape
        forest_lost = sum(DENSITY[1]) / 10 - sum(DENSITY[2]) / 10
        assert float(np.nanmin(file.read(1))) == pytest.approx(forest_lost, rel=1e-6)
    values, side = codes()[1], 4
    cells = carbon.maps["stock"]["value"].values
    area = (values != 255).reshape(12, side, 16, side).sum(axis=(1, 3)) * PIXEL
    assert np.nansum(cells * area) == pytest.approx(carbon.total(2020)["value"], rel=1e-5)
    classes = carbon.maps["class"]["value"].values
    assert classes[6, 12] == 8
    both = (codes()[0] != 255) & (values != 255)
    area = both.reshape(12, side, 16, side).sum(axis=(1, 3)) * PIXEL
    change = carbon.maps["change"]["value"].values
    assert np.nansum(change * area) == pytest.approx(carbon.changed()["value"], rel=1e-3)
    assert change[6, 12] < -0.1


def test_waterfall_and_patches_are_those_of_direct_calls(done: tuple[Path, RunResult], carbon: Any) -> None:
    folder = done[0]
    after = codes()[1]
    area = {code: float((after == code).sum() * PIXEL) for code in DENSITY}
    groups = {"forest": (2,), "other": (1, 4, 5, 8)}
    rows = []
    for name, members in groups.items():
        whole = sum(area[code] for code in members)
        live = sum(area[code] * sum(DENSITY[code][:3]) / 10 for code in members) / whole / 0.47
        rows.append(
            (name, whole, live, sum(area[code] * DENSITY[code][3] / 10 for code in members) / whole, 0.47)
        )
    ours = pd.DataFrame(rows, columns=["class", "area", "biomass", "soil", "fraction"])
    theirs = pd.read_csv(folder / "account.csv").drop(columns="codes")
    theirs = theirs.assign(area=theirs.area * 1e6, biomass=theirs.biomass / 10, soil=theirs.soil / 10)
    expected = waterfall(yaotan.carbon.reconcile_stock(ours, theirs))
    steps = carbon.published[0].steps
    assert steps["step"].tolist() == expected["step"].tolist()
    np.testing.assert_allclose(steps["end"], expected["end"], rtol=1e-6)
    sigma = carbon.published[0].facts["gap_uncertainty"]
    # by propagation, where the totals of the run are by Monte Carlo
    assert sigma == pytest.approx(np.hypot(carbon.total(2020)["uncertainty"], 0.5e9), rel=0.1)
    densities = {code: sum(values) / 10 for code, values in DENSITY.items()}
    direct = yaotan.carbon.change_patches(*lands(folder), densities=densities, least_area=0.0, limit=5)
    np.testing.assert_allclose(carbon.patches["carbon_change"], direct["carbon_change"], rtol=1e-9)
    kept = gpd.read_file(folder / "results/carbon/patches.gpkg")
    assert (folder / "results/carbon" / kept["picture"].iloc[0]).is_file()
    assert "field_class" in kept


def test_second_run_does_nothing_and_changes_redo_what_stands_on_them(tmp_path: Path) -> None:
    options = carbon_options(maps={"cells": 30}, published=[])
    path = make_study(tmp_path, options)
    assert set(run(path).executed) >= {"carbon-stock", "carbon-change", "carbon-patches"}
    assert run(path).executed == []
    table = pd.read_csv(tmp_path / "pools.csv")
    table.loc[0, "value"] = 5.5
    table.to_csv(tmp_path / "pools.csv", index=False)
    assert {"carbon-stock", "carbon-change", "carbon-patches"} <= set(run(path).executed)
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    study["carbon"]["change"] = {"soil_years": 0}
    del study["carbon"]["patches"]
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    assert "carbon-stock" not in run(path).executed
    assert not (tmp_path / "results/carbon/patches.gpkg").exists()
    assert not (tmp_path / "results/carbon/patches_pictures/patch_0001.png").exists()


def test_rasters_sample_three_dates_and_no_regions(tmp_path: Path) -> None:
    from affine import Affine

    path = make_study(tmp_path)
    place = Affine(1000, 0, 600000, 0, -1000, 3501500)
    biomass = []
    for number, level in enumerate((40.0, 60.0, 80.0)):
        values = np.full((24, 32), level, np.float32)
        biomass.append(write_raster(tmp_path / f"agb_{number}.tif", values, AEA, place, -1).name)
    write_raster(tmp_path / "land_2015.tif", codes()[0], AEA, Affine(500, 0, 600000, 0, -500, 3501500))
    raster = {
        "path": biomass,
        "quantity": "biomass",
        "units": "Mg ha-1",
        "substance": "dry_matter",
        "fraction": [0.47, 0.02],
        "relative_sd": 0.1,
    }
    options = carbon_options(
        landuse=[{"path": f"land_{year}.tif", "year": year} for year in (2010, 2015, 2020)],
        rasters={"c_above": raster},
        regions=False,
        uncertainty={"method": "propagation"},
        patches=None,
        published=[],
        maps={"cells": 50, "full": True},
    )
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**study, "carbon": options}), encoding="utf-8")
    result = run(path)
    one = load_results(tmp_path / "results").carbon
    assert one.years == (2010, 2015, 2020)
    assert one.whole == "*"
    after = codes()[1]
    rest = sum((after == code).sum() * PIXEL * sum(parts[1:]) / 10 for code, parts in DENSITY.items())
    wood = (after != 255).sum() * PIXEL * 8.0 * 0.47
    assert one.total(2020)["value"] == pytest.approx(rest + wood, rel=1e-6)
    row = pick(one.stock, "stock", year=2020).iloc[0]
    assert row["uncertainty_raster"] == pytest.approx(0.1 * wood, rel=1e-6)
    assert row["uncertainty_fraction"] == pytest.approx(0.02 / 0.47 * wood, rel=1e-6)
    assert one.facts["change"]["tier"] == "3"
    both = ((codes()[0] != 255) & (after != 255)).sum() * PIXEL
    grown = pick(one.change, "pool_change", pool="c_above")["value"].iloc[0]
    assert grown == pytest.approx(both * (8.0 - 4.0) * 0.47, rel=1e-6)
    assert [note.partition(":")[0] for note in result.notes] == ["carbon-change change map by pixel"]


def test_samples_adjust_areas_and_transitions(tmp_path: Path) -> None:
    dates = [{"path": f"land_{year}.tif", "year": year, "accuracy": "sample.csv"} for year in YEARS]
    change = {"accuracy": "pairs.csv", "soil_years": 0, "dead_years": 0}
    options = carbon_options(landuse=dates, change=change, patches=None, published=[], regions=False)
    path = make_study(tmp_path, {**options, "maps": {"cells": 30}})
    labels = [1001, 1002, 1008, 2001, 2002, 4004, 5005]
    pairs = pd.DataFrame(np.diag([60, 20, 40, 40, 60, 30, 30]) + 1, index=labels, columns=labels)
    pairs.to_csv(tmp_path / "pairs.csv")
    run(path)
    one = load_results(tmp_path / "results").carbon
    sample = pd.read_csv(tmp_path / "sample.csv", index_col=0)
    sample.columns = sample.columns.astype(int)
    first, second = lands(tmp_path)
    direct = yaotan.carbon.adjusted_area(yaotan.carbon.class_area(second), sample)
    rows = pick(one.areas, "area", year=2020).set_index("class")
    np.testing.assert_allclose(rows["value"], direct["area"][0], rtol=1e-12)
    np.testing.assert_allclose(rows["upper"], direct["area_upper"][0], rtol=1e-12)
    # built-up land is nowhere on the first map, but the sample found some
    assert pick(one.areas, "area", year=2010).set_index("class")["value"][8] > 0
    assert (pick(one.stock, "stock")["uncertainty_area"] > 0).all()
    pools = yaotan.carbon.open_pools(tmp_path / "pools.csv", scheme="clcd")
    made = yaotan.stock_change(
        *(first, second, pools),
        **{"period": YEARS, "confusion": pairs, "soil_years": 0, "dead_years": 0, "draws": 2000, "seed": 3},
    )
    assert one.changed()["value"] == pytest.approx(float(made["stock_change"][0]), rel=1e-12)
    assert one.changed()["uncertainty_area"] == pytest.approx(
        float(made["stock_change_uncertainty_area"][0]), rel=1e-12
    )


def test_carbon_beside_soundings(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_month(tmp_path, np.datetime64("2019-01"))
    options = carbon_options(landuse=[{"path": "land_2020.tif", "year": 2020}], patches=None, published=[])
    period = {"period": ["2019-01-01", "2019-01-31"], "region": [110, 30, 116, 34]}
    path = make_study(
        tmp_path, options, inputs=[{"path": "data"}], contrasts={"west_east": None, "zonal": None}, **period
    )
    run(path)
    results = load_results(tmp_path / "results")
    assert [column.product for column in results.columns] == [
        "nies_gosat_co2",
        "oco2_lite",
    ] or results.columns
    assert results.carbon is not None
    assert results.carbon.change is None
    assert not (tmp_path / "results/carbon/change.csv").exists()


def test_zones_of_densities_hold_in_totals_and_on_the_map(tmp_path: Path) -> None:
    path = make_study(tmp_path)
    table = pd.read_csv(tmp_path / "pools.csv")
    poor = table.assign(value=table["value"] / 2, zone="poor")
    pd.concat([table.assign(zone="rich"), poor]).to_csv(tmp_path / "pools.csv", index=False)
    pools = {"path": "pools.csv", "zones": {"west": "rich", "east": "poor"}}
    options = carbon_options(pools=pools, patches={"least_area": 0.0}, published=[], maps={"cells": 200})
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**study, "carbon": options}), encoding="utf-8")
    run(path)
    one = load_results(tmp_path / "results").carbon
    values = codes()[1]
    land = yaotan.carbon_stock(
        lands(tmp_path)[1], yaotan.carbon.open_pools(table, scheme="clcd"), regions=regions(tmp_path)
    )
    full = {region: float(land["stock"].sel(region=region)) for region in ("west", "east")}
    assert one.total(2020)["value"] == pytest.approx(full["west"] + full["east"] / 2, rel=1e-9)
    cells = one.maps["stock"]["value"].values
    crops = sum(DENSITY[1]) / 10
    assert cells[0, -1] == pytest.approx(crops / 2, rel=1e-5)
    assert cells[9, 6] == pytest.approx(crops, rel=1e-5)
    assert (values[:4, -4:] != 1).sum() < 4
    # a class has no one density, so patches are ranked by area
    assert "carbon_change" not in one.patches
    assert one.facts["patches"]["ranked"] == "area"
    assert one.patches["area"].is_monotonic_decreasing


def test_gain_loss_is_that_of_a_direct_call(tmp_path: Path) -> None:
    growth = [
        {"code": 2, "rate": [3.0, 0.6], "units": "t ha-1 yr-1", "fraction": [0.47, 0.01], "ratio": 0.25}
    ]
    losses = [{"code": 2, "volume": [1000.0, 200.0], "bcef": 0.7, "fraction": 0.5, "region": "west"}]
    change = {"method": "gain_loss", "growth": growth, "losses": losses, "conversion": "end"}
    options = carbon_options(change=change, patches=None, published=[], maps={"cells": 30})
    run(make_study(tmp_path, options))
    one = load_results(tmp_path / "results").carbon
    pools = yaotan.carbon.open_pools(tmp_path / "pools.csv", scheme="clcd")
    direct = yaotan.stock_change(
        *(*lands(tmp_path), pools),
        period=YEARS,
        method="gain_loss",
        conversion="end",
        growth={2: Growth((3.0, 0.6), "t ha-1 yr-1", (0.47, 0.01), 0.25)},
        losses=[Loss.wood((1000.0, 200.0), bcef=0.7, fraction=0.5, code=2, region="west")],
        regions=regions(tmp_path),
        draws=2000,
        seed=3,
    )
    for name in ("value", "lower", "upper"):
        wanted = float(direct["stock_change" + ("" if name == "value" else f"_{name}")].sel(region="*"))
        assert one.changed()[name] == pytest.approx(wanted, rel=1e-9)
    assert one.changed()["uncertainty_growth"] > 0
    assert one.facts["change"]["method"] == "gain_loss"


def test_map_of_change_is_the_account_of_every_cell(tmp_path: Path) -> None:
    make_study(tmp_path)
    first, second = lands(tmp_path)
    cells = cell_raster(first, 60)
    given = {"pools": yaotan.carbon.open_pools(tmp_path / "pools.csv", scheme="clcd"), "period": YEARS}
    drawn = map_change(first, second, cells, rasters={}, zones=None, **given)
    direct = yaotan.stock_change(first, second, regions=cells, uncertainty="propagation", **given)
    area = direct["transition_area"].sum(("before", "after"))
    expected = (direct["stock_change"] / area).values[:-1]
    np.testing.assert_allclose(drawn.values.ravel(), expected, rtol=1e-5, atol=1e-7)


def test_cells_that_no_region_touches_are_left_out(tmp_path: Path) -> None:
    make_study(tmp_path)
    land = lands(tmp_path)[0]
    cells = cell_raster(land, 200)
    assert cells.shape == (12, 16)
    west = regions(tmp_path).iloc[:1]
    kept, zones = cells_of_regions(cells, west, None, None)
    assert zones is None
    assert (kept.values[:, :6] == cells.values[:, :6]).all()
    assert (kept.values[:, 11:] == 0).all()
    assert cells_of_regions(cells, None, None, None)[0] is cells


#: a change of the carbon part -> what the message says
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "file": ({"pools": {"path": "none.csv"}}, "there is no file 'none.csv'"),
    "order": ({"landuse": [{"path": "a", "year": 2020}, {"path": "b", "year": 2010}]}, "do not rise"),
    "scheme": ({"scheme": "nowhere"}, "'nowhere' is no legend"),
    "other_scheme": ({"scheme": "worldcover"}, "not in the scheme worldcover"),
    "no_scheme": ({"scheme": None}, "either scheme"),
    "no_density": ({"pools": None}, "nobody gives densities"),
    "key": ({"pool": {"path": "pools.csv"}}, "did you mean 'pools'"),
    "pool": ({"rasters": {"c_wood": {"path": "a.tif"}}}, "c_wood"),
    "dates": ({"rasters": {"c_above": {"path": ["a", "b", "c"]}}}, "3 paths for 2 date"),
    "growth": ({"change": {"method": "gain_loss"}}, "needs growth"),
    "patches": ({"landuse": [{"path": "land_2010.tif", "year": 2010}]}, "two dates"),
    "edition": ({"change": {"edition": "ipcc2030"}}, "ipcc2006"),
    "zone": ({"pools": {"path": "pools.csv", "zones": {"north": "a"}}}, "'north' is not a region"),
    "accounted": ({"accounted": ["c_above", "c_wood"]}, "c_wood"),
    "published": ({"published": [{"path": "account.csv", "title": "A", "year": 1990}]}, "1990"),
    "sample": ({"change": {"accuracy": "account.csv"}}, "no class codes"),
}


@pytest.fixture(scope="module")
def wrong_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    make_study(folder)
    return folder


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_refused_by_a_check(wrong_folder: Path, name: str) -> None:
    given, message = WRONG[name]
    study = yaml.safe_load((wrong_folder / "study.yaml").read_text(encoding="utf-8"))
    options = {key: value for key, value in carbon_options(**given).items() if value is not None}
    path = wrong_folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**study, "carbon": options}), encoding="utf-8")
    with pytest.raises(YaotanError) as error:
        run(path, check=True)
    assert message in str(error.value)


def test_class_absent_from_the_table_is_named(tmp_path: Path) -> None:
    path = make_study(tmp_path)
    table = pd.read_csv(tmp_path / "pools.csv")
    table[table["class"] != 8].to_csv(tmp_path / "pools.csv", index=False)
    with pytest.raises(YaotanError, match=r"class 8 \(Impervious\) is absent"):
        run(path)
    assert not (tmp_path / "results").exists()


def test_study_without_anything_to_do_is_refused(tmp_path: Path) -> None:
    path = make_study(tmp_path)
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    without = {key: value for key, value in study.items() if key != "carbon"}
    path.write_text(yaml.safe_dump(without), encoding="utf-8")
    with pytest.raises(YaotanError, match="nothing to do"):
        run(path)
    path.write_text(yaml.safe_dump({**study, "fill": {}}), encoding="utf-8")
    with pytest.raises(YaotanError, match="fill needs inputs"):
        run(path)
    assert len(POOLS) == 4
