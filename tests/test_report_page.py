"""The page as text: self-contained, well-formed, bilingual, the same for the same study."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml

from report_results import VARIANTS, make_results
from yaotan.errors import CatalogError, OutputError, SchemaError
from yaotan.report.analysis import AnomalyResult, FilledResult
from yaotan.report.export import write_figures
from yaotan.report.page import render, report, sibling
from yaotan.report.section.loss import wide_losses
from yaotan.report.text import Text, load_tree

VOID = {"meta", "br", "hr", "img", "input", "link", "col"}
#: variants that are also rendered in English; the rest differ only in their numbers
BOTH = ("normal", "empty", "analyses")
PAGES = [
    (name, language) for name in VARIANTS for language in ("en", "zh") if language == "zh" or name in BOTH
]


@cache
def study(name: str):
    return make_results(**VARIANTS[name])


@cache
def page(name: str, language: str) -> str:
    shared = _SHARED.setdefault(name, {})
    return render(study(name), language, other="other.html", shared=shared)


_SHARED: dict[str, dict] = {}


class Reader(HTMLParser):
    """Collects tags, ids and visible text, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[tuple[str, bool]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        foreign = (
            given.get("translate") == "no"
            or (tag != "html" and given.get("lang") == "en")
            or tag in ("code", "script", "style")
        )
        if tag not in VOID:
            self.stack.append((tag, foreign or bool(self.stack and self.stack[-1][1])))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            self.faults.append(f"</{tag}> closes {self.stack[-1][0] if self.stack else 'nothing'}")
            return
        self.stack.pop()

    def handle_data(self, data):
        if data.strip() and not (self.stack and self.stack[-1][1]):
            self.texts.append(data.strip())


@cache
def parsed(name: str, language: str) -> Reader:
    reader = Reader()
    reader.feed(page(name, language))
    reader.close()
    return reader


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_page_is_well_formed(name, language):
    reader = parsed(name, language)
    assert reader.faults == []
    assert reader.stack == []
    assert page(name, language).lstrip().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_page_loads_nothing_from_outside(name, language):
    html = page(name, language)
    assert not re.search(r"(?:https?:|ftp:|file:/|//[a-z0-9-]+\.)", html, re.I)
    assert "@import" not in html
    for match in re.findall(r"url\(([^)]*)\)", html):
        assert match.startswith("#"), match
    for tag, attrs in parsed(name, language).tags:
        for attribute in ("src", "href", "xlink:href", "srcset", "data", "action"):
            target = attrs.get(attribute)
            if target is not None:
                assert target.startswith(("#", "data:")) or (tag == "a" and target == "other.html"), target


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_ids_are_unique_and_links_arrive(name, language):
    ids = Counter(attrs["id"] for _, attrs in parsed(name, language).tags if "id" in attrs)
    assert [key for key, count in ids.items() if count > 1] == []
    for tag, attrs in parsed(name, language).tags:
        target = attrs.get("href") or ""
        if target.startswith("#"):
            assert target[1:] in ids, f"<{tag}> points to {target}"
        for reference in re.findall(r"url\(#([^)]+)\)", " ".join(str(value) for value in attrs.values())):
            assert reference in ids
        if "aria-labelledby" in attrs:
            assert attrs["aria-labelledby"] in ids


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_every_figure_has_alt_text(name, language):
    html = page(name, language)
    drawings = re.findall(r"<svg[^>]*>", html)
    alts = re.findall(r'<svg[^>]*role="img"[^>]*><title id="[^"]+">([^<]{12,})</title>', html)
    assert len(alts) == len(drawings)
    assert "@alt@" not in html
    assert "<img" not in html


@pytest.mark.parametrize("name", list(VARIANTS))
def test_chinese_page_has_no_english_sentence(name):
    """Three Latin words in a row are a sentence, unless they are a product's name or marked as foreign."""
    names = sorted({column.title for column in study(name).columns}, key=len, reverse=True)
    for text in parsed(name, "zh").texts:
        for title in names:
            text = text.replace(title, "")
        assert not re.search(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,}){2,}", text), text


