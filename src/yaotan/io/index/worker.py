"""A process that reads files for the index: one JSON task per line in, one JSON list of rows per line out.

It is started as a program of its own and not by multiprocessing: a user's script needs no main guard, and a
file that makes a library crash takes nothing else with it.
"""

from __future__ import annotations

import json
import signal
import sys

from yaotan.io.index.facts import failed, read_facts


def main() -> None:
    """Answer until the input ends."""
    # Ctrl-C reaches the whole group; the parent decides what becomes of it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = sys.stdout
    sys.stdout = sys.stderr  # nothing that a library prints may mix with the answers
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        try:
            rows = read_facts(json.loads(line))
        except Exception as error:  # a fault of ours in one file must not lose the others
            rows = [failed(f"cannot be read ({type(error).__name__}: {error})")]
        answers.write(json.dumps(rows) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
