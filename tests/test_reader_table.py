"""Tables of text on real files: values read a second time by other means."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import yaotan


def read_csv(path: Path) -> dict[str, list[str]]:
    """Read a comma separated table by the standard library."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, skipinitialspace=True))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_saga(satellite: Path) -> None:
    path = satellite / "tccon" / "saga01_tccon.csv"
    ds = yaotan.open_soundings(path).load()
    assert (ds.attrs["product"], ds.sizes["sounding"]) == ("tccon_table", 7128)
    table = read_csv(path)
    np.testing.assert_allclose(ds.xco2, np.array(table["tccon_xco2"], float), rtol=1e-12)
    np.testing.assert_allclose(ds.xco2_uncertainty, np.array(table["tccon_error"], float), rtol=1e-12)
    assert str(ds.time.values[0])[:19] == "2011-07-29T03:57:28"
    assert str(ds.time.values[-1])[:19] == "2016-12-31T04:55:55"
    # the station, not the cell of the satellite (33.5, 130.5)
    assert float(ds.latitude[0]) == pytest.approx(33.24, abs=1e-5)
    assert float(ds.longitude[0]) == pytest.approx(130.29, abs=1e-5)
    minutes = (ds.time - ds.time.astype("datetime64[D]")) / np.timedelta64(1, "m")
    late = (minutes / 60 + ds.longitude / 15) % 24 - ds.solar_time
    assert -1e-9 < float(late.min()) <= float(late.max()) < 1 / 60
