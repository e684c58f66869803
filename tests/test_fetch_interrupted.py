"""A fetch that is killed or interrupted ends with the right file or none, whichever service it asks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import yaotan
from servers.earthdata import TOKEN, Earthdata
from servers.fetching import LOGINS, PROXIES, hdf5_bytes, quick, sha256_of
from servers.loopback import Loopback, wait_for
from servers.sentinelhub import CLIENT, CLIENT_SECRET, PROCESS, STATISTICS, SentinelHub

NAME = "oco2_LtCO2_190101_B11_1.nc4"
BODY = hdf5_bytes(1)
DAY = "2019-01-01"

_CHILD = """
import json, sys, yaotan
yaotan.fetch(target=sys.argv[1], **json.loads(sys.argv[2]))
"""


@contextmanager
def play(service: str) -> Iterator[tuple[Loopback, str, dict[str, Any]]]:
    """Give the server that the file comes from, its path there, and what `yaotan.fetch` is told."""
    asked: dict[str, Any] = {"product": "oco2_lite", "period": [DAY, DAY]}
    if service == "http":
        plain = Loopback()
        plain.files = {f"/{NAME}": BODY, "/registry.txt": f"{NAME} sha256:{sha256_of(BODY)}".encode()}
        yield plain, f"/{NAME}", {**asked, "service": "http", "base_url": plain.url}
        plain.close()
    elif service == "nasa":
        pytest.importorskip("earthaccess")
        earthdata = Earthdata({NAME: BODY})
        addresses = {"base_url": earthdata.base_url, "login_url": earthdata.urs.url}
        yield earthdata.store, f"/store/{NAME}", {**asked, **addresses}
        earthdata.close()
    else:
        pytest.importorskip("sentinelhub")
        hub = SentinelHub([DAY])
        asked |= {"product": "tropomi_ch4", "service": "copernicus", "region": [110, 35, 111, 36]}
        addresses = {"base_url": hub.server.url, "login_url": hub.login_url, "form": service}
        yield hub.server, PROCESS if service == "raster" else STATISTICS, {**asked, **addresses}
        hub.server.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in (*PROXIES, *LOGINS, "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("EARTHDATA_TOKEN", TOKEN)
    monkeypatch.setenv("SH_CLIENT_ID", CLIENT)
    monkeypatch.setenv("SH_CLIENT_SECRET", CLIENT_SECRET)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("service", ["http", "nasa", "raster", "table"])
def test_the_right_file_or_none_and_the_next_run_goes_on(service, number, tmp_path):
    target = tmp_path / "got"
    with play(service) as (server, path, asked):
        server.trouble[path] = ["drip:20"]
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(target), json.dumps(asked)], stderr=subprocess.PIPE
        )
        try:
            # half of the file has been sent; a short answer may still lie in the child's buffers
            wait_for(lambda: bool(server.requests(path)) and any(target.glob(".*.part")), 30)
            if service in ("http", "nasa"):
                wait_for(lambda: any(part.stat().st_size > 1000 for part in target.glob(".*.part")), 30)
            os.kill(child.pid, number)
            child.communicate(timeout=10)  # much less than the connection is silent
        finally:
            child.kill()
        assert child.returncode != 0
        assert not [item for item in target.iterdir() if not item.name.startswith((".", "fetch.json"))]
        (file,) = yaotan.fetch(target=target, patience=quick(), **asked).files
        assert file.status == "fetched"
        assert {item.name for item in target.iterdir()} == {file.name, "fetch.json"}
        assert sha256_of(file.path.read_bytes()) == file.sha256
        if service in ("http", "nasa"):
            assert file.path.read_bytes() == BODY
            assert server.requests(path)[-1].status == 206  # gone on with in the middle
        else:
            (again,) = yaotan.fetch(target=target, patience=quick(), **asked).files
            assert again.status == "already good"
