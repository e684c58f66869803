"""The page: sections in order, one template, one file that opens with no server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, Final

from yaotan.errors import OutputError
from yaotan.io.atomic import replacing
from yaotan.optional import require
from yaotan.report.context import PageContext, Section
from yaotan.report.result import StudyResults
from yaotan.report.section.anomaly import make_anomalies
from yaotan.report.section.claim import make_claims
from yaotan.report.section.column import make_columns
from yaotan.report.section.ecosystem import make_ecosystem
from yaotan.report.section.filled import make_filled
from yaotan.report.section.front import make_front
from yaotan.report.section.fusion import make_fused
from yaotan.report.section.hotspot import make_hotspots
from yaotan.report.section.loss import make_losses
from yaotan.report.section.plume import make_point_sources
from yaotan.report.section.provincial import make_provincial
from yaotan.report.section.source import make_sources
from yaotan.report.section.trend import make_trends
from yaotan.report.section.trust import make_trust
from yaotan.report.section.validation import make_validations
from yaotan.report.text import LANGUAGES, Text
from yaotan.typing import PathLike

#: sections below the first screen, in the order of the page; a later capability adds its function here and
#: its block in ``template/section/``. Each is given the study in one language, gives None where the study has
#: nothing for it, and its docstring names the parts that the block places
SECTIONS: Final[tuple[Callable[[PageContext], Section | None], ...]] = (
    make_columns,
    make_claims,
    make_filled,
    make_fused,
    make_trends,
    make_anomalies,
    make_hotspots,
    make_validations,
    make_trust,
    make_point_sources,
    make_provincial,
    make_ecosystem,
    make_losses,
    make_sources,
)

#: a link to numbers inside the page
_DOWNLOAD: Final = re.compile(r'<a class="get" download="[^"]*" href="(data:[^"]*)">')


def _environment() -> Any:
    jinja2 = require("jinja2")
    folder = resources.files("yaotan.report").joinpath("template")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(folder)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["markup"] = require("markupsafe").Markup
    return environment


def render(
    results: StudyResults, language: str, *, other: str | None = None, shared: dict[str, Any] | None = None
) -> str:
    """Write the page as text.

    Parameters
    ----------
    results : StudyResults
        The study.
    language : {"en", "zh"}
        Language of the page.
    other : str, optional
        File name of the page in the other language, for the switch.
    shared : dict, optional
        Give the same one for both languages of a study: what has no words in it is then drawn once.

    Returns
    -------
    str
        A whole HTML document. The same study gives the same text.
    """
    page = PageContext(results, Text(language), shared)
    front = make_front(page)
    sections = [section for section in (make(page) for make in SECTIONS) if section is not None]
    style = resources.files("yaotan.report").joinpath("template", "style.css").read_text(encoding="utf-8")
    template = _environment().get_template("page.html.j2")
    html: str = template.render(
        t=page.text, front=front, sections=sections, style=style, other=other, language=language
    )
    html = share_downloads(html)
    return html if html.endswith("\n") else html + "\n"


def share_downloads(html: str) -> str:
    """Keep the same numbers once: further links to them point to the first, whose content a script gives on.

    Examples
    --------
    >>> link = '<a class="get" download="a.csv" href="data:text/csv;base64,eA==">'
    >>> share_downloads(link + link).partition(">")[2]
    '<a class="get" data-get="get-1" download="a.csv" href="#get-1">'
    """
    count = Counter(_DOWNLOAD.findall(html))
    places = {href: f"get-{n}" for n, href in enumerate((h for h, n in count.items() if n > 1), start=1)}
    met: set[str] = set()

    def share(match: re.Match[str]) -> str:
        href = match[1]
        if href not in places:
            return match[0]
        place = places[href]
        if href not in met:
            met.add(href)
            return match[0].replace('<a class="get"', f'<a class="get" id="{place}"', 1)
        return match[0].replace(href, f"#{place}").replace('"get"', f'"get" data-get="{place}"', 1)

    return _DOWNLOAD.sub(share, html)


def sibling(path: Path, language: str) -> Path:
    """Name the page in another language: ``report.html`` -> ``report.zh.html``.

    Examples
    --------
    >>> sibling(Path("out/report.html"), "zh").name
    'report.zh.html'
    """
    return path.with_name(f"{path.stem}.{language}{path.suffix or '.html'}")


def report(results: StudyResults, path: PathLike, *, language: str | None = None) -> Path:
    """Write the report of a study: one HTML file that opens from disk, without a server or a network.

    Parameters
    ----------
    results : StudyResults
        The study.
    path : path-like
        File to write, such as ``"results/report.html"``; replaced in one step.
    language : {"en", "zh"}, optional
        Write this language alone. Without it the page at `path` is in ``results.language`` and the other
        language goes beside it (``report.zh.html`` or ``report.en.html``), each linking to the other.

    Returns
    -------
    pathlib.Path
        The page at `path`.

    Raises
    ------
    OutputError
        The page cannot be written there.
    CatalogError
        The language is unknown.
    MissingDependencyError
        matplotlib or jinja2 is not installed.

    Notes
    -----
    Nothing is computed here that is not in the study, apart from means over months of regional values
    (`summary.mean_of_months`) and of cells, which captions name.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError("is a folder", where=path, fix=f"write to {path / 'report.html'}")
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(
            f"the suffix {path.suffix!r} is not that of a page", where=path, expected=".html or .htm"
        )
    if language is not None:
        _save(render(results, language), path)
        return path
    shared: dict[str, Any] = {}
    for one in LANGUAGES:
        main = one == results.language
        other = next(name for name in LANGUAGES if name != one)
        target = path if main else sibling(path, one)
        link = sibling(path, other).name if main else path.name
        _save(render(results, one, other=link, shared=shared), target)
    return path


def _save(html: str, path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")
