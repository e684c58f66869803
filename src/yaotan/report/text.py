"""The report's words: YAML files per language with equal keys, plural forms, dates and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd
import yaml

from yaotan.errors import CatalogError
from yaotan.report.number import percent

LANGUAGES = ("en", "zh")
#: files of words, each with keys of its own at the top: page, analyses, carbon, point sources, emissions
FILES = ("text", "analysis", "carbon", "plume", "emission")


@cache
def load_tree(language: str) -> Mapping[str, Any]:
    """Read the words of one language.

    Parameters
    ----------
    language : {"en", "zh"}
        Language.

    Returns
    -------
    Mapping
        Nested keys to sentences with ``{slots}``.

    Raises
    ------
    CatalogError
        There is no such language.
    """
    if language not in LANGUAGES:
        raise CatalogError(f"the report has no language {language!r}", expected=" or ".join(LANGUAGES))
    tree: dict[str, Any] = {}
    for name in FILES:
        source = resources.files("yaotan.report").joinpath(f"{name}.{language}.yaml")
        tree |= yaml.safe_load(source.read_text(encoding="utf-8"))
    return tree


class Text:
    """Words of one language.

    Parameters
    ----------
    language : {"en", "zh"}
        Language of the page.

    Examples
    --------
    >>> text = Text("en")
    >>> text.month("2019-01-01"), text.join(["a", "b", "c"])
    ('January 2019', 'a, b and c')
    >>> Text("zh").period("2019-01-01", "2019-12-31"), text.period("2019-01-06", "2019-01-09")
    ('2019年1月至2019年12月', '6 January 2019 to 9 January 2019')
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._tree = load_tree(language)

    def __call__(self, key: str, **slots: object) -> str:
        """Give the sentence under a dotted key, its slots filled.

        A key that holds ``one`` and ``other`` picks by the slot ``n``, which is then written by `shown`
        (or by ``n`` itself).
        """
        node = self._find(key)
        if isinstance(node, Mapping):
            node = node["one" if slots.get("n") == 1 else "other"]
        if "shown" in slots:
            slots["n"] = slots["shown"]
        return str(node).format(**slots)

    def _find(self, key: str) -> Any:
        node: Any = self._tree
        for part in key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                raise CatalogError(f"the key {key!r} is missing", where=f"words ({self.language})")
            node = node[part]
        return node

    def has(self, key: str) -> bool:
        """Tell whether a key exists."""
        try:
            self._find(key)
        except CatalogError:
            return False
        return True

    def entries(self, key: str) -> list[str]:
        """Give the words that stand as a list under a key."""
        return [str(word) for word in self._find(key)]

    def date(self, day: object) -> str:
        """Write a day."""
        stamp = pd.Timestamp(day)  # type: ignore[arg-type]
        return self("date.day", day=stamp.day, month=self.month_name(stamp.month), year=stamp.year)

    def month(self, day: object) -> str:
        """Write a month with its year."""
        stamp = pd.Timestamp(day)  # type: ignore[arg-type]
        return self("date.month", month=self.month_name(stamp.month), year=stamp.year)

    def months(self, days: Sequence[object]) -> str:
        """Write one month, or the first and the last."""
        first, last = self.month(min(days)), self.month(max(days))  # type: ignore[type-var]
        return first if first == last else self("date.range", start=first, end=last)

    def period(self, start: object, end: object) -> str:
        """Write first and last day; months alone when the period is made of whole months."""
        first, last = pd.Timestamp(start), pd.Timestamp(end)  # type: ignore[arg-type]
        if first.is_month_start and last.is_month_end:
            return self.months([first, last])
        begin, finish = self.date(first), self.date(last)
        return begin if begin == finish else self("date.range", start=begin, end=finish)

    def month_name(self, month: int) -> str:
        """Name a month, 1 to 12."""
        return str(self._find("date.names")[month - 1])

    def percent(self, share: float) -> str:
        """Write a share of one as per cent, with the space that the language puts before the sign."""
        return percent(share).replace(" %", self("percent"))

    def level(self, share: float) -> str:
        """Write a chosen share, such as a level of 0.05, as it was chosen."""
        return f"{100 * share:g}" + self("percent")

    def join(self, items: Sequence[str]) -> str:
        """Join a list as the language does."""
        items = list(items)
        if len(items) < 2:
            return "".join(items)
        return str(self._find("list.comma")).join(items[:-1]) + str(self._find("list.last")) + items[-1]

    def name(self, row: Mapping[str, Any]) -> str:
        """Give the name of a region or contrast in this language, else the name there is."""
        wanted = row.get("name_zh") if self.language == "zh" else row.get("name")
        known = isinstance(wanted, str) and wanted.strip()
        return str(wanted if known else row.get("name") or row.get("name_zh") or row.get("region_id", ""))
