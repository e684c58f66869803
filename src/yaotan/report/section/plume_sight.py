"""What each sensor could see of each source, before any data."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from yaotan.catalog.sensor import plume_sensors
from yaotan.report.context import PageContext
from yaotan.report.figure import CLASSES, QUIET, Figure
from yaotan.report.legend import Entry
from yaotan.report.number import fixed, whole
from yaotan.report.place import MapPoint, draw_points
from yaotan.report.section.plume_table import MOST_ROWS
from yaotan.report.section.rate import Words
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: error of a year that counts as good; what `observable_sources` takes by default
GOAL: Final = 0.2
#: rows of the table that are in the page; the CSV has all
MOST_SIGHTS: Final = 400
#: classes of a source by its best sensor: colour and marker
STYLE: Final = {
    "good": (CLASSES[2], "o"),
    "asked": (CLASSES[0], "s"),
    "seen": (CLASSES[5], "D"),
    "hardly": (QUIET, "^"),
}


def sight_class(rows: list[dict[str, Any]]) -> str:
    """Class a source by the best of its sensors.

    Parameters
    ----------
    rows : list of dict
        Of `yaotan.plume.observable_sources`, of one source.

    Returns
    -------
    str
        ``good``: the mean over the overpasses of a year reaches the goal; ``asked``: it would, of a sensor
        whose number of overpasses is no public fact; ``seen``: the plume is more often seen than not;
        ``hardly``.
    """
    if any(row["annual_error"] <= GOAL for row in rows):
        return "good"
    if any(not np.isfinite(row["visits"]) and np.isfinite(row["needed_visits"]) for row in rows):
        return "asked"
    return "seen" if any(row["detection"] >= 0.5 for row in rows) else "hardly"


def sight_group(page: PageContext, words: Words) -> dict[str, Any] | None:
    """Build the group on what could be seen; None when the study did not ask for it."""
    text, table = page.text, words.one.observability
    if table is None or table.empty:
        return None
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(table.drop(columns=table.geometry.name)):
        rows.setdefault(str(row["source"]), []).append(row)
    classes = {source: sight_class(own) for source, own in rows.items()}
    good = sum(kind == "good" for kind in classes.values())
    slots = {"n": good, "shown": whole(good), "total": whole(len(classes)), "goal": _goal(page)}
    return {
        "title": text("plume.sight.group"),
        "key": "group-plume-sight",
        "kind": "",
        "say": [text("plume.sight.say", **slots)],
        "figures": [_map(page, words, classes, slots)],
        "tables": [_table(page, words)],
    }


def _goal(page: PageContext) -> str:
    return f"±{page.text.level(GOAL)}"


def _map(page: PageContext, words: Words, classes: dict[str, str], slots: dict[str, Any]) -> Figure:
    text, table = page.text, words.one.observability
    assert table is not None
    entries = {
        name: Entry(text(f"plume.sight.class.{name}", goal=_goal(page)), colour, marker, "")
        for name, (colour, marker) in STYLE.items()
        if name in classes.values()
    }
    places = table.drop_duplicates("source").set_index("source").geometry
    points = [
        MapPoint(float(places[source].x), float(places[source].y), 5.0, entries[kind])
        for source, kind in sorted(classes.items(), key=lambda pair: list(STYLE).index(pair[1]))
    ]
    counts = [
        f"{entry.label} {sum(kind == name for kind in classes.values())}" for name, entry in entries.items()
    ]
    svg = draw_points(
        "plume-sight",
        page.frame,
        points,
        alt=text("plume.sight.alt", words=text.join(counts), **slots),
        language=text.language,
        south_sea=text("map.south_sea"),
    )
    download = make_download("plume_observability", table.drop(columns=table.geometry.name))
    return Figure("plume-sight", svg, text("plume.sight.map", **slots), text("plume.sight.caption"), download)


def _table(page: PageContext, words: Words) -> Table:
    text, table = page.text, words.one.observability
    assert table is not None
    rows = []
    for row in rows_of(table.drop(columns=table.geometry.name).head(MOST_SIGHTS)):
        needed = float(row["needed_visits"])
        rows.append(
            (
                Cell(words.name(str(row["source"]))),
                Cell(_sensor(page, str(row["sensor"])), "source"),
                number_cell(text.percent(row["detection"]), row["detection"]),
                number_cell(text.percent(row["expected_error"]), row["expected_error"]),
                number_cell(whole(row["visits"]), row["visits"]),
                number_cell(fixed(np.ceil(needed), 0) if np.isfinite(needed) else "–", needed),
                number_cell(
                    _error(text.percent(row["annual_error"]), row["annual_error"]), row["annual_error"]
                ),
            )
        )
    names = ("source", "sensor", "detection", "error", "visits", "needed", "annual")
    heads = make_heads(text, "plume", names, left=("sensor",))
    note = text("plume.sight.note")
    if len(table) > len(rows):
        note += text("space") + text("plume.unseen.first_rows", n=len(rows), total=whole(len(table)))
    kind = "long" if len(rows) > MOST_ROWS else ""
    return Table("table-plume-sight", text("plume.sight.table"), heads, rows, note, None, kind)


def _error(shown: str, value: float) -> str:
    return shown if np.isfinite(value) and value < 10 else "–"


def _sensor(page: PageContext, name: str) -> str:
    sensor = plume_sensors().get(name)
    return sensor.title[page.text.language] if sensor is not None else name
