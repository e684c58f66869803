"""Units: spellings of real products, exact factors, and errors that name both units."""

from __future__ import annotations

import numpy as np
import pytest

from yaotan.errors import UnitsError
from yaotan.units import conversion, convert


@pytest.mark.parametrize(
    ("given", "wanted", "scale"),
    [
        ("ppm", "ppm", 1.0),
        ("1e-6", "ppm", 1.0),
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
