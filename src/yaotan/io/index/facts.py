"""What the index says of one data file, read in one go."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from yaotan.catalog.product import Product, find_product
from yaotan.errors import YaotanError
from yaotan.io.container import MEMBER, Container, open_container, open_content
from yaotan.io.identify import identify_container
from yaotan.io.index.footprint import cover_points
from yaotan.io.package import data_members, is_package
from yaotan.io.teaching import AliasFile, load_aliases
from yaotan.schema import QUALITY

_PIECE: Final = 1 << 20

#: one row: JSON values; times in nanoseconds since 1970, geometry as hexadecimal WKB
Facts = dict[str, Any]


def read_facts(task: Mapping[str, Any]) -> list[Facts]:
    """Read a file once: hash, product, version, period, place and counts.

    Parameters
    ----------
    task : mapping
        ``path``; and, if wanted, ``checksum`` (whether to hash), ``product`` and ``aliases`` as in
        `yaotan.identify`.

    Returns
    -------
    list of dict
        One for a file, one for each data file of a tar package: ``member`` (empty for a file), ``product``,
        ``version``, ``start``, ``end``, ``count``, ``good``, ``geometry``, ``sha256``, ``error``; None where
        it is not known. What cannot be read says why in ``error``.
    """
    path = str(task["path"])
    digest = None
    try:
        digest = _hash(path) if task.get("checksum", True) else None
        wanted = find_product(task["product"]) if task.get("product") else None
        taught = load_aliases(task["aliases"]) if task.get("aliases") else None
        if is_package(path):
            rows = list(_read_package(path, wanted, taught))
        else:
            rows = [_read_one(path, wanted, taught)]
    except (YaotanError, OSError) as error:
        rows = [{"member": "", "error": _reason(error, path)}]
    return [{**_EMPTY, **row, "sha256": digest} for row in rows]


_EMPTY: Final[Facts] = dict.fromkeys(
    ("product", "version", "start", "end", "count", "good", "geometry", "sha256", "error")
)


def failed(error: str, digest: str | None = None) -> Facts:
    """Give the row of a file that could not be read."""
    return {**_EMPTY, "member": "", "error": error, "sha256": digest}


def _reason(error: Exception, path: str) -> str:
    """Say why without the path, which the row has already: an index does not depend on its place."""
    if isinstance(error, YaotanError):
        text = error.what
    elif isinstance(error, OSError):
        text = f"cannot be read ({error.strerror or error})"
    else:
        text = f"cannot be read ({type(error).__name__}: {error})"
    return text.replace(f"{Path(path).parent}/", "")


def _hash(path: str) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _read_one(path: str, wanted: Product | None, taught: AliasFile | None) -> Facts:
    with open_container(path) as container:
        return _describe(container, wanted, taught)


def _read_package(path: str, wanted: Product | None, taught: AliasFile | None) -> Iterator[Facts]:
    """Read the members in the order in which they lie: a compressed package can only be run through."""
    names = {text.partition(MEMBER)[2] for text in data_members(path)}
    found: dict[str, Facts] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name in names and member.isfile():
                    stream = archive.extractfile(member)
                    content = stream.read() if stream else b""
                    found[member.name] = _read_member(path, member.name, content, wanted, taught)
    except (tarfile.TarError, OSError, EOFError) as error:
        yield {"member": "", "error": f"is cut short ({error})"}
    for name in sorted(found):
        yield found[name]


def _read_member(
    path: str, name: str, content: bytes, wanted: Product | None, taught: AliasFile | None
) -> Facts:
    where = f"{path}{MEMBER}{name}"
    try:
        if not content:
            return {"member": name, "error": "is empty (0 bytes)"}
        with open_content(content, where) as container:
            return {**_describe(container, wanted, taught), "member": name}
    except YaotanError as error:
        return {"member": name, "error": _reason(error, path)}
    except Exception as error:  # h5py and scipy raise many kinds for damaged files
        return {"member": name, "error": f"is damaged or no data file ({error})"}


def _describe(container: Container, wanted: Product | None, taught: AliasFile | None) -> Facts:
    granule = identify_container(container, product=wanted, aliases=taught)
    facts: Facts = {
        "member": "",
        "product": granule.product.product,
        "version": granule.version,
        "count": granule.count,
    }
    try:
        time, lat, lon, quality = (
            granule.read_from(container, name) for name in ("time", "latitude", "longitude", "quality")
        )
    except YaotanError as error:  # known, but damaged further in
        return {**facts, "error": _reason(error, container.path)}
    shape = cover_points(lat, lon)
    if shape is not None:
        facts["geometry"] = shape.wkb_hex
    if not granule.unflagged:
        facts["good"] = int((quality == QUALITY["good"]).sum())
    moments = time[~np.isnat(time)].astype("datetime64[ns]").astype(np.int64)
    if moments.size:
        facts["start"], facts["end"] = int(moments.min()), int(moments.max())
    elif granule.count:
        facts["error"] = "no time can be read: none of its values is valid"
    return facts
