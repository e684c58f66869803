"""The compiled module: without the JIT, on a read-only install, and its small parts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan.grid import kernel

REPOSITORY = Path(__file__).resolve().parents[1]

WITHOUT_JIT = """
import json
import numpy as np, xarray as xr
from yaotan.grid import kernel
from yaotan.grid.bin import grid_soundings
from yaotan.grid.spec import GridSpec

assert not hasattr(kernel.bin_chunk, "py_func"), "the JIT is on"
rows = [
    ([10, 10, 11, 11], [20, 21, 21, 20]),
    ([9.5, 9.5, 10.5, 10.5], [29.5, 30.5, 30.5, 29.5]),
    ([10, 11, 10, 11], [50, 51, 51, 50]),
    ([10, 10, 11, 11], [179.5, -179.5, -179.5, 179.5]),
    ([80, 80, 80, 80], [0, 90, 180, -90]),
    ([40, 41, 40, 40.3], [100, 100.5, 101, 100.5]),
    ([10, 10, np.nan, 11], [80, 81, 81, 80]),
]
lat, lon = (np.array([row[k] for row in rows], float) for k in (0, 1))
n = len(rows)
table = xr.Dataset({
    "time": ("sounding", np.datetime64("2024-06-01", "ns") + np.arange(n)),
    "latitude": ("sounding", lat.mean(1)),
    "longitude": ("sounding", lon.mean(1)),
    "latitude_corner": (("sounding", "corner"), lat),
    "longitude_corner": (("sounding", "corner"), lon),
    "xco2": ("sounding", 400.0 + np.arange(n), {"units": "ppm"}),
    "xco2_uncertainty": ("sounding", np.full(n, 0.5), {"units": "ppm"}),
})
out = {}
for weight in ("area", "footprint", "centre", "response"):
    grid = grid_soundings(table, GridSpec.regular(10.0), weight=weight, period="day").load()
    names = ("xco2", "xco2_sum_weight", "xco2_uncertainty_overpass", "xco2_sum_share")
    out[weight] = [float(np.nansum(grid[name])) for name in names]
    masks = grid["xco2_subcell_mask"].values
    out[weight] += [int(grid["xco2_count"].sum()), int(np.bitwise_xor.reduce(masks, None))]
    out[weight].append(grid.attrs["rejected"])
print(json.dumps(out))
"""


def run(code, *, path=None, **environment):
    variables = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    if path is not None:
        variables["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code],
        capture_output=True,
        text=True,
        env=variables | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_same_numbers_without_the_jit():
    without = run(WITHOUT_JIT, NUMBA_DISABLE_JIT="1")
    compiled = run(WITHOUT_JIT.replace('assert not hasattr(kernel.bin_chunk, "py_func")', "assert True"))

    slow, fast = json.loads(without), json.loads(compiled)
    for weight, numbers in fast.items():
        assert slow[weight][4:] == numbers[4:], weight
        np.testing.assert_allclose(slow[weight][:4], numbers[:4], rtol=1e-12, err_msg=weight)


def test_read_only_install_compiles_without_a_cache(tmp_path):
    shutil.copytree(
        REPOSITORY / "src" / "yaotan",
        tmp_path / "src" / "yaotan",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(REPOSITORY / "catalogs", tmp_path / "catalogs")
    # a file where the cache folder would be, and no home: numba can write nowhere, whoever runs the test
    for package in ("grid", "column/fill"):
        (tmp_path / "src" / "yaotan" / package / "__pycache__").write_text("")
    code = """
import numpy as np
from yaotan.grid import bin, kernel
from yaotan.column.fill import kernel as kriging
assert type(kriging.exp_minus._cache).__name__ == "NullCache"
print(kernel.__file__)
assert kernel.locate(np.array([0.0, 1.0, 3.0]), 1.0, 2.5) == 1
assert type(kernel.locate._cache).__name__ == "NullCache"
"""
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    assert str(tmp_path) in run(code, path=tmp_path / "src", **nowhere)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), st.floats(-0.2, 1.2))
def test_locate_is_half_open_on_uneven_edges(seed, place):
    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.exponential(size=9) ** 3 + 1e-6)
    value = edges[0] + place * (edges[-1] - edges[0])
    right = int(np.searchsorted(edges, value, side="right")) - 1
    inverse = 8 / (edges[-1] - edges[0])
    assert kernel.locate(edges, inverse, value) == right
    for number, edge in enumerate(edges):
        assert kernel.locate(edges, inverse, edge) == number


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**64 - 1))
def test_popcount(mask):
    assert kernel.popcount(np.uint64(mask)) == mask.bit_count()


@pytest.mark.parametrize("key", [0, 1, 2**31, 2**40 + 7, 2**62])
def test_slots_hold_keys(key):
    slots = np.full(8, -1, np.int64)
    for number in range(4):
        slots[kernel.slot_of(slots, key + number)] = key + number
    for number in range(4):
        assert slots[kernel.slot_of(slots, key + number)] == key + number
