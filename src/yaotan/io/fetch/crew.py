"""Threads that work through a list and do not hold up an interruption."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: seconds that an interruption waits for what is under way; a stalled connection is left behind
_GRACE: Final = 2.0


def work_through(
    items: Sequence[Item], work: Callable[[Item], Result], workers: int, stop: threading.Event
) -> Iterator[Result]:
    """Apply a function to items in several threads; give results as they come.

    Parameters
    ----------
    items : sequence
        What to work on, taken in this order.
    work : callable
        Applied to each item.
    workers : int
        Greatest number of threads. They are daemons: a thread that waits for a silent connection does
        not keep the program from ending, and what it holds is at most an unfinished part of a file.
    stop : threading.Event
        Set when the caller leaves early, so that `work` can end by itself.

    Yields
    ------
    object
        Results, in order of completion.

    Raises
    ------
    Exception
        The first that `work` raised.

    Examples
    --------
    >>> sorted(work_through([1, 2, 3], lambda item: item * 10, 2, threading.Event()))
    [10, 20, 30]
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)

    def run() -> None:
        while not stop.is_set():
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((work(item), None))
            except BaseException as error:  # handed to the caller's thread
                done.put((None, error))

    crew = [threading.Thread(target=run, daemon=True) for _ in range(min(workers, len(items)))]
    for member in crew:
        member.start()
    try:
        for _ in items:
            result, error = done.get()
            if error is not None:
                raise error
            yield result  # type: ignore[misc]
    except BaseException:
        stop.set()
        end = time.monotonic() + _GRACE
        for member in crew:
            member.join(max(end - time.monotonic(), 0.0))
        raise
