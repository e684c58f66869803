"""Gridded fields at soundings: linear fields come back exactly, what is outside is counted."""

from __future__ import annotations

import json

import dask.array as da
import numpy as np
import pyproj
import pytest
import rioxarray  # noqa: F401  (registers the accessor)
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import yaotan
from yaotan.errors import GridError
from yaotan.grid.sample import sample_grid
from yaotan.grid.spec import GridSpec

DAY = np.timedelta64(1, "D")
START = np.datetime64("2020-01-01", "ns")


def points(lat: object, lon: object, time: object = START) -> xr.Dataset:
    when = np.atleast_1d(np.asarray(time, "datetime64[ns]"))
    lat, lon, when = np.broadcast_arrays(np.asarray(lat, float), np.asarray(lon, float), when)
    return xr.Dataset(
        {"latitude": ("sounding", lat), "longitude": ("sounding", lon), "time": ("sounding", when)}
    )


def model(lon: np.ndarray | None = None, lat: np.ndarray | None = None, days: int = 4) -> xr.Dataset:
    """A field linear in latitude, time and layer, and smooth round the globe."""
    lat = np.arange(-88.0, 89.0, 4.0) if lat is None else lat
    lon = np.arange(-178.0, 180.0, 4.0) if lon is None else lon
    time = START + np.arange(days) * DAY
    t, z, y, x = np.meshgrid(np.arange(days), np.arange(3), lat, lon, indexing="ij")
    value = 400.0 + t + 10.0 * z + 0.1 * y + np.cos(np.radians(x))
    return xr.Dataset(
        {
            "co2": (("time", "layer", "lat", "lon"), value, {"units": "ppm"}),
            "surface": (("lat", "lon"), value[0, 0]),
        },
        coords={"time": time, "lat": lat, "lon": lon},
        attrs={"title": "made", "kind": "model"},
    )


@given(st.integers(0, 10_000), st.booleans(), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=25)
def test_a_linear_field_comes_back_whatever_the_order_of_axes(
    seed: int, south: bool, west: bool, from_0: bool
) -> None:
    rng = np.random.default_rng(seed)
    grid = model(np.arange(2.0, 360.0, 4.0) if from_0 else None)
    grid = grid.isel(lat=slice(None, None, -1)) if south else grid
    grid = grid.isel(lon=slice(None, None, -1)) if west else grid
    grid = grid.isel(time=[2, 0, 3, 1])
    n = 50
    place = points(
        rng.uniform(-88, 88, n),
        rng.uniform(-180, 180, n),
        START + (rng.uniform(0, 3, n) * 1e9).astype(int) * 86_400,
    )
    made = sample_grid(grid, place)
    days = (place.time.values - START) / DAY
    zonal = made.co2.values[:, 0] - (400.0 + days + 0.1 * place.latitude.values)
    # linear between centres 4 degrees apart: within the bend of a cosine
    np.testing.assert_allclose(zonal, np.cos(np.radians(place.longitude.values)), atol=7e-4)
    np.testing.assert_allclose(np.diff(made.co2.values, axis=1), 10.0, rtol=1e-10)
    assert made.co2.dims == ("sounding", "layer")
    assert json.loads(made.attrs["sampled"]) == {"sampled": n}


def test_values_by_hand_on_both_sides_of_the_dateline() -> None:
    axes = {"lat": [10.0, 12.0], "lon": [-179.0, -177.0, 177.0, 179.0]}
    grid = xr.Dataset({"v": (("lat", "lon"), [[4.0, 6.0, 0.0, 2.0], [14.0, 16.0, 10.0, 12.0]])}, coords=axes)
    regional = grid.isel(lon=[2, 3, 0, 1])
    for lon, wanted in ((180.0, 3.0), (-180.0, 3.0), (179.5, 2.5), (-179.5, 3.5), (-178.0, 5.0)):
        assert float(sample_grid(regional, points(10.0, lon)).v[0]) == pytest.approx(wanted)
        assert float(sample_grid(regional, points(11.0, lon)).v[0]) == pytest.approx(wanted + 5.0)


