"""How estimates of emissions were scored: four lines, one on the panel, one where the truth is known."""

from __future__ import annotations

import numpy as np

from yaotan.report.context import PageContext
from yaotan.report.number import fixed, whole
from yaotan.report.provincial import EmissionResult


def score_lines(page: PageContext, one: EmissionResult) -> list[str]:
    """Say what was asked, how large the error is, whether intervals held, and what was tried."""
    lines = [_question(page, one), _error(page, one), _intervals(page, one), _tried(page, one)]
    suspect = sum(one.facts.get("health", {}).values())
    if suspect:
        lines.append(page.text("provincial.scored.health", n=suspect, shown=whole(suspect)))
    if one.truth is not None:
        lines.append(_truth(page, one))
    return [line for line in lines if line]


def _question(page: PageContext, one: EmissionResult) -> str:
    facts = one.facts
    foreign = facts["model"] and facts["protocol"].startswith("leave_")
    return page.text(
        f"provincial.scored.{'given' if foreign else facts['protocol']}",
        rows=whole(float(one.scores["n"].iloc[0])) if "n" in one.scores else "–",
        regions=whole(facts["reporting"]), folds=facts["folds"], lag=facts["lag"],
    )  # fmt: skip


def _error(page: PageContext, one: EmissionResult) -> str:
    text, errors = page.text, one.errors()
    said = text("provincial.scored.error", wmape=text.percent(errors.pop("model")))
    if not errors:
        return said
    best = min(errors, key=errors.__getitem__)
    row = one.skill[(one.skill["against"] == best) & (one.skill["measure"] == "wmape")]
    slots = {"baseline": baseline_name(page, best), "wmape": text.percent(errors[best])}
    if len(row) and np.isfinite(row[["skill", "lower", "upper"]].to_numpy(float)).all():
        skill, low, high = (100 * float(row[name].iloc[0]) for name in ("skill", "lower", "upper"))
        key = "better" if low > 0 else "worse" if high < 0 else "open"
        bounds = text("interval", lower=fixed(low, 0), upper=fixed(high, 0))
        slots |= {"skill": fixed(skill, 0), "interval": bounds}
        return said + text("space") + text(f"provincial.scored.{key}", **slots)
    return said + text("space") + text("provincial.scored.beside", **slots)


def baseline_name(page: PageContext, name: str) -> str:
    """Name a baseline for people: ``per_population`` -> an estimate per population."""
    text = page.text
    for start in ("persistence_x_", "per_", "loglinear_"):
        if name.startswith(start):
            scale = name.removeprefix(start)
            known = f"provincial.scale.{scale}"
            word = text(known) if text.has(known) else scale
            return text(f"provincial.baseline.{start.rstrip('_')}", scale=word)
    key = f"provincial.baseline.{name}"
    return text(key) if text.has(key) else name


def _intervals(page: PageContext, one: EmissionResult) -> str:
    text, row = page.text, one.at_level()
    if not row:
        return ""
    holds = row["exact_lower"] <= row["level"] <= row["exact_upper"]
    return text(
        f"provincial.scored.{'held' if holds else 'not_held'}",
        level=text.level(row["level"]), coverage=text.percent(row["province_coverage"]),
        provinces=whole(row["provinces"]), factor=fixed(row["factor"], 2),
    )  # fmt: skip


def _tried(page: PageContext, one: EmissionResult) -> str:
    text, facts = page.text, one.facts
    said = (
        text("provincial.scored.model", model=facts["model"])
        if facts["model"]
        else text("provincial.scored.tried", n=facts["configurations"], shown=whole(facts["configurations"]))
    )
    table = one.of_year()
    far = int(((table["inside"] == False) | (table["beyond"] > 0)).sum())  # noqa: E712  (None is neither)
    if table["inside"].notna().any():
        said += text("space") + text(
            "provincial.scored.domain", n=far, shown=whole(far), total=whole(len(table))
        )
    return said


def _truth(page: PageContext, one: EmissionResult) -> str:
    assert one.truth is not None
    text = page.text
    both = one.estimates.dropna(subset=["estimate"]).merge(one.truth, on=["region", "period"])
    inside = (both["truth"] >= both["lower"]) & (both["truth"] <= both["upper"])
    error = (both["estimate"] - both["truth"]).abs().sum() / both["truth"].sum()
    return text(
        "provincial.scored.truth", share=text.percent(float(inside.mean())),
        level=text.level(float(one.facts["level"])), wmape=text.percent(float(error)), rows=whole(len(both)),
    )  # fmt: skip
