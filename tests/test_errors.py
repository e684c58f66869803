"""Errors: what, where, expected, to do; they survive a process border; optional packages name their cure."""

from __future__ import annotations

import concurrent.futures
import importlib

import pytest

from yaotan.errors import MissingDependencyError, RegionError, YaotanError
from yaotan.optional import require


def test_message_has_all_parts():
    error = YaotanError("is empty", where="a.nc", expected="a netCDF file", fix="fetch it again")
    assert str(error) == "a.nc: is empty. Expected: a netCDF file. To do: fetch it again."


def _fail() -> None:
    raise RegionError("is empty", where="a.shp", fix="draw one")


def test_error_crosses_a_process_border():
    with concurrent.futures.ProcessPoolExecutor(1) as pool, pytest.raises(RegionError) as caught:
        pool.submit(_fail).result()
    assert caught.value.fix == "draw one"


def test_missing_package_names_the_extra(monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r'pip install "yaotan\[ml\]"'):
        require("lightgbm")
    with pytest.raises(ImportError):
        require("matplotlib.figure")


def test_missing_system_library_names_the_package(monkeypatch):
    def broken(name):
        raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(MissingDependencyError, match="apt-get install libgomp1"):
        require("lightgbm")