def test_between_the_last_centre_and_the_edge_counts_the_cell() -> None:
    grid = xr.Dataset(
        {"v": (("lat", "lon"), [[1.0, 2.0], [3.0, 4.0]])}, coords={"lat": [0.0, 2.0], "lon": [0.0, 2.0]}
    )
    made = sample_grid(grid, points([-1.0, 3.0, 3.0, 1.0], [-1.0, 3.0, 1.0, 3.0]))
    assert made.v.values.tolist() == [1.0, 4.0, 3.5, 3.0]


def test_outside_is_nan_and_counted() -> None:
    grid = model(np.arange(70.0, 140.0, 2.0), np.arange(10.0, 60.0, 2.0))
    place = points([30.0, 70.0, 30.0, np.nan, 30.0, 30.0], [100.0, 100.0, 10.0, 100.0, 100.0, 100.0])
    place["time"] = (
        "sounding",
        np.array(
            ["2020-01-02", "2020-01-02", "2020-01-02", "2020-01-02", "2019-12-31", "NaT"], "datetime64[ns]"
        ),
    )
    made = sample_grid(grid, place)
    words = np.array(made.sample_status.attrs["flag_meanings"].split())
    assert words[made.sample_status.values].tolist() == [
        "sampled",
        "outside_area",
        "outside_area",
        "no_place_or_time",
        "outside_time",
        "no_place_or_time",
    ]
    assert np.isfinite(made.co2.values[:, 0]).tolist() == [True] + [False] * 5
    assert json.loads(made.attrs["sampled"]) == {
        "no_place_or_time": 2,
        "outside_area": 2,
        "outside_time": 1,
        "sampled": 1,
    }


def test_a_mean_of_a_period_stands_in_its_middle() -> None:
    grid = model(days=2)
    grid["time_bnds"] = (("time", "bnds"), np.stack([grid.time.values, grid.time.values + DAY], axis=1))
    hours = np.timedelta64(1, "h")
    made = sample_grid(
        grid, points(0.0, 0.0, START + hours * np.array([1, 12, 18, 24, 36, 47])).assign_coords()
    )
    zero = float(sample_grid(grid.isel(time=[0]), points(0.0, 0.0)).co2[0, 0])
    np.testing.assert_allclose(made.co2.values[:, 0] - zero, [0.0, 0.0, 0.25, 0.5, 1.0, 1.0], atol=1e-9)


def test_missing_cells_are_not_made_up() -> None:
    grid = xr.Dataset(
        {"v": (("lat", "lon"), [[1.0, np.nan], [3.0, 4.0]])}, coords={"lat": [0.0, 2.0], "lon": [0.0, 2.0]}
    )
    made = sample_grid(grid, points([0.0, 1.0, 2.0], [1.0, 1.0, 1.0]))
    assert np.isnan(made.v.values).tolist() == [True, True, False]
    assert float(sample_grid(grid, points(1.0, 0.0)).v[0]) == 2.0  # the missing cell has no weight
    near = sample_grid(grid, points([0.4, 0.4], [0.4, 1.9]), method="nearest")
    assert near.v.values[0] == 1.0
    assert np.isnan(near.v.values[1])


def test_projected_grid() -> None:
    spec = GridSpec.like(
        xr.DataArray(
            np.zeros((40, 50)),
            dims=("y", "x"),
            coords={"y": np.arange(40) * -5e4 + 5.5e6, "x": np.arange(50) * 5e4 - 1.2e6},
        ).rio.write_crs("+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m")
    )
    x, y = np.meshgrid(spec.coords()["x"].values, spec.coords()["y"].values)
    grid = xr.Dataset({"v": (("y", "x"), x / 1e5 + y / 1e4)}).assign_coords(spec.coords().coords)
    grid = grid.rio.write_crs(spec.crs)
    lon, lat = np.array([100.0, 108.0]), np.array([38.0, 44.0])
    east, north = pyproj.Transformer.from_crs("EPSG:4326", spec.crs, always_xy=True).transform(lon, lat)
    np.testing.assert_allclose(sample_grid(grid, points(lat, lon)).v, east / 1e5 + north / 1e4, rtol=1e-9)


