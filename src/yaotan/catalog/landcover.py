"""Legends of land cover and land use as data, and the crosswalks between them: ``catalogs/landcover``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from yaotan.catalog.problem import read_entry
from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import root
from yaotan.errors import CatalogError
from yaotan.typing import PathLike


class LandClass(Entry):
    """One class of a legend.

    Parameters
    ----------
    name : dict of str to str
        Languages ``en`` and ``zh``.
    to : dict of str to int
        Other scheme -> the class of it that this one belongs to. A scheme that is not named has none for it.
    also : dict of str to tuple of int
        Other scheme -> classes that it could as well belong to: the crosswalk is a choice there.
    note : str, optional
        What a user should know.
    colour : str, optional
        Colour of the class in the convention of the legend, as ``#006400``.
    """

    name: Words
    to: dict[str, int] = Field(default_factory=dict)
    also: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    note: str | None = None
    colour: str | None = Field(default=None, pattern=r"^#[0-9a-f]{6}$")


class Legend(Entry):
    """The classes of one scheme.

    Parameters
    ----------
    scheme : str
        Name that travels with rasters.
    title : dict of str to str
        Languages ``en`` and ``zh``.
    edition, source, licence : str
        Which release, where its legend stands, and the terms of use.
    checked : {"file", "document", "note"}
        What the codes were compared with: a real file, the product's documentation, or nothing but a note.
    check : str
        How, and what of it is a judgement.
    warning : str, optional
        A trap.
    no_data : dict of int to str
        Codes that mean that there is no class.
    classes : dict of int to LandClass
        By code.
    """

    scheme: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Words
    edition: str
    source: str
    licence: str
    checked: Literal["file", "document", "note"]
    check: str
    warning: str | None = None
    no_data: dict[int, str] = Field(default_factory=dict)
    classes: dict[int, LandClass] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_meaning(self) -> Legend:
        both = sorted(set(self.no_data) & set(self.classes))
        if both:
            raise ValueError(f"code(s) {both} are classes and no data")
        return self

    def names(self) -> dict[int, tuple[str, str]]:
        """English and Chinese name of each code."""
        return {
            code: (entry.name.get("en", str(code)), entry.name.get("zh", entry.name.get("en", str(code))))
            for code, entry in self.classes.items()
        }


_own: dict[str, Legend] = {}


@cache
def legends() -> dict[str, Legend]:
    """Give every legend by scheme: those of ``catalogs/landcover``, and those of the user read so far.

    Examples
    --------
    >>> legends()["clcd"].names()[2]
    ('Forest', '森林')
    >>> legends()["cnlucc"].classes[64].to["six_class"]  # marsh is water and wetland, not unused land
    4
    """
    packaged = [read_entry(Legend, path) for path in sorted((root() / "landcover").glob("*.yaml"))]
    return {**{legend.scheme: legend for legend in packaged}, **_own}


def find_legend(scheme: PathLike) -> Legend:
    """Give a legend by the name of its scheme, or from a YAML file of the user.

    Parameters
    ----------
    scheme : path-like
        Name, or path of a file as those of ``catalogs/landcover``; its scheme is then known to this process.

    Returns
    -------
    Legend

    Raises
    ------
    CatalogError
        There is no such scheme, the file is wrong, or its scheme is known with other classes.

    Examples
    --------
    >>> find_legend("worldcover").classes[95].name["en"]
    'Mangroves'
    """
    if str(scheme) in legends():
        return legends()[str(scheme)]
    if Path(scheme).suffix.lower() not in (".yaml", ".yml"):
        raise CatalogError(
            f"there is no scheme {str(scheme)!r}",
            expected=f"one of {', '.join(legends())}, or a YAML file",
            fix="see docs/howto/add_legend.md",
        )
    legend = read_entry(Legend, scheme)
    known = legends().get(legend.scheme)
    if known is not None and known != legend:
        raise CatalogError(
            f"the scheme {legend.scheme} is known with other classes",
            where=scheme,
            fix="give the file a scheme name of its own",
        )
    global _own
    _own = {**_own, legend.scheme: legend}
    legends.cache_clear()
    return legend


def crosswalk(scheme: str, target: str) -> dict[int, int]:
    """Give the class of another scheme for each class of one that has such a class.

    Parameters
    ----------
    scheme, target : str
        Names of schemes.

    Returns
    -------
    dict of int to int
        Code -> code of `target`. Codes that have no counterpart (the sea) are absent.

    Raises
    ------
    CatalogError
        A scheme is unknown, or nobody wrote the crosswalk.

    Examples
    --------
    >>> crosswalk("clcd", "six_class")[3]  # shrub is forest land there
    1
    """
    legend = find_legend(scheme)
    find_legend(target)
    if scheme == target:
        return {code: code for code in legend.classes}
    pairs = {code: entry.to[target] for code, entry in legend.classes.items() if target in entry.to}
    if not pairs:
        possible = sorted({name for entry in legend.classes.values() for name in entry.to})
        raise CatalogError(
            f"there is no crosswalk from {scheme} to {target}",
            expected=f"one of {', '.join(possible) or 'none'}",
            fix="bring both rasters to a scheme that both know, or add 'to' to the legend",
        )
    return pairs
