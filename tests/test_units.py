"""Units: spellings of real products, exact factors, and errors that name both units."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from yaotan.errors import UnitsError
from yaotan.units import conversion, convert


@pytest.mark.parametrize(
    ("given", "wanted", "scale"),
    [
        ("ppm", "ppm", 1.0),
        ("1e-6", "ppm", 1.0),
        ("1e-5", "ppm", 10.0),
        ("100", "1", 100.0),
        ("ppmv", "ppb", 1e3),
        ("Moles Mole^{-1}", "ppm", 1e6),
        ("1e-9", "1", 1e-9),
        ("Pa", "hPa", 0.01),
        ("Pascals", "hPa", 0.01),
        ("atm", "hPa", 1013.25),
        ("km", "m", 1e3),
        ("degrees_north", "degree", 1.0),
        ("m/sec", "m s-1", 1.0),
        ("molecules/cm^2", "mol m-2", 1e4 / 6.02214076e23),
    ],
)
def test_factor(given, wanted, scale):
    assert conversion(given, wanted) == (pytest.approx(scale, rel=1e-14), 0.0)


def test_offset():
    assert convert(np.array([0.0, 100.0]), "degC", "K").tolist() == pytest.approx([273.15, 373.15])


def test_same_unit_is_the_same_object():
    values = np.arange(3.0)
    assert convert(values, "ppmv", "ppm") is values


@pytest.mark.parametrize(("given", "wanted"), [("hPa", "ppm"), ("parsnips", "ppm"), ("K", "m")])
def test_wrong_units_are_named(given, wanted):
    with pytest.raises(UnitsError, match=rf"{given}.*{wanted}"):
        conversion(given, wanted)


def test_missing_unit_is_an_error_that_names_the_dataset():
    with pytest.raises(UnitsError, match=r"a\.nc: x: the dataset has no unit"):
        convert(np.ones(1), None, "ppm", where="a.nc: x")
    with pytest.raises(UnitsError, match=r"a\.nc: x: .*hPa"):
        convert(np.ones(1), "K", "hPa", where="a.nc: x")
    assert convert(np.ones(1), "", "1").tolist() == [1.0]


def test_equal_spellings_do_not_wait_for_the_registry():
    code = (
        "import sys; from yaotan.units import convert; "
        "convert(1.0, 'ppmv', 'ppm'); assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
