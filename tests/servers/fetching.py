"""What all tests of fetching share: quick patience, a small HDF5 file, a search for secrets."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from yaotan.io.fetch import Patience

#: variables that would send requests past loopback, or bring in a login of the machine's user
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
LOGINS = (
    "EARTHDATA_TOKEN",
    "EARTHDATA_USERNAME",
    "EARTHDATA_PASSWORD",
    "SH_CLIENT_ID",
    "SH_CLIENT_SECRET",
    "SH_PROFILE",
    "YAOTAN_HTTP_TOKEN",
)

#: the failures that pass, and the words of those that last
LASTING = {
    "401": "401",
    "403": "403",
    "html": "web page",
    "json": "message came instead",
}
PASSING = {
    "429:0": "429",
    "500": "500",
    "503": "503",
    "stall": "",
    "cut:700": "",
    "chop:700": "",
    "open:700": "",
    "wrong": "",
}


def hdf5_bytes(seed: int, size: int = 4000) -> bytes:
    """A whole HDF5 file of about 4 * size bytes that differs by seed."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["xco2"] = np.random.default_rng(seed).normal(410, 1, size).astype("f4")
    return buffer.getvalue()


class Waits:
    """A sleep that only writes down what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, seconds: float) -> None:
        with self._lock:
            self.asked.append(seconds)


def quick(waits: Waits | None = None, *, trouble: str = "", **changes: float) -> Patience:
    """Wait shortly only for a server that is told to stall: a busy machine must not look like one."""
    stall = 0.25 if trouble == "stall" else 10.0
    options = {"attempts": 4, "connect": 10.0, "stall": stall, "first_wait": 1.0, **changes}
    return Patience(**options, sleep=waits or Waits())


def sha256_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def secret_free(folder: Path, texts: Iterable[str], secrets: Iterable[str]) -> None:
    """Assert that no secret stands in a text, a name of a file or a file's content."""
    for secret in secrets:
        for text in texts:
            assert secret not in text
        for path in folder.rglob("*"):
            assert secret not in path.name
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path
