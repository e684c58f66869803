"""Shape of the code: what loads when, how long files are, what modules are called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "yaotan"
MODULES = sorted(SOURCE.rglob("*.py"))
HEAVY = {
    "cf_xarray",
    "dask",
    "exactextract",
    "geopandas",
    "h5netcdf",
    "h5py",
    "lightgbm",
    "matplotlib",
    "numba",
    "pandas",
    "pint",
    "pyarrow",
    "pyproj",
    "rasterio",
    "rioxarray",
    "scipy",
    "shapely",
    "sklearn",
    "xarray",
    "zarr",
}
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "core"}
LINES, TOLERATED = 300, 320
#: all compiled code stands in one module, so that it is compiled, cached and tested with the JIT off as one
EXEMPT = {"grid/kernel.py", "column/fill/kernel.py"}


def loaded(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `code`."""
    report = "import sys; print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split()[-1000:])


@pytest.mark.parametrize(
    "code",
    [
        "import yaotan; dir(yaotan); yaotan.__version__",
        "import yaotan.cli.main",
        "import yaotan.errors, yaotan.typing, yaotan.optional, yaotan.constants",
    ],
)
def test_light_imports_load_no_heavy_package(code: str) -> None:
    assert loaded(code).isdisjoint(HEAVY)


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys, contextlib, io; sys.argv = ['yaotan', '--help']\n"
        "from yaotan.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()"
    )
    assert loaded(code).isdisjoint(HEAVY)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_file_is_short_and_well_named(path: Path) -> None:
    assert path.stem not in FORBIDDEN
    assert not FORBIDDEN & set(path.relative_to(SOURCE).parts[:-1])
    if path.relative_to(SOURCE).as_posix() in EXEMPT:
        return
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= TOLERATED, f"{path.name} has {count} lines; the aim is {LINES}"


def test_nothing_unpickles_or_loads_unsafe_yaml() -> None:
    words = (
        "import pickle",
        "pickle.load",
        "joblib.load",
        "yaml.load(",
        "yaml.unsafe_load",
        "allow_pickle=True",
    )
    found = [
        (path.relative_to(SOURCE).as_posix(), word)
        for path in MODULES
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert not found


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]
