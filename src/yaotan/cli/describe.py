"""A file's identity as text for people."""

from __future__ import annotations

import json
from typing import Any


def describe_match(match: Any) -> str:
    """Write product, version, period, extent, counts and variables of a granule as lines.

    Parameters
    ----------
    match : yaotan.io.identify.ProductMatch
        As `identify` gives it.

    Returns
    -------
    str
        A block of lines, the variables last.
    """
    version = match.version or "not stated"
    lines = [f"{match.path}", f"  product   {match.product}", f"  version   {version}"]
    known = {"file": "checked on real files", "note": "from documents only: never run on a real file"}
    lines.append(f"  layout    {known[match.granule.product.checked]}")
    if match.period:
        lines.append(f"  period    {str(match.period[0])[:19]} to {str(match.period[1])[:19]} UTC")
    if match.extent:
        west, south, east, north = match.extent
        lines.append(f"  extent    west {west:.3f}, south {south:.3f}, east {east:.3f}, north {north:.3f}")
    lines.append(f"  soundings {match.count}")
    for title, counts in (("quality", match.by_quality), ("mode", match.by_mode)):
        if counts:
            lines.append(f"  {title:<9} " + ", ".join(f"{name} {number}" for name, number in counts.items()))
    lines.append("  variables")
    width = max((len(name) for name in match.variables), default=0)
    lines += [f"    {name:<{width}}  [{units or '-'}]" for name, units in match.variables.items()]
    return "\n".join([*lines, *_describe_aliases(match)])


def _describe_aliases(match: Any) -> list[str]:
    """Say, for a product that is read by aliases, which dataset was taken for what, and on whose word."""
    matched = json.loads(match.granule.notes.get("matched", "{}"))
    lines = ["  matched"] if matched else []
    for name, found in matched.items():
        parts = [f"found by {found['found_by']}"]
        if "units" in found:
            parts.append(f"unit {found['units']} ({found.get('units_source', 'stated')})")
        if "good" in found:
            parts.append(f"good = {found['good']} ({found.get('good_source', 'stated')})")
        lines.append(f"    {name} <- {found['path']}: {', '.join(parts)}")
    return lines


def describe_kind(found: Any) -> str:
    """Write what a file is that holds no soundings, and what opens it, as lines.

    Parameters
    ----------
    found : yaotan.io.kind.FileKind
        As `find_kind` gives it.

    Returns
    -------
    str
        A block of lines, the variables last.
    """
    facts = {"is": found.kind, "opened by": found.opener, **found.facts}
    lines = [found.path, *(f"  {name:<9} {text}" for name, text in facts.items())]
    width = max((len(name) for name in found.variables), default=0)
    lines += ["  variables"] if found.variables else []
    lines += [f"    {name:<{width}}  [{units or '-'}]" for name, units in found.variables.items()]
    return "\n".join(lines)


def describe_index(summary: Any) -> str:
    """Write what an index holds as a short table.

    Parameters
    ----------
    summary : yaotan.io.index.scan.IndexSummary
        As `index_granules` gives it.

    Returns
    -------
    str
        A line per product, the errors, and what was read this time.
    """
    lines = []
    width = max((len(name) for name in summary.products), default=0)
    for name, rows in summary.products.items():
        first, last = (str(moment or "?")[:10] for moment in (rows.first, rows.last))
        lines.append(
            f"{name:<{width}}  {rows.files:>7} files  {rows.soundings:>11} soundings  {first} to {last}"
        )
    if summary.errors:
        lines.append(f"{len(summary.errors)} of {summary.rows} files cannot be read")
    gone = f", {summary.gone} gone" if summary.gone else ""
    lines.append(f"{summary.path}: {summary.read} files read, {summary.kept} rows unchanged{gone}")
    return "\n".join(lines)


def describe_listing(listing: Any, *, each: bool) -> str:
    """Write how many files a search found and how large they are.

    Parameters
    ----------
    listing : yaotan.io.fetch.FetchResult
        As `yaotan.fetch` gives it before anything is downloaded.
    each : bool
        Also write a line per file.

    Returns
    -------
    str
        Lines, the sum last.
    """
    lines = [f"{_size(file.size):>10}  {file.name}" for file in listing.files] if each else []
    lines += [f"note: {note}" for note in listing.notes]
    unknown = f", {listing.unsized} of unknown size" if listing.unsized else ""
    known = "" if listing.unsized == len(listing.files) else f", {_size(listing.size)}"
    lines.append(f"found at {listing.service}: {len(listing.files)} files{known}{unknown}")
    return "\n".join(lines)


def _size(count: int | None) -> str:
    if count is None:
        return "?"
    power = min((len(str(count)) - 1) // 3, 4)
    return f"{count} B" if power == 0 else f"{count / 1000**power:.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"
