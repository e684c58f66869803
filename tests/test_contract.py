"""Every product goes through the same checks: one table of cases, one list of promises."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import yaotan
from conftest import REPOSITORY
from contract.cases import all_cases
from contract.truth import Case, Expected, make_truth
from yaotan.catalog.product import load_products
from yaotan.errors import UncheckedLayoutWarning
from yaotan.io.trust import forget_warnings
from yaotan.schema import SOUNDING_VARIABLES, check_soundings, gas_variable

BOX = (73.0, 18.0, 135.0, 54.0)
CASES = all_cases()


class Granule:
    """A written case, opened as it is most often needed."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.path = case, folder / case.file_name
        expected = case.write(self.path, make_truth(case.shape))
        placed = np.isfinite(expected["latitude"]) & np.isfinite(expected["longitude"])
        #: a product that holds no position is read all the same
        self.unplaced = bool(np.isnan(expected["latitude"]).all())
        placed = (placed | self.unplaced) & ~np.isnat(expected["time"])
        self.count, self.placed = placed.size, int(placed.sum())
        order = np.flatnonzero(placed)
        self.order = order[np.argsort(expected["time"][order], kind="stable")]
        self.expected: Expected = {name: values[self.order] for name, values in expected.items()}

    def open(self, **options: Any) -> xr.Dataset:
        if self.case.given_product:
            options.setdefault("product", self.case.product)
        options.setdefault("trust_layout", True)
        return yaotan.open_soundings(self.path, **options)

    def columns(self) -> list[str]:
        gases = load_products()[self.case.product].gases
        return [name for name in gases if name in self.expected]


