"""What `yaotan info` says of files that are no granules."""

from pathlib import Path

import numpy as np
import pytest

import yaotan
from yaotan.cli.main import main
from yaotan.errors import NotAGranuleError
from yaotan.io.identify import identify
from yaotan.io.kind import _OPENERS, find_kind

REPOSITORY = Path(__file__).resolve().parents[1]
#: file of the real data -> what it is, what opens it, a fact
REAL = {
    "plume/era5_matimba_20210725.nc": (
        "wind",
        "yaotan.open_wind",
        ("size", "time 4, lat 10, lon 17, level 12"),
    ),
    "plume/smartcarb_janschwalde_20150423.nc": (
        "image of columns",
        "yaotan.io.open_image",
        ("size", "y 91, x 74, corner 4"),
    ),
    "plume/coco2_power_plants_3Mt.csv": (
        "list of power plants",
        "yaotan.io.open_power_plants",
        ("rows", "1077"),
    ),
    "geo/emissions/Emission_Inventories_for_30_Provinces_2005.xlsx": (
        "inventory",
        "yaotan.io.open_inventory",
        ("product", "ceads_province"),
    ),
    "geo/emissions/v6.0_CO2_org_short-cycle_C_2015_TOTALS.5.3x5.1.nc": (
        "grid",
        "yaotan.open_grid",
        ("product", "edgar_emission"),
    ),
    "geo/boundaries/cn_province_tianditu_wgs84.geojson": ("regions", "yaotan.open_regions", ("rows", "34")),
    "geo/landcover/vaud_clc_ls100_12.tif": ("raster", "yaotan.open_raster", ("crs", "EPSG:2056")),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_told(data_root, name):
    kind, opener, (fact, value) = REAL[name]
    found = find_kind(data_root / name)
    assert (found.kind, found.opener, found.facts[fact]) == (kind, opener, value)


@pytest.mark.parametrize("opener", [entry[3] for entry in _OPENERS])
def test_what_is_named_is_public(opener):
    package, name = opener.rsplit(".", 1)
    module = yaotan if package == "yaotan" else getattr(yaotan, package.split(".")[1])
    assert callable(getattr(module, name))


def test_a_saved_model_is_told_by_its_card():
    found = find_kind(REPOSITORY / "models" / "simulated_province")
    assert (found.kind, found.facts["kind"]) == ("saved model", "ProvincialEmission")


def test_a_grid_of_our_own_has_extent_and_units(tmp_path):
    spec = yaotan.GridSpec.regular(1.0, bounds=(110, 30, 112, 32))
    full = {"xco2": (410.0, "ppm"), "xco2_uncertainty": (0.5, "ppm"), "xco2_count": (9, "1")}
    fields = {name: (("lat", "lon"), np.full((2, 2), value), {"units": unit})
              for name, (value, unit) in full.items()}  # fmt: skip
    grid = spec.coords().assign(fields)
    yaotan.write(grid, tmp_path / "grid.nc")
    found = find_kind(tmp_path / "grid.nc")
    assert (found.kind, found.variables["xco2"]) == ("grid", "ppm")
    assert found.facts["extent"] == "west 110.500, south 30.500, east 111.500, north 31.500"


def test_info_says_what_opens_a_file(tmp_path, capsys):
    (tmp_path / "plants.csv").write_text("source,longitude,latitude\nA,14.4,51.8\n")
    with pytest.raises(SystemExit) as stop:
        main(["info", str(tmp_path / "plants.csv")])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "is        list of places" in shown
    assert "opened by yaotan.plume.open_sources" in shown


def test_a_file_that_nothing_opens_is_an_error(tmp_path, capsys):
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    assert find_kind(tmp_path / "text.csv") is None
    with pytest.raises(SystemExit) as stop:
        main(["info", str(tmp_path / "text.csv")])
    assert stop.value.code == 2
    assert "is no product that is known" in capsys.readouterr().err


def test_a_named_product_is_not_taken_for_something_else(tmp_path, capsys):
    (tmp_path / "plants.csv").write_text("source,longitude,latitude\nA,14.4,51.8\n")
    with pytest.raises(SystemExit) as stop:
        main(["info", str(tmp_path / "plants.csv"), "--product", "oco2_lite"])
    assert stop.value.code == 2
    assert "list of places" not in capsys.readouterr().out


def test_a_file_that_is_near_nothing_has_no_nearest_product(tmp_path):
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    with pytest.raises(NotAGranuleError, match=r"Expected: a product of docs/product\."):
        identify(tmp_path / "text.csv")
