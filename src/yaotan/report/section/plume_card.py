"""What the first screen says of point sources."""

from __future__ import annotations

import numpy as np

from yaotan.report.context import PageContext
from yaotan.report.number import measured, whole
from yaotan.report.section.carbon_card import Fields
from yaotan.report.section.look import clearest_looks
from yaotan.report.section.plume import scenes_text
from yaotan.report.section.plume_season import clearest_rows, season_only
from yaotan.report.section.plume_table import commonest
from yaotan.report.section.plume_year import annual_rows
from yaotan.report.section.rate import RATE, Words, caution_text, code_text, when_text, yearly_text


def plume_cards(page: PageContext) -> list[Fields]:
    """Give the cards of the strongest source, of the number of sources, and of the total of a year."""
    one = page.results.point_sources
    if one is None:
        return []
    words = Words(page, one)
    if season_only(words):
        return [*_together(page, words), _season_count(page, words)]
    cards = [_strongest(page, words), _count(page, words), _total(page, words)]
    return [card for card in cards if card is not None]


def _strongest(page: PageContext, words: Words) -> Fields | None:
    text = page.text
    look = next((look for look in clearest_looks(page, words.one) if look.given), None)
    if look is None:
        return None
    value, sigma = measured(look.value, look.sigma)
    title = text("plume.card.strongest", gas=words.gas, name=words.name(str(look.row["source"])))
    bounds = text("card.plus_minus", uncertainty=sigma, unit=RATE)
    year = text("plume.card.per_year", amount=yearly_text(look.value, look.sigma))
    note = f"{when_text(page, look.row['time'])}{text('claim.comma')}{year}"
    careful = bool(caution_text(page, look.row["cautions"]))
    word = text(f"plume.card.word.{'caution' if careful else 'estimated'}")
    return title, value, RATE, bounds, note, word, "open" if careful else "good"


def _together(page: PageContext, words: Words) -> list[Fields]:
    """Card of the strongest source of those of which many scenes were averaged; none without one."""
    text, best = page.text, clearest_rows(words)
    if not best:
        return []
    row = best[0]
    value, sigma = measured(row["emission"], row["emission_uncertainty"])
    title = text("plume.card.strongest", gas=words.gas, name=words.name(row["source"]))
    bounds = text("card.plus_minus", uncertainty=sigma, unit=RATE)
    number = int(row["scene_count"])
    scenes = text("plume.card.scenes", n=number, shown=whole(number))
    note = text("plume.card.together", method=code_text(page, "method", row["method"]), scenes=scenes)
    careful = bool(caution_text(page, row["cautions"]))
    word = text(f"plume.card.word.{'caution' if careful else 'estimated'}")
    return [(title, value, RATE, bounds, note, word, "open" if careful else "good")]


def _season_count(page: PageContext, words: Words) -> Fields:
    text, number = page.text, len(clearest_rows(words))
    total = whole(len(words.one.sources))
    note = text("plume.card.of", total=total, scenes=scenes_text(page, words))
    word = text(f"plume.card.word.{'estimated' if number else 'none'}")
    return text("plume.card.count"), whole(number), "", note, "", word, "good" if number else "none"


def _count(page: PageContext, words: Words) -> Fields:
    text, looks = page.text, clearest_looks(page, words.one)
    given = [look for look in looks if look.given]
    careful = sum(bool(caution_text(page, look.row["cautions"])) for look in given)
    total = max(len(looks), len(words.one.sources))
    note = text("plume.card.of", total=whole(total), scenes=scenes_text(page, words))
    more = ""
    if not given and looks:
        more = text("plume.card.none_note", reason=code_text(page, "status", commonest(words)))
    elif careful:
        more = text("plume.card.cautious", n=careful, shown=whole(careful))
    word = text(f"plume.card.word.{'estimated' if given else 'none'}")
    return text("plume.card.count"), whole(len(given)), "", note, more, word, "good" if given else "none"


def _total(page: PageContext, words: Words) -> Fields | None:
    """Sum of the annual means; their errors share winds and methods, so they are added up, not squared."""
    text, rows = page.text, annual_rows(words)
    given = rows[np.isfinite(rows["emission"])] if len(rows) else rows
    if len(given) < 2:
        return None
    total, most = float(given["emission"].sum()), float(given["emission_uncertainty"].sum())
    value, sigma = measured(total, most)
    bounds = text("plume.card.at_most", sigma=sigma, unit=RATE)
    note = text("plume.card.total_note", n=len(given), shown=whole(len(given)))
    note += text("claim.comma") + yearly_text(total, most)
    title, word = text("plume.card.total", gas=words.gas), text("plume.card.word.annual")
    return title, value, RATE, bounds, note, word, "good"
