"""Point sources: all of them, the strongest one by one, what could not be seen, means of a year."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from yaotan.report.context import PageContext, Section
from yaotan.report.figure import ACCENT, QUIET, Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.legend import Entry
from yaotan.report.number import whole
from yaotan.report.place import MapPoint, draw_points
from yaotan.report.section.look import Look, clearest_looks, opening_look, shown_looks
from yaotan.report.section.plume_panel import source_group, thumbnail
from yaotan.report.section.plume_season import season_groups, season_only, season_sentence
from yaotan.report.section.plume_sight import sight_group
from yaotan.report.section.plume_table import commonest, estimate_table, unseen_group
from yaotan.report.section.plume_year import annual_group
from yaotan.report.section.rate import RATE, Words, code_text, hourly_text, rate_text, yearly_text
from yaotan.report.table import make_download

#: sources that are ranked in the figure
MOST_RANKED: Final = 20
#: radius of the largest circle of the map [px]
LARGEST: Final = 15.0


def make_point_sources(page: PageContext) -> Section | None:
    """Build the section on point sources; None when the study did not ask for them.

    ``groups``: all sources; the strongest one by one; small pictures of others; what could not be seen;
    means of a year; many scenes together; what each sensor could see.
    """
    one, text = page.results.point_sources, page.text
    if one is None:
        return None
    words = Words(page, one)
    first, small, rest = shown_looks(page, one)
    groups: list[dict[str, Any] | None] = []
    if not season_only(words):
        groups += [_overview(page, words), *(source_group(page, look, words) for look in first)]
        if small or (rest and first):
            groups.append(_others(page, words, small, rest))
        groups.append(unseen_group(page, words))
    more = (annual_group(page, words), *season_groups(page, words), sight_group(page, words))
    shown = [group for group in (*groups, *more) if group is not None]
    return Section("point-sources", text("plume.title"), text("plume.lead"), {"groups": shown})


def scenes_text(page: PageContext, words: Words) -> str:
    """Count the scenes that were read."""
    number = scene_count(words)
    return page.text("plume.card.scenes", n=number, shown=whole(number))


def scene_count(words: Words) -> int:
    """Count the scenes that were read."""
    one = words.one
    return int(one.facts.get("scenes", one.estimates["scene"].nunique() if len(one.estimates) else 0))


def overview_sentence(page: PageContext, words: Words) -> str:
    """Say how many sources have an emission and which is the strongest; or that none has, and why."""
    text, looks = page.text, clearest_looks(page, words.one)
    given = [look for look in looks if look.given]
    if season_only(words):
        return season_sentence(page, words)
    slots: dict[str, Any] = {"scenes": scenes_text(page, words), "total": whole(len(looks))}
    if not given:
        number = len(looks) or len(words.one.sources)
        slots |= {"n": number, "shown": whole(number)}
        if not looks:
            return text("plume.overview.unmet", **slots)
        return text("plume.overview.nothing", reason=code_text(page, "status", commonest(words)), **slots)
    return text(
        "plume.overview.say", n=len(given), shown=whole(len(given)), **slots, **strongest(page, words)
    )


def strongest(page: PageContext, words: Words) -> dict[str, str]:
    """Name and amounts of the strongest source, as sentences take them."""
    look = next(look for look in clearest_looks(page, words.one) if look.given)
    return {
        "first": words.name(str(look.row["source"])),
        "rate": rate_text(page, look.value, look.sigma),
        "hour": hourly_text(look.value, look.sigma),
        "year": yearly_text(look.value, look.sigma),
        "unit": RATE,
        "gas": words.gas,
    }


def _overview(page: PageContext, words: Words) -> dict[str, Any]:
    text = page.text
    looks = clearest_looks(page, words.one)
    said = [overview_sentence(page, words)]
    if len(words.one.estimates) > len(looks) and any(look.given for look in looks):
        said.append(text("plume.overview.clearest"))
    # a study of point sources alone has the map on its first screen
    results = page.results
    front = not results.columns and not len(results.losses) and opening_look(page, words.one) is None
    figures = [None if front else sources_map(page, words, "plume-map"), _ranking(page, words, looks)]
    return {
        "title": text("plume.overview.group", gas=words.gas),
        "key": "group-plume-all",
        "kind": "",
        "say": [text("space").join(said)],
        "figures": [figure for figure in figures if figure is not None],
        "tables": [estimate_table(page, words)],
    }


def sources_map(page: PageContext, words: Words, key: str) -> Figure | None:
    """Draw where the sources are; the area of a circle is in proportion to the emission."""
    text, looks = page.text, clearest_looks(page, words.one)
    places = {
        str(row.source): (float(row.geometry.x), float(row.geometry.y))
        for row in words.one.sources.itertuples()
    }
    looks = [look for look in looks if str(look.row["source"]) in places]
    if not looks:
        return None
    entries = {True: Entry(text("plume.overview.with"), ACCENT, "o", "")}
    entries[False] = Entry(text("plume.overview.without"), QUIET, "^", "")
    largest = max((look.value for look in looks if look.given), default=1.0)
    points = []
    for look in looks:
        share = max(look.value, 0.0) / largest if look.given and largest > 0 else 0.0
        size = max(3.5, LARGEST * float(np.sqrt(share))) if look.given else 3.5
        points.append(MapPoint(*places[str(look.row["source"])], size, entries[look.given]))
    given = [look for look in looks if look.given]
    slots: dict[str, Any] = {"n": len(given), "shown": whole(len(given)), "total": whole(len(looks))}
    slots |= {"gas": words.gas, "first": words.name(str(given[0].row["source"])) if given else "–"}
    svg = draw_points(
        key,
        page.frame,
        points,
        alt=text("plume.overview.alt", **slots),
        language=text.language,
        south_sea=text("map.south_sea"),
    )
    caption = text("plume.overview.caption")
    source = page.results.boundary_source(text.language)
    caption += text("space") + text("map.source", source=source) if source else ""
    table = words.one.sources
    places_table = {"source": list(places), "longitude": [p[0] for p in places.values()]}
    places_table |= {"latitude": [p[1] for p in places.values()]}
    download = make_download("point_sources", table[["source", "name"]].assign(**places_table))
    return Figure(key, svg, text("plume.overview.map", **slots), caption, download)


def _ranking(page: PageContext, words: Words, looks: list[Look]) -> Figure | None:
    text = page.text
    given = [look for look in looks if look.given][:MOST_RANKED]
    if len(given) < 2:
        return None
    marks = [
        Mark(
            words.name(str(look.row["source"])), look.value, look.value - look.sigma, look.value + look.sigma
        )
        for look in given
    ]
    slots = {"n": len(given), **strongest(page, words)}
    svg = draw_ranking(
        "plume-ranking",
        marks,
        alt=text("plume.overview.ranking_alt", **slots),
        label=text("quantity", symbol=text("plume.emission", gas=words.gas), unit=RATE),
        zero=any(mark.lower < 0 for mark in marks),
    )
    title = text("plume.overview.ranking", **slots)
    caption = text("plume.overview.ranking_caption", n=len(given))
    return Figure("plume-ranking", svg, title, caption, make_download("plume_estimates", words.one.estimates))


def _others(page: PageContext, words: Words, small: list[Look], rest: int) -> dict[str, Any]:
    text = page.text
    said = [text("plume.panel.thumbnails_note", n=len(small), shown=whole(len(small)))] if small else []
    said += [text("plume.panel.left_out", n=rest, shown=whole(rest))] if rest else []
    return {
        "title": text("plume.panel.thumbnails"),
        "key": "group-plume-others",
        "kind": "",
        "say": [text("space").join(said)],
        "figures": [],
        "small": [thumbnail(page, look, words) for look in small],
        "tables": [],
    }
