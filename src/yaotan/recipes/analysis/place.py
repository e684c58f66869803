"""Regions named by a study: its own by id or name, their union, and key regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import geopandas as gpd
import pandas as pd
import shapely

from yaotan.catalog.region import key_regions
from yaotan.errors import RecipeError
from yaotan.recipes.context import Context


def find_place(context: Context, wanted: str, where: str) -> str:
    """Give the id of a region named by id, English or Chinese name.

    Parameters
    ----------
    context : Context
        Facts of the run.
    wanted : str
        Of a region of the study, ``all`` (their union), or a key region of ``catalogs/regions.yaml``.
    where : str
        Key of the study file, for the message.

    Returns
    -------
    str
        A region of the study goes before a key region of the same name.

    Raises
    ------
    RecipeError
        There is no such region, or several have that name.
    """
    tables = (context.regions_and_union, key_regions())
    for table in tables:
        for column in ("region_id", "name", "name_zh"):
            found = table[table[column] == wanted]
            if len(found) > 1:
                raise RecipeError(f"{wanted!r} names several regions", where=where, fix="give the id")
            if len(found):
                return str(found["region_id"].iloc[0])
    known, key = (", ".join(table["region_id"]) for table in tables)
    raise RecipeError(
        f"{wanted!r} is not a region of the study, and not a key region",
        where=where,
        expected=f"one of {known}, or a key region: {key}",
    )


def take_places(context: Context, wanted: Sequence[str] | None, where: str) -> gpd.GeoDataFrame:
    """Give the regions named, in that order; all of the study and their union where none are.

    Raises
    ------
    RecipeError
        As `find_place`.
    """
    if wanted is None:
        return context.regions_and_union
    ids = list(dict.fromkeys(find_place(context, name, where) for name in wanted))
    own = context.regions_and_union
    keys = [name for name in ids if name not in set(own["region_id"])]
    if keys:
        # dissolved from the study's regions where these carry the codes of the members, else outlines
        added = key_regions(context.regions, names=keys)[list(own.columns)]
        own = gpd.GeoDataFrame(pd.concat([own, added], ignore_index=True), crs=own.crs)
    return own.set_index("region_id", drop=False).loc[ids].reset_index(drop=True)


def check_places(context: Context, wanted: Sequence[str] | None, where: str) -> None:
    """Refuse names of no region, and key regions beyond the area of the study.

    Raises
    ------
    RecipeError
        As `find_place`; a key region does not touch the grid.
    """
    places = take_places(context, wanted, where)
    own = set(context.regions_and_union["region_id"])
    west, south, east, north = context.bounds
    # a grid over the dateline counts on beyond 180
    area = shapely.union_all([shapely.box(west - turn, south, east - turn, north) for turn in (0, 360)])
    for place in places.itertuples():
        if place.region_id not in own and not place.geometry.intersects(area):
            raise RecipeError(
                f"the key region {place.region_id} lies outside the area of the study",
                where=where,
                expected=f"regions within {context.bounds} (west, south, east, north)",
            )


def key_places(context: Context, named: Iterable[tuple[str, str]]) -> gpd.GeoDataFrame | None:
    """Give those of the regions named (name, key of the study file) that are no regions of the study."""
    own = set(context.regions_and_union["region_id"])
    ids = {find_place(context, name, where) for name, where in named} - own
    return take_places(context, sorted(ids), "") if ids else None
