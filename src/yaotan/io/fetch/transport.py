"""Sends requests: redirects followed by hand so that credentials stay home, each failure said in words."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from yaotan.io.fetch.patience import Patience, TransferError, read_retry_after
from yaotan.io.fetch.secret import Credentials, discreet, hide, origin

_REDIRECT: Final = frozenset({301, 302, 303, 307, 308})
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_HOPS: Final = 12


@dataclass(frozen=True)
class Request:
    """What is asked: address, method, fields and body (never with credentials)."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)


#: gives credentials and the seconds for which they hold
Renewal = Callable[[], tuple[Credentials, float]]


class Transport:
    """HTTP for one service: its credentials, waits and sessions (one per thread).

    Parameters
    ----------
    credentials : Credentials
        What is sent to whom.
    patience : Patience
        Time limits and waits.
    renew : callable, optional
        Gives new credentials and the seconds for which they hold; asked when they are about to end.
    limit_unit : float
        Seconds that 1 means in ``Retry-After`` of an answer 429. HTTP counts seconds; Sentinel Hub counts
        milliseconds there (docs.sentinel-hub.com/api/latest/api/overview/rate-limiting, and so does its
        own client).
    """

    def __init__(
        self,
        credentials: Credentials,
        patience: Patience,
        *,
        renew: Renewal | None = None,
        limit_unit: float = 1.0,
    ) -> None:
        self.credentials, self.patience = credentials, patience
        self._limit_unit = limit_unit
        self.stop = threading.Event()
        self._local = threading.local()
        self._renew, self._until, self._lock = renew, 0.0, threading.Lock()

    def rest(self, seconds: float) -> None:
        """Wait; an interruption of the whole fetch ends it."""
        if self.patience.sleep is not None:
            self.patience.sleep(seconds)
        else:
            self.stop.wait(seconds)
        self.check_stop()

    def check_stop(self) -> None:
        """Raise when the whole fetch was interrupted."""
        if self.stop.is_set():
            raise TransferError(
                "interrupted", fix="run the same command again; it goes on from here", lasting=True
            )

    @contextmanager
    def open(self, request: Request) -> Iterator[Any]:
        """Give the open answer (`requests.Response`, status 2xx or 416, body unread).

        Raises
        ------
        TransferError
            No connection, too slow, or the service refuses.
        """
        with discreet():
            self._refresh()
            response = self._follow(request)
            try:
                yield response
            finally:
                response.close()

    def ask(self, request: Request) -> tuple[bytes, Mapping[str, str]]:
        """Give a whole small answer and its fields, tried again as `patience` allows.

        Raises
        ------
        TransferError
            The last failure.
        """
        failures = 0
        while True:
            self.check_stop()
            try:
                with self.open(request) as response:
                    body = b"".join(pieces(response))
                    check_length(response, len(body))
                    return body, response.headers
            except TransferError as trouble:
                failures += 1
                if trouble.lasting or failures >= self.patience.attempts:
                    raise
                self.rest(self.patience.pause(failures, trouble.wait))

    def prepare(self) -> None:
        """Log in, where that is needed.

        Raises
        ------
        TransferError
            A login is missing, or refused.
        """
        with discreet():
            self._refresh()

    def _refresh(self) -> None:
        if self._renew is None:
            return
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self.credentials, holds = self._renew()
                except TransferError as trouble:
                    trouble.lasting = True  # it was tried again there already
                    raise
                # renewed early, but not at once again when a service gives very short ones
                self._until = time.monotonic() + max(holds - 60.0, holds / 2)

    def _session(self) -> Any:
        import requests

        session = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            # keeps requests from taking a login out of ~/.netrc for hosts that we did not choose
            session.auth = _leave
            session.headers["User-Agent"] = "yaotan"
            self._local.session = session
        return session

    def _follow(self, request: Request) -> Any:
        import requests

        url, method, body = request.url, request.method, request.body
        for _ in range(_MOST_HOPS):
            headers = {"Accept-Encoding": "identity", **request.headers}
            value = self.credentials.for_hop(url, request.url)
            if value is not None:
                headers["Authorization"] = value
            limits = (self.patience.connect, self.patience.stall)
            try:
                response = self._session().request(
                    method,
                    url,
                    headers=headers,
                    data=body,
                    timeout=limits,
                    stream=True,
                    allow_redirects=False,
                )
            except (requests.RequestException, ValueError) as error:
                raise _connection_error(error, url) from None
            if response.status_code not in _REDIRECT or "location" not in response.headers:
                return self._accept(response, url)
            target = urljoin(url, response.headers["location"])
            response.close()
            if url.startswith("https:") and not target.startswith("https:"):
                raise TransferError(f"{hide(url)} leads to an address without encryption", lasting=True)
            if response.status_code == 303 or (response.status_code in (301, 302) and method == "POST"):
                method, body = "GET", None
            elif body is not None and origin(target) != origin(url):
                raise TransferError(f"{hide(url)} wants the request sent to another host", lasting=True)
            url = target
        raise TransferError(
            f"{hide(request.url)} leads in a circle", fix=self.credentials.advice, lasting=True
        )

    def _accept(self, response: Any, url: str) -> Any:
        status = response.status_code
        if 200 <= status < 300 or status == 416:
            return response
        unit = self._limit_unit if status == 429 else 1.0
        wait = read_retry_after(response.headers.get("retry-after"), unit=unit)
        response.close()
        host = urlsplit(url).hostname
        if status == 401:
            raise TransferError(
                f"{host} refuses the login (401)", fix=self.credentials.advice, lasting=True, login=True
            )
        if status == 403:
            raise TransferError(
                f"{host} does not let this account read it (403)", fix=self.credentials.licence, lasting=True
            )
        if status in (404, 410):
            raise TransferError(f"{hide(url)} is not there ({status})", lasting=True)
        if status == 429:
            raise TransferError(
                f"{host} says too many requests (429)",
                fix="lower parallel, or run the same command later",
                wait=wait,
            )
        if status in _PASSING:
            raise TransferError(f"{host} fails ({status})", fix="run the same command later", wait=wait)
        raise TransferError(f"{host} answers {status} for {hide(url)}", fix="check the request", lasting=True)


