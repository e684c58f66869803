"""Backgrounds and enhancements: what they give, their stated bias and error, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import yaotan
from yaotan import background, enhancement
from yaotan.column.background.model import mean_field
from yaotan.errors import SchemaError, TooFewSoundingsError, UnitsError, YaotanError


def orbits(
    random: np.random.Generator, *, passes: int = 8, south: float = -60.0, north: float = 60.0
) -> xr.Dataset:
    """One day of narrow tracks, 6.7 km a second, errors correlated over 10 s; gradient 0.05 ppm a degree."""
    lat = np.arange(south, north, 0.18)
    parts = []
    for number in range(passes):
        start = np.datetime64("2020-03-01T00:30", "ns") + np.timedelta64(int(number * 99 * 60), "s")
        seconds = (lat - south) / 0.06
        kicks = random.standard_normal(lat.size)
        noise = np.convolve(random.standard_normal(lat.size + 3), np.full(4, 0.5), "valid")
        parts.append(
            {
                "time": start + (seconds * 1e9).astype("timedelta64[ns]"),
                "latitude": lat,
                "longitude": np.mod(-160 + 40.0 * number - 0.2 * lat + 180, 360) - 180,
                "xco2": 410 + 0.05 * lat + 0.6 * noise + 0.3 * kicks,
            }
        )
    table = xr.Dataset({key: ("sounding", np.concatenate([p[key] for p in parts])) for key in parts[0]})
    table["xco2"].attrs["units"] = "ppm"
    sigma = np.full(table.sizes["sounding"], 0.67)
    return table.assign(xco2_uncertainty=("sounding", sigma, {"units": "ppm"}))


def test_band_median_takes_the_gradient_out() -> None:
    table = orbits(np.random.default_rng(1))
    before = table.copy(deep=True)
    found = background(table)
    xr.testing.assert_identical(table, before)
    inner = np.abs(table.latitude.values) < 55
    error = (found.xco2_background - (410 + 0.05 * table.latitude)).values[inner]
    assert np.abs(error).max() < 0.3
    # without interpolation the error at the edge of a band of 10 degrees would be 0.25
    assert np.sqrt(np.mean(error**2)) < 0.08
    assert found.xco2_background.attrs["method"] == "band_median"
    assert json.loads(found.xco2_background.attrs["counted"]) == {"given": table.sizes["sounding"]}


def test_interpolation_is_linear_between_centres() -> None:
    """Two bands with medians 400 and 410: three quarters of the way, 407.5; outside the centres, no slope."""
    lat = np.concatenate([np.full(20, 5.0), np.full(20, 15.0), [12.5, 1.0, 19.0]])
    value = np.concatenate([np.full(20, 400.0), np.full(20, 410.0), [300.0, 300.0, 500.0]])
    time = np.datetime64("2020-01-01T05:00", "ns") + np.arange(lat.size) * np.timedelta64(40, "s")
    place = {"latitude": ("sounding", lat), "longitude": ("sounding", np.zeros(lat.size))}
    table = xr.Dataset({"time": ("sounding", time), "xco2": ("sounding", value, {"units": "ppm"}), **place})
    assert background(table).xco2_background.values[-3:].tolist() == [407.5, 400.0, 410.0]


@pytest.mark.parametrize(
    ("method", "seeds", "most"), [("band_median", 60, 0.76), ("latitude", 60, 0.76), ("along_track", 8, 0.80)]
)
def test_stated_error_of_the_background(method: str, seeds: int, most: float) -> None:
    """About 68 and 95 % of backgrounds of correlated soundings lie within their stated error."""
    scores = []
    for seed in range(seeds):
        table = orbits(np.random.default_rng(seed), passes=4, south=20, north=60)
        found = background(table, method=method).isel(sounding=slice(None, None, 41))
        truth = 410 + 0.05 * found.latitude
        z = ((found.xco2_background - truth) / found.xco2_background_uncertainty).values
        # beyond the centres of the outermost bands the gradient is not followed
        scores.append(z[np.abs(found.latitude.values - 40) < 15])
    z = np.concatenate(scores)
    assert np.isfinite(z).all()
    assert 0.58 < np.mean(np.abs(z) < 1) < most
    assert np.mean(np.abs(z) < 2) > 0.88


def test_a_source_in_the_band_raises_the_median_as_stated() -> None:
    """A tenth of the band 10 ppm up lifts the median by 1.25 p s, and so hides part of itself."""
    lifts, spreads = [], []
    for seed in range(40):
        random = np.random.default_rng(seed)
        table = orbits(random, south=20, north=30)
        table["xco2"] = (table.xco2 - 0.05 * table.latitude).assign_attrs(units="ppm")
        planted = table.copy(deep=True)
        planted["xco2"][random.random(table.sizes["sounding"]) < 0.1] += 10.0
        before, after = background(table), background(planted)
        lifts.append(float((after.xco2_background - before.xco2_background).mean()))
        spreads.append(float(before.xco2_background_spread[0]))
    assert np.mean(lifts) == pytest.approx(1.25 * 0.1 * np.mean(spreads), rel=0.2)
    assert "takes part of itself out" in before.xco2_background.attrs["bias"]


def test_along_track_finds_a_planted_plume() -> None:
    table = orbits(np.random.default_rng(4), passes=3, south=10, north=50)
    plume = 4.0 * np.exp(-(((table.latitude - 30) / 0.15) ** 2) / 2) * (table.longitude < -120)
    planted = table.assign(xco2=(table.xco2 + plume).assign_attrs(units="ppm"))
    found = enhancement(planted, background="along_track")
    top = int(np.nanargmax(found.xco2_enhancement_significance.values))
    assert abs(float(found.latitude[top]) - 30) < 0.4
    assert float(found.longitude[top]) < -120
    # the outer distance is not reached at the ends of the track
    status = found.xco2_background_status
    assert status.attrs["flag_meanings"].split()[2] == "too_few"
    assert (status.values[np.abs(table.latitude.values - 30) < 15] == 0).all()
    assert (status.values[table.latitude.values < 10.4] == 2).all()


def swath(random: np.random.Generator) -> xr.Dataset:
    """A square of 400 km, a source 100 km wide in the middle, wind from the west."""
    lat, lon = (axis.ravel() for axis in np.meshgrid(np.linspace(0, 3.6, 40), np.linspace(0, 3.6, 40)))
    value = 1850 + 3 * random.standard_normal(lat.size)
    value[(np.abs(lat - 1.8) < 0.45) & (lon > 1.8)] += 30.0
    time = np.datetime64("2020-03-01T05:00", "ns") + (lat / 0.06 * 1e9).astype("timedelta64[ns]")
    columns = {"latitude": lat, "longitude": lon, "wind_u": np.full(lat.size, 5.0), "wind_v": 0.0 * lat}
    table = xr.Dataset({key: ("sounding", column) for key, column in columns.items()})
    table["xch4"] = ("sounding", value, {"units": "ppb"})
    return table.assign(time=("sounding", time))


def test_upwind_looks_where_the_wind_comes_from() -> None:
    table = swath(np.random.default_rng(5))
    inside = (np.abs(table.latitude.values - 1.8) < 0.3) & (np.abs(table.longitude.values - 2.0) < 0.2)
    west = enhancement(table, background=background(table, method="upwind", near=50e3, far=150e3))
    assert float(west.xch4_enhancement[inside].mean()) == pytest.approx(30, abs=2)
    east = table.assign(wind_u=-table.wind_u)
    turned = enhancement(east, background=background(east, method="upwind", near=50e3, far=150e3))
    assert float(turned.xch4_enhancement[inside].mean()) < 10
    calm = background(table.assign(wind_u=table.wind_u.where(table.longitude > 1, 0.0)), method="upwind")
    assert json.loads(calm.xch4_background.attrs["counted"])["no_wind"] > 100
    with pytest.raises(SchemaError, match="wind_u missing"):
        background(table.drop_vars("wind_u"), method="upwind")


def test_regional_median_of_a_box_and_a_gradient_that_stays() -> None:
    table = orbits(np.random.default_rng(6))
    found = background(table, method="regional", region=(-180, 20, 180, 40))
    assert np.unique(found.xco2_background).size == 1
    assert float(found.xco2_background[0]) == pytest.approx(411.5, abs=0.2)
    # a box over the dateline: the track that starts at 160 W
    over = background(table, method="regional", region=(170, -60, -140, 60))
    inside = np.mod(table.longitude.values - 170, 360) <= 50
    assert int(over.xco2_background_count[0]) == inside.sum()


def planted_model(*, offset: float = 0.0, source: bool = True) -> xr.Dataset:
    """Columns of a model, 5 x 10 degrees: the gradient of `orbits`, an offset, a source at one longitude."""
    lat, lon = np.arange(-87.5, 90, 5), np.arange(-175.0, 180, 10)
    times = np.array(["2020-02-25", "2020-03-01", "2020-03-06"], "datetime64[ns]")
    field = 410 + 0.05 * lat[:, None] + 0 * lon + offset
    if source:
        field = field + 3.6 * (lon == 105.0)
    axes = {"time": times, "lat": lat, "lon": lon}
    values = np.repeat(field[None], 3, axis=0)
    return xr.Dataset(
        {"xco2": (("time", "lat", "lon"), values, {"units": "ppm"})}, axes, {"title": "planted"}
    )


def test_zonal_mean_of_a_model_and_its_offset() -> None:
    """The model is 2 ppm too high and has a source: the first is taken out, the second lies in the mean."""
    table = orbits(np.random.default_rng(11))
    truth = 410 + 0.05 * table.latitude.values
    found = background(table, method="model", model=planted_model(offset=2.0))
    error = (found.xco2_background.values - truth)[np.abs(table.latitude.values) < 85]
    assert np.abs(error).max() < 0.15
    assert np.ptp(error) < 1e-6
    about = found.xco2_background.attrs
    assert about["model"] == "planted"
    assert about["model_error"].startswith("not stated")
    # 3.6 ppm in one of 36 columns are 0.1 ppm of the zonal mean
    shift = float(about["offset"].split()[7])
    assert shift == pytest.approx(-2.1, abs=0.1)
    # an error the model states is added
    stated = planted_model()
    stated["xco2_uncertainty"] = xr.full_like(stated.xco2, 0.4)
    more = background(table, method="model", model=stated)
    np.testing.assert_allclose(
        more.xco2_background_uncertainty, np.hypot(found.xco2_background_uncertainty, 0.4), rtol=1e-6
    )


def test_box_of_a_model_is_weighted_by_area() -> None:
    table = orbits(np.random.default_rng(12), passes=2)
    model = planted_model(source=False)
    lat = np.arange(42.5, 90, 5.0)
    sines = np.sin(np.radians(lat + 2.5)) - np.sin(np.radians(lat - 2.5))
    sphere = 410 + 0.05 * (lat * sines).sum() / sines.sum()
    box = mean_field(model, (170.0, 40.0, -140.0, 90.0))
    assert float(box.xco2[0, 0, 0]) == pytest.approx(sphere, abs=0.005)
    # a model from north to south, longitudes from 0
    turned = model.isel(lat=slice(None, None, -1)).assign_coords(lon=np.mod(model.lon, 360)).sortby("lon")
    np.testing.assert_allclose(mean_field(turned, (170.0, 40.0, -140.0, 90.0)).xco2, box.xco2)
    found = background(table, method="model", model=model, region=(-180, -60, 180, 60))
    assert np.unique(found.xco2_background.values.round(9)).size == 1


def test_layers_of_a_model_are_seen_with_the_kernels() -> None:
    """A kernel of 0.5 everywhere and a prior of 400 ppm halve what the model has above 400."""
    table = orbits(np.random.default_rng(13), passes=3)
    n = table.sizes["sounding"]
    half, shape = ("sounding", "layer"), (n, 2)
    ready = table.assign(
        pressure_weight=(half, np.full(shape, 0.5)),
        xco2_averaging_kernel=(half, np.full(shape, 0.5)),
        co2_prior_profile=(half, np.full(shape, 400.0), {"units": "ppm"}),
        pressure_edge=(("sounding", "edge"), np.tile([1000.0, 500.0, 0.0], (n, 1)), {"units": "hPa"}),
    )
    flat = planted_model(source=False)
    layers = flat.xco2.expand_dims(layer=2).transpose("time", "layer", "lat", "lon")
    profile = xr.Dataset(
        {
            "co2": (layers + xr.DataArray([2.0, -2.0], dims="layer")).assign_attrs(units="ppm"),
            "pressure_edge": ("edge", [1000.0, 500.0, 0.0], {"units": "hPa"}),
        }
    ).transpose("time", "layer", "lat", "lon", "edge")
    seen = background(ready, method="model", model=profile)
    plain = background(table, method="model", model=profile)
    slope = [np.polyfit(table.latitude, d.xco2_background, 1)[0] for d in (seen, plain)]
    assert slope == pytest.approx([0.025, 0.05], rel=0.01)
    assert seen.xco2_background.attrs["kernel"] == "of the soundings"
    assert plain.xco2_background.attrs["kernel"].startswith("none in the soundings")


def test_stated_error_of_a_model_background() -> None:
    scores = []
    for seed in range(40):
        table = orbits(np.random.default_rng(seed), passes=4, south=20, north=60)
        found = background(table, method="model", model=planted_model(source=False, offset=-3.0))
        z = (found.xco2_background - 410 - 0.05 * found.latitude) / found.xco2_background_uncertainty
        scores.append(float(z[0]))
    assert 0.5 < np.mean(np.abs(scores) < 1) < 0.85
    assert np.mean(np.abs(scores) < 2) > 0.85


def test_where_there_is_no_model() -> None:
    table = orbits(np.random.default_rng(14), passes=3)
    model = planted_model()
    late = model.assign_coords(time=model.time + np.timedelta64(4, "D"))
    part = late.sel(time=slice("2020-03-01T03:00", None))
    with pytest.raises(TooFewSoundingsError, match="'no_model'"):
        background(table, method="model", model=part)
    found = background(table, method="model", model=model.sel(lat=slice(0, None)))
    counted = json.loads(found.xco2_background.attrs["counted"])
    assert counted["no_model"] == (table.latitude < 0).sum()
    with pytest.raises(SchemaError, match="model is missing"):
        background(table, method="model")
    with pytest.raises(SchemaError, match="neither xco2 nor co2"):
        background(table, method="model", model=model.rename(xco2="xch4"))
    with pytest.raises(SchemaError, match="no cell of the model"):
        background(table, method="model", model=model, region=(3, 3, 4, 4))


def test_too_few_and_unusable_are_counted() -> None:
    table = orbits(np.random.default_rng(7), passes=1)
    table["xco2"][:5] = np.nan
    sparse = table.isel(sounding=np.flatnonzero((table.latitude < 20) | (np.arange(667) % 20 == 0)))
    found = background(sparse)
    counted = json.loads(found.xco2_background.attrs["counted"])
    assert counted["unusable"] == 5
    assert counted["too_few"] > 3
    assert sum(counted.values()) == sparse.sizes["sounding"]
    assert found.xco2_background.isnull().sum() == counted["unusable"] + counted["too_few"]
    bad = table.assign(quality=("sounding", (np.arange(667) % 2).astype(np.uint8)))
    assert json.loads(background(bad).xco2_background.attrs["counted"])["unusable"] > 300


def test_results_do_not_depend_on_order() -> None:
    table = orbits(np.random.default_rng(8), passes=3, south=10, north=40)
    order = np.random.default_rng(9).permutation(table.sizes["sounding"])
    for method in ("band_median", "along_track", "latitude"):
        one = background(table, method=method).isel(sounding=order)
        other = background(table.isel(sounding=order), method=method)
        np.testing.assert_allclose(one.xco2_background, other.xco2_background, rtol=1e-12)
        np.testing.assert_allclose(
            one.xco2_background_uncertainty, other.xco2_background_uncertainty, rtol=1e-9
        )


def test_what_is_refused_by_name() -> None:
    table = orbits(np.random.default_rng(10), passes=1)
    with pytest.raises(UnitsError, match="'mol/mol'"):
        background(table.assign(xco2=table.xco2.assign_attrs(units="mol/mol")))
    with pytest.raises(UnitsError, match="uncertainty in 'ppb'"):
        background(table.assign(xco2_uncertainty=table.xco2_uncertainty.assign_attrs(units="ppb")))
    with pytest.raises(TooFewSoundingsError, match="at least 10 good soundings in each band and day"):
        background(table.isel(sounding=slice(0, 6)))
    for wrong in ({"band": 7.0}, {"near": 300e3}, {"order": 4}, {"method": "mean"}, {"minimum": 1}):
        with pytest.raises(YaotanError, match=f"{next(iter(wrong))} is"):
            background(table, **wrong)
    with pytest.raises(SchemaError, match="other soundings"):
        enhancement(table, background=background(table).assign(time=table.time + np.timedelta64(1, "s")))
    with pytest.raises(SchemaError, match="no background of xco2"):
        enhancement(table, background=table)


def test_on_real_orbits(satellite: Path) -> None:
    """Two GOSAT days: the gradient of 10 ppm between the hemispheres goes."""
    soundings = yaotan.open_soundings(sorted((satellite / "acos_lite").glob("*.nc4"))).load()
    found = enhancement(soundings)
    known = found.xco2_background_status.values == 0
    assert known.mean() > 0.8
    level = [
        np.polyfit(soundings.latitude[known], found[name][known], 1)[0]
        for name in ("xco2", "xco2_enhancement")
    ]
    assert abs(level[1]) < 0.1 * abs(level[0])
    assert float(found.xco2_enhancement[known].median()) == pytest.approx(0, abs=0.15)
