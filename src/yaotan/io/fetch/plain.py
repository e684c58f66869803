"""Plain HTTP(S) addresses and local mirrors, listed with checksums in a registry in pooch's format."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from yaotan.io.fetch.check import algorithm
from yaotan.io.fetch.patience import TransferError
from yaotan.io.fetch.place import Asked
from yaotan.io.fetch.secret import Credentials, basic, hide, origin, read_netrc, split_login
from yaotan.io.fetch.task import Task
from yaotan.io.fetch.transport import Request, Transport

_DAY: Final = r"(?<!\d)(?P<y>(?:19|20)\d{2})[-_]?(?P<m>0[1-9]|1[0-2])[-_]?(?P<d>0[1-9]|[12]\d|3[01])(?!\d)"
_ADVICE = (
    "set YAOTAN_HTTP_TOKEN, or give the host an entry in ~/.netrc, or check user and password of the address"
)


def local_folder(base: str) -> Path | None:
    """Give the folder of a base address that is a path or ``file://``, else None."""
    parts = urlsplit(base)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme in ("http", "https") else Path(base)


def login(base: str) -> tuple[str, Credentials]:
    """Give the address without its login, and the credentials for its host.

    The login of the address wins over ``YAOTAN_HTTP_TOKEN``, that over ``~/.netrc``.
    """
    bare, value = split_login(base)
    if local_folder(base) is not None:
        return base, Credentials()
    if value is None and os.environ.get("YAOTAN_HTTP_TOKEN"):
        value = f"Bearer {os.environ['YAOTAN_HTTP_TOKEN']}"
    if value is None:
        pair = read_netrc(urlsplit(bare).hostname or "")
        value = basic(*pair) if pair else ""
    return bare, Credentials(value=value, origins=frozenset({origin(bare)}), advice=_ADVICE)


def join(base: str, name: str) -> str:
    """Append a name to the path of an address; its query stays.

    Examples
    --------
    >>> join("https://host.org/data?key=1", "2019/a b.nc")
    'https://host.org/data/2019/a%20b.nc?key=1'
    """
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(name)}"))


def read_registry(base: str, registry: str, transport: Transport) -> dict[str, tuple[str, str | None]]:
    """Read a registry: name -> (checksum, address of its own or None).

    Parameters
    ----------
    base : str
        Base address or folder.
    registry : str
        Path or address; a bare name that is no file here is looked up at the base.
    transport : Transport
        For addresses.

    Raises
    ------
    TransferError
        It cannot be read, or a line is wrong.
    """
    import pooch

    where = registry
    folder = local_folder(base)
    if urlsplit(registry).scheme not in ("http", "https", "file") and not Path(registry).is_file():
        where = str(folder / registry) if folder is not None else join(base, registry)
    path = local_folder(where)
    shown = str(path) if path is not None else hide(where)
    if path is not None:
        try:
            text = path.read_bytes()
        except OSError as error:
            raise TransferError(
                f"the registry {shown} cannot be read ({error.strerror})",
                fix="name the list of files and checksums by registry",
                lasting=True,
            ) from None
    else:
        text, _ = transport.ask(Request(where))
    if text.lstrip()[:1] in (b"<", b"{"):
        raise TransferError(f"the registry {shown} is a web page or a message", fix="check it", lasting=True)
    reading = pooch.create(path=os.devnull, base_url="", registry=None)
    try:
        reading.load_registry(io.StringIO(text.decode("utf-8")))
    except (OSError, ValueError):
        raise TransferError(
            f"a line of the registry {shown} is wrong",
            fix="write lines of the form: name algorithm:hex [address]",
            lasting=True,
        ) from None
    entries = {}
    for name, checksum in reading.registry.items():
        kind, _, digits = checksum.rpartition(":")
        known = algorithm(kind or "sha256")
        if known is None or re.fullmatch(r"[0-9a-fA-F]{32,128}", digits) is None:
            raise TransferError(
                f"the registry {shown} gives {name} no checksum that can be used",
                fix="write algorithm:hex with md5, sha1, sha256 or sha512",
                lasting=True,
            )
        entries[name] = (f"{known}:{digits.lower()}", reading.urls.get(name))
    return entries


def day_of(name: str, pattern: str | None) -> dt.date | None:
    r"""Find the day in the name of a file.

    Examples
    --------
    >>> day_of("S5P_OFFL_L2__CH4____20190102T031200.nc", None)
    datetime.date(2019, 1, 2)
    >>> day_of("climatology.nc", None)
    >>> day_of("oco2_LtCO2_190102_B1.nc4", r"_(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})_")
    datetime.date(2019, 1, 2)
    """
    for candidate in (pattern, _DAY):
        found = re.search(candidate, name) if candidate else None
        if found:
            year, month, day = (int(found[key]) for key in ("y", "m", "d"))
            try:
                return dt.date(year + 2000 if year < 100 else year, month, day)
            except ValueError:
                continue
    return None


def search(
    asked: Asked, base: str, registry: str, transport: Transport, pattern: str | None
) -> tuple[list[Task], list[str]]:
    """List the files of the registry that fall into the period by the day in their names.

    Returns
    -------
    tasks : list of Task
        Names without a day are among them: nothing says that they lie outside.
    notes : list of str
        How many were taken without a day, or left out.
    """
    tasks, undated, outside = [], 0, 0
    folder = local_folder(base)
    for name, (checksum, own) in read_registry(base, registry, transport).items():
        day = day_of(PurePosixPath(name).name, pattern)
        if day is None:
            undated += 1
        elif not asked.holds(day):
            outside += 1
            continue
        about = {} if day is None else {"day": str(day)}
        short = PurePosixPath(name).name
        own = split_login(own)[0] if own else None  # a login belongs to the base address alone
        path = local_folder(own) if own else (folder / name if folder is not None else None)
        if path is not None:
            size = path.stat().st_size if path.is_file() else None
            tasks.append(Task(short, local=path, size=size, checksum=checksum, about=about))
        else:
            tasks.append(Task(short, Request(own or join(base, name)), checksum=checksum, about=about))
    notes = [f"{undated} files have no day in their name and were taken"] if undated else []
    notes += [f"{outside} files lie outside the period"] if outside else []
    if asked.box is not None:
        notes.append("a list of files knows no regions: files were not chosen by region")
    return tasks, notes
