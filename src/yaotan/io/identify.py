"""Which product a file is, told by what is in it; its name only helps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from yaotan.catalog.product import Product, find_product, load_products
from yaotan.errors import NotAGranuleError
from yaotan.io.assemble import build_granule, fact_holds
from yaotan.io.container import MEMBER, Container, open_container
from yaotan.io.granule import Granule
from yaotan.io.package import is_package
from yaotan.io.paths import find_files
from yaotan.io.teaching import AliasFile, load_aliases
from yaotan.io.trust import warn_unchecked
from yaotan.io.variable import units_of
from yaotan.schema import MODE, QUALITY
from yaotan.typing import PathLike

Aliases = PathLike | Mapping[str, Any] | None


@dataclass(frozen=True)
class ProductMatch:
    """What a file is and holds; counts and extent are read when first asked for.

    Parameters
    ----------
    product, version, path : str
        Name in the catalog, version (empty when the file does not say), file.
    granule : Granule
        The reader behind it.
    """

    product: str
    version: str
    path: str
    granule: Granule

    @property
    def title(self) -> dict[str, str]:
        """Name of the product by language."""
        return dict(self.granule.product.title)

    @property
    def count(self) -> int:
        """Number of soundings in the file, good or not."""
        return self.granule.count

    @property
    def matched(self) -> dict[str, str]:
        """Dataset that each variable is read from."""
        return {name: str(source) for name, source in self.granule.sources.items()}

    @cached_property
    def _table(self) -> dict[str, Any]:
        names = [n for n in ("time", "latitude", "longitude", "quality", "mode") if n in self.granule.names()]
        with open_container(self.path) as container:
            return {name: self.granule.read_from(container, name) for name in names}

    @property
    def period(self) -> tuple[str, str] | None:
        """First and last time (UTC, ISO); None when there is no sounding."""
        time = self._table["time"]
        time = time[~np.isnat(time)]
        if not time.size:
            return None
        first, last = np.datetime_as_string(np.array([time.min(), time.max()]), unit="ms")
        return str(first), str(last)

    @property
    def extent(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north of the centres [degrees]; west > east crosses the dateline."""
        lat, lon = self._table["latitude"], self._table["longitude"]
        good = np.isfinite(lat) & np.isfinite(lon)
        if not good.any():
            return None
        lat, lon = lat[good], np.sort(lon[good])
        gaps = np.append(np.diff(lon), lon[0] + 360.0 - lon[-1])
        widest = int(np.argmax(gaps))
        west, east = lon[(widest + 1) % lon.size], lon[widest]
        return float(west), float(lat.min()), float(east), float(lat.max())

    @property
    def by_quality(self) -> dict[str, int]:
        """Number of soundings per quality."""
        quality = self._table["quality"]
        counts = {name: int((quality == code).sum()) for name, code in QUALITY.items()}
        return counts if not self.granule.unflagged else {"unknown": int(quality.size)}

    @property
    def by_mode(self) -> dict[str, int]:
        """Number of soundings per observation mode; empty when the product has none."""
        if "mode" not in self._table:
            return {}
        counts = {name: int((self._table["mode"] == code).sum()) for name, code in MODE.items()}
        return {name: number for name, number in counts.items() if number}

    @property
    def variables(self) -> dict[str, str | None]:
        """Unit of each variable that can be read."""
        return {name: units_of(self.granule.product, name) for name in self.granule.names()}


def identify(
    path: PathLike, *, product: str | None = None, aliases: Aliases = None, trust_layout: bool = False
) -> ProductMatch:
    """Tell which product a file is.

    Parameters
    ----------
    path : path-like
        netCDF-3, netCDF-4 or HDF5 file, or a folder or tar package that holds one.
    product : str, optional
        Name of the only product to be tried, or path of a product file of the user's own
        (see ``docs/howto/add_product.md``).
    aliases : path-like or mapping, optional
        Names of the variables of a delivery without public layout (see ``docs/howto/gmi_aliases.md``).
    trust_layout : bool
        As in `yaotan.open_soundings`.

    Returns
    -------
    ProductMatch
        Product, version, period, extent, counts, variables.

    Raises
    ------
    NotAGranuleError
        Damaged, of another type, or unknown; then the message says what was found and which known
        product is nearest.

    Warns
    -----
    UncheckedLayoutWarning
        The reader of this product was never run on a real file.
    """
    path = str(path)
    if Path(path).is_dir() or is_package(path):
        path = only_file(path)
    with open_container(path) as container:
        wanted = find_product(product) if product is not None else None
        granule = identify_container(container, product=wanted, aliases=aliases)
    entry = granule.product
    if entry.checked == "note":
        warn_unchecked(entry.product, entry.title["en"], trust_layout)
    return ProductMatch(granule.product.product, granule.version, granule.path, granule)


