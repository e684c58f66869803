"""OCO-2 products beside the Lite files: bad input, and values of real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import yaotan
from contract.case_oco2 import write_l2std
from contract.truth import make_truth
from yaotan.errors import NotAGranuleError

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
