"""From a record to the JSON of a STAC item."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import pystac
import shapely

from yaotan.io.stac.extent import bounds_of
from yaotan.io.stac.record import File, Record

FILE: Final = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
PROJECTION: Final = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
#: multihash prefix: sha2-256 (0x12), 32 bytes (0x20)
_SHA256: Final = "1220"
_NOT_IN_A_LINK: Final = re.compile(r"""[\s%#?"<>\\^`{|}\[\]]""")


def make_item(record: Record, collection: str, folder: Path) -> dict[str, Any]:
    """Write a record as a STAC item.

    Parameters
    ----------
    record : Record
        What it is.
    collection : str
        Key of its group.
    folder : pathlib.Path
        Where the item will lie: links are relative to it.

    Returns
    -------
    dict
        JSON values; STAC 1.1 with the ``file`` extension and, where the properties have ``proj:`` fields, the
        ``projection`` extension.
    """
    start, end = (to_datetime(moment) for moment in (record.start, record.end))
    item = pystac.Item(
        id=record.key,
        geometry=_geometry(record.geometry),
        bbox=None if record.geometry is None else list(bounds_of(record.geometry)),
        datetime=start if start == end else None,
        start_datetime=start,
        end_datetime=end,
        properties=dict(record.properties),
        collection=collection,
    )
    for key, file in record.files.items():
        item.add_asset(key, _asset(file, folder))
    if any(file.sha256 or file.size is not None for file in record.files.values()):
        item.stac_extensions.append(FILE)
    if any(name.startswith("proj:") for name in record.properties):
        item.stac_extensions.append(PROJECTION)
    item.add_link(link("root", "../../catalog.json"))
    item.add_link(link("parent", "../collection.json"))
    item.add_link(link("collection", "../collection.json"))
    for group, key in record.derived_from:
        item.add_link(link("derived_from", f"../../{group}/item/{key}.json", pystac.MediaType.GEOJSON))
    return item.to_dict(include_self_link=False, transform_hrefs=False)


def link(
    relation: str, target: str, media: str = pystac.MediaType.JSON, title: str | None = None
) -> pystac.Link:
    """Make a link to a text, which pystac leaves as it is."""
    return pystac.Link(relation, target, media_type=media, title=title)


def to_datetime(moment: np.datetime64) -> dt.datetime:
    """Turn a time into Python's, which has microseconds."""
    value: dt.datetime = moment.astype("datetime64[us]").item()
    return value.replace(tzinfo=dt.UTC)


def _geometry(shape: Any) -> dict[str, Any] | None:
    return None if shape is None else shapely.geometry.mapping(shape)


def _asset(file: File, folder: Path) -> pystac.Asset:
    extra: dict[str, Any] = {}
    if file.size is not None:
        extra["file:size"] = file.size
    if file.sha256:
        extra["file:checksum"] = _SHA256 + file.sha256
    return pystac.Asset(
        href=relative_link(file.path, folder),
        title=file.title,
        media_type=file.media,
        roles=[file.role],
        extra_fields=extra,
    )


def relative_link(path: Path, folder: Path) -> str:
    """Write the way from a folder to a file as an IRI reference."""
    way = Path(os.path.relpath(path, folder)).as_posix()
    return _NOT_IN_A_LINK.sub(lambda found: quote(found.group()), way)