def only_file(path: str) -> str:
    """Give the one data file of a folder or package; several are an error that asks for a name."""
    files = find_files(path)
    if len(files) > 1:
        raise NotAGranuleError(
            f"holds {len(files)} data files ({', '.join(files[:3])} ...)", where=path, fix="name one of them"
        )
    return files[0]


def identify_container(
    container: Container, *, product: Product | None = None, aliases: Aliases | AliasFile = None
) -> Granule:
    """As `identify`, for an open file, giving the reader; with `product` only that one is tried.

    Parameters
    ----------
    container : Container
        The open file.
    product : Product, optional
        The only one to be tried; less evidence is asked for then.
    aliases : path-like, mapping or AliasFile, optional
        As in `identify`.

    Returns
    -------
    Granule
        Ready to read.

    Raises
    ------
    NotAGranuleError
        As in `identify`.
    """
    taught = load_aliases(aliases) if aliases is not None else None
    if taught is not None and product is None:
        product = find_product(taught.product)
    wanted = [product] if product else list(load_products().values())
    path = container.path
    scores = [(_score(container, entry, path, strict=product is None), entry) for entry in wanted]
    found = [(score, entry) for score, entry in scores if score is not None]
    if not found:
        raise _unknown(container, wanted, path)
    best = max(score for score, _ in found)
    winners = [entry for score, entry in found if score == best]
    if len(winners) > 1:
        raise NotAGranuleError(
            f"may be {' or '.join(entry.product for entry in winners)}",
            where=path,
            fix="say which with product=",
        )
    return build_granule(container, winners[0], path, taught)


def _score(container: Container, product: Product, path: str, *, strict: bool) -> int | None:
    """Weigh what speaks for a product; None when something speaks against it."""
    rule = product.identify
    if any(item not in container for item in rule.required) or any(p in container for p in rule.forbidden):
        return None
    if rule.any_of and not any(item in container for item in rule.any_of):
        return None
    facts = [fact_holds(container, fact) for fact in rule.facts]
    if False in facts or any(fact_holds(container, fact) is False for fact in rule.consistent):
        return None
    paths = sum(item in container for item in rule.evidence)
    name = bool(rule.file_name and re.search(rule.file_name, path.replace(MEMBER, "/")))
    if strict and facts.count(True) + paths + name < rule.minimum_evidence:
        return None
    return 1 + len(rule.required) + 100 * facts.count(True) + 10 * paths + 5 * name


def _unknown(container: Container, products: list[Product], path: str) -> NotAGranuleError:
    paths = container.paths()
    shown = ", ".join(paths[:8]) + (" ..." if len(paths) > 8 else "")
    candidates = [entry for entry in products if entry.identify.required]
    if not candidates:
        candidates = products

    def nearness(entry: Product) -> float:
        required = entry.identify.required or ("",)
        named = entry.identify.file_name and re.search(entry.identify.file_name, path.replace(MEMBER, "/"))
        return sum(item in container for item in required) / len(required) + bool(named)

    nearest = max(candidates, key=nearness)
    expected = "a product of docs/product"
    if nearness(nearest) > 0.0:
        missing = [item for item in nearest.identify.required if item not in container]
        unwanted = [item for item in nearest.identify.forbidden if item in container]
        lack = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unwanted)}" if unwanted else ""
        expected = f"nearest is {nearest.product}; the file {lack or 'does not say that it is one'}"
    parts = "columns" if container.format == "text" else "datasets"
    what = f"is no product that is known: a {container.format} file with {len(paths)} {parts} ({shown})"
    return NotAGranuleError(
        what,
        where=path,
        expected=expected,
        fix="name the product with --product (product=), or describe it in a product file of your own "
        "(docs/howto/add_product.md)",
    )
