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
