"""OCO-2 products beside the Lite files: bad input, and values of real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import yaotan
from contract.case_oco2 import acos, write_idp, write_l2std, write_retrieval
from contract.truth import Expected, Truth, make_truth
from yaotan.errors import NotAGranuleError
from yaotan.schema import check_soundings

TIME = "RetrievalHeader/retrieval_time_string"


def replace(file: h5py.File, path: str, values: np.ndarray) -> None:
    """Put other values in a dataset's place, its attributes kept."""
    kept = dict(file[path].attrs)
    del file[path]
    file.create_dataset(path, data=values).attrs.update(kept)


def turn_levels(file: h5py.File) -> None:
    path = "RetrievalResults/vector_pressure_levels"
    replace(file, path, file[path][()][:, ::-1])


BAD: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "no column": (lambda f: f.pop("RetrievalResults/xco2"), "lacks RetrievalResults/xco2"),
    "no flag": (lambda f: f.pop("RetrievalResults/outcome_flag"), "outcome_flag is missing"),
    "ids in float32": (
        lambda f: replace(
            f, "RetrievalHeader/sounding_id", f["RetrievalHeader/sounding_id"][()].astype("f4")
        ),
        "RetrievalHeader/sounding_id is float32",
    ),
    "corners of one band": (
        lambda f: replace(
            f,
            "RetrievalGeometry/retrieval_vertex_latitude",
            f["RetrievalGeometry/retrieval_vertex_latitude"][()][:, 0],
        ),
        r"retrieval_vertex_latitude has shape \(24, 4\)",
    ),
    "another satellite": (lambda f: replace(f, "Metadata/ProjectId", np.array([b"OCO-3"])), "no product"),
    "unit of another kind": (
        lambda f: f["RetrievalResults/xco2"].attrs.__setitem__("Units", "Kelvin"),
        "'Kelvin' cannot be turned",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_l2std_refuses(name: str, tmp_path: Path) -> None:
    spoil, words = BAD[name]
    path = tmp_path / "oco2_L2StdGL_25260a_190331_B6000r_190929105747.h5"
    write_l2std(path, make_truth())
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(yaotan.YaotanError, match=words) as caught:
        yaotan.open_soundings(path, trust_layout=True)
    assert path.name in str(caught.value)


WITH_IDS: dict[str, tuple[Callable[[Path, Truth], Expected], str]] = {
    "acos_l2s": (acos("3.4"), "RetrievalHeader/sounding_id"),
    "rt_retrieval": (write_retrieval, "RetrievalHeader/sounding_id_reference"),
    "oco2_l2idp": (write_idp, "SoundingGeometry/sounding_id"),
}


@pytest.mark.parametrize("name", WITH_IDS)
def test_ids_in_float32_are_refused(name: str, tmp_path: Path) -> None:
    write, ids = WITH_IDS[name]
    path = tmp_path / "file.h5"
    write(path, make_truth((3, 8) if name == "oco2_l2idp" else (24,)))
    with h5py.File(path, "r+") as file:
        replace(file, ids, file[ids][()].astype("f4"))
    with pytest.raises(NotAGranuleError, match="float32"):
        yaotan.open_soundings(path, quality="all", trust_layout=True)


def test_preprocessor_without_the_axis_of_footprints_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    write_idp(path, make_truth((3, 8)))
    with h5py.File(path, "r+") as file:
        replace(file, "DOASCO2/dry_air_column_apriori_idp", np.ones(24, "f4"))
    with pytest.raises(NotAGranuleError, match=r"dry_air_column_apriori_idp has shape \(24,\)"):
        yaotan.open_soundings(path, quality="all")


def test_l2std_checks_the_vertical_order(tmp_path: Path) -> None:
    path = tmp_path / "turned.h5"
    write_l2std(path, make_truth())
    with h5py.File(path, "r+") as file:
        turn_levels(file)
    ds = yaotan.open_soundings(path, trust_layout=True)
    with pytest.raises(NotAGranuleError, match="runs against the vertical order"):
        ds.pressure_level.load()


def test_l2std_without_some_times_counts_them_and_without_any_takes_the_ids(tmp_path: Path) -> None:
    path, truth = tmp_path / "blank.h5", make_truth()
    write_l2std(path, truth)
    with h5py.File(path, "r+") as file:
        times = file[TIME][()]
        times[[4, 6]] = b""
        replace(file, TIME, times)
    ds = yaotan.open_soundings(path, quality="all", trust_layout=True)
    (record,) = json.loads(ds.attrs["reading"])
    assert record["dropped"] == {"no_geolocation": 2}
    with h5py.File(path, "r+") as file:
        replace(file, TIME, np.full(truth.count, b" " * 24))
    ds = yaotan.open_soundings(path, quality="all", trust_layout=True)
    assert ds.sizes["sounding"] == truth.count
    assert np.abs(ds.time.values - np.sort(truth.time)).max() < np.timedelta64(100, "ms")


def test_l2std_takes_the_corners_of_the_o2_band(tmp_path: Path) -> None:
    path, truth = tmp_path / "corners.h5", make_truth()
    write_l2std(path, truth)
    ds = yaotan.open_soundings(path, quality="all", trust_layout=True)
    assert float(abs(ds.latitude_corner.mean("corner") - ds.latitude).max()) < 1e-4


INTERNAL = "oco2_l2_internal"
TARGET = f"{INTERNAL}/rtretrieval_l2_2014101812360378_oco2_target.h5"
GOSAT = f"{INTERNAL}/rtretrieval_l2_20100831023103_gosat.h5"
IDP = f"{INTERNAL}/oco2_L2IDPTG_01576a_141018_B5000x4_150210002838s_spliced.h5"


@pytest.mark.parametrize(
    ("name", "xco2", "number", "time", "native"),
    [
        (TARGET, 398.46, 2014101812360378, "2014-10-18T12:36:03.7", 2),
        (GOSAT, 383.95, 20100831023103, "2010-08-31T02:31:03", 1),
    ],
)
def test_real_retrievals(
    name: str, xco2: float, number: int, time: str, native: int, satellite: Path
) -> None:
    ds = check_soundings(yaotan.open_soundings(satellite / name, quality="all")).load()
    assert ds.xco2.item() == pytest.approx(xco2, abs=0.005)
    assert ds.xco2.attrs["bias_corrected"] == "no"
    assert ds.sounding_id.item() == number
    assert ds.time.values[0] == np.datetime64(time)
    assert ds.quality_native.item() == native
    assert ds.quality.item() == (0 if native == 1 else 1)
    # what must hold within one retrieval, whatever the reader believes of order and units
    weight = ds.pressure_weight
    assert float(weight.sum()) == pytest.approx(1.0, abs=1e-6)
    assert float((weight * ds.co2_prior_profile).sum()) == pytest.approx(ds.xco2_prior.item(), abs=1e-3)
    assert ds.pressure_level.values[0, 0] == pytest.approx(ds.surface_pressure.item(), rel=1e-9)
    assert 900 < ds.surface_pressure.item() < 1030
    assert (np.diff(ds.pressure_level.values) < 0).all()
    assert (np.diff(ds.altitude_level.values) > 0).all()
    assert ds.xco2_averaging_kernel.values[0, 0] > ds.xco2_averaging_kernel.values[0, -1]
    # the column of CO2 over that of dry air, of which 20.935 percent is O2 (Metadata/VMRO2)
    assert ds.co2_column.item() / (ds.o2_column.item() / 0.20935) * 1e6 == pytest.approx(xco2, abs=0.05)


def test_real_uncertainty_is_the_root_of_squares(satellite: Path) -> None:
    """The header of the L2 Standard calls the three terms variances; they are 1 sigma."""
    with h5py.File(satellite / TARGET) as file:
        terms = [file[f"RetrievalResults/xco2_uncert_{name}"][0] for name in ("noise", "smooth", "interf")]
    ds = yaotan.open_soundings(satellite / TARGET, quality="all")
    assert float(ds.xco2_uncertainty[0]) == pytest.approx(1e6 * np.sqrt(np.sum(np.square(terms))), rel=1e-6)


def test_real_retrieval_is_placed_by_its_id(satellite: Path) -> None:
    ds = yaotan.open_soundings([satellite / TARGET, satellite / GOSAT], quality="all").load()
    assert ds.latitude.isnull().all()
    places = yaotan.open_soundings(satellite / IDP, quality="all").set_index(sounding="sounding_id")
    found = places.latitude.reindex(sounding=ds.sounding_id.values).values
    assert np.isnan(found[0])  # the GOSAT sounding is elsewhere
    assert found[1] == pytest.approx(49.103, abs=1e-3)
    with pytest.raises(NotAGranuleError, match="hold no position"):
        yaotan.open_soundings(satellite / TARGET, quality="all", region=(0, 40, 20, 50))


def test_real_preprocessor(satellite: Path) -> None:
    ds = check_soundings(yaotan.open_soundings(satellite / IDP, quality="all")).load()
    assert ds.sizes["sounding"] == 64
    assert ds.attrs["product_version"] == "5.0"
    with h5py.File(satellite / IDP) as file:
        cloud = file["DOASCloudScreen/cloud_flag_idp"][()].reshape(-1)
        ratio = file["DOASCloudScreen/co2_ratio_idp"][()].reshape(-1)
        ids = file["SoundingGeometry/sounding_id"][()].reshape(-1)
    order = np.argsort(ds.sounding_id.values)
    assert (ds.sounding_id.values[order] == np.sort(ids)).all()
    assert int((ds.quality == 0).sum()) == int((cloud >= 2).sum()) == 52
    assert (ds["mode"] == 2).all()
    assert (ds.surface == 0).sum() >= 60
    assert 48.92 < float(ds.latitude.min()) < float(ds.latitude.max()) < 49.23
    # the file's own ratio of the two bands (16 bits wide) comes out of the columns
    np.testing.assert_allclose(ds.xco2 / ds.xco2_strong_band, ds.co2_ratio, rtol=5e-5)
    np.testing.assert_allclose(np.sort(ds.co2_ratio), np.sort(ratio), rtol=1e-7)
    assert 385 < float(ds.xco2.min()) < float(ds.xco2.max()) < 400
    assert 0.5 < float(ds.xco2_uncertainty.min()) < float(ds.xco2_uncertainty.max()) < 1.0
    # 8.307e25 molecules m-2 in the first sounding
    assert ds.co2_column_weak_band.values[0] == pytest.approx(8.306555e25 / 6.02214076e23, rel=1e-6)
    assert ds.sif_757nm.attrs["units"] == "s-1 m-2 sr-1 um-1"
    assert ds.sif_757nm.values[0] == pytest.approx(2.5143888e18, rel=1e-6)
