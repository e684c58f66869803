"""Write a static catalog: catalog, one collection per group, one item per record."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pystac

from yaotan.errors import OutputError
from yaotan.io.atomic import output_error, replacing
from yaotan.io.stac.extent import Box, bounds_of, join_bounds
from yaotan.io.stac.item import link, make_item, to_datetime
from yaotan.io.stac.record import Group

_WRITER: Final = "yaotan"
_WORLD: Final[Box] = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True)
class StacSummary:
    """What was written.

    Attributes
    ----------
    path : pathlib.Path
        ``catalog.json``.
    items : dict
        Number of items by collection.
    left_out : dict
        Number of files that became no item, by reason.
    """

    path: Path
    items: dict[str, int]
    left_out: dict[str, int]


def check_target(folder: Path) -> None:
    """Refuse a folder that holds anything but a catalog of ours, or that cannot be written.

    Raises
    ------
    OutputError
        Says which.
    """
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or _is_ours(folder))):
        raise OutputError(
            "is there already and is no catalog that yaotan wrote",
            where=folder,
            fix="give another folder, or remove it",
        )
    if not folder.parent.is_dir():
        raise OutputError("the folder does not exist", where=folder.parent, fix="create it first")
    if not os.access(folder.parent, os.W_OK | os.X_OK):
        raise output_error(PermissionError(13, os.strerror(13)), folder)


def _is_ours(folder: Path) -> bool:
    try:
        content = json.loads((folder / "catalog.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("generator") == _WRITER


def write_catalog(
    groups: Iterable[Group], folder: Path, *, key: str, title: str, description: str, ours: bool = False
) -> StacSummary:
    """Write a catalog in one step: under a temporary name, then renamed.

    Items are written as they come, so that memory does not grow with their number but for one link each.

    Parameters
    ----------
    groups : iterable of Group
        Collections; those without records are left out.
    folder : pathlib.Path
        Folder of ``catalog.json``. The files that the records point to lie elsewhere; links to them are
        relative.
    key, title, description : str
        Of the catalog.
    ours : bool
        The folder is known to hold a catalog of ours, even where ``catalog.json`` was lost.

    Returns
    -------
    StacSummary
        With nothing left out: that is for the caller to count.

    Raises
    ------
    OutputError
        The folder is something else, or cannot be written.
    """
    if not (ours and folder.is_dir()):
        check_target(folder)
    folder = folder.absolute()
    catalog = pystac.Catalog(key, description, title=title, extra_fields={"generator": _WRITER})
    catalog.add_link(link("root", "./catalog.json"))
    items = {}
    with replacing(folder) as temporary:
        temporary.mkdir()
        for group in groups:
            number = _write_group(group, temporary / group.key, folder / group.key)
            if number:
                items[group.key] = number
                catalog.add_link(link("child", f"./{group.key}/collection.json", title=group.title))
        _write_json(temporary / "catalog.json", catalog)
    return StacSummary(folder / "catalog.json", items, {})


def _write_group(group: Group, place: Path, final: Path) -> int:
    links: list[pystac.Link] = []
    boxes: list[Box] = []
    start = end = None
    for record in group.records:
        if not links:
            (place / "item").mkdir(parents=True)
        content = make_item(record, group.key, final / "item")
        (place / "item" / f"{record.key}.json").write_text(_dump(content, None), encoding="utf-8")
        links.append(link("item", f"./item/{record.key}.json", pystac.MediaType.GEOJSON))
        start = record.start if start is None else min(start, record.start)
        end = record.end if end is None else max(end, record.end)
        boxes += [] if record.geometry is None else [bounds_of(record.geometry)]
    if not links:
        return 0
    assert start is not None
    assert end is not None
    collection = _collection(group, join_bounds(boxes) if boxes else _WORLD, start, end)
    collection.add_links(links)
    _write_json(place / "collection.json", collection)
    return len(links)


def _collection(group: Group, box: Box, start: np.datetime64, end: np.datetime64) -> pystac.Collection:
    collection = pystac.Collection(
        id=group.key,
        title=group.title,
        description=group.description,
        extent=pystac.Extent(
            pystac.SpatialExtent([list(box)]),
            pystac.TemporalExtent([[to_datetime(start), to_datetime(end)]]),
        ),
        # conditions in words, in the description: few products have a licence with an SPDX name
        license="other",
        keywords=list(group.keywords) or None,
    )
    collection.add_link(link("root", "../catalog.json"))
    collection.add_link(link("parent", "../catalog.json"))
    for text in group.references:
        if text.startswith(("https://", "http://")):
            collection.add_link(link("cite-as", text, pystac.MediaType.HTML))
    return collection


def _write_json(path: Path, item: pystac.Catalog) -> None:
    content = item.to_dict(include_self_link=False, transform_hrefs=False)
    path.write_text(_dump(content), encoding="utf-8")


def _dump(content: dict[str, Any], indent: int | None = 1) -> str:
    # items are many and hold outlines: in one line they are written several times faster
    return json.dumps(content, indent=indent, ensure_ascii=False) + "\n"
