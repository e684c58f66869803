"""Replacing files and folders, and their digests."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from yaotan.errors import OutputError, YaotanError
from yaotan.io.atomic import output_error, replacing
from yaotan.io.digest import DigestCache, sha256


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "a.nc"
    target.write_text("old")
    with replacing(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".nc"
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.nc"]


def test_failure_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.nc"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="stop"), replacing(target) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.nc"]


def test_folder_replaces_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "a.zarr"
    target.mkdir()
    (target / "old").write_text("1")
    with replacing(target) as temporary:
        (temporary / "deep").mkdir(parents=True)
        (temporary / "deep/new").write_text("2")
    assert names(target) == ["deep"]
    assert names(tmp_path) == ["a.zarr"]


def test_folder_is_removed_on_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.zarr") as temporary:  # noqa: PT012
        temporary.mkdir()
        (temporary / "x").write_text("1")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_missing_folder_and_file_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"absent: the folder does not exist.*create it"):
        replacing(tmp_path / "absent/a.nc").__enter__()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is not a folder"):
        replacing(tmp_path / "file/a.nc").__enter__()


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere, so the answer is faked
    with pytest.raises(OutputError, match="permission denied"):
        replacing(tmp_path / "a.nc").__enter__()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        # HDF5 hides the number in its text
        OSError(
            "Can't write data (file write failed: errno = 28, error message = 'No space left on device')"
        ),
    ],
)
def test_full_disk_is_said_plainly(tmp_path: Path, error: OSError) -> None:
    with (  # noqa: PT012
        pytest.raises(OutputError, match=r"a\.nc: cannot be written: the disk is full"),
        replacing(tmp_path / "a.nc") as temporary,
    ):
        temporary.write_text("half")
        raise error
    assert names(tmp_path) == []


def test_error_of_an_input_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.nc"):
        (tmp_path / "input.nc").open()


def test_writing_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nothing was written"), replacing(tmp_path / "a.nc"):
        pass


def test_unknown_system_error_keeps_its_words() -> None:
    assert "strange" in str(output_error(OSError(9999, "strange"), "a.nc"))


def test_digest_of_a_file(tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_digest_of_a_folder_sees_names_and_content(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "sub").mkdir(parents=True)
        (tmp_path / folder / "sub/a").write_text("1")
        (tmp_path / folder / "b").write_text("2")
    first = sha256(tmp_path / "one")
    assert first == sha256(tmp_path / "two")
    (tmp_path / "two/b").rename(tmp_path / "two/c")
    assert sha256(tmp_path / "two") != first
    (tmp_path / "one/sub/a").write_text("3")
    assert sha256(tmp_path / "one") != first


def test_digest_cache_is_used_and_follows_changes(tmp_path: Path) -> None:
    cache: DigestCache = {}
    path = tmp_path / "a"
    path.write_text("1")
    first = sha256(path, cache=cache)
    (key,) = cache
    cache[key] = "known"
    assert sha256(path, cache=cache) == "known"
    path.write_text("22")
    assert sha256(path, cache=cache) not in (first, "known")


def test_digest_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(YaotanError, match="cannot be read"):
        sha256(tmp_path / "absent")