def test_lazy_soundings_give_lazy_blocks_with_the_same_values() -> None:
    rng = np.random.default_rng(1)
    place = points(
        rng.uniform(-80, 80, 90),
        rng.uniform(-180, 180, 90),
        START + (rng.uniform(0, 3, 90) * 86400).astype("timedelta64[s]"),
    )
    grid = model().chunk({"time": 1})
    made = sample_grid(grid, place.chunk({"sounding": 25}))
    assert isinstance(made.co2.data, da.Array)
    assert made.co2.data.numblocks[0] == 4
    whole = sample_grid(grid, place)
    for name in ("co2", "surface", "sample_status"):
        np.testing.assert_array_equal(made[name], whole[name])


def wind() -> xr.Dataset:
    level = xr.DataArray([1000.0, 850.0, 500.0], dims="level", attrs={"units": "hPa"})
    shape = (3, 3, 3)
    height = np.broadcast_to(np.array([100.0, 1500.0, 5500.0])[:, None, None], shape).copy()
    speed = np.broadcast_to(np.array([2.0, 8.0, 20.0])[:, None, None], shape).copy()
    dims = ("level", "lat", "lon")
    return xr.Dataset(
        {
            "wind_u": (dims, speed, {"units": "m s-1"}),
            "geopotential_height": (dims, height, {"units": "m"}),
            "blh": (dims[1:], speed[0]),
        },
        coords={"level": level, "lat": [0.0, 1.0, 2.0], "lon": [0.0, 1.0, 2.0]},
    )


def test_winds_at_heights_and_pressures() -> None:
    place = points([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    made = sample_grid(wind(), place, height=[800.0, 3500.0, 9000.0])
    np.testing.assert_allclose(made.wind_u, [5.0, 14.0, np.nan])
    np.testing.assert_allclose(sample_grid(wind(), place, pressure=925.0).wind_u, 5.0)
    assert "blh" in made
    with pytest.raises(GridError, match="both"):
        sample_grid(wind(), place, height=1.0, pressure=1.0)
    with pytest.raises(GridError, match="no geopotential_height"):
        sample_grid(wind().drop_vars("geopotential_height"), place, height=1.0)
    with pytest.raises(GridError, match="means of layers"):
        sample_grid(model(), points(0.0, 0.0), pressure=500.0, variables=["co2"])


def test_what_is_refused() -> None:
    grid, place = model(), points(0.0, 0.0)
    with pytest.raises(GridError, match="no field 'xco'"):
        sample_grid(grid, place, variables=["xco"])
    with pytest.raises(GridError, match="classes and flags"):
        sample_grid(grid.assign(c=grid.surface.astype(int)), place, variables=["c"])
    with pytest.raises(GridError, match="twice"):
        sample_grid(grid.isel(time=[0, 0]), place)
    with pytest.raises(GridError, match="member"):
        sample_grid(grid.expand_dims(member=2), place)
    with pytest.raises(GridError, match="latitude is missing"):
        sample_grid(grid, place.drop_vars("latitude"))
    with pytest.raises(GridError, match="method"):
        sample_grid(grid, place, method="cubic")  # type: ignore[arg-type]


def test_carbontracker_fluxes_at_real_soundings(data_root: object) -> None:
    """Long-term mean fluxes of CarbonTracker, 1 degree, at the soundings of a GOSAT day."""
    grid = yaotan.open_grid(
        data_root / "geo/flux/carbontracker_ct2016_flux1x1_longterm.nc", trust_layout=True
    )  # type: ignore[operator]
    table = yaotan.open_soundings(data_root / "satellite/nies_gosat_swir_l2")  # type: ignore[operator]
    static = grid.isel(time=0, drop=True) if "time" in grid.dims else grid
    name = next(
        str(n)
        for n, a in static.data_vars.items()
        if {"lat", "lon"} <= set(a.dims) and a.dtype.kind == "f" and "fossil" in str(n)
    )
    near = sample_grid(static, table, variables=[name], method="nearest")
    lat, lon = table.latitude.values, table.longitude.values
    wanted = static[name].sel(lat=xr.DataArray(lat), lon=xr.DataArray(lon), method="nearest").values
    np.testing.assert_allclose(near[name].values, wanted)
    assert int((near.sample_status == 0).sum()) == table.sizes["sounding"]
