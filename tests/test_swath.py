"""Swaths by pyresample: where a value ends up, holes, the dateline, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import yaotan
from yaotan.errors import GridError
from yaotan.grid.swath import resample_swath

pytest.importorskip("pyresample")
SPEC = yaotan.GridSpec.regular(0.5, (100, 20, 110, 30))


def scene(seed: int = 1) -> xr.Dataset:
    """Lines of an orbit that leans: 0.1 degree from pixel to pixel; the value is a plane."""
    line, pixel = np.mgrid[0:170, 0:150]
    lat, lon = 17.0 + 0.1 * line - 0.02 * pixel, 96.0 + 0.11 * pixel + 0.02 * line
    value = 400.0 + 0.5 * (lat - 25) + 0.3 * (lon - 105)
    dims = ("y", "x")
    return xr.Dataset(
        {"latitude": (dims, lat), "longitude": (dims, lon), "xch4": (dims, value, {"units": "ppb"})}
    )


def plane() -> np.ndarray:
    coords = SPEC.coords()
    return 400.0 + 0.5 * (coords.lat.values[:, None] - 25) + 0.3 * (coords.lon.values - 105)


@pytest.mark.parametrize(("method", "within"), [("nearest", 0.06), ("bucket", 0.06), ("ewa", 0.06)])
def test_a_plane_stays_where_it_is(method: str, within: float) -> None:
    out = resample_swath(scene(), SPEC, variables=["xch4"], method=method)
    assert out.xch4.dims == ("lat", "lon")
    assert out.attrs["kind"] == "interpolated"
    assert np.abs(out.xch4.values - plane())[1:-1, 1:-1].max() < within
    assert out.xch4.attrs["units"] == "ppb"
    falling = yaotan.GridSpec(SPEC.y_edges[::-1], SPEC.x_edges)
    upside = resample_swath(scene(), falling, variables=["xch4"], method=method)
    np.testing.assert_allclose(upside.xch4.values[::-1], out.xch4.values)


def test_bucket_is_the_mean_of_centres() -> None:
    soundings = xr.Dataset(
        {
            "latitude": ("sounding", [20.1, 20.2, 25.1, np.nan]),
            "longitude": ("sounding", [100.1, 100.2, 105.1, 101.0]),
            "xco2": ("sounding", [1.0, 4.0, np.nan, 9.0]),
        }
    )
    out = resample_swath(soundings, SPEC, variables=["xco2"], method="bucket").xco2
    assert float(out[0, 0]) == 2.5
    assert np.isfinite(out.values).sum() == 1


def test_a_missing_pixel_is_filled_by_its_neighbour_within_the_radius() -> None:
    holed = scene()
    holed["xch4"] = holed.xch4.where((holed.latitude < 24) | (holed.latitude > 26))
    out = resample_swath(holed, SPEC, variables=["xch4"], method="nearest", radius=30_000.0).xch4
    assert np.isnan(out.sel(lat=25.25, method="nearest")).all()
    assert np.isfinite(out.sel(lat=22.25, method="nearest")).all()


def test_over_the_dateline() -> None:
    lat, lon = np.meshgrid(np.arange(-5, 5.1, 0.2), np.arange(175, 185.1, 0.2), indexing="ij")
    across = xr.Dataset(
        {
            "latitude": (("y", "x"), lat),
            "longitude": (("y", "x"), (lon + 180) % 360 - 180),
            "no2": (("y", "x"), lon),
        }
    )
    spec = yaotan.GridSpec.regular(1.0, (176, -4, -176, 4))
    out = resample_swath(across, spec, variables=["no2"])
    np.testing.assert_allclose(out.no2, np.broadcast_to(out.lon, out.no2.shape), atol=0.11)
    with pytest.raises(GridError, match="dateline"):
        resample_swath(across, spec, variables=["no2"], method="bucket")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "bilinear"}, "method is 'bilinear'.*nearest, bucket, ewa"),
        ({"variables": ["xco2"]}, "xco2 is missing"),
        ({"method": "ewa"}, "ewa needs scan lines"),
    ],
)
def test_refused(change: dict, words: str) -> None:
    flat = scene().stack(sounding=("y", "x")).reset_index("sounding")
    with pytest.raises(GridError, match=words):
        resample_swath(flat, SPEC, **{"variables": ["xch4"], **change})
    uneven = yaotan.GridSpec([20.0, 21.0, 23.0], [100.0, 101.0])
    with pytest.raises(GridError, match="not of equal size"):
        resample_swath(scene(), uneven, variables=["xch4"])
