"""From a drawing to inline SVG: text stays text, ids are unique, the same input gives the same bytes."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np

from yaotan.optional import require
from yaotan.report.table import Download

INK: Final = "#1f2933"
QUIET: Final = "#66727f"
RULE: Final = "#c5ccd3"
GRID: Final = "#e6e9ec"
ACCENT: Final = "#0b6e8f"
#: Okabe and Ito's colours for eight classes, safe for colour-blind readers (jfly.uni-koeln.de/color), yellow
#: left out because it cannot be read on white
CLASSES: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")

_STYLE: Final = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 12.0,
    "font.family": ["DejaVu Sans"],
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "xtick.labelsize": 11.5,
    "ytick.labelsize": 11.5,
    "text.color": INK,
    "path.simplify": True,
    "figure.dpi": 72.0,
}
_NUMBER: Final = re.compile(r"-?\d+\.\d{2,}")
_IMAGE: Final = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")
_GEOMETRY: Final = re.compile(r'\b(?:d|x|y|x1|x2|y1|y2|transform|width|height|points)="[^"]*"')


@dataclass(frozen=True)
class Figure:
    """One figure of the page.

    Parameters
    ----------
    key : str
        HTML id, unique on the page.
    svg : str
        The drawing as inline SVG.
    title, caption : str
        The finding, and what is drawn.
    download : Download, optional
        The numbers behind it.
    small : bool
        One of many small maps.
    """

    key: str
    svg: str
    title: str
    caption: str = ""
    download: Download | None = None
    small: bool = False


def draw_svg(
    key: str, size: tuple[float, float], alt: str, draw: Callable[[Any], None], *, dpi: float = 160
) -> str:
    """Draw with matplotlib and give SVG that can stand inside an HTML page.

    Parameters
    ----------
    key : str
        Prefix of every id inside, unique on the page.
    size : tuple of float
        Width and height [CSS px at natural size]; the drawing scales with its container.
    alt : str
        What the figure shows, for readers who cannot see it.
    draw : callable
        Called with a matplotlib Figure.
    dpi : float
        Resolution of parts that are rasterised.

    Returns
    -------
    str
        ``<svg ...>...</svg>`` without prolog, metadata, name spaces, fixed size or fonts.
    """
    matplotlib = require("matplotlib")
    figure_class = require("matplotlib.figure").Figure
    buffer = io.StringIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": key}), warnings.catch_warnings():
        # text is written as text, so it does not matter that matplotlib's own font lacks Chinese glyphs
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        figure = figure_class(figsize=(size[0] / 72, size[1] / 72), facecolor="none")
        draw(figure)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", dpi=dpi, metadata=nothing)
    return _inline(buffer.getvalue(), key, alt, size)


def _inline(svg: str, key: str, alt: str, size: tuple[float, float]) -> str:
    body = svg[svg.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(r'<defs>\s*<style type="text/css">.*?</style>\s*</defs>', "", body, flags=re.S)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{key}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", body)
    body = re.sub(r"font: (?:[a-z0-9]+ )*?([\d.]+)px [^;\"]*", r"font-size:\1px", body)
    body = re.sub(r" ?font-family: [^;\"]*;?", "", body)
    body = re.sub(r' transform="rotate\(-?0 [^"]*\)"', "", body)
    body = _GEOMETRY.sub(_shorten_attribute, body)
    body = _IMAGE.sub(_repack, body)
    body = re.sub(r">\s+<", "><", body).strip()
    width, height = (f"{side:g}" for side in size)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{key}-alt" '
        f'preserveAspectRatio="xMidYMid meet"><title id="{key}-alt">{escape(alt)}</title>{body}</svg>'
    )


def _shorten_attribute(match: re.Match[str]) -> str:
    """Round a path to a tenth of a pixel, and everything else to a hundredth."""
    decimals = 1 if match[0].startswith("d=") else 2

    def shorten(number: re.Match[str]) -> str:
        text = f"{float(number[0]):.{decimals}f}".rstrip("0").rstrip(".")
        return "0" if text in ("-0", "") else text

    text = _NUMBER.sub(shorten, match[0])
    return re.sub(r"\s*\b([MLQCz])\b\s*", r"\1", text) if decimals == 1 else text


def _repack(match: re.Match[str]) -> str:
    """Store an image of few colours with a palette: the same pixels in a fraction of the bytes."""
    image_module = require("PIL.Image")
    with image_module.open(io.BytesIO(base64.b64decode(match[1]))) as source:
        pixels = np.asarray(source.convert("RGBA"))
    # invisible pixels may differ in a colour that nobody sees
    pixels = np.where(pixels[..., 3:] == 0, np.uint8(0), pixels)
    colours, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) > 256:
        return match[0]
    packed = image_module.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8), mode="L").convert("L")
    packed = image_module.frombytes("P", packed.size, packed.tobytes())
    packed.putpalette(colours.astype(np.uint8).tobytes(), rawmode="RGBA")
    buffer = io.BytesIO()
    packed.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def text_width(text: str, size: float) -> float:
    """Estimate the width of a text in any system font, on the wide side [px].

    Examples
    --------
    >>> text_width("abc", 10) < text_width("四川省", 10)
    True
    """
    return sum(size if ord(character) > 0x2E7F else 0.6 * size for character in text)


def fit_text(text: str, width: float, size: float) -> str:
    """Shorten a text with an ellipsis so that it fits a width [px]."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"
