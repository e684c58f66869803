"""Tables in text files: what the heading says, and the columns as arrays."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import NotAGranuleError
from yaotan.io.decode import to_numbers

#: fields are parted by one of these, or by blanks
_MARKS: Final = (";", "\t", ",")
_FACT: Final = re.compile(r"^#+\s*([A-Za-z][^:#]{0,60}?)\s*:\s*(.*?)\s*$")
#: "# value:units : micromol mol-1", an attribute of a column
_OWN_FACT: Final = re.compile(r"^#+\s*([A-Za-z_]\w*):(\w+)\s+:\s+(.*?)\s*$")
_NAME: Final = re.compile(r"^[^\W\d].{0,63}$")
_INTEGER: Final = re.compile(r"^[+-]?(?:0|[1-9]\d{0,17})$", re.ASCII)
#: rows that are held as lists of text at one time
_BLOCK: Final = 20_000
#: longest text for which all of a block get the same room
_LONG: Final = 64
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
#: attribute that holds the comment lines as they are
HEADER: Final = "header"


@dataclass(frozen=True)
class Heading:
    """What stands above the rows of a table.

    Parameters
    ----------
    names : tuple of str
        Columns, in their order.
    mark : str, optional
        What parts the fields; None for blanks.
    start : int
        Line (from 0) at which the rows begin.
    facts : dict
        ``# NAME: value`` in the comment lines, the first of each name; ``header`` is all of these lines.
    own : dict
        For each column what the comment lines say of it (``# value:units : ppm``).
    """

    names: tuple[str, ...]
    mark: str | None
    start: int
    facts: dict[str, str]
    own: dict[str, dict[str, Any]]


def decode_text(content: bytes, where: str) -> str:
    """Decode UTF-8, with or without byte order mark.

    Parameters
    ----------
    content : bytes
        As stored.
    where : str
        Path, for messages.

    Returns
    -------
    str
        Text.

    Raises
    ------
    NotAGranuleError
        The text is in another encoding. None is guessed: bytes of GB18030, Big5 and Latin-1 look alike.
    """
    fix = "save it as UTF-8, such as with: iconv -f GB18030 -t UTF-8"
    if content.startswith(_UTF16):
        raise NotAGranuleError("is a text file in UTF-16", where=where, expected="UTF-8", fix=fix)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotAGranuleError(
            f"is a text file that is not UTF-8 (line {line}: byte 0x{content[error.start]:02x})",
            where=where,
            expected="UTF-8",
            fix=fix,
        ) from error


def split_lines(text: str) -> list[str]:
    """Split at line ends only (`str.splitlines` splits at form feeds too)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_heading(lines: Sequence[str], where: str) -> Heading:
    """Find the names of the columns, and what the comment lines say.

    Parameters
    ----------
    lines : sequence of str
        At least up to the first row. Lines that begin with ``#`` are comments. The names of the columns
        stand in the fact ``data_fields``, in the first other line, or in the last comment line.
    where : str
        Path, for messages.

    Returns
    -------
    Heading
        Names and facts.

    Raises
    ------
    NotAGranuleError
        There is no line of names, or a name occurs twice.

    Examples
    --------
    >>> heading = read_heading(["# SITE: X", "# b:units : ppm", "a,b,c", "1,2,y"], "")
    >>> heading.names, heading.facts["SITE"], heading.own["b"]
    (('a', 'b', 'c'), 'X', {'units': 'ppm'})
    """
    start = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    facts, own = _read_comments(lines[:start])
    if "data_fields" in facts:
        return Heading(tuple(facts["data_fields"].split()), None, start, facts, own)
    comments = [line for line in lines[:start] if line.strip("# \t")]
    candidates = [(lines[start], start + 1)] if start < len(lines) else []
    candidates += [(comments[-1].lstrip("#").strip(), start)] if comments else []
    for line, first in candidates:
        mark = max(_MARKS, key=line.count)
        parted = mark if mark in line else None
        names = next((fields for _, fields in _fields([line], parted)), [])
        if _are_names(names, parted):
            _refuse_twins(names, where)
            return Heading(tuple(names), parted, first, facts, own)
    raise NotAGranuleError(
        "is a text file without a line of column names",
        where=where,
        expected="a netCDF-3, netCDF-4 or HDF5 file, or a text table of a known product",
    )


def _read_comments(lines: Sequence[str]) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    facts: dict[str, str] = {}
    own: dict[str, dict[str, Any]] = {}
    for line in lines:
        said = _OWN_FACT.match(line)
        if said:
            name, attribute, text = said.groups()
            own.setdefault(name, {}).setdefault(attribute, _number_or_text(text))
        elif match := _FACT.match(line):
            facts.setdefault(match.group(1), match.group(2))
    facts[HEADER] = "\n".join(lines)
    return facts, own


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _are_names(names: Sequence[str], mark: str | None) -> bool:
    """Tell names from a row of values, and (blanks between) from two words of prose."""
    least = 3 if mark is None else 2
    return len(names) >= least and all(_NAME.match(name) for name in names)


def _refuse_twins(names: Sequence[str], where: str) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise NotAGranuleError(
            f"two columns are called {twins[0]!r}", where=where, fix="give each column its own name"
        )


def read_columns(lines: Sequence[str], heading: Heading, where: str) -> dict[str, NDArray[Any]]:
    """Read the rows below a heading.

    Parameters
    ----------
    lines : sequence of str
        All of the file.
    heading : Heading
        As `read_heading` gives it.
    where : str
        Path, for messages.

    Returns
    -------
    dict of numpy.ndarray
        int64 or float64 where every field is a number or says that there is none; else text, also where
        numbers begin with 0 (``070115``). Empty lines and lines of empty fields are no rows.

    Raises
    ------
    NotAGranuleError
        A line has another number of fields than there are names.

    Examples
    --------
    >>> lines = ["a,b", "1,x", "2,y"]
    >>> read_columns(lines, read_heading(lines, ""), "")["a"]
    array([1, 2])
    """
    parts: list[list[NDArray[Any]]] = [[] for _ in heading.names]
    block: list[list[str]] = []
    for row in _rows(lines, heading, where):
        block.append(row)
        if len(block) == _BLOCK:
            _pack(block, parts)
            block = []
    _pack(block, parts)
    columns: dict[str, NDArray[Any]] = {}
    for name, pieces in zip(heading.names, parts, strict=True):
        columns[name] = _make_values(np.concatenate(pieces)) if pieces else np.array([], dtype="U1")
        pieces.clear()
    return columns


def _rows(lines: Sequence[str], heading: Heading, where: str) -> Iterator[list[str]]:
    """Give the fields of each row that has any."""
    numbers = [
        k for k in range(heading.start, len(lines)) if lines[k].strip() and not lines[k].startswith("#")
    ]
    try:
        for place, row in _fields([lines[k] for k in numbers], heading.mark):
            if not any(row):
                continue
            if len(row) != len(heading.names):
                raise NotAGranuleError(
                    f"line {numbers[place] + 1} has {len(row)} fields",
                    where=where,
                    expected=f"{len(heading.names)}, one for each column",
                    fix="the file is cut short or was changed by hand; get it again",
                )
            yield row
    except csv.Error as error:
        raise NotAGranuleError(
            f"is no table of text ({error})", where=where, fix="get the file again"
        ) from error


def _pack(block: list[list[str]], parts: list[list[NDArray[Any]]]) -> None:
    """Put rows into columns: arrays of text are smaller than texts, unless a single one is long."""
    for pieces, texts in zip(parts, zip(*block, strict=True), strict=False):
        pieces.append(np.array(texts, dtype=object if max(map(len, texts)) > _LONG else str))


def _fields(lines: Sequence[str], mark: str | None) -> Iterator[tuple[int, list[str]]]:
    """Give the fields of each row, and the place of its last line (a quoted field may span several)."""
    if mark is None:
        yield from ((place, line.split()) for place, line in enumerate(lines))
        return
    reader = csv.reader(lines, delimiter=mark, skipinitialspace=True)
    for row in reader:
        yield reader.line_num - 1, [item.strip() for item in row]


def _make_values(texts: NDArray[Any]) -> NDArray[Any]:
    listed = texts.tolist()
    if all(_INTEGER.match(text) for text in listed):
        return np.array([int(text) for text in listed], dtype=np.int64)
    # digits of a date (070115), or of an id, which float64 cannot keep
    if any(text.isdigit() and (len(text) > 15 or (text[0] == "0" and len(text) > 1)) for text in listed):
        return texts
    try:
        return to_numbers(texts)
    except NotAGranuleError:
        return texts
