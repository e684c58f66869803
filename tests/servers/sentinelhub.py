"""Sentinel Hub on loopback: OAuth token, Catalog, Process and Statistical, as its reference describes them.

https://documentation.dataspace.copernicus.eu/APIs/SentinelHub/ApiReference.html
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs

import numpy as np
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds

from servers.loopback import Answer, Loopback, Seen, json_answer

CLIENT, CLIENT_SECRET = "client-id", "cl1entSECRET"
CATALOG, PROCESS, STATISTICS = "/api/v1/catalog/1.0.0/search", "/api/v1/process", "/api/v1/statistics"
TOKEN_PATH = "/auth/token"


class SentinelHub:
    """One host for all; every token has its own number and holds `holds` seconds."""

    def __init__(self, days: list[str]) -> None:
        self.days, self.holds, self.tokens = days, 3600.0, 0
        self.server = Loopback()
        self.server.routes[TOKEN_PATH] = self._token
        self.server.routes[CATALOG] = self._logged_in(self._catalog)
        self.server.routes[PROCESS] = self._logged_in(self._process)
        self.server.routes[STATISTICS] = self._logged_in(self._statistics)

    @property
    def login_url(self) -> str:
        return self.server.url + TOKEN_PATH

    def close(self) -> None:
        self.server.close()

    def asked(self, path: str) -> list[dict]:
        return [json.loads(seen.body) for seen in self.server.requests(path)]

    def _token(self, seen: Seen) -> Answer:
        form = parse_qs(seen.body.decode())
        right = form.get("client_id") == [CLIENT] and form.get("client_secret") == [CLIENT_SECRET]
        if form.get("grant_type") != ["client_credentials"] or not right:
            return Answer(400, {}, b'{"error": "invalid_client"}')
        self.tokens += 1
        token = f"accessSECRET{self.tokens}"
        return json_answer({"access_token": token, "expires_in": self.holds, "token_type": "Bearer"})

    def _logged_in(self, route):
        def answer(seen: Seen) -> Answer:
            if not seen.headers.get("authorization", "").startswith("Bearer accessSECRET"):
                return Answer(401, {}, b'{"error": {"status": 401}}')
            return route(json.loads(seen.body))

        return answer

    def _catalog(self, asked: dict) -> Answer:
        start = asked.get("next", 0)
        scenes = [{"properties": {"datetime": f"{day}T05:10:00Z"}} for day in self.days[start : start + 2]]
        more = start + 2 < len(self.days)
        return json_answer({"features": scenes, "context": {"next": start + 2} if more else {}})

    def _process(self, asked: dict) -> Answer:
        width, height = asked["output"]["width"], asked["output"]["height"]
        form = re.search(r'output: \{bands: (\d+), sampleType: "(\w+)"\}', asked["evalscript"])
        kind = {"FLOAT32": "float32", "UINT8": "uint8"}[form[2]]
        values = np.full((int(form[1]), height, width), 1850.0 if kind == "float32" else 40, kind)
        place = from_bounds(*asked["input"]["bounds"]["bbox"], width, height)
        with MemoryFile() as memory:
            with memory.open(
                driver="GTiff",
                width=width,
                height=height,
                count=len(values),
                dtype=kind,
                crs="EPSG:4326",
                transform=place,
            ) as raster:
                raster.write(values)
            return Answer(200, {"Content-Type": "image/tiff"}, bytes(memory.getbuffer()))

    def _statistics(self, asked: dict) -> Answer:
        numbers = {
            "min": 1800.0,
            "max": 1900.0,
            "mean": 1850.0,
            "stDev": 9.0,
            "sampleCount": 100,
            "noDataCount": 4,
        }
        entry = {
            "interval": {"from": f"{self.days[0]}T00:00:00Z", "to": "2020-01-02T00:00:00Z"},
            "outputs": {"default": {"bands": {"B0": {"stats": numbers}}}},
        }
        return json_answer({"data": [entry], "status": "OK"})
