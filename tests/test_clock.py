"""The moment of outputs, and that fixing it makes equal runs write equal bytes."""

from datetime import UTC, datetime

import numpy as np
import pytest

import yaotan
from yaotan.clock import VARIABLE, now
from yaotan.errors import YaotanError


def make_grid():
    spec = yaotan.GridSpec.regular(1.0, bounds=(110, 30, 112, 32))
    full = {"xco2": (410.0, "ppm"), "xco2_uncertainty": (0.5, "ppm"), "xco2_count": (9, "1")}
    fields = {name: (("lat", "lon"), np.full((2, 2), value), {"units": unit})
              for name, (value, unit) in full.items()}  # fmt: skip
    return spec.coords().assign(fields)


def test_the_variable_fixes_the_moment(monkeypatch):
    monkeypatch.setenv(VARIABLE, "1600000000")
    assert now() == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)


def test_without_it_the_clock_counts(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize("text", ["yesterday", "1e99", "9" * 30])
def test_what_is_no_moment_is_refused(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(YaotanError, match="is no moment"):
        now()


@pytest.mark.parametrize("options", [{}, {"format": "harp"}])
def test_equal_outputs_have_equal_bytes(tmp_path, monkeypatch, options):
    written = []
    for moment in ("1600000000", "1600000000", "1700000000"):
        monkeypatch.setenv(VARIABLE, moment)
        folder = tmp_path / str(len(written))
        folder.mkdir()
        yaotan.write(make_grid(), folder / "a.nc", **options)
        written.append((folder / "a.nc").read_bytes())
    assert written[0] == written[1]
    assert written[0] != written[2]
