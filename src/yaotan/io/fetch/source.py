"""Chooses the service for a product and puts its parts together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from yaotan.catalog.archive import Archive, Service, archives
from yaotan.errors import CatalogError, FetchError
from yaotan.io.fetch import copernicus, hub, nasa, plain
from yaotan.io.fetch.patience import Patience
from yaotan.io.fetch.place import Asked, read_asked
from yaotan.io.fetch.secret import Credentials, hide
from yaotan.io.fetch.task import Task
from yaotan.io.fetch.transport import Transport

_FORMS = {"nasa": ("file",), "copernicus": ("raster", "table"), "http": ("file",)}


@dataclass
class Source:
    """One service, asked for one product."""

    service: str
    form: str
    asked: Asked
    base_url: str
    find: Callable[[Source], list[Task]]
    transport: Transport
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def search(self) -> list[Task]:
        """Find the files; fills `notes`."""
        return self.find(self)

    def asked_words(self) -> dict[str, Any]:
        """Say what was asked, without secrets, for the record."""
        words: dict[str, Any] = {
            "product": self.asked.product,
            "service": self.service,
            "form": self.form,
            "address": hide(self.base_url),
            "start": self.asked.iso(self.asked.start),
            "end": self.asked.iso_last(self.asked.end),
            "box": list(self.asked.box) if self.asked.box else None,
        }
        return words | dict(self.extra)


def find_source(
    product: str,
    *,
    period: Any,
    region: Any,
    service: str | None,
    form: str | None,
    version: str | None,
    resolution: float | None,
    base_url: str | None,
    login_url: str | None,
    registry: str | None,
    patience: Patience,
) -> Source:
    """Choose the service and read the request; parameters as in `yaotan.fetch`.

    Raises
    ------
    CatalogError, FetchError, RegionError
        The product, service, form, period or region cannot be asked for.
    """
    archive = archives().products.get(product)
    name = _choose(product, archive, service, base_url, registry)
    offered = _FORMS[name]
    if form is not None and form not in offered:
        raise FetchError(
            f"{form!r} is not what {name} offers", where="form", expected=f"one of {', '.join(offered)}"
        )
    if resolution is not None and not 0 < resolution <= 10:
        raise FetchError(f"{resolution:g} is impossible", where="resolution", expected="above 0, at most 10")
    asked = read_asked(product, period, region, archive.begins if archive else None)
    if name == "http":
        return _http(asked, archive, base_url, registry, patience)
    listed = archives().services[name]
    own = archive.copernicus if archive and name == "copernicus" else None
    place = listed.model_copy(
        update={
            "base_url": base_url or (own and own.base_url) or listed.base_url,
            "login_url": login_url or (own and own.login_url) or listed.login_url,
        }
    )
    for word, url in (("base_url", place.base_url), ("login_url", place.login_url)):
        if not url.startswith(("https://", "http://")):
            raise FetchError(f"{hide(url)!r} is no address", where=word, expected="https://...")
    if name == "nasa":
        return _nasa(asked, archive, place, version, patience, own_base=base_url is not None)
    return _copernicus(asked, archive, place, form or offered[0], resolution, patience)


def _choose(
    product: str, archive: Archive | None, service: str | None, base_url: str | None, registry: str | None
) -> str:
    if service is not None and service not in _FORMS:
        raise FetchError(f"{service!r} is unknown", where="service", expected=f"one of {', '.join(_FORMS)}")
    if service == "http" or (service is None and registry is not None):
        if base_url is None and not (archive and archive.http):
            raise FetchError(
                f"no plain address of {product} is known",
                where="base_url",
                expected="an address, a folder or file://",
                fix="give base_url (--base-url)",
            )
        return "http"
    if archive is None:
        known = ", ".join(sorted(archives().products))
        raise CatalogError(
            f"no service is known for product {product!r}",
            where="catalogs/archives.yaml",
            expected=f"one of {known}",
            fix="choose one of them, or fetch from a plain address with service=http and base_url",
        )
    holders = archive.services()
    if service is None:
        return holders[0]
    if service not in holders:
        raise FetchError(
            f"{service} does not hold {product}", where="service", expected=f"one of {', '.join(holders)}"
        )
    return service


def _nasa(
    asked: Asked, archive: Any, place: Service, version: str | None, patience: Patience, *, own_base: bool
) -> Source:
    collections = archive.nasa.collections
    if version is not None:
        collections = tuple(
            item.model_copy(update={"version": version, "doi": ""}) if item.version != version else item
            for item in collections
        )

    def renew() -> tuple[Credentials, float]:
        # asked for when the first file is: a search needs no account
        return nasa.login(place, patience, own_base=own_base), float("inf")

    def find(source: Source) -> list[Task]:
        del source
        return nasa.search(asked, collections, place, patience)

    extra = {"collections": [f"{item.short_name} {item.version}" for item in collections]}
    transport = Transport(Credentials(), patience, renew=renew)
    return Source("nasa", "file", asked, place.base_url, find, transport, extra)


def _copernicus(
    asked: Asked, archive: Any, place: Service, form: str, resolution: float | None, patience: Patience
) -> Source:
    holding = archive.copernicus
    config = hub.read_config(place.base_url, place.login_url)
    cell = resolution or holding.resolution
    transport = Transport(Credentials(), patience, renew=hub.renewal(config, patience), limit_unit=0.001)

    def find(source: Source) -> list[Task]:
        del source
        days = copernicus.find_days(asked, holding, config, transport)
        if not days:
            return []
        if form == "table":
            return copernicus.table_tasks(asked, holding, config, cell)
        return copernicus.raster_tasks(asked, holding, config, days, cell)

    extra = {"collection": holding.collection, "bands": list(holding.bands), "resolution": cell}
    return Source("copernicus", form, asked, place.base_url, find, transport, extra)


def _http(
    asked: Asked, archive: Archive | None, base_url: str | None, registry: str | None, patience: Patience
) -> Source:
    holding = archive.http if archive else None
    base = base_url or (holding.base_url if holding else "")
    listing = registry or (holding.registry if holding and base_url is None else "registry.txt")
    bare, credentials = plain.login(base)
    transport = Transport(credentials, patience)
    pattern = archive.name_date if archive else None

    def find(source: Source) -> list[Task]:
        tasks, notes = plain.search(asked, bare, listing, transport, pattern)
        source.notes = tuple(notes)
        return tasks

    return Source("http", "file", asked, bare, find, transport, {"registry": hide(listing)})
