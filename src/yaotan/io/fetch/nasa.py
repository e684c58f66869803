"""NASA Earthdata: granules by the Common Metadata Repository (CMR), files by Earthdata Login."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from yaotan.catalog.archive import Collection, Service
from yaotan.io.fetch.check import algorithm
from yaotan.io.fetch.patience import Patience, TransferError
from yaotan.io.fetch.place import Asked
from yaotan.io.fetch.secret import Credentials, basic, origin, read_netrc
from yaotan.io.fetch.task import Task
from yaotan.io.fetch.transport import Request, Transport
from yaotan.optional import require

_ADVICE = (
    "set EARTHDATA_TOKEN, or EARTHDATA_USERNAME and EARTHDATA_PASSWORD, or an entry for the login host in "
    "~/.netrc (accounts: https://urs.earthdata.nasa.gov; a token ends after 60 days)"
)
_LICENCE = (
    "log in at https://urs.earthdata.nasa.gov, accept the licence (EULA) of this data set and authorise the "
    "application of its archive (for GES DISC: NASA GESDISC DATA ARCHIVE)"
)


def login(service: Service, patience: Patience, *, own_base: bool) -> Credentials:
    """Collect the credentials of Earthdata Login from the environment or ``~/.netrc``.

    Parameters
    ----------
    service : Service
        Addresses.
    patience : Patience
        For the request of a token, which is made when only user and password are known.
    own_base : bool
        The user named the base address, so its host may be given the token, and none may be needed.

    Returns
    -------
    Credentials
        Empty when there are none and none may be needed.

    Raises
    ------
    TransferError
        There are none, or the service refuses them.
    """
    host = urlsplit(service.login_url).hostname or ""
    token = os.environ.get("EARTHDATA_TOKEN", "")
    user, password = (os.environ.get(f"EARTHDATA_{name}", "") for name in ("USERNAME", "PASSWORD"))
    if not token and not (user and password):
        user, password = read_netrc(host) or ("", "")
    pair = basic(user, password) if user and password else ""
    frame = Credentials(
        advice=_ADVICE, licence=_LICENCE, login_origin=origin(service.login_url), login_value=pair
    )
    if not token and pair:
        token = _find_token(service, Transport(frame, patience))
    if not token:
        if own_base:
            return Credentials(advice=_ADVICE, licence=_LICENCE)
        raise TransferError("no Earthdata login was found", fix=_ADVICE, lasting=True, login=True)
    bearer = f"Bearer {token}"
    return replace(
        frame,
        value=bearer,
        origins=frozenset({origin(service.base_url)} if own_base else ()),
        domain=service.domain,
        login_value=pair or bearer,
    )


def _find_token(service: Service, transport: Transport) -> str:
    url = f"{service.login_url.rstrip('/')}/api/users/find_or_create_token"
    body, _ = transport.ask(Request(url, "POST", {"Accept": "application/json"}, b""))
    try:
        return str(json.loads(body)["access_token"])
    except (ValueError, KeyError, TypeError):
        raise TransferError(
            "the login service gave no token", fix=_ADVICE, lasting=True, login=True
        ) from None


class _Answer:
    """What earthaccess wants to know of an answer."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.headers = headers
        try:
            self._content = json.loads(body)
        except ValueError:
            what = "a web page" if body.lstrip()[:1] == b"<" else "something else"
            raise TransferError(
                f"the search sent {what} instead of JSON", fix="check the base address", lasting=True
            ) from None
        if not isinstance(self._content, dict) or not isinstance(self._content.get("items"), list):
            raise TransferError(
                "the search sent no list of granules", fix="check the base address", lasting=True
            )

    def raise_for_status(self) -> None:
        """Nothing to do: the transport refuses bad answers."""

    def json(self) -> Any:
        return self._content


class _Session:
    """The part of a session that earthaccess searches with, over our own transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, url: str, *, headers: Mapping[str, str] | None, params: Mapping[str, Any]) -> _Answer:
        joint = "&" if "?" in url else "?"
        body, fields = self._transport.ask(Request(f"{url}{joint}{urlencode(params)}", headers=headers or {}))
        return _Answer(body, fields)


def search(
    asked: Asked, collections: tuple[Collection, ...], service: Service, patience: Patience
) -> list[Task]:
    """Find the granules of a period and region; needs no account.

    Parameters
    ----------
    asked : Asked
        Period and region.
    collections : tuple of Collection
        Those that the product is made of.
    service : Service
        Addresses.
    patience : Patience
        Time limits and waits.

    Returns
    -------
    list of Task
        One per granule.

    Raises
    ------
    TransferError
        The search fails.
    """
    data_granules = require("earthaccess").search.DataGranules
    session = _Session(Transport(Credentials(), patience))
    base = service.base_url.rstrip("/") + "/"
    tasks: dict[str, Task] = {}
    for collection in collections:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of the library's own next version
            query = data_granules()
            query.session = session
            query.mode(base).short_name(collection.short_name).version(collection.version)
            query.temporal(asked.iso(asked.start), asked.iso_last(asked.end))
            if asked.box is not None:
                query.bounding_box(*asked.box)
            for granule in query.get(10_000_000):
                task = _read_granule(granule, collection)
                if task is not None:
                    tasks.setdefault(task.name, task)
    return list(tasks.values())


def _read_granule(granule: Mapping[str, Any], collection: Collection) -> Task | None:
    umm = granule["umm"]
    links = [
        link["URL"]
        for link in umm.get("RelatedUrls", ())
        if link.get("Type") == "GET DATA" and link["URL"].startswith(("https://", "http://"))
    ]
    if not links:
        return None
    url = next((link for link in links if link.startswith("https://")), links[0])
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    facts = umm.get("DataGranule", {}).get("ArchiveAndDistributionInformation", [])
    fact = next((item for item in facts if item.get("Name") == name), facts[0] if len(facts) == 1 else {})
    size = fact.get("SizeInBytes")
    written = fact.get("Checksum", {})
    kind = algorithm(written.get("Algorithm", ""))
    about = {"collection": collection.short_name, "version": collection.version}
    if collection.doi:
        about["doi"] = collection.doi
    return Task(
        name=name,
        request=Request(url),
        size=int(size) if size else None,
        checksum=f"{kind}:{written['Value'].lower()}" if kind and written.get("Value") else None,
        about=about,
    )
