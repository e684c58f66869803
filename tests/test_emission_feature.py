"""Features of regions by year: what is averaged, added up or missing, and how it becomes a panel."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from yaotan import open_regions
from yaotan.emission import (
    Panel,
    PanelColumn,
    capacity_feature,
    check_panel,
    class_feature,
    enhance_grid,
    grid_feature,
    join_features,
    make_panel,
    place_feature,
)
from yaotan.errors import GridError, PanelError, UnitsError
from yaotan.io import open_inventory, open_power_plants

REGIONS = gpd.GeoDataFrame(
    {"region_id": ["a", "b", "far"], "name": ["A", "B", "Far"]},
    geometry=[shapely.box(110, 30, 112, 32), shapely.box(112, 30, 114.5, 32), shapely.box(10, 30, 12, 32)],
    crs=4326,
)
LAT, LON = np.arange(30.5, 34), np.arange(110.5, 116)


def grid(values, times, name="xco2", units="ppm", sigma=None, **attrs):
    values = np.broadcast_to(values, (len(times), LAT.size, LON.size)).copy()
    dims = ("time", "lat", "lon")
    data = {name: (dims, values, {"units": units})}
    if sigma is not None:
        data[f"{name}_uncertainty"] = (dims, np.full(values.shape, sigma), {"units": units})
    coords = {"time": np.array(times, "datetime64[ns]"), "lat": LAT, "lon": LON}
    return xr.Dataset(data, coords, attrs)


def test_months_become_a_year_with_the_share_that_was_seen():
    times = [f"2019-{month:02d}-01" for month in range(1, 5)]
    data = grid(np.array([400.0, 402.0, 404.0, 410.0])[:, None, None], times, sigma=0.5, product="p")
    data["xco2"][3] = np.nan
    data["xco2"][2, :, 0] = np.nan
    feature = grid_feature(data, REGIONS, "xco2", correlation_length=0.0, lag=1)
    assert feature["time"].values.astype("datetime64[Y]").astype(int).tolist() == [49]
    assert float(feature.xco2.sel(region="a")[0]) == pytest.approx(402.0)
    # two whole months, one half month (one of two columns), one not at all
    assert float(feature.xco2_coverage.sel(region="a")[0]) == pytest.approx(2.5 / 4)
    # months of 4, 4 and 2 independent cells; areas of the two rows differ by 1 %
    expected = 0.5 * np.sqrt(1 / 4 + 1 / 4 + 1 / 2) / 3
    assert float(feature.xco2_uncertainty.sel(region="a")[0]) == pytest.approx(expected, rel=1e-3)
    assert np.isnan(feature.xco2.sel(region="far")[0])
    assert float(feature.xco2_coverage.sel(region="far")[0]) == 0.0
    assert feature.xco2.attrs["lag"] == 1
    assert feature.xco2.attrs["source"] == "p"
    half = grid_feature(data, REGIONS, "xco2", minimum_coverage=0.7)
    assert np.isnan(half.xco2.sel(region="a")).all()
    assert float(half.xco2.sel(region="b")[0]) == pytest.approx(402.0)
    assert float(half.xco2_coverage.sel(region="a")[0]) == pytest.approx(2.5 / 4)


def test_common_errors_of_months_do_not_average_out():
    data = grid(400.0, ["2019-01-01", "2019-02-01"], sigma=0.0)
    data["xco2_uncertainty_systematic"] = xr.full_like(data["xco2"], 0.3)
    feature = grid_feature(data, REGIONS, "xco2")
    assert float(feature.xco2_uncertainty.sel(region="a")[0]) == pytest.approx(0.3)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("turn", [0.0, 360.0])
def test_sums_share_cells_at_borders(flipped, turn):
    data = grid(np.arange(24.0).reshape(4, 6), ["2019-01-01"], name="people", units="1", sigma=2.0)
    data = data.isel(lat=slice(None, None, -1)) if flipped else data
    data = data.assign_coords(lon=data["lon"] + turn)
    feature = grid_feature(data, REGIONS, "people", quantity="sum", role="scale")
    assert float(feature.people.sel(region="a")[0]) == pytest.approx(0 + 1 + 6 + 7)
    # columns 2, 3 and half of 4 of the first two rows
    assert float(feature.people.sel(region="b")[0]) == pytest.approx(2 + 3 + 8 + 9 + (4 + 10) / 2)
    # all of the first row and half of the second
    part = gpd.GeoDataFrame({"region_id": ["c"]}, geometry=[shapely.box(110, 30, 112, 31.5)], crs=4326)
    low = grid_feature(data, part, "people", quantity="sum")
    assert float(low.people[0, 0]) == pytest.approx(0 + 1 + (6 + 7) / 2, rel=0.01)
    spread = 2.0 * np.sqrt(4 + 2 * 0.25)
    assert float(feature.people_uncertainty.sel(region="b")[0]) == pytest.approx(spread)
    assert float(feature.people_coverage.sel(region="b")[0]) == pytest.approx(1.0)
    assert np.isnan(feature.people.sel(region="far")[0])


def test_a_sum_of_a_part_is_not_scaled_up():
    data = grid(1.0, ["2019-01-01"], name="people", units="1")
    data["people"][0, :, 0] = np.nan
    feature = grid_feature(data, REGIONS, "people", quantity="sum")
    assert float(feature.people.sel(region="a")[0]) == pytest.approx(2.0)
    assert float(feature.people_coverage.sel(region="a")[0]) == pytest.approx(0.5)


def test_what_is_no_feature_is_refused():
    data = grid(400.0, ["2019-01-01"], sigma=1.0)
    for options, error, message in (
        ({"role": "target"}, PanelError, "role is 'target'"),
        ({"variable": "xch4"}, PanelError, "'xch4' is not in the grid"),
        ({"quantity": "median"}, PanelError, "quantity is 'median'"),
    ):
        with pytest.raises(error, match=message):
            grid_feature(data, REGIONS, **({"variable": "xco2"} | options))
    with pytest.raises(PanelError, match="has no time"):
        grid_feature(data["xco2"].isel(time=0, drop=True), REGIONS)
    data["xco2"].attrs["units"] = "furlongz"
    with pytest.raises(UnitsError, match="unknown"):
        grid_feature(data, REGIONS, "xco2")


def wide(seed=0, months=2):
    """A field with a gradient, noise, and one enhanced area; lights there and only there."""
    random = np.random.default_rng(seed)
    lat, lon = np.arange(20.5, 50), np.arange(90.5, 130)
    times = pd.date_range("2019-01-01", periods=months, freq="MS").values
    shape = (months, lat.size, lon.size)
    dims = ("time", "lat", "lon")
    column = 400 + 0.02 * lat[:, None] + 2 * np.arange(months)[:, None, None] + random.normal(0, 0.3, shape)
    source = (np.abs(lat - 35) < 2)[:, None] & (np.abs(lon - 115) < 2)
    coords = {"time": times, "lat": lat, "lon": lon}
    data = xr.Dataset(
        {
            "xco2": (dims, column + 1.5 * source, {"units": "ppm"}),
            "xco2_uncertainty": (dims, np.full(shape, 0.3), {"units": "ppm"}),
        },
        coords,
    )
    lights = xr.DataArray(
        source * 50.0 + random.random(source.shape),
        {"lat": lat, "lon": lon, "time": np.datetime64("2012-07-01")},
        ("lat", "lon"),
        "lights",
        {"units": "nW cm-2 sr-1"},
    )
    return data, lights


@pytest.mark.parametrize("background", ["band", "region", "low_emission"])
def test_an_enhancement_is_found_over_each_background(background):
    data, lights = wide()
    found = enhance_grid(data, background=background, low=lights)
    boxes = [shapely.box(113, 33, 117, 37), shapely.box(95, 33, 99, 37)]
    area = gpd.GeoDataFrame({"region_id": ["s", "clean"]}, geometry=boxes, crs=4326)
    feature = grid_feature(found, area, "xco2_enhancement")
    value, sigma = (
        feature[name].isel(time=0).values for name in ("xco2_enhancement", "xco2_enhancement_uncertainty")
    )
    assert value[0] == pytest.approx(1.5, abs=0.2)
    assert value[1] == pytest.approx(0.0, abs=0.2)
    assert (sigma > 0.02).all()
    assert (sigma < 0.3).all()
    assert found.attrs["background"] == background


def test_cells_without_emission_are_not_chosen_by_the_target():
    data, lights = wide()
    with pytest.raises(PanelError, match="no field chooses"):
        enhance_grid(data, background="low_emission")
    for attrs in ({"units": "t km-2 yr-1"}, {"units": "Mt yr-1"}, {"units": "1", "substance": "CO2"}):
        with pytest.raises(PanelError, match="know the target"):
            enhance_grid(data, background="low_emission", low=lights.assign_attrs(attrs))
    late = lights.assign_coords(time=np.datetime64("2019-12-01"))
    with pytest.raises(PanelError, match="of 2019"):
        enhance_grid(data, background="low_emission", low=late)
    with pytest.raises(PanelError, match="says no year"):
        enhance_grid(data, background="low_emission", low=lights.drop_vars("time"))
    with pytest.raises(GridError, match="other cells"):
        enhance_grid(data, background="low_emission", low=lights.isel(lat=slice(1, None)))
    with pytest.raises(PanelError, match="'zonal' is unknown"):
        enhance_grid(data, background="zonal")


def test_a_cell_is_never_its_own_background():
    data, lights = wide(months=1)
    row, column = np.unravel_index(int(lights.values.argmin()), lights.shape)
    before = enhance_grid(data, background="low_emission", low=lights).xco2_enhancement[0, row, column]
    data["xco2"][0, row, column] += 50.0
    after = enhance_grid(data, background="low_emission", low=lights).xco2_enhancement[0, row, column]
    assert float(after - before) == pytest.approx(50.0, abs=1e-9)


def test_class_areas_are_added_up():
    area = xr.DataArray([[4e6, 1e6, 0.0], [0.0, 0.0, 0.0]], dims=("region", "class"),
                        coords={"region": ["a", "b"], "class": [12, 13, 14]})  # fmt: skip
    maps = {2001: area.to_dataset(name="area"), 2005: (2 * area).to_dataset(name="area")}
    feature = class_feature(maps, {"crop_km2": [12, 14], "urban_km2": [13]}, source="MCD12Q1")
    assert feature.crop_km2.sel(region="a").values.tolist() == [4.0, 8.0]
    assert np.isnan(feature.crop_km2.sel(region="b")).all()
    assert feature.urban_km2_coverage.values.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    with pytest.raises(PanelError, match=r"no class \[99\]"):
        class_feature(maps, {"x": [99]})


def plants(**changes):
    table = {
        "fuel": ["coal", "coal", "gas", "wind", "coal", "coal"],
        "capacity": [600.0, 300.0, 100.0, 50.0, np.nan, 200.0],
        "start": [2004.0, np.nan, 1990.0, 2010.0, 2000.0, 2000.0],
        "end": [np.nan, np.nan, 2009.0, np.nan, np.nan, np.nan],
        "status": ["operating", "", "", "", "", "Shutdown"],
    } | changes
    points = gpd.points_from_xy([111, 111.5, 113, 111, 113, 111], [31] * 6)
    return gpd.GeoDataFrame(table, geometry=points, crs=4326)


def test_capacity_by_year():
    feature = capacity_feature(plants(), REGIONS, [2000, 2004, 2009, 2010])
    assert feature.capacity.sel(region="a").values.tolist() == [300.0, 900.0, 900.0, 900.0]
    assert feature.capacity.sel(region="b").values[:3].tolist() == [100.0, 100.0, 100.0]
    assert np.isnan(feature.capacity.sel(region="b")[3])  # only the plant of unknown capacity is left
    assert feature.capacity_coverage.sel(region="b").values.tolist() == [0.5, 0.5, 0.5, 0.0]
    assert float(feature.capacity_uncertainty.sel(region="a")[0]) == pytest.approx(300 / np.sqrt(12))
    counted = json.loads(feature.attrs["counted"])
    assert (counted["other fuel"], counted["not running, end unknown"], counted["counted"]) == (1, 1, 4)
    far = plants().assign(geometry=gpd.points_from_xy([109.99] * 6, [31] * 6))
    assert float(capacity_feature(far, REGIONS, [2010]).capacity.sum()) == 0.0
    assert float(capacity_feature(far, REGIONS, [2010], buffer=2000.0).capacity.sum()) == 900.0
    with pytest.raises(PanelError, match="no plant of tidal"):
        capacity_feature(plants(), REGIONS, [2010], fuels=["tidal"])


def test_an_inventory_and_features_become_a_panel(data_root, provinces):
    folder = data_root / "geo"
    inventory = open_inventory(folder / "emissions" / "ceads_province_sector_1997_2016.csv")
    regions = open_regions(provinces, region_id="adcode")
    given = open_power_plants(folder / "points" / "gppd_wri_china_raw.csv")
    capacity = capacity_feature(given, regions, range(2014, 2019), buffer=50e3, lag=1)
    counted = json.loads(capacity.attrs["counted"])
    assert counted["outside of every region"] == 0
    panel = make_panel(
        inventory,
        [capacity],
        period=(2014, 2018),
        parts={"power": ["Production and Supply of Electric Power, Steam and Hot Water"]},
        companions=("coverage",),
        zone_digits=1,
    )
    # 30 provinces of the inventory and 4 units that it lacks, rows to be estimated
    assert panel.table["region"].nunique() == 34
    assert len(panel) == 34 * 5
    assert len(panel.observed()) == 30 * 3
    assert panel.observed().values()[panel.observed().table["period"] == 2016].sum() == pytest.approx(
        9918.46, abs=0.01
    )
    assert panel.features == ("capacity", "capacity_coverage")
    assert panel.parts == ("power",)
    assert panel.column("capacity").lag == 1
    shares = panel.observed().table.eval("power / emission")
    assert shares.between(0.05, 0.95).all()
    findings = check_panel(panel)
    assert not findings["finding"].isin(["leak", "duplicate"]).any()
    joint = panel.observed().table[["capacity", "emission"]].corr(method="spearman").iloc[0, 1]
    assert joint > 0.7


def test_what_does_not_fit_together_is_refused():
    coords = {"region": ["a", "b"], "time": np.array(["2019-01-01"], "datetime64[ns]")}
    rate = xr.DataArray([[1.0], [2.0]], coords, ("region", "time"), attrs={"units": "kg s-1"})
    inventory = xr.Dataset({"emission": rate, "emission_uncertainty": rate * np.nan})
    lights = grid_feature(grid(1.0, ["2019-01-01"], name="lights", units="1"), REGIONS)
    panel = make_panel(inventory, [lights])
    assert panel.table["region"].tolist() == ["a", "b", "far"]
    assert panel.table["lights_missing"].tolist() == [0.0, 0.0, 1.0]
    assert make_panel(inventory, [lights], indicators=False).features == ("lights",)
    with pytest.raises(PanelError, match="lights is given twice"):
        make_panel(inventory, [lights, lights])
    with pytest.raises(PanelError, match="no region in common: 1"):
        make_panel(inventory, [lights.assign_coords(region=["1", "2", "3"])])
    with pytest.raises(PanelError, match="no sector Power"):
        make_panel(inventory, [], parts={"power": ["Power"]})
    with pytest.raises(PanelError, match="holds no emission"):
        make_panel(lights, [])
    daily = xr.concat(
        [inventory, inventory.assign_coords(time=inventory["time"] + np.timedelta64(1, "D"))], "time"
    )
    with pytest.raises(PanelError, match="several times in one year"):
        make_panel(daily, [lights])


def test_a_panel_takes_further_features():
    columns = (PanelColumn("co2", "target", "Mt yr-1"), PanelColumn("people", "scale", "1"))
    table = pd.DataFrame({"region": ["b", "a", "a"], "period": [2019, 2019, 2020], "co2": [1.0, 2.0, 3.0]})
    table["people"] = 1e6
    known = Panel(table.assign(zone="z"), columns)
    power = capacity_feature(plants(), REGIONS, [2004, 2019])
    more = join_features(known, [power], companions=("coverage",))
    # rows of the panel in its order; neither 2004 nor the region far becomes a row
    assert more.table[["region", "period"]].values.tolist() == [["a", 2019], ["a", 2020], ["b", 2019]]
    assert more.table["co2"].tolist() == [2.0, 3.0, 1.0]
    assert more.table["zone"].tolist() == ["z"] * 3
    assert more.table["capacity"].tolist() == pytest.approx([900.0, np.nan, np.nan], nan_ok=True)
    assert more.table["capacity_missing"].tolist() == [0.0, 1.0, 1.0]
    assert more.table["capacity_coverage"].tolist() == pytest.approx([1.0, np.nan, 0.0], nan_ok=True)
    assert more.features == ("people", "capacity", "capacity_coverage", "capacity_missing")
    assert (more.column("capacity").unit, more.target.name) == ("MW", "co2")
    assert known.features == ("people",)
    assert join_features(known, [power], indicators=False).features == ("people", "capacity")
    with pytest.raises(PanelError, match="capacity is given twice"):
        join_features(more, [power])
    with pytest.raises(PanelError, match=r"no region in common: 1, 2, 3 .*such as a, b"):
        join_features(known, [power.assign_coords(region=["1", "2", "3"])])


def test_places_lie_inside_their_regions(provinces):
    ring = shapely.box(110, 30, 116, 36).difference(shapely.box(111, 31, 116, 35))
    shapes = gpd.GeoDataFrame({"region_id": ["c"]}, geometry=[ring], crs=4326)
    made = place_feature(shapes, [2001, 2002])
    point = shapely.Point(made.longitude[0, 0], made.latitude[0, 0])
    assert ring.contains(point)  # its centroid lies in the gap
    assert not ring.contains(ring.centroid)
    assert made.latitude.sizes == {"region": 1, "time": 2}
    assert float(made.latitude_coverage.min()) == 1.0
    real = place_feature(open_regions(provinces, region_id="adcode"), [2016]).isel(time=0)
    # Harbin and Guangzhou, from any atlas: 45.8 N, 126.5 E; 23.1 N, 113.3 E
    north, south = real.sel(region="230000"), real.sel(region="440000")
    assert float(north.latitude) == pytest.approx(45.8, abs=3)
    assert float(north.longitude) == pytest.approx(126.5, abs=3)
    assert float(south.latitude) == pytest.approx(23.1, abs=2)
    assert float(south.longitude) == pytest.approx(113.3, abs=2)
    sides = [shapely.box(170, 0, 175, 5), shapely.box(-175, 0, -170, 5)]
    apart = gpd.GeoDataFrame({"region_id": ["e", "w"]}, geometry=sides, crs=4326)
    with pytest.raises(PanelError, match=r"longitudes run from -172\.5 to 172\.5"):
        place_feature(apart, [2016])
    with pytest.raises(PanelError, match="no year"):
        place_feature(shapes, [])