def test_english_page_has_no_chinese_but_the_switch():
    texts = [text for text in parsed("normal", "en").texts if re.search(r"[\u4e00-\u9fff]", text)]
    assert texts == ["中文"]


def keys(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_both_languages_have_equal_keys_and_slots():
    english, chinese = (dict(keys(load_tree(language))) for language in ("en", "zh"))
    assert set(english) == set(chinese)
    for key, sentence in english.items():
        if isinstance(sentence, str) and not key.startswith("date."):
            slots = [set(re.findall(r"\{(\w+)", text)) for text in (sentence, chinese[key])]
            # Chinese may name the number where English writes "1"
            assert slots[0] - {"n"} == slots[1] - {"n"}, key
    assert len(english["date.names"]) == len(chinese["date.names"]) == 12


def test_chinese_words_are_chinese():
    for key, sentence in keys(load_tree("zh")):
        text = re.sub(r"\{[^}]*\}", "", str(sentence))
        assert not re.search(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){2,}", text), key


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_is_deterministic(language):
    small = {"months": 2, "regions": 3, "products": 2, "resolution": 4.0}
    assert render(make_results(**small), language) == render(make_results(**small), language)


def test_sharing_drawings_changes_nothing():
    small = make_results(months=2, regions=2, products=1, resolution=4.0)
    shared: dict = {}
    assert render(small, "en", shared=shared) == render(small, "en")
    assert render(small, "zh", shared=shared) == render(small, "zh")


@pytest.mark.parametrize("name", list(VARIANTS))
def test_size_is_sane(name):
    assert len(page(name, "zh").encode()) < 4_500_000


def test_the_same_numbers_are_in_the_page_once():
    links = re.findall(
        r'<a class="get"[^>]*?(?: data-get="(get-\d+)")?[^>]*? href="([^"]+)">', page("normal", "en")
    )
    contents = [href for _, href in links if href.startswith("data:")]
    assert len(contents) == len(set(contents))
    shared = re.findall(r'data-get="(get-\d+)" download="[^"]+" href="#\1"', page("normal", "en"))
    assert shared
    assert all(f'id="{place}" download=' in page("normal", "en") for place in shared)


def test_losses_have_a_row_for_each_region_and_month():
    losses = study("normal").losses
    wide = wide_losses(losses, "oco2_lite")
    assert len(wide) == len(
        losses.loc[losses["product"] == "oco2_lite", ["region_id", "month"]].drop_duplicates()
    )
    first = losses[(losses["product"] == "oco2_lite") & (losses["reason"] == "high_airmass")]
    assert wide["sounding_rule_high_airmass"].sum() == first["count"].sum()
    assert {"sounding_read", "sounding_kept", "day_orbit_no_file"} <= set(wide)


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_no_machine_words_reach_the_reader(name, language):
    for text in parsed(name, language).texts:
        assert not re.search(
            r"\bnan\b|\bNaT\b|\bNone\b|\binf\b|\{[a-z_]+\}|Traceback|not_detectable", text
        ), text
        assert not re.search(r"\d\.\d{6,}", text), text


def test_numbers_follow_their_uncertainty():
    for row in re.findall(r"<tr>.*?</tr>", page("normal", "en")):
        match = re.search(r">([\d,]+)(?:\.(\d+))?</td><td[^>]*>± ([\d,]+)(?:\.(\d+))?</td>", row)
        if match:
            assert len(match[2] or "") == len(match[4] or ""), row


def test_text_in_figures_is_text():
    drawings = re.findall(r"<svg.*?</svg>", page("normal", "zh"), re.S)
    assert any("黑龙江省" in drawing for drawing in drawings)
    assert all("font-family" not in drawing and "DejaVu" not in drawing for drawing in drawings)
    assert all(
        re.search(r"viewBox=", drawing) and not re.search(r"<svg[^>]* width=", drawing)
        for drawing in drawings
    )


def test_first_screen_says_what_was_kept():
    assert re.search(r"9,\d{3} of 10,\d{3} soundings were kept", page("normal", "en"))
    assert "No region has data" in page("empty", "en")


def test_names_from_the_user_are_escaped():
    results = make_results(months=1, regions=2, products=1, resolution=4.0)
    results.regions["name"] = ["<b>&</b>", 'a"<script>x</script>']
    html = render(results, "en")
    assert "<b>&" not in html
    assert "<script>x" not in html


def test_both_languages_are_written_and_linked(tmp_path):
    results = make_results(months=1, regions=1, products=1, resolution=6.0, language="zh")
    path = report(results, tmp_path / "report.html")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.en.html", "report.html"]
    assert '<html lang="zh-CN">' in path.read_text(encoding="utf-8")
    assert 'href="report.en.html"' in path.read_text(encoding="utf-8")
    assert 'href="report.html"' in sibling(path, "en").read_text(encoding="utf-8")


def test_figures_are_files_that_stand_alone(tmp_path):
    results = make_results(months=2, regions=2, products=1, resolution=6.0, language="zh")
    files = write_figures(results, tmp_path)
    assert len(files) == len(set(files)) >= 6
    for file in files:
        root = ElementTree.parse(file).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.find("{http://www.w3.org/2000/svg}title").text
    assert "南海" not in (tmp_path / "map-main.svg").read_text(encoding="utf-8")
    assert not list(tmp_path.glob("small-*-0.svg"))


def test_one_language_alone_has_no_switch(tmp_path):
    results = make_results(months=1, regions=1, products=1, resolution=6.0)
    path = report(results, tmp_path / "a.html", language="en")
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]
    assert 'class="switch"' not in path.read_text(encoding="utf-8")


