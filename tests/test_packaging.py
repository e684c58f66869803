"""What is shipped: constraints, metadata, the environment script and the Makefile."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
CONSTRAINTS = [line for line in (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines() if line]


def shell(
    *command: str, folder: Path, path: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PATH": path} if path else {}) | more
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_constraints_are_names_and_versions_only() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in CONSTRAINTS)
    assert [line.lower() for line in CONSTRAINTS] == sorted(line.lower() for line in CONSTRAINTS)


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    pinned = {canonicalize_name(name): version for name, version in (x.split("==") for x in CONSTRAINTS)}
    texts = PROJECT["dependencies"] + [
        t for extra in PROJECT["optional-dependencies"].values() for t in extra
    ]
    for requirement in map(Requirement, texts):
        if requirement.name != "yaotan":
            version = pinned.get(canonicalize_name(requirement.name))
            assert version, f"{requirement.name} is not in constraints.txt"
            assert requirement.specifier.contains(version), requirement


def test_version_is_one() -> None:
    version = PROJECT["version"]
    assert f"## [{version}]" in (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert f"version: {version}" in (REPOSITORY / "CITATION.cff").read_text("utf-8")


def test_licence_is_the_full_text() -> None:
    text = (REPOSITORY / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_makefile_stays_within_make_3_81() -> None:
    text = (REPOSITORY / "Makefile").read_text("utf-8")
    for newer in (".ONESHELL", ":::=", "::=", "!=", "&:", ".SHELLFLAGS", "$(file ", "$(intcmp", "$(let "):
        assert newer not in text


@pytest.mark.parametrize(
    "script", ["scripts/environment.sh", "scripts/timed.sh", "scripts/fresh.sh", ".ci/run"]
)
def test_scripts_are_executable_and_parse(script: str) -> None:
    path = REPOSITORY / script
    assert path.stat().st_mode & stat.S_IXUSR
    interpreter = "bash" if "bash" in path.read_text("utf-8").splitlines()[0] else "sh"
    assert shell(interpreter, "-n", str(path), folder=REPOSITORY).returncode == 0


# A stand-in for Python: answers the questions of environment.sh and counts what it is asked to build.
FAKE = """#!/bin/sh
case "$*" in
  *version_info*) exit {old} ;;
  *ensurepip*) exit {bare} ;;
  *'-m venv'*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; exit 0 ;;
  *'-m pip'*) echo "$*" >> pip.log; exit ${{FAKE_PIP_STATUS:-0}} ;;
  *) exec "{real}" "$@" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(REPOSITORY / "scripts/environment.sh", folder / "scripts")
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "constraints.txt").write_text("a==1\n")
    return folder


def commands(folder: Path, **pythons: tuple[int, int]) -> str:
    """Fill a folder with the few tools the script needs and stand-ins: name -> (too old, without venv)."""
    folder.mkdir(exist_ok=True)
    for tool in ("sh", "rm", "ln", "mkdir", "cp", "readlink", "cat"):
        found = shutil.which(tool)
        assert found
        if not (folder / tool).exists():
            (folder / tool).symlink_to(found)
    for name, (old, bare) in pythons.items():
        path = folder / name.replace("_", ".")
        path.write_text(FAKE.format(old=old, bare=bare, real=sys.executable))
        path.chmod(0o755)
    return str(folder)


def build(checkout: Path, path: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return shell("sh", "scripts/environment.sh", *arguments, folder=checkout, path=path, **more)


def test_first_python_that_is_new_enough_builds_once(checkout: Path, tmp_path: Path) -> None:
    path = commands(tmp_path / "bin", python3_13=(1, 0), python3_11=(0, 0), python3=(0, 0))
    first = build(checkout, path)
    assert first.returncode == 0, first.stderr
    assert (checkout / ".venv/.complete").is_file()
    assert (checkout / ".venv").is_symlink()
    log = (checkout / "pip.log").read_text()
    assert "-c constraints.txt" in log
    assert "--index-url" not in log
    assert build(checkout, path).stdout == ""
    assert (checkout / "pip.log").read_text() == log


def test_changed_constraints_build_anew_and_remove_the_old(checkout: Path, tmp_path: Path) -> None:
    path = commands(tmp_path / "bin", python3=(0, 0))
    build(checkout, path)
    old = (checkout / ".venv").readlink()
    (checkout / "constraints.txt").write_text("a==2\n")
    assert build(checkout, path).returncode == 0
    assert (checkout / ".venv").readlink() != old
    assert not (checkout / old).exists()


def test_failed_build_is_not_taken_for_complete(checkout: Path, tmp_path: Path) -> None:
    path = commands(tmp_path / "bin", python3=(0, 0))
    assert build(checkout, path, FAKE_PIP_STATUS="1").returncode != 0
    assert not (checkout / ".venv").exists()
    (leftover,) = checkout.glob(".venv-*")
    (leftover / "rubbish").write_text("x")
    assert build(checkout, path).returncode == 0
    assert not (checkout / ".venv/rubbish").exists()


@pytest.mark.parametrize(
    ("pythons", "arguments", "words"),
    [
        ({"python3": (0, 1)}, (), "apt-get install python3-venv"),
        ({"python3": (1, 0)}, (), "No Python >= 3.11"),
        ({}, (), "apt-get install python3 python3-venv"),
        ({"python3": (0, 0)}, ("python9",), "cannot be found"),
        ({"python3": (0, 0), "mine": (1, 0)}, ("mine",), "older than 3.11"),
        ({"python3": (0, 0), "mine": (0, 1)}, ("mine",), "apt-get install python3-venv"),
    ],
)
def test_what_is_missing_is_one_sentence(
    checkout: Path,
    tmp_path: Path,
    pythons: dict[str, tuple[int, int]],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    done = build(checkout, commands(tmp_path / "bin", **pythons), *arguments)
    assert done.returncode != 0
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (checkout / ".venv").exists()


def test_timed_command_keeps_its_status(tmp_path: Path) -> None:
    script = str(REPOSITORY / "scripts/timed.sh")
    done = shell("sh", script, "a name", "sh", "-c", "exit 3", folder=tmp_path)
    assert done.returncode == 3
    assert re.fullmatch(r"== a name: \d+ s \(failed\)\n", done.stdout)
