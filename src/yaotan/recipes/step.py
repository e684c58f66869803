"""Steps that remember: done when output and record exist, redone when what they stand on changed."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import yaotan
from yaotan.catalog.source import root
from yaotan.io.atomic import replacing
from yaotan.io.digest import sha256

logger = logging.getLogger(__name__)

#: what a step makes: paths of its outputs, and a summary in JSON values
Made: TypeAlias = tuple[Sequence[Path], Mapping[str, Any]]
Work: TypeAlias = Callable[[], Made]


@cache
def code_version() -> str:
    """Give the version of the code that makes results: package version and a hash of its sources.

    A change of code or catalog redoes every step, since nobody can know from outside what it touches.
    """
    package = Path(yaotan.__file__).parent
    digest = hashlib.sha256()
    files = [*package.rglob("*.py"), *root().rglob("*.yaml")]
    for path in sorted(files, key=lambda item: item.as_posix()):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return f"{metadata.version('yaotan')}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Step:
    """One piece of work of a run.

    Attributes
    ----------
    name : str
        Unique in the run; file name of the record.
    inputs : mapping of str to str
        What it stands on, by name: content hashes.
    parameters : mapping
        Everything else that decides the result; JSON values.
    work : callable
        Makes the outputs and returns the list of their paths and a JSON summary.
    """

    name: str
    inputs: Mapping[str, str]
    parameters: Mapping[str, Any]
    work: Work


@dataclass
class Ledger:
    """Records of the steps of one output folder.

    Attributes
    ----------
    folder : pathlib.Path
        The output folder; records lie in its ``.steps``.
    executed : list of str
        Names of the steps that really ran this time.
    """

    folder: Path
    executed: list[str] = field(default_factory=list)
    #: wall seconds of each step that ran this time
    seconds: dict[str, float] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def _record_path(self, step: str) -> Path:
        return self.folder / ".steps" / f"{step}.json"

    def record(self, name: str) -> dict[str, Any] | None:
        """Read the record of a step, or None when there is no usable one."""
        try:
            content = json.loads(self._record_path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def _is_done(self, wanted: dict[str, Any], record: dict[str, Any] | None) -> bool:
        if record is None or any(record.get(key) != wanted[key] for key in wanted):
            return False
        outputs = record.get("outputs", {})
        return all(
            (self.folder / name).exists() and sha256(self.folder / name) == digest
            for name, digest in outputs.items()
        )

    def do(self, step: Step) -> dict[str, Any]:
        """Run a step unless its record and its untouched outputs are there.

        Parameters
        ----------
        step : Step
            What to do.

        Returns
        -------
        dict
            The record: step, inputs, parameters, code, outputs (relative path: sha256), summary.
        """
        wanted = {
            "step": step.name,
            "inputs": dict(sorted(step.inputs.items())),
            "parameters": json.loads(json.dumps(step.parameters, default=str)),
            "code": code_version(),
        }
        self._seen.add(step.name)
        record = self.record(step.name)
        if self._is_done(wanted, record):
            assert record is not None
            return record
        start = time.perf_counter()
        paths, summary = step.work()
        outputs = {path.relative_to(self.folder).as_posix(): sha256(path) for path in paths}
        stale = set((record or {}).get("outputs", {})) - set(outputs)
        for name in stale:
            (self.folder / name).unlink(missing_ok=True)
        record = {**wanted, "outputs": outputs, "summary": json.loads(json.dumps(summary, default=str))}
        self.write_json(self._record_path(step.name), record)
        self.executed.append(step.name)
        self.seconds[step.name] = time.perf_counter() - start
        logger.info("step %s took %.1f s", step.name, self.seconds[step.name])
        return record

    def write_json(self, path: Path, content: Mapping[str, Any]) -> Path:
        """Write JSON under a temporary name and rename it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            Path(temporary).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        return path

    def forget_others(self, *, keep: Collection[str] = ()) -> None:
        """Remove records and outputs of steps that this run no longer has (a month taken out, say).

        Parameters
        ----------
        keep : collection of str
            Names of steps that are still to come.
        """
        for path in sorted((self.folder / ".steps").glob("*.json")):
            if path.stem in self._seen or path.stem in keep:
                continue
            for name in (self.record(path.stem) or {}).get("outputs", {}):
                (self.folder / name).unlink(missing_ok=True)
            path.unlink()