def _leave(request: Any) -> Any:
    return request


def pieces(response: Any, size: int = 1 << 16) -> Iterator[bytes]:
    """Give the body piece by piece as it comes.

    Raises
    ------
    TransferError
        The connection stalls or ends early.
    """
    import urllib3

    total = 0
    try:
        while True:
            piece = response.raw.read1(size, decode_content=True)
            if not piece:
                return
            total += len(piece)
            yield piece
    except urllib3.exceptions.ReadTimeoutError:
        raise TransferError(f"the connection stalled after {total} bytes", fix="run it again") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise TransferError(f"the connection broke after {total} bytes", fix="run it again") from None


def content_length(response: Any) -> int | None:
    """Give the announced length of the body, when it can be compared with what comes."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return None
    text = response.headers.get("content-length", "")
    return int(text) if text.isdigit() else None


def check_length(response: Any, received: int) -> None:
    """Refuse a body that is shorter or longer than announced."""
    length = content_length(response)
    if length is not None and received != length:
        raise TransferError(f"{received} of {length} bytes came", fix="run it again")


def _connection_error(error: Exception, url: str) -> TransferError:
    """Say why there is no connection, without the text of the error: it holds the whole address."""
    import requests

    host = origin(url)
    text = str(error)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, socket.gaierror):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, socket.gaierror) or re.search(r"NameResolution|name or service|getaddrinfo", text):
        return TransferError(
            f"the host of {host} cannot be found",
            fix="check the network, a proxy (HTTPS_PROXY) and the address of the service",
            lasting=True,
        )
    if isinstance(error, requests.exceptions.SSLError):
        return TransferError(
            f"the certificate of {host} is not accepted",
            fix="check the date of this computer, or name your proxy's certificate in REQUESTS_CA_BUNDLE",
            lasting=True,
        )
    if isinstance(error, requests.exceptions.ReadTimeout):
        return TransferError(f"{host} gives no answer in time", fix="run the same command later")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return TransferError(
            f"no connection to {host} in time", fix="check the network and a proxy (HTTPS_PROXY)"
        )
    if isinstance(error, requests.exceptions.ConnectionError):
        refused = "refused" in text
        return TransferError(
            f"{host} refuses the connection" if refused else f"the connection to {host} broke",
            fix="check the network, a proxy (HTTPS_PROXY) and the address of the service",
        )
    return TransferError(
        f"{hide(url)} cannot be asked ({type(error).__name__})", fix="check it", lasting=True
    )