def test_what_could_not_be_done_is_said_in_both_languages():
    english, chinese = page("normal", "en"), page("normal", "zh")
    assert "maps without gaps, OCO-2 Lite v11.1, XCO₂: not done, too few data." in english
    assert "无缺测地图，OCO-2 Lite v11.1，XCO₂：未完成，可用数据太少。" in chinese
    assert "生态系统碳，变化图：未完成，网格不合用。" in chinese
    for html in (english, chinese):
        assert '<span lang="en" translate="no">Kriging needs at least 30 observations' in html


def test_bad_arguments_are_refused(tmp_path):
    results = make_results(months=1, regions=1, products=1, resolution=6.0)
    with pytest.raises(OutputError, match="folder"):
        report(results, tmp_path)
    with pytest.raises(CatalogError, match="language 'fr'"):
        report(results, tmp_path / "a.html", language="fr")
    assert list(tmp_path.iterdir()) == []


def test_package_is_the_verb():
    import yaotan
    import yaotan.report.page as module
    from yaotan import report as verb

    assert callable(verb)
    assert verb is yaotan.report
    assert module.report.__doc__


def test_results_refuse_tables_that_lack_columns():
    results = make_results(months=1, regions=1, products=1, resolution=6.0)
    with pytest.raises(SchemaError, match="verdict"):
        type(results)(**{**vars(results), "contrasts": results.contrasts.drop(columns="verdict")})


def test_words_are_valid_yaml_of_text():
    for language in ("en", "zh"):
        text = Text(language)
        assert text("small.cells", n=1, shown="1") != text("small.cells", n=2, shown="2") or language == "zh"
        assert yaml.safe_dump(dict(load_tree(language)))


def test_analyses_refuse_tables_and_grids_that_lack_something():
    grid = make_results(months=1, regions=1, products=1, resolution=6.0).columns[0].grid
    with pytest.raises(SchemaError, match="xco2_measured"):
        FilledResult("a", "A", "xco2", "ppm", grid, "kriging", pd.DataFrame())
    with pytest.raises(SchemaError, match="verdict"):
        AnomalyResult("a", "A", "xco2", "ppm", pd.DataFrame({"region_id": ["R"]}))
    empty = AnomalyResult("a", "A", "xco2", "ppm", pd.DataFrame())
    with pytest.raises(SchemaError, match="twice in anomalies"):
        replace(make_results(months=1, regions=1, products=1, resolution=6.0), anomalies=(empty, empty))
