"""The page's figures as files of their own, for slides and papers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from yaotan.io.atomic import replacing
from yaotan.report.context import PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.page import SECTIONS
from yaotan.report.result import StudyResults
from yaotan.report.section.front import make_front
from yaotan.report.text import Text
from yaotan.typing import PathLike

#: name space that a stand-alone SVG file must declare; inside HTML it is implied
NAME_SPACE: Final = "http://www.w3.org/2000/svg"
#: what the page's style sheet gives to its figures
STYLE: Final = (
    "text{font-family:system-ui,sans-serif}*{stroke-linejoin:round}"
    '[id*="-halo-"] text{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-opacity:.85}'
)


def _find_figures(part: Any) -> Iterator[Figure]:
    if isinstance(part, Figure):
        yield part
    elif isinstance(part, Section):
        yield from _find_figures(part.parts)
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _find_figures(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _find_figures(value)


def write_figures(results: StudyResults, folder: PathLike, *, language: str | None = None) -> list[Path]:
    """Write every large figure of the report as an SVG file, text kept as text.

    Parameters
    ----------
    results : StudyResults
        The study.
    folder : path-like
        Existing folder; files of the same names are replaced.
    language : {"en", "zh"}, optional
        Language of the words in figures; ``results.language`` without it.

    Returns
    -------
    list of pathlib.Path
        The files, in the order of the page. Small maps of single months are left out: they have no words
        and mean nothing without their colour bar.

    Raises
    ------
    OutputError
        The folder does not exist or cannot be written to.
    """
    page = PageContext(results, Text(language or results.language))
    sections = [make_front(page), *(make(page) for make in SECTIONS)]
    written = []
    for figure in _find_figures(sections):
        if figure.small:
            continue
        path = Path(folder) / f"{figure.key}.svg"
        head = f'<svg xmlns="{NAME_SPACE}" '
        body = figure.svg.replace("<svg ", head, 1).replace("</title>", f"</title><style>{STYLE}</style>", 1)
        with replacing(path) as temporary:
            temporary.write_text(body + "\n", encoding="utf-8", newline="\n")
        written.append(path)
    return written
