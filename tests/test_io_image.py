"""Images in the package's own names: written, read back, cut-outs of others, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import yaotan
from yaotan.errors import NotAGranuleError, SchemaError, UnitsError
from yaotan.io.image import is_image, open_image
from yaotan.schema import check_scene
from yaotan.simulate.plume import PlumeSetting, simulate_plume


@pytest.fixture(scope="module")
def scene() -> xr.Dataset:
    return simulate_plume(PlumeSetting(size=20, cloud=0.1), seed=1)[0]


def test_written_and_read_back(scene: xr.Dataset, tmp_path: Path) -> None:
    file = yaotan.write(scene, tmp_path / "a.nc")
    assert is_image(file)
    again = check_scene(open_image(file))
    for name in scene.variables:
        assert again[name].attrs.get("units") == scene[name].attrs.get("units")
        np.testing.assert_array_equal(again[name].values, scene[name].values)


def test_units_and_names_of_others(scene: xr.Dataset, tmp_path: Path) -> None:
    other = scene.drop_vars("time").assign(
        surface_pressure=(scene.surface_pressure * 100.0).assign_attrs(units="Pa"),
        no2=(scene.no2 * 6.02214076e19).assign_attrs(units="molecules cm-2"),
        true_answer=scene.xco2,
    )
    other = other.rename(latitude="lat", longitude="lon").assign_attrs(time="2020-06-01T13:00:00+02:00")
    other.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    made = open_image(tmp_path / "a.nc")
    assert made.time.values == np.datetime64("2020-06-01T11:00")
    np.testing.assert_allclose(made.no2, scene.no2, rtol=1e-12)
    np.testing.assert_allclose(made.surface_pressure, 980.0)
    assert "true_answer" not in made


def test_what_is_no_image(scene: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(NotAGranuleError, match="does not exist"):
        open_image(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("nothing")
    with pytest.raises(NotAGranuleError, match="holds no image"):
        open_image(tmp_path / "text.nc")
    scene.drop_vars("time").to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with pytest.raises(SchemaError, match="no time"):
        open_image(tmp_path / "b.nc")
    wrong = scene.assign(xco2=scene.xco2.assign_attrs(units="K"))
    wrong.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    with pytest.raises(UnitsError, match="xco2"):
        open_image(tmp_path / "c.nc")


def test_smartcarb(data_root: Path) -> None:
    made = open_image(data_root / "plume" / "smartcarb_janschwalde_20150423.nc")
    assert made.sizes["y"] == 91
    assert made.time.values == np.datetime64("2015-04-23T11:00")
    assert not [name for name in made if str(name).startswith("true_")]
    # CO2M's NO2: a few 1e15 molecules cm-2, 1.66e-5 mol m-2 for each 1e15
    assert 1e-5 < float(made.no2.median()) < 2e-4
