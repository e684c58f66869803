"""The page laid out by a real browser: nothing overflows, overlaps, or turns into boxes."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from report_results import VARIANTS, make_results
from yaotan.report.page import render

pytestmark = pytest.mark.page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)
CASES = [
    *[("normal", language, width) for language in ("en", "zh") for width in (1280, 390)],
    *[(name, "zh", 390) for name in VARIANTS if name != "normal"],
    *[("analyses", language, 1280) for language in ("en", "zh")],
    ("analyses", "en", 390),
    ("ten_years", "en", 1280),
    ("many_regions", "en", 1280),
    ("empty", "en", 390),
    *[("carbon", language, width) for language, width in (("en", 1280), ("zh", 1280), ("en", 390))],
    ("many_classes", "en", 1280),
    *[("emission", language, width) for language, width in (("en", 1280), ("zh", 1280), ("en", 390))],
    *[("plumes", language, 1280) for language in ("en", "zh")],
    ("many_sources", "en", 390),
]
SCRIPT = Path(__file__).with_name("measure.js")


@pytest.fixture(scope="session")
def browser() -> str:
    """Path of Chromium; its absence is a failure, because these tests are asked for by name."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.fail("Chromium is absent. To do: apt-get install chromium fonts-noto-cjk")
    return found


_SHARED: dict[str, dict] = {}


@cache
def page(name: str, language: str) -> str:
    shared = _SHARED.setdefault(name, {})
    return render(make_results(**VARIANTS[name]), language, other="other.html", shared=shared)


def measure(browser: str, text: str, width: int, folder: Path) -> dict:
    """Lay the page out inside a frame of the wanted width, since a window has a least width of its own."""
    script = SCRIPT.read_text(encoding="utf-8")
    inner = text.replace("</body>", f"<script>{script}</script></body>")
    document = (
        '<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">'
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(inner)}"></iframe>'
        "<script>window.onload=function(){var p=document.createElement('pre');p.id='out';"
        "p.textContent=document.querySelector('iframe').contentDocument.getElementById('measured').textContent;"
        "document.body.innerHTML='';document.body.appendChild(p);}</script>"
    )
    file = folder / "page.html"
    file.write_text(document, encoding="utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=10000", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S)
    assert found, f"Chromium did not measure the page: {done.stderr[-800:]}"
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize(("name", "language", "width"), CASES)
def test_layout(browser, tmp_path, name, language, width):
    found = measure(browser, page(name, language), width, tmp_path)
    assert found["width"] == width
    assert found["scroll"] <= width, "the page is wider than the window"
    assert found["svgs"] > 0
    assert found["texts"] > 0
    assert found["flat"] == [], "figures without size"
    assert found["overlaps"] == [], "texts lie over each other"
    assert found["outside"] == [], "texts leave their figure"
    assert found["clipped"] == [], "texts leave their box"
    assert found["characters"] > 50
    assert found["tofu"] == [], "characters that no font has (apt-get install fonts-noto-cjk)"
    assert found["small"] == [], "texts too small to read"


def test_measuring_finds_faults(browser, tmp_path):
    """The measuring script itself: a page with each fault is caught."""
    bad = (
        '<!DOCTYPE html><html><body><figure><svg viewBox="0 0 100 60" width="300">'
        '<title id="bad-alt">a</title><text x="10" y="20">first</text><text x="12" y="22">second</text>'
        '<text x="-40" y="50">outside</text></svg></figure>'
        '<div style="width:3000px">wide \U0010abcd</div></body></html>'
    )
    found = measure(browser, bad, 390, tmp_path)
    assert found["scroll"] > 390
    assert found["overlaps"] == ["bad-alt: first / second"]
    assert found["outside"] == ["bad-alt: outside"]
    assert found["tofu"] == ["\U0010abcd"]
