"""Keeps credentials out of messages, records and logs."""

from __future__ import annotations

import base64
import logging
import netrc
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

#: loggers of the libraries below us that write addresses
_TALKERS: Final = ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.connection", "requests")

_here = threading.local()


def hide(url: str) -> str:
    """Give an address without user, password, values of its query, and fragment.

    Parameters
    ----------
    url : str
        Any address.

    Returns
    -------
    str
        The same, fit for messages and records. All values of the query go, since the name of a parameter
        does not tell whether its value is a secret.

    Examples
    --------
    >>> hide("https://me:word@host.org/a.nc?token=abc&day=3")
    'https://host.org/a.nc?token=***&day=***'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    query = "&".join(f"{name}=***" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    if parts.query and not query:
        query = "***"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def origin(url: str) -> str:
    """Give scheme, host and port of an address: what a credential belongs to.

    Examples
    --------
    >>> origin("HTTPS://Host.org/a?b=1")
    'https://host.org:443'
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or {"https": 443, "http": 80}.get(scheme, 0)
    return f"{scheme}://{(parts.hostname or '').lower()}:{port}"


def basic(user: str, password: str) -> str:
    """Give the value of an ``Authorization`` field for a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def split_login(url: str) -> tuple[str, str | None]:
    """Take user and password out of an address: the bare address, and the field's value or None."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, None
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(netloc=host)), basic(unquote(user), unquote(password))


def read_netrc(host: str) -> tuple[str, str] | None:
    """Give user and password of a host from the file named by ``NETRC``, else ``~/.netrc``, or None."""
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        found = netrc.netrc(str(path)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found and found[0] else None


@dataclass(frozen=True)
class Credentials:
    """What is sent to whom.

    Parameters
    ----------
    value : str
        ``Authorization`` field for the service's own hosts.
    origins : frozenset of str
        Those hosts (see `origin`).
    domain : str
        Hosts at or below it belong to them too, over HTTPS only.
    login_origin, login_value : str
        Where one is sent to log in on the way to a file, and the field's value there.
    advice, licence : str
        What to do when the service answers 401, and 403.
    """

    value: str = field(default="", repr=False)
    origins: frozenset[str] = frozenset()
    domain: str = ""
    login_origin: str = ""
    login_value: str = field(default="", repr=False)
    advice: str = "check user name and password of this address"
    licence: str = "ask the owner of the archive for access"

    def for_hop(self, url: str, asked: str) -> str | None:
        """Give the field's value for one hop of a chain of redirects that began at `asked`, or None."""
        here = origin(url)
        if self.login_origin and here == self.login_origin:
            return self.login_value or None
        if not self.value or here != origin(asked):
            return None
        host = urlsplit(url).hostname or ""
        below = bool(self.domain) and here.startswith("https:") and f".{host}".endswith(f".{self.domain}")
        return self.value if below or here in self.origins else None


class _HideQueries(logging.Filter):
    """Takes queries out of what libraries log while this thread talks to a service."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(_here, "depth", 0):
            text = record.getMessage()
            text = re.sub(r"\?[^\s\"']*", "?***", text)
            record.msg, record.args = re.sub(r"//[^/\s@]*@", "//", text), ()
        return True


_filter = _HideQueries()


@contextmanager
def discreet() -> Iterator[None]:
    """Keep queries and logins out of the logs of the HTTP libraries, for this thread and this block."""
    for name in _TALKERS:
        logging.getLogger(name).addFilter(_filter)  # a filter that is there is not added again
    _here.depth = getattr(_here, "depth", 0) + 1
    try:
        yield
    finally:
        _here.depth -= 1
