"""``fetch.json`` beside the files: what was asked, where each file came from, and its digest."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from yaotan.errors import FetchError
from yaotan.io.atomic import replacing
from yaotan.io.fetch.task import FetchedFile

#: name of the record in the target folder
NAME: Final = "fetch.json"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time change the record; the lock is on the folder and leaves no file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_record(folder: Path) -> dict[str, Any]:
    """Read the record of a folder; an empty one when there is none.

    Raises
    ------
    FetchError
        The file is there but not such a record: it is not overwritten.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"format": 1, "requests": [], "files": {}}
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
        raise FetchError(
            "is not a record of fetched files",
            where=path,
            expected="the file that yaotan fetch wrote, or none",
            fix="move it away, or choose another target folder",
        )
    content.setdefault("requests", [])
    return content


def known_digest(record: Mapping[str, Any], name: str, source: str) -> str | None:
    """Give the digest that was recorded for a file of this name and source."""
    entry = record["files"].get(name, {})
    return entry.get("sha256") if entry.get("source") == source else None


def write_record(
    folder: Path, request: Mapping[str, Any], files: tuple[FetchedFile, ...], moment: str
) -> Path:
    """Add a request and its good files to the record of a folder.

    Parameters
    ----------
    folder : Path
        Target folder.
    request : mapping
        What was asked: product, service, period, region and so on. An equal request asked before
        only changes its last date.
    files : tuple of FetchedFile
        Failed ones are counted, not listed.
    moment : str
        ISO date and time in UTC.

    Returns
    -------
    Path
        The record.
    """
    with _alone(folder):
        record = read_record(folder)
        failed = [{"name": file.name, "reason": file.reason} for file in files if file.status == "failed"]
        same = next((entry for entry in record["requests"] if entry.get("asked") == request), None)
        if same is None:
            same = {"asked": request, "first": moment}
            record["requests"].append(same)
        same |= {"last": moment, "found": len(files), "failed": failed}
        for file in files:
            if file.status not in ("fetched", "already good"):
                continue
            old = record["files"].get(file.name, {})
            unchanged = old.get("sha256") == file.sha256 and old.get("source") == file.source
            record["files"][file.name] = {
                "source": file.source,
                "size": file.size,
                "sha256": file.sha256,
                # a file that was there before the record is dated by when it was first seen
                "time": old["time"] if unchanged else moment,
                **({} if file.status == "fetched" or unchanged else {"found_in_place": True}),
                **({"found_in_place": True} if unchanged and old.get("found_in_place") else {}),
                **file.about,
            }
        record["files"] = dict(sorted(record["files"].items()))
        path = folder / NAME
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