@pytest.fixture(scope="module", params=CASES, ids=str)
def granule(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Granule:
    return Granule(request.param, tmp_path_factory.mktemp("granule"))


def test_every_product_has_a_case() -> None:
    assert {case.product for case in CASES} == set(load_products())


def test_identification_by_content(granule: Granule) -> None:
    if granule.case.given_product:
        pytest.skip("the layout says too little of itself: the user names the product")
    match = yaotan.identify(granule.path)
    assert (match.product, match.version) == (granule.case.product, granule.case.version)
    assert match.count == granule.count
    renamed = granule.path.with_name("download" + "".join(granule.path.suffixes[-1:]))
    renamed.write_bytes(granule.path.read_bytes())
    try:
        assert yaotan.identify(renamed).product == granule.case.product
    finally:
        renamed.unlink()


def test_shape_units_and_values(granule: Granule) -> None:
    ds = granule.open(quality="all")
    check_soundings(ds)
    assert ds.sizes["sounding"] == granule.placed
    for name, wanted in granule.expected.items():
        rule = SOUNDING_VARIABLES.get(name) or gas_variable(name)
        if rule is not None and rule.units is not None:
            assert ds[name].attrs["units"] == rule.units, name
        got = ds[name].values
        assert got.shape == wanted.shape, name
        if name == "time":
            gap = np.abs(got - wanted.astype("datetime64[ns]")) / np.timedelta64(1, "s")
            assert gap.max() <= granule.case.time_tolerance
        elif got.dtype.kind == "f":
            relative = granule.case.relative
            np.testing.assert_allclose(got, wanted, rtol=relative, atol=relative, err_msg=name)
        else:
            np.testing.assert_array_equal(got, wanted, err_msg=name)


def test_columns_of_the_product_are_there(granule: Granule) -> None:
    assert granule.columns(), "a case must expect at least one column of its product"
    ds = granule.open(quality="all")
    for name in granule.columns():
        assert "bias_corrected" in ds[name].attrs or f"{name}_raw" not in ds


def test_fill_never_leaks(granule: Granule) -> None:
    ds = granule.open(quality="all").load()
    for name, array in ds.variables.items():
        if array.dtype.kind == "f":
            values = array.values[np.isfinite(array.values)]
            assert not np.isin(
                values, [-999999.0, -9999.0, -999.0, -9999.99, 1e20, -1e30, 9.96921e36]
            ).any(), name
            assert (np.abs(values) < 1e12).all() or name in granule.expected, name
    empty = np.isnan(granule.expected[granule.columns()[0]])
    assert empty.any(), "the case must hold a sounding without value"


def test_levels_run_from_the_surface(granule: Granule) -> None:
    ds = granule.open(quality="all")
    for name in {"pressure_level", "pressure_edge"} & set(ds.variables):
        pressure = ds[name].values
        gaps = np.diff(pressure, axis=1)
        assert (gaps[np.isfinite(gaps)] < 0).all()
    if "layer" in ds.dims and "pressure_edge" in ds:
        assert ds.sizes["edge"] == ds.sizes["layer"] + 1
    vertical = [array for array in ds.variables.values() if {"level", "layer", "edge"} & set(array.dims)]
    assert all(array.attrs["vertical_kind"] in ("level", "layer") for array in vertical)


def test_flags_decide_what_is_good(granule: Granule) -> None:
    if (granule.expected["quality"] == 255).all():
        with pytest.raises(yaotan.YaotanError, match="quality"):
            granule.open()
        return
    whole = granule.expected
    valued = np.logical_or.reduce([np.isfinite(whole[name]) for name in granule.columns()])
    good, bad = whole["quality"] == 0, whole["quality"] == 1
    assert granule.open().sizes["sounding"] == int((good & valued).sum())
    assert granule.open(quality="bad").sizes["sounding"] == int(bad.sum())
    (record,) = json.loads(granule.open().attrs["reading"])
    assert record["read"] == granule.count
    assert record["kept"] + sum(record["dropped"].values()) == record["read"]


def test_corners_surround_the_centre(granule: Granule) -> None:
    ds = granule.open(quality="all")
    if "latitude_corner" not in ds:
        # a format of many products says when it has corners
        assert all(rule.when for rule in load_products()[granule.case.product].footprint)
        return
    lat, lon = ds.latitude_corner.values, ds.longitude_corner.values
    known = np.isfinite(lat).all(axis=1)
    assert known.any()
    assert (lat[known].min(axis=1) < ds.latitude.values[known]).all()
    assert (lat[known].max(axis=1) > ds.latitude.values[known]).all()
    side = (lon - ds.longitude.values[:, None] + 180.0) % 360.0 - 180.0
    assert (side[known].min(axis=1) < 0).all()
    assert (side[known].max(axis=1) > 0).all()
    assert ((lon[known] >= -180.0) & (lon[known] < 180.0)).all()


def test_region_and_period(granule: Granule) -> None:
    lat, lon, time = (granule.expected[name] for name in ("latitude", "longitude", "time"))
    if granule.unplaced:
        with pytest.raises(yaotan.YaotanError, match="hold no position"):
            granule.open(quality="all", region=BOX)
        return
    west, south, east, north = BOX
    inside = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
    ds = granule.open(quality="all", region=BOX)
    np.testing.assert_allclose(ds.latitude.values, lat[inside], rtol=1e-6)
    day = str(time[0])[:10]
    early = time < np.datetime64(day) + np.timedelta64(1, "D")
    assert granule.open(quality="all", period=(day, day)).sizes["sounding"] == int(early.sum())
    assert granule.open(quality="all", period=("1999", "1999")).sizes["sounding"] == 0


def test_lazy_picklable_and_independent_of_chunks(granule: Granule) -> None:
    whole = granule.open(quality="all")
    assert all(dask.is_dask_collection(array.data) for array in whole.variables.values())
    pieces = pickle.loads(pickle.dumps(granule.open(quality="all", chunks=5)))  # noqa: S301
    with dask.config.set(scheduler="threads"):
        xr.testing.assert_equal(whole.load(), pieces.load())
    with dask.config.set(scheduler="synchronous"):
        backwards = granule.open(quality="all").isel(sounding=slice(None, None, -1)).load()
    xr.testing.assert_equal(whole.isel(sounding=slice(None, None, -1)), backwards)


def test_chosen_variables_only(granule: Granule) -> None:
    name = granule.columns()[0]
    ds = granule.open(quality="all", variables=[name])
    assert set(ds.data_vars) >= {name, "time", "latitude", "longitude", "quality"}
    assert len(ds.variables) <= 6


def test_unchecked_layout_is_said_once(granule: Granule) -> None:
    forget_warnings()
    unchecked = load_products()[granule.case.product].checked == "note"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        granule.open(quality="all", trust_layout=True)
        assert not any(issubclass(item.category, UncheckedLayoutWarning) for item in said)
        granule.open(quality="all", trust_layout=False)
        granule.open(quality="all", trust_layout=False)
    messages = [item for item in said if issubclass(item.category, UncheckedLayoutWarning)]
    assert len(messages) == int(unchecked)
    assert all(Path(item.filename).name == Path(__file__).name for item in messages)


@pytest.mark.parametrize("name", sorted(load_products()))
def test_page_of_the_product(name: str) -> None:
    """Each page says on what the layout was checked, and which version, flag and units are used."""
    page = (REPOSITORY / "docs" / "product" / f"{name}.md").read_text(encoding="utf-8")
    checked = load_products()[name].checked
    assert ("real file" in page) if checked == "file" else ("never run on a real file" in page), name
    for word in ("version", "quality", "unit", "refuse"):
        assert word in page.lower(), f"{name}: the page does not speak of {word!r}"


def test_the_index_of_products_is_whole() -> None:
    """docs/product/README.md lists every product, its columns, and on what its layout was checked."""
    lines = (REPOSITORY / "docs" / "product" / "README.md").read_text(encoding="utf-8").splitlines()
    for name, product in load_products().items():
        checked = "file" if product.checked == "file" else "documents"
        row = f"| [{name}]({name}.md) | {product.title['en']} | {', '.join(product.gases)} | {checked} |"
        assert row in lines, f"wanted: {row}"
