"""Files read by several processes at once; answers come in the order of the tasks."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import yaotan
from yaotan.errors import YaotanError
from yaotan.io.index.facts import Facts, failed, read_facts

_PROGRAM: Final = """
import json, sys
sys.path += [place for place in json.loads(sys.argv[1]) if place not in sys.path]
from yaotan.io.index.worker import main
main()
"""
#: files for which starting one more process pays
_WORTH: Final = 150
#: tasks in flight per process: keeps all busy while one reads a large file
_AHEAD: Final = 64

Task = Mapping[str, Any]


class _CannotStartError(RuntimeError):
    """Another Python cannot be started here."""


class _Reader:
    """One reading process."""

    def __init__(self) -> None:
        # -P: files of the user's folder are not taken for modules; what this process finds elsewhere is
        # found too, but last
        places = [str(Path(yaotan.__file__).parents[1]), *filter(None, sys.path)]
        command = [sys.executable, "-P", "-c", _PROGRAM, json.dumps(places)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        except OSError as error:
            raise _CannotStartError(str(error)) from error
        if self._answer() != "ready":
            self.stop()
            raise _CannotStartError

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def ask(self, task: Task) -> list[Facts] | None:
        """Give the rows of a file; None when the process died of it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            answer = self._answer()
        except OSError:
            return None
        rows: list[Facts] | None = json.loads(answer) if answer else None
        return rows

    def cause(self) -> str:
        """Say of what the process died."""
        code = self._process.wait()
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was still to be sent cannot be any more
                    continue


def available_cores() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_all(tasks: Sequence[Task], workers: int | None = None) -> Generator[list[Facts]]:
    """Read many files.

    Parameters
    ----------
    tasks : sequence of mapping
        As for `yaotan.io.index.facts.read_facts`; JSON values.
    workers : int, optional
        Processes. Default: as many as there are processors, but none where the files are few; 1 reads in
        this process. The answers are the same.

    Yields
    ------
    list of dict
        Rows of each task, in order. Where the reading process died of a file, the row says so.
    """
    number = min(available_cores(), len(tasks) // _WORTH) if workers is None else min(workers, len(tasks))
    readers = _start(number) if number > 1 else []
    if not readers:
        yield from map(read_facts, tasks)
        return
    idle: queue.SimpleQueue[_Reader] = queue.SimpleQueue()
    for reader in readers:
        idle.put(reader)
    every = list(readers)
    ended = threading.Event()

    def ask(task: Task) -> list[Facts]:
        reader = idle.get()
        rows = reader.ask(task)
        if rows is None:
            cause = reader.cause()
            if ended.is_set():  # it was stopped by us
                return []
            reader = _Reader()
            every.append(reader)
            rows = [failed(f"the reading process died of it ({cause}): the file is damaged or too large")]
        idle.put(reader)
        return rows

    executor = ThreadPoolExecutor(len(readers))
    try:
        yield from _in_order(executor, ask, tasks, len(readers) * _AHEAD)
    except _CannotStartError as error:
        raise YaotanError("another process that reads cannot be started", fix="use workers=1") from error
    finally:
        ended.set()
        executor.shutdown(wait=False, cancel_futures=True)
        for reader in every:
            reader.stop()


def _start(number: int) -> list[_Reader]:
    """Start readers; none where Python cannot be started anew (an embedded one, a sandbox)."""
    readers: list[_Reader] = []
    try:
        for _ in range(number if sys.executable else 0):
            readers.append(_Reader())
    except _CannotStartError:
        for reader in readers:
            reader.stop()
        return []
    return readers


def _in_order(
    executor: ThreadPoolExecutor, ask: Any, tasks: Sequence[Task], ahead: int
) -> Iterator[list[Facts]]:
    waiting: deque[Future[list[Facts]]] = deque()
    for task in tasks:
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
        waiting.append(executor.submit(ask, task))
    while waiting:
        yield waiting.popleft().result()
