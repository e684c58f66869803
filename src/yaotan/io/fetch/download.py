"""The one way a file comes in: resumed, checked, and renamed only when it is what was asked for."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from yaotan.io.digest import sha256
from yaotan.io.fetch.check import START, check_file, check_start, checksum_matches, is_sound
from yaotan.io.fetch.patience import TransferError
from yaotan.io.fetch.task import Task
from yaotan.io.fetch.transport import Transport, content_length, pieces

_PIECE: Final = 1 << 20

#: called with the number of bytes that came
Arrived = Callable[[int], None]


class _AlreadyGoodError(Exception):
    """The service announces exactly the file that lies there."""


def download(
    task: Task, folder: Path, transport: Transport, *, known: str | None = None, arrived: Arrived
) -> tuple[bool, int, str]:
    """Bring one file into a folder.

    Parameters
    ----------
    task : Task
        What to get.
    folder : Path
        Where to; must exist.
    transport : Transport
        How to ask.
    known : str, optional
        SHA-256 that an earlier fetch recorded for the file of this name and source.
    arrived : callable
        Told the number of bytes of each piece (negative when bytes are thrown away).

    Returns
    -------
    fresh : bool
        False when the file was there and good.
    size : int
        Bytes.
    digest : str
        SHA-256.

    Raises
    ------
    TransferError
        It cannot be had. A file that lay under this name before is still there, untouched.
    OSError
        The folder cannot be written to.
    """
    final = folder / task.name
    if final.exists():
        state = _judge_present(task, final, known)
        if state:
            return False, final.stat().st_size, sha256(final)
    else:
        state = False
    partial = folder / f".{task.name}.part"
    with _alone(partial) as stream:
        try:
            _fill(task, stream, partial, transport, final if state is None else None, arrived)
        except _AlreadyGoodError:
            partial.unlink(missing_ok=True)
            return False, final.stat().st_size, sha256(final)
        stream.flush()
        os.fsync(stream.fileno())
        digest = sha256(partial)
        size = partial.stat().st_size
        # in this order, a process that is killed here leaves nothing behind but a part to be begun anew
        _notes_of(partial).unlink(missing_ok=True)
        partial.replace(final)
    return True, size, digest


def _judge_present(task: Task, final: Path, known: str | None) -> bool | None:
    """Tell whether the file that is there is good (True), bad (False), or cannot be judged alone (None)."""
    if not final.is_file() or not is_sound(final, task.name):
        return False
    if task.checksum is not None:
        return checksum_matches(final, task.checksum)
    if task.size is not None and final.stat().st_size != task.size:
        return False
    if known is not None:
        return sha256(final) == known
    return True if task.size is not None else None


def _notes_of(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


@contextmanager
def _alone(partial: Path) -> Iterator[Any]:
    """Open the partial file; a second process that wants the same one is turned away."""
    while True:
        with partial.open("ab+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TransferError(
                    "another process is fetching this file", fix="wait until it is done", lasting=True
                ) from None
            # renamed by its owner between our opening and locking: this would be the finished file
            if not partial.exists() or os.fstat(stream.fileno()).st_ino != partial.stat().st_ino:
                continue
            yield stream
            return


def _fill(
    task: Task, stream: Any, partial: Path, transport: Transport, present: Path | None, arrived: Arrived
) -> None:
    failures, spoiled, furthest = 0, 0, stream.seek(0, os.SEEK_END)
    arrived(furthest)
    while True:
        transport.check_stop()
        try:
            if task.local is not None:
                _copy(task.local, stream, transport, arrived)
            else:
                _transfer(task, stream, partial, transport, present, arrived)
            stream.flush()
            try:
                _check_complete(task, partial)
            except TransferError:
                # bytes that are wrong must not be what a later attempt builds on
                _empty(stream, partial, arrived)
                spoiled += 1
                raise
            return
        except TransferError as trouble:
            reached = stream.seek(0, os.SEEK_END)
            failures = 1 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if trouble.lasting or failures >= transport.patience.attempts or spoiled > 1:
                if not _worth_keeping(partial, reached):
                    arrived(-reached)
                    partial.unlink(missing_ok=True)
                    _notes_of(partial).unlink(missing_ok=True)
                raise
            transport.rest(transport.patience.pause(failures, trouble.wait))


def _worth_keeping(partial: Path, reached: int) -> bool:
    """A part is kept for the next run only when the service can go on from it."""
    return reached > 0 and _notes_of(partial).exists()


def _empty(stream: Any, partial: Path, arrived: Arrived) -> None:
    arrived(-stream.seek(0, os.SEEK_END))
    stream.truncate(0)
    stream.seek(0)
    _notes_of(partial).unlink(missing_ok=True)


def _check_complete(task: Task, partial: Path) -> None:
    size = partial.stat().st_size
    if task.size is not None and size != task.size:
        raise TransferError(f"{size} bytes came, {task.size} were expected", fix="run it again")
    if task.checksum is not None and not checksum_matches(partial, task.checksum):
        raise TransferError(
            f"its checksum is not {task.checksum}", fix="run it again; the archive's list may be out of date"
        )
    check_file(partial, task.name)
    if task.judge is not None:
        task.judge(partial)


def _copy(source: Path, stream: Any, transport: Transport, arrived: Arrived) -> None:
    _empty(stream, Path(stream.name), arrived)
    try:
        reading = source.open("rb")
    except OSError as error:
        raise TransferError(f"{source} cannot be read ({error.strerror})", lasting=True) from None
    with reading:
        while piece := reading.read(_PIECE):
            transport.check_stop()
            stream.write(piece)
            arrived(len(piece))


def _transfer(
    task: Task, stream: Any, partial: Path, transport: Transport, present: Path | None, arrived: Arrived
) -> None:
    request = task.request
    assert request is not None
    have = stream.seek(0, os.SEEK_END)
    notes = _read_notes(partial)
    headers = dict(request.headers)
    if have and request.method == "GET" and notes.get("source") == task.source and notes.get("validator"):
        headers |= {"Range": f"bytes={have}-", "If-Range": notes["validator"]}
    else:
        _empty(stream, partial, arrived)
        have = 0
    with transport.open(type(request)(request.url, request.method, headers, request.body)) as response:
        if response.status_code == 416:
            _empty(stream, partial, arrived)
            raise TransferError("the service cannot go on from the part that is there", fix="run it again")
        start, total = _placed(response, have)
        if start is None:
            _empty(stream, partial, arrived)
            start = 0
        if present is not None and start == 0 and total == present.stat().st_size:
            raise _AlreadyGoodError
        _write_notes(partial, task, response)
        _write_body(task, stream, response, transport, start, total, arrived)


def _placed(response: Any, have: int) -> tuple[int | None, int | None]:
    """Give where the body starts (None: at the beginning, the part is void) and the whole length."""
    length = content_length(response)
    if response.status_code != 206:
        return (None if have else 0), length
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("content-range", ""))
    if found is None or int(found[1]) != have:
        raise TransferError("the service sent another piece than was asked for", fix="run it again")
    return have, int(found[3]) if found[3] != "*" else int(found[2]) + 1


def _write_body(
    task: Task,
    stream: Any,
    response: Any,
    transport: Transport,
    start: int,
    total: int | None,
    arrived: Arrived,
) -> None:
    reached, head = start, b""
    for piece in pieces(response):
        transport.check_stop()
        if start == 0 and len(head) < START:
            head += piece
            # short first pieces wait, so that nothing is judged by a few bytes
            if len(head) < START:
                continue
            check_start(head, task.name)
            piece = head
        stream.write(piece)
        reached += len(piece)
        arrived(len(piece))
    if start == 0 and len(head) < START and head:
        check_start(head, task.name)
        stream.write(head)
        reached += len(head)
        arrived(len(head))
    if total is not None and reached != total:
        raise TransferError(f"{reached} of {total} bytes came", fix="run it again")


def _read_notes(partial: Path) -> dict[str, str]:
    try:
        notes = json.loads(_notes_of(partial).read_text())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _write_notes(partial: Path, task: Task, response: Any) -> None:
    """Keep what `If-Range` needs (RFC 9110, 13.1.5): a strong entity tag, else the date of change."""
    tag = response.headers.get("etag", "")
    validator = tag if tag.startswith('"') else response.headers.get("last-modified", "")
    if response.headers.get("accept-ranges", "").lower() == "none" or not validator:
        _notes_of(partial).unlink(missing_ok=True)
    else:
        _notes_of(partial).write_text(json.dumps({"source": task.source, "validator": validator}))
