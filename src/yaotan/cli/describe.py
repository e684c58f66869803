"""A file's identity as text for people."""

from __future__ import annotations

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
    lines = [f"{match.path}", f"  product   {match.product}", f"  version   {match.version}"]
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
    return "\n".join(lines)
