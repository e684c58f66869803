"""What a study asked for and could not be done: named by a code that has words in every language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from yaotan.errors import (
    GridError,
    MissingDependencyError,
    SeriesError,
    TooFewSoundingsError,
    YaotanError,
)

#: kind of error -> code; the report has words for each, and for ``no_month`` and ``other``
CODES: Final[dict[type[YaotanError], str]] = {
    TooFewSoundingsError: "too_few",
    SeriesError: "series",
    GridError: "grid",
    MissingDependencyError: "package",
}


def skip(variable: str, error: YaotanError) -> dict[str, str]:
    """Note that something was not done, for the summary of its step.

    Parameters
    ----------
    variable : str
        Column variable, or what was to be made ("change_map").
    error : YaotanError
        Why.

    Returns
    -------
    dict
        ``variable``, ``code``, ``reason`` (what the error says).

    Examples
    --------
    >>> skip("xco2", TooFewSoundingsError("2 observations"))
    {'variable': 'xco2', 'code': 'too_few', 'reason': '2 observations'}
    """
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), "other")
    return {"variable": variable, "code": code, "reason": error.what}


def skips_of(analyses: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Give what the analyses of a run could not do: ``step``, ``variable``, ``code``, ``reason``."""
    for step, summary in analyses.items():
        for item in summary.get("skipped", []):
            yield {"step": step, "code": "other", **item}


def notes_of(analyses: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what was asked for and could not be done, one sentence each."""
    return [
        f"{item['step']} {item['variable'].replace('_', ' ')}: not done, {item['reason']}"
        for item in skips_of(analyses)
    ]
