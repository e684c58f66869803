"""Earthdata on loopback: search, login host and data host, as their documents describe them.

Search: https://cmr.earthdata.nasa.gov/search/site/docs/search/api.html (umm_json, CMR-Search-After).
Login: https://urs.earthdata.nasa.gov/documentation (authorisation code flow, tokens).
"""

from __future__ import annotations

from servers.fetching import sha256_of
from servers.loopback import Answer, Loopback, Seen, json_answer

TOKEN = "t0kenSECRETofEarthdata"
USER, PASSWORD = "me", "passw0rdSECRET"


class Earthdata:
    """Search and data on one host, login on a second, storage on a third."""

    def __init__(self, bodies: dict[str, bytes], *, page: int = 2) -> None:
        self.bodies, self.page = dict(bodies), page
        self.sizes = self.checksums = True
        self.main, self.urs, self.store = Loopback(), Loopback(), Loopback()
        self.accepts_bearer = True
        self.main.routes["/search/granules.umm_json"] = self._search
        self.urs.routes["/api/users/find_or_create_token"] = self._token
        self.urs.routes["/oauth/authorize"] = self._authorize
        self.main.routes["/login"] = self._come_back
        for name, body in bodies.items():
            self.main.routes[f"/data/{name}"] = self._data
            self.store.files[f"/store/{name}"] = body

    @property
    def base_url(self) -> str:
        return f"{self.main.url}/search/"

    def close(self) -> None:
        for server in (self.main, self.urs, self.store):
            server.close()

    def _granule(self, name: str) -> dict:
        fact: dict = {"Name": name}
        if self.sizes:
            fact["SizeInBytes"] = len(self.bodies[name])
        if self.checksums:
            fact["Checksum"] = {"Value": sha256_of(self.bodies[name]), "Algorithm": "SHA-256"}
        return {
            "meta": {"concept-id": f"G{abs(hash(name))}-GES_DISC"},
            "umm": {
                "GranuleUR": name,
                "RelatedUrls": [
                    {"URL": f"s3://bucket/{name}", "Type": "GET DATA VIA DIRECT ACCESS"},
                    {"URL": f"{self.main.url}/data/{name}", "Type": "GET DATA"},
                    {"URL": f"{self.main.url}/opendap/{name}", "Type": "USE SERVICE API"},
                ],
                "DataGranule": {"ArchiveAndDistributionInformation": [fact]},
            },
        }

    def _search(self, seen: Seen) -> Answer:
        names = sorted(self.bodies)
        start = int(seen.headers.get("cmr-search-after", "0"))
        some = names[start : start + self.page]
        headers = {"CMR-Hits": str(len(names))}
        if some:
            headers["CMR-Search-After"] = str(start + self.page)
        return json_answer({"hits": len(names), "items": [self._granule(name) for name in some]}, **headers)

    def _token(self, seen: Seen) -> Answer:
        if not seen.headers.get("authorization", "").startswith("Basic "):
            return Answer(401)
        return json_answer({"access_token": TOKEN, "token_type": "Bearer", "expiration_date": "10/10/2030"})

    def _data(self, seen: Seen) -> Answer:
        known = self.accepts_bearer and seen.headers.get("authorization") == f"Bearer {TOKEN}"
        if not known and "session=yes" not in seen.headers.get("cookie", ""):
            state = seen.path.rpartition("/")[2]
            return Answer(302, {"Location": f"{self.urs.url}/oauth/authorize?client_id=x&state={state}"})
        name = seen.path.rpartition("/")[2]
        return Answer(303, {"Location": f"{self.store.url}/store/{name}?X-Amz-Signature=SIGNATUREsecret"})

    def _authorize(self, seen: Seen) -> Answer:
        if "authorization" not in seen.headers:
            return Answer(401)
        where = f"{self.main.url}/login?code=CODEsecret&state={seen.query['state'][0]}"
        return Answer(302, {"Location": where})

    def _come_back(self, seen: Seen) -> Answer:
        headers = {"Location": f"/data/{seen.query['state'][0]}", "Set-Cookie": "session=yes; Path=/"}
        return Answer(302, headers)
