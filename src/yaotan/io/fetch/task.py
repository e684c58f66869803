"""What a search finds, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from yaotan.io.fetch.secret import hide
from yaotan.io.fetch.transport import Request

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["listed", "fetched", "already good", "failed"]


@dataclass(frozen=True)
class Task:
    """One file to get.

    Parameters
    ----------
    name : str
        Name that it will have in the target folder.
    request : Request, optional
        How it is asked for; None when it is a local file.
    local : path, optional
        The local file.
    size : int, optional
        Bytes, when the service knows them.
    checksum : str, optional
        ``algorithm:hex``, when the service knows it.
    about : mapping
        Facts for the record: collection, version, DOI, day.
    judge : callable, optional
        Looks at the complete file and raises `TransferError` when it is not an answer to the request.
    """

    name: str
    request: Request | None = None
    local: Path | None = None
    size: int | None = None
    checksum: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    judge: Callable[[Path], None] | None = None

    @property
    def source(self) -> str:
        """Address without secrets, or path."""
        return hide(self.request.url) if self.request is not None else str(self.local)


@dataclass(frozen=True)
class FetchedFile:
    """What became of one file.

    Parameters
    ----------
    name : str
        Name in the target folder.
    path : pathlib.Path
        Where it lies when `status` is ``fetched`` or ``already good``.
    source : str
        Address (without secrets) or path it comes from.
    status : {"listed", "fetched", "already good", "failed"}
        ``listed`` when nothing was to be downloaded.
    size : int or None
        Bytes; None when unknown.
    sha256 : str or None
        Digest of the content.
    reason, fix : str
        Why it failed, and what to do.
    about : mapping
        Collection, version, DOI, day, as far as known.
    """

    name: str
    path: Path
    source: str
    status: Status
    size: int | None = None
    sha256: str | None = None
    reason: str = ""
    fix: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FetchResult:
    """What `yaotan.fetch` found and did.

    Parameters
    ----------
    product, service : str
        What was asked, and of whom.
    files : tuple of FetchedFile
        In order of their names.
    notes : tuple of str
        What could not be decided or was left out, with counts.
    record : pathlib.Path or None
        ``fetch.json`` beside the files; None when nothing is recorded.
    """

    product: str
    service: str
    files: tuple[FetchedFile, ...]
    notes: tuple[str, ...] = ()
    record: Path | None = None

    def of(self, status: Status) -> tuple[FetchedFile, ...]:
        """Give the files of one status."""
        return tuple(file for file in self.files if file.status == status)

    @property
    def paths(self) -> list[Path]:
        """Files that are there and good, for `yaotan.open_soundings`."""
        return [file.path for file in self.files if file.status in ("fetched", "already good")]

    @property
    def size(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(file.size or 0 for file in self.files)

    @property
    def unsized(self) -> int:
        """Number of files whose size is unknown."""
        return sum(file.size is None for file in self.files)

    def table(self) -> pd.DataFrame:
        """Give name, status, size, sha256, reason and source as a table."""
        import pandas as pd

        columns = ["name", "status", "size", "sha256", "reason", "source"]
        return pd.DataFrame(
            [{key: getattr(file, key) for key in columns} for file in self.files], None, columns
        )
