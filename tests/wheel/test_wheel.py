"""A built wheel in an environment of its own holds all that the package needs at run time."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.wheel


def run(*command: str | Path, folder: Path) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ".", folder=REPOSITORY
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder ``bin`` of an environment that has the wheel and its extra `report`, nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel environment") / "env"
    run(sys.executable, "-m", "venv", folder, folder=folder.parent)
    run(
        folder / "bin/python",
        *("-m", "pip", "install", "-qq", "--disable-pip-version-check"),
        *("-c", REPOSITORY / "constraints.txt", f"{wheel}[report]"),
        folder=folder.parent,
    )
    return folder / "bin"


def test_wheel_holds_catalogs_and_templates_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("catalogs",):
        for path in (REPOSITORY / folder).rglob("*.yaml"):
            assert f"yaotan/{path.relative_to(REPOSITORY).as_posix()}" in names
    for path in (REPOSITORY / "models").glob("*/*.*"):
        assert f"yaotan/{path.relative_to(REPOSITORY).as_posix()}" in names
    for path in (REPOSITORY / "src/yaotan").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".nbi", ".nbc"):
            assert path.relative_to(REPOSITORY / "src").as_posix() in names
    assert not [name for name in names if name.startswith(("tests/", "src/"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_catalogs_are_found_in_the_installed_package(installed: Path, tmp_path: Path) -> None:
    code = (
        "import yaotan, yaotan.catalog as c; print(yaotan.__file__); print(c.root()); print(len(c.gases()))"
    )
    module, root, gases = run(installed / "python", "-c", code, folder=tmp_path).splitlines()
    assert Path(root) == Path(module).parent / "catalogs"
    assert REPOSITORY not in Path(module).parents
    assert int(gases) > 0


def test_the_packaged_model_predicts_without_lightgbm(installed: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util, warnings; warnings.simplefilter('error')\n"
        "assert importlib.util.find_spec('lightgbm') is None\n"
        "from yaotan import load_model\n"
        "from yaotan.emission import find_model\n"
        "from yaotan.simulate.province import simulate_provinces\n"
        "model = load_model(find_model('simulated_province'))\n"
        "print(model.predict_interval(simulate_provinces(1).panel())['estimate'].notna().sum())"
    )
    assert run(installed / "python", "-c", code, folder=tmp_path).split() == ["300"]


def test_help_names_the_commands(installed: Path, tmp_path: Path) -> None:
    text = run(installed / "yaotan", "--help", folder=tmp_path)
    assert "demo" in text
    assert "run" in text


def test_every_public_name_loads_without_optional_packages(installed: Path, tmp_path: Path) -> None:
    code = (
        "import importlib\n"
        "for name in ('', '.carbon', '.column', '.emission', '.grid', '.io', '.plume'):\n"
        "    place = importlib.import_module('yaotan' + name)\n"
        "    for one in place.__all__: getattr(place, one)"
    )
    run(installed / "python", "-W", "error::ImportWarning", "-c", code, folder=tmp_path)


def test_demo_runs(installed: Path, tmp_path: Path) -> None:
    run(installed / "yaotan", "demo", "a demo", folder=tmp_path)
    reports = list((tmp_path / "a demo").rglob("report.html"))
    assert reports
    assert all(report.stat().st_size > 10_000 for report in reports)
