"""The public names: few at the top, the others in the package of their field, each there for real."""

from __future__ import annotations

import subprocess
import sys

import pytest

import yaotan

PACKAGES = ("carbon", "column", "emission", "grid", "io", "plume")


def test_the_top_keeps_to_about_sixty_names():
    assert len(yaotan.__all__) <= 70


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_of_any_name_does_not_stand_in_the_way(package):
    """A submodule becomes a name of its package when it is loaded: yaotan.io.load is one."""
    code = (
        "import importlib, pkgutil, sys, yaotan\n"
        f"place = importlib.import_module('yaotan.{package}')\n"
        "for found in pkgutil.iter_modules(place.__path__, place.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(*[getattr(place, name).__name__ for name in place.__all__])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == getattr(yaotan, package).__all__


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_of_a_package_is_there_and_no_other(package):
    place = getattr(yaotan, package)
    for name in place.__all__:
        assert callable(getattr(place, name))
        assert name in dir(place)
        assert name not in yaotan.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = place.nothing


def test_every_name_of_the_top_is_there():
    assert all(getattr(yaotan, name) is not None for name in yaotan.__all__)


def test_packages_load_when_first_used():
    code = "import sys, yaotan; assert 'yaotan.carbon' not in sys.modules; print(yaotan.carbon.class_area)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "function class_area" in found.stdout
