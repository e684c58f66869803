"""`fetch`: search, list, download in parallel, record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from yaotan.catalog.archive import ServiceName
from yaotan.clock import now
from yaotan.errors import CredentialsError, FetchError
from yaotan.io.atomic import output_error
from yaotan.io.fetch.crew import work_through
from yaotan.io.fetch.download import download
from yaotan.io.fetch.patience import Patience, TransferError
from yaotan.io.fetch.record import known_digest, read_record, write_record
from yaotan.io.fetch.source import Source, find_source
from yaotan.io.fetch.task import FetchedFile, FetchResult, Task
from yaotan.io.fetch.transport import Request, Transport, content_length
from yaotan.typing import PathLike, Period

if TYPE_CHECKING:
    from yaotan.typing import Region

#: called with what is going on, bytes done and bytes in all
Progress = Callable[[str, int, int], None]

#: a search of more files than this does not ask for each one's size
_MOST_SIZED: Final = 500


def fetch(
    product: str,
    *,
    period: Period,
    region: Region | None = None,
    regions: PathLike | None = None,
    target: PathLike = ".",
    service: ServiceName | None = None,
    form: Literal["file", "raster", "table"] | None = None,
    version: str | None = None,
    resolution: float | None = None,
    base_url: str | None = None,
    login_url: str | None = None,
    registry: str | None = None,
    parallel: int = 4,
    list_only: bool = False,
    patience: Patience | None = None,
    found: Callable[[FetchResult], None] | None = None,
    progress: Progress | None = None,
) -> FetchResult:
    """Find the files of a product for a period and region, and bring them into a folder.

    A file that is there and good is not fetched again; one that was begun is gone on with. A file gets its
    name only when its size, its checksum (where the service gives one) and its kind are right, so a good
    file is never replaced by a bad one. Credentials are taken from the environment or the services' own
    configuration (docs/howto/fetch.md) and are never written anywhere.

    Parameters
    ----------
    product : str
        Name in ``catalogs/archives.yaml``, such as ``"oco2_lite"``; any name with `base_url` and
        ``service="http"``.
    period : pair of ISO dates
        Both included.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, west > east crosses the dateline; or polygons: of them NASA
        is asked for the box around, Statistical tables are made for each.
    regions : path-like, optional
        File or name that `yaotan.open_regions` knows, instead of `region`.
    target : path-like
        Folder for the files and their record ``fetch.json``; made when absent.
    service : {"nasa", "copernicus", "http"}, optional
        Who is asked; default is the first that holds the product, or ``http`` when only `registry` is given.
    form : {"file", "raster", "table"}, optional
        Granules (NASA, HTTP), one GeoTIFF a day, or one JSON table of daily statistics a region
        (Copernicus). Default is the first that the service offers.
    version : str, optional
        Version of the collection instead of the catalog's (NASA).
    resolution : float, optional
        Cell size of rasters, and of the cells that tables are made of [degrees].
    base_url, login_url : str, optional
        Addresses instead of the service's own: a mirror, or another deployment. For ``http`` the base is an
        address, a folder or ``file://``.
    registry : str, optional
        List of files and checksums for ``http``, in pooch's format: path or address; default is
        ``registry.txt`` at the base.
    parallel : int
        Files that come in at the same time.
    list_only : bool
        Search and give sizes; write nothing.
    patience : Patience, optional
        Time limits, attempts and waits.
    found : callable, optional
        Told the result of the search before anything is downloaded.
    progress : callable, optional
        Told ``(what, bytes done, bytes in all)`` as they come.

    Returns
    -------
    FetchResult
        A file that could not be had is in it as ``failed`` with the reason, and does not stop the others.

    Raises
    ------
    CatalogError, RegionError, FetchError
        The product, the period or the region cannot be asked for; the search fails or finds nothing.
    CredentialsError
        A login is missing or refused.
    OutputError
        The folder cannot be written to.

    Notes
    -----
    Only tested against servers that play the services' documented protocols, see docs/howto/fetch.md.
    """
    if parallel < 1:
        raise FetchError(f"{parallel} is impossible", where="parallel", expected="at least 1")
    if region is not None and regions is not None:
        raise FetchError("is given besides region", where="regions", fix="give one of them")
    if regions is not None:
        from yaotan.io.region import open_regions

        region = open_regions(regions)
    patience = patience or Patience()
    words = {"base_url": base_url, "login_url": login_url, "registry": registry}
    try:
        source = find_source(
            product,
            period=period,
            region=region,
            service=service,
            form=form,
            version=version,
            resolution=resolution,
            patience=patience,
            **words,
        )
        tasks = _unique(source.search())
    except TransferError as trouble:
        kind = CredentialsError if trouble.login else FetchError
        raise kind(trouble.what, where=product, fix=trouble.fix) from None
    if not tasks:
        raise FetchError(
            f"nothing was found for {period[0]} to {period[1]}",
            where=f"{product} at {source.service}",
            expected="at least one file in period and region",
            fix="widen period or region, or name another version or service",
        )
    folder = Path(target)
    if source.service == "http" and (list_only or found is not None):
        tasks = _with_sizes(tasks, source.transport, parallel)
    listed = FetchResult(
        product, source.service, tuple(_listed(task, folder) for task in tasks), source.notes
    )
    if found is not None:
        found(listed)
    if list_only:
        return listed
    return _get_all(source, tasks, folder, parallel, progress)


def _unique(tasks: list[Task]) -> list[Task]:
    """Refuse names that would leave the folder, and two files of one name; sort by name."""
    seen: dict[str, Task] = {}
    for task in tasks:
        if (
            not task.name
            or task.name.startswith(".")
            or "/" in task.name
            or "\\" in task.name
            or "\0" in task.name
        ):
            raise TransferError(
                f"the service names a file {task.name!r}, which is no name for one", lasting=True
            )
        if task.name in seen and seen[task.name].source != task.source:
            raise TransferError(
                f"two files have the name {task.name}", fix="fetch them one by one", lasting=True
            )
        seen[task.name] = task
    return [seen[name] for name in sorted(seen)]


def _listed(task: Task, folder: Path) -> FetchedFile:
    about = {key: value for key, value in task.about.items() if key != "announced"}
    size = _expected(task) or None
    return FetchedFile(task.name, folder / task.name, task.source, "listed", size, about=about)


def _with_sizes(tasks: list[Task], transport: Transport, parallel: int) -> list[Task]:
    """Ask for sizes that the search did not give; one that is not told stays unknown."""
    lacking = [task for task in tasks if task.size is None and task.request is not None]
    lacking = [task for task in lacking if task.request is not None and task.request.method == "GET"]
    if not lacking or len(lacking) > _MOST_SIZED:
        return tasks

    def ask(task: Task) -> tuple[str, int | None]:
        assert task.request is not None
        try:
            with transport.open(Request(task.request.url, "HEAD")) as response:
                return task.name, content_length(response)
        except TransferError:
            return task.name, None

    sizes = dict(work_through(lacking, ask, parallel, transport.stop))
    # only shown: what was announced now is no promise for the download, so the task keeps none
    return [
        replace(task, about={**task.about, "announced": sizes[task.name]}) if sizes.get(task.name) else task
        for task in tasks
    ]


def _get_all(
    source: Source, tasks: list[Task], folder: Path, parallel: int, progress: Progress | None
) -> FetchResult:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, folder) from error
    record = read_record(folder)
    if not all((folder / task.name).exists() for task in tasks):
        _log_in(source)
    meter = _Meter(tasks, progress)
    refused = threading.Event()

    def get(task: Task) -> FetchedFile:
        base = _listed(task, folder)
        try:
            if refused.is_set():
                raise TransferError(
                    "not tried, since the login was refused", fix=source.transport.credentials.advice
                )
            known = known_digest(record, task.name, task.source)
            fresh, size, digest = download(task, folder, source.transport, known=known, arrived=meter.add)
        except TransferError as trouble:
            if trouble.login:
                refused.set()
            return replace(base, status="failed", reason=trouble.what, fix=trouble.fix)
        except OSError as error:
            problem = output_error(error, folder / task.name)
            return replace(base, status="failed", reason=problem.what, fix=problem.fix)
        if not fresh:
            meter.add(size)
        return replace(base, status="fetched" if fresh else "already good", size=size, sha256=digest)

    done: list[FetchedFile] = []
    try:
        for file in work_through(tasks, get, parallel, source.transport.stop):
            done.append(file)
    finally:
        # after an interruption, too: what is done is recorded
        files = tuple(sorted(done, key=lambda file: file.name))
        path = write_record(folder, source.asked_words(), files, now().isoformat(timespec="seconds"))
    return FetchResult(source.asked.product, source.service, files, source.notes, path)


def _log_in(source: Source) -> None:
    """Log in once before many files are asked for; a refusal is one message."""
    try:
        source.transport.prepare()
    except TransferError as trouble:
        kind = CredentialsError if trouble.login else FetchError
        raise kind(
            trouble.what, where=f"{source.asked.product} at {source.service}", fix=trouble.fix
        ) from None


class _Meter:
    """Adds up bytes from several threads."""

    def __init__(self, tasks: Sequence[Task], progress: Progress | None) -> None:
        self._total, self._done = sum(_expected(task) for task in tasks), 0
        self._progress, self._lock = progress, threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes that came, or were thrown away."""
        if self._progress is None or count == 0:
            return
        with self._lock:
            self._done += count
            self._progress("fetch", self._done, max(self._total, self._done))


def _expected(task: Task) -> int:
    return task.size or int(task.about.get("announced") or 0)
