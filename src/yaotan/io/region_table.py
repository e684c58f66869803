"""Ids and names of regions found among the columns of any vector table, and what must hold for them."""

from __future__ import annotations

import re
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from yaotan.catalog.region import region_catalog
from yaotan.errors import RegionError
from yaotan.io.polygon import normalise_polygon

#: Spellings of the id and name columns, the surest first; compared without case, blanks and underscores.
_ID: Final = (
    "region_id", "adcode", "ad_code", "adcode99", "city_adcode", "province_adcode", "行政区划代码",
    "区划代码", "区划码", "代码", "gb", "pac", "code", "id", "gid", "nuts_id", "gid_2", "gid_1",
    "gid_0", "hasc_1", "iso_3166_2", "shapeid", "shapeiso", "fid", "objectid",
)  # fmt: skip
_NAME: Final = (
    "name_en", "name_eng", "en_name", "engname", "english", "name", "region", "region_name", "name_2",
    "name_1", "name_0", "shapename", "nuts_name", "city", "province", "city_name", "province_name",
)  # fmt: skip
_NAME_ZH: Final = (
    "name_zh", "name_chn", "name_cn", "zh_name", "chinese", "名称", "地名", "市", "省", "省份", "地区",
    "nl_name_2", "nl_name_1", "city_name", "province_name", "省级", "地级",
)  # fmt: skip
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
#: Share of the smaller region from which an overlap of two regions is reported.
_OVERLAP: Final = 1e-3


def name_regions(
    table: gpd.GeoDataFrame, where: str, source: dict[str, str], columns: dict[str, str | None]
) -> gpd.GeoDataFrame:
    """Make features of a table in degrees: ids and names, valid polygons, notes in ``attrs``.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Rows with polygons, EPSG:4326.
    where : str
        File or name, for messages.
    source : dict
        Goes into ``attrs`` (``source``, ``licence``).
    columns : dict
        ``region_id``, ``name``, ``name_zh``: a column, or None to look for it.

    Returns
    -------
    geopandas.GeoDataFrame
        As `yaotan.io.region.open_regions` says.

    Raises
    ------
    RegionError
        A column is missing, ids are missing or not unique, a polygon cannot be used.
    """
    taken = _find_columns(table, where, columns)
    zh = _texts(table, taken["name_zh"])
    plain = _texts(table, taken["name"])
    identifiers = _identifiers(table, taken["region_id"], where) if taken["region_id"] else None
    if identifiers is None:
        numbers = [str(number + 1) for number in range(len(table))]
        identifiers = [a or b or c for a, b, c in zip(plain, zh, numbers, strict=True)]
    _check_unique(identifiers, where, taken["region_id"])
    names = [_english(i, p, z) for i, p, z in zip(identifiers, plain, zh, strict=True)]
    chinese = [_chinese(i, p, z) for i, p, z in zip(identifiers, plain, zh, strict=True)]
    shapes = [normalise_polygon(g, i) for g, i in zip(table.geometry, identifiers, strict=True)]
    features = gpd.GeoDataFrame(
        {"region_id": identifiers, "name": names, "name_zh": chinese},
        geometry=[shape for shape, _ in shapes],
        crs="EPSG:4326",
    )
    features.attrs.update(source)
    features.attrs["columns"] = taken
    features.attrs["split"] = [i for i, (_, moved) in zip(identifiers, shapes, strict=True) if moved]
    features.attrs["overlaps"] = _overlaps(features)
    return features


def _find_columns(
    table: gpd.GeoDataFrame, where: str, wanted: dict[str, str | None]
) -> dict[str, str | None]:
    available = [str(column) for column in table.columns if column != table.geometry.name]
    for role, column in wanted.items():
        if column is not None and column not in available:
            raise RegionError(
                f"there is no column {column!r} for {role}", where=where, expected=f"one of {available}"
            )
    plain = {re.sub(r"[\s_]", "", column).lower(): column for column in reversed(available)}
    chinese = [column for column in available if column.lower() == "name" and _holds_chinese(table[column])]

    def find(spellings: tuple[str, ...]) -> str | None:
        keys = (spelling.replace("_", "") for spelling in spellings)
        return next((plain[key] for key in keys if key in plain), None)

    return {
        "region_id": wanted["region_id"] or find(_ID),
        "name": wanted["name"] or find(_NAME),
        "name_zh": wanted["name_zh"] or find(_NAME_ZH) or next(iter(chinese), None),
    }


def _holds_chinese(values: pd.Series) -> bool:
    return any(_HAN.search(str(value)) for value in values.dropna())


def _texts(table: gpd.GeoDataFrame, column: str | None) -> list[str]:
    if column is None:
        return [""] * len(table)
    return ["" if pd.isna(value) else str(value).strip() for value in table[column]]


def _identifiers(table: gpd.GeoDataFrame, column: str, where: str) -> list[str]:
    """Give ids as text; 110000.0 of a table that went through a spreadsheet is 110000."""
    values: list[Any] = list(table[column])
    missing = [row + 1 for row, value in enumerate(values) if pd.isna(value) or str(value).strip() == ""]
    if missing:
        raise RegionError(f"row(s) {few(missing)} have no {column}", where=where, fix="fill the column")
    return [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
        for value in values
    ]


def _check_unique(identifiers: list[str], where: str, column: str | None) -> None:
    twice = sorted({identifier for identifier in identifiers if identifiers.count(identifier) > 1})
    if twice:
        raise RegionError(
            f"{len(twice)} region id(s) occur more than once: {few(twice)}",
            where=where,
            expected=f"one row per region in column {column!r}" if column else "one row per name",
            fix="dissolve the parts of each region, or name another column with region_id=",
        )


def _english(identifier: str, name: str, name_zh: str) -> str:
    known = region_catalog().provinces.get(identifier)
    return known[0] if known and (not name or _HAN.search(name)) else name or name_zh or identifier


def _chinese(identifier: str, name: str, name_zh: str) -> str:
    if name_zh:
        return name_zh
    if _HAN.search(name):
        return name
    known = region_catalog().provinces.get(identifier)
    return known[1] if known else name or identifier


def _overlaps(features: gpd.GeoDataFrame) -> list[str]:
    """Name the pairs of regions that share more than a sliver."""
    left, right = features.sindex.query(features.geometry, predicate="intersects")
    shapes, identifiers = features.geometry.to_numpy(), features["region_id"].to_numpy()
    ordered = left < right
    left, right = left[ordered], right[ordered]
    if left.size == 0:
        return []
    area = shapely.area(shapes)
    shared = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    share = shared / np.minimum(area[left], area[right])
    return [
        f"{identifiers[a]} / {identifiers[b]}: {s:.1%} of the smaller"
        for a, b, s in zip(left, right, share, strict=True)
        if s > _OVERLAP
    ]


def few(values: list[Any]) -> str:
    """Write the first five of a list and how many more there are.

    Examples
    --------
    >>> few([1, 2, 3, 4, 5, 6])
    '1, 2, 3, 4, 5 and 1 more'
    """
    return ", ".join(map(str, values[:5])) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
