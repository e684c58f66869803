"""Health of a panel: what in a table of regions and years is wrong, suspect, or worth to know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from yaotan.catalog.boundary import boundary_changes
from yaotan.catalog.region import region_catalog
from yaotan.emission.leak import ACROSS, WITHIN, measure_leaks
from yaotan.emission.panel import Panel, PanelColumn
from yaotan.emission.series import find_jumps, find_placeholders, find_repeats

if TYPE_CHECKING:
    import pandas as pd

#: what is found, and what it means
FINDINGS: Final[dict[str, str]] = {
    "duplicate": "a region and period stand in several rows",
    "negative": "a value that cannot be negative is",
    "outside": "a share is below 0 or above 1",
    "zero": "the target or a scale is zero: it has no logarithm",
    "too_large": "all regions of a year together emit more than the world: the unit is wrong",
    "unknown_code": "most codes are those of provinces of China (GB/T 2260), this one is not",
    "other_parent": "the code of a city begins with another province than its parent",
    "part_above_target": "one sector is larger than the whole",
    "placeholder": "the target is less than a fifth of its neighbours in time",
    "flagged": "the panel marks the target as not to be used",
    "jump": "a change from the year before far outside of what the column does",
    "repeated": "a value that otherwise varies stands unchanged in three years or more",
    "gap": "years are missing between the first and the last of a region",
    "changing_set": "other regions have a target than in the year before: sums of rows are no series",
    "no_target": "a region has no usable target",
    "all_missing": "the column holds no value at all",
    "constant": "the column holds one value only",
    "boundary": "the code counts another area before and after",
    "gone": "the place was merged into others before this year",
    "leak": "the column follows the target as only the target does",
    "derived": "the column is declared as derived from the target: no model learns from it",
    "leak_unchecked": "too few regions or years to tell a copy of the target",
}
COLUMNS: Final = ("region", "period", "column", "finding", "severity", "value", "expected")
#: more than all fossil emissions of the world [Mt yr-1]: 37,600 of CO2 in 2023 (Global Carbon Budget 2024,
#: doi:10.5194/essd-17-965-2025); of other gases less is emitted
WORLD: Final = 4e4
#: stands for all regions, as in `yaotan.report`
WHOLE: Final = "*"


def check_panel(panel: Panel | pd.DataFrame, columns: Iterable[PanelColumn] = ()) -> pd.DataFrame:
    """Check a panel, or a table that is to become one.

    Parameters
    ----------
    panel : Panel or pandas.DataFrame
        A panel; or a table with its `columns`, which may hold doubled rows and negative emissions (a panel
        refuses both). What a panel would refuse for other reasons is refused here as well.
    columns : iterable of PanelColumn, optional
        Of a table.

    Returns
    -------
    pandas.DataFrame
        One row for each finding: ``region`` (``"*"`` for all), ``period`` (missing for all), ``column``,
        ``finding`` (a key of `FINDINGS`), ``severity``, ``value``, ``expected`` (text). Severity is ``error``
        (no model should be fitted before it is mended or flagged), ``warning`` (look at it) or ``note``
        (known: flagged or declared, or a fact to keep in mind). Errors come first. An empty table is a
        healthy panel.

    Raises
    ------
    PanelError
        The table cannot be a panel.

    Notes
    -----
    Jumps are judged by the change of the logarithm against that of all regions in the same year, by median
    and median absolute deviation, for columns whose values are all positive. Rows that are placeholders
    cause no second finding. Only the changes of boundaries of ``catalogs/boundary_changes.yaml`` are known.
    A check finds what looks wrong; whether it is, only the source tells.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"region": ["a"] * 6, "period": range(2001, 2007),
    ...                       "co2": [80.0, 82.0, 1.0, 85.0, 86.0, 88.0]})
    >>> found = check_panel(table, [PanelColumn("co2", "target", "Mt yr-1")])
    >>> found.loc[found["severity"] == "error", ["region", "period", "finding", "value"]].values.tolist()
    [['a', 2003, 'placeholder', 1.0]]
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    if not isinstance(panel, Panel):
        panel = _settle(panel, tuple(columns), rows)
    for check in (_values, _totals, _codes, _series, _gaps, _boundaries, _leaks):
        rows.extend(check(panel))
    found = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"period": "Int64", "value": float})
    order = found["severity"].map({"error": 0, "warning": 1, "note": 2})
    return (
        found.assign(order=order)
        .sort_values(["order", "finding", "column", "region", "period"], kind="stable", ignore_index=True)
        .drop(columns="order")
    )


def _settle(table: pd.DataFrame, columns: tuple[PanelColumn, ...], rows: list[tuple[Any, ...]]) -> Panel:
    """Make a panel of a table that may hold what a panel refuses; say what was set aside."""
    import pandas as pd

    table = table.reset_index(drop=True)
    if {"region", "period"} <= set(table.columns):
        doubled = table.duplicated(["region", "period"], keep="first")
        again = table[doubled].groupby(["region", "period"], as_index=False).size()
        for region, period, count in zip(again["region"], again["period"], again["size"], strict=True):
            rows.append((str(region), period, "", "duplicate", "error", count + 1.0, "1 row"))
        table = table[~doubled].copy()
    for entry in columns:
        if (entry.rate or entry.role == "weight") and entry.name in table:
            values = pd.to_numeric(table[entry.name], errors="coerce")
            for place in values.index[values < 0]:
                where = (str(table.at[place, "region"]), table.at[place, "period"], entry.name)
                rows.append((*where, "negative", "error", values[place], "0 or more"))
            table[entry.name] = table[entry.name].mask(values < 0)
    return Panel(table, columns)


def _values(panel: Panel) -> Iterable[tuple[Any, ...]]:
    table, target = panel.table, panel.target.name
    for entry in panel.columns:
        if entry.role == "flag":
            continue
        values = table[entry.name]
        known = values.dropna()
        severity = "error" if entry.role == "target" else "warning"
        if known.empty:
            yield WHOLE, None, entry.name, "all_missing", severity, np.nan, "a value in some row"
        elif known.nunique() == 1 and len(known) > 1 and entry.role != "weight":
            yield WHOLE, None, entry.name, "constant", severity, known.iloc[0], "more than one value"
        if entry.role == "scale":
            yield from _where(panel, values < 0, entry.name, "negative", "error", "more than 0")
        if entry.role in ("target", "scale"):
            yield from _where(panel, values == 0, entry.name, "zero", severity, "more than 0")
        if entry.role == "part" and entry.unit == panel.target.unit:
            above = values > table[target] * (1 + 1e-6)
            yield from _where(panel, above, entry.name, "part_above_target", "error", f"up to {target}")
        if entry.name.endswith("_coverage"):
            outside = (values < 0) | (values > 1)
            yield from _where(panel, outside, entry.name, "outside", "error", "0 to 1")
    yield from _where(panel, panel.flagged, target, "flagged", "note", "not used")


def _where(
    panel: Panel, rows: Any, column: str, finding: str, severity: str, expected: str
) -> Iterable[tuple[Any, ...]]:
    chosen = panel.table[np.asarray(rows, bool)]
    for region, period, value in zip(chosen["region"], chosen["period"], chosen[column], strict=True):
        yield region, period, column, finding, severity, value, expected


def _totals(panel: Panel) -> Iterable[tuple[Any, ...]]:
    sums = panel.table.assign(mass=panel.values("Mt yr-1")).groupby("period")["mass"].sum()
    for year, total in sums[sums > WORLD].items():
        yield WHOLE, year, panel.target.name, "too_large", "error", total, f"below {WORLD:.0f} Mt in a year"


def _codes(panel: Panel) -> Iterable[tuple[Any, ...]]:
    known = set(region_catalog().provinces)
    groups = sorted(set(panel.group))
    strange = [code for code in groups if code not in known]
    if len(strange) < len(groups) / 2:
        for code in strange:
            yield code, None, "", "unknown_code", "error", np.nan, "a code of GB/T 2260"
        if panel.level == "parent":
            pairs = panel.table[["region", "parent"]].drop_duplicates()
            for region, parent in zip(pairs["region"], pairs["parent"], strict=True):
                if region[:2] != parent[:2]:
                    yield region, None, "", "other_parent", "warning", np.nan, f"{parent[:2]}...."


def _series(panel: Panel) -> Iterable[tuple[Any, ...]]:
    target = panel.target.name
    table = panel.table.set_index(["region", "period"])
    flagged = dict(zip(table.index, panel.flagged, strict=True))
    wrong = find_placeholders(table[target].dropna())
    for (region, period), near in wrong.items():
        known = flagged[(region, period)]
        value = table.at[(region, period), target]
        yield (
            region, period, target, "placeholder", "note" if known else "error", value,
            f"near {near:.4g}, or a flag",
        )  # fmt: skip
    for entry in panel.columns:
        if entry.role in ("flag", "weight"):
            continue
        values = table[entry.name].dropna()
        if entry.rate:
            values = values[[place not in wrong and not flagged[place] for place in values.index]]
        for (region, period), (low, high) in find_jumps(values).items():
            expected = f"{low:.4g} to {high:.4g}"
            yield region, period, entry.name, "jump", "warning", values[(region, period)], expected
        # land cover and counts stand still for honest reasons
        carried = find_repeats(values) if entry.rate or entry.role == "scale" else {}
        for (region, period), count in carried.items():
            text = f"other values in {count} years"
            yield region, period, entry.name, "repeated", "warning", values[(region, period)], text


def _gaps(panel: Panel) -> Iterable[tuple[Any, ...]]:
    target = panel.target.name
    held = panel.table[panel.has_target]
    for name, table in (("", panel.table), (target, held)):
        for region, years in table.groupby("region")["period"]:
            missing = sorted(set(range(years.min(), years.max() + 1)) - set(years))
            for year in missing:
                yield region, year, name, "gap", "warning", np.nan, "a row" if not name else "a target"
    for region in sorted(set(panel.table["region"]) - set(held["region"])):
        yield region, None, target, "no_target", "note", np.nan, "a target in some year"
    sets = {year: set(held.loc[held["period"] == year, "region"]) for year in sorted(set(held["period"]))}
    for year, regions in sets.items():
        if year - 1 in sets and regions != sets[year - 1]:
            moved = len(regions ^ sets[year - 1])
            yield (
                WHOLE,
                year,
                target,
                "changing_set",
                "warning",
                float(moved),
                "the regions of the year before",
            )


def _boundaries(panel: Panel) -> Iterable[tuple[Any, ...]]:
    years = {region: set(rows) for region, rows in panel.table.groupby("region")["period"]}
    for change in boundary_changes().values():
        for code in (change.code, *change.others):
            if code not in years:
                continue
            first, last = min(years[code]), max(years[code])
            if code == change.code and change.kind == "merged" and last >= change.year:
                text = f"no row: merged into {', '.join(change.others)}"
                yield code, change.year, "", "gone", "warning", float(last), text
            elif first < change.year <= last:
                yield code, change.year, "", "boundary", "warning", np.nan, f"{change.text} ({change.source})"


def _leaks(panel: Panel) -> Iterable[tuple[Any, ...]]:
    for likeness in measure_leaks(panel):
        entry = panel.column(likeness.column)
        value = np.nanmax([likeness.across, likeness.within, likeness.change]) if likeness.checked else np.nan
        text = (
            f"below {ACROSS} across and {WITHIN} within: across {likeness.across:.3f}, "
            f"within {likeness.within:.3f}, change {likeness.change:.3f}"
        )
        if entry.derived_from_target:
            yield WHOLE, None, entry.name, "derived", "note", value, text
        elif likeness.leaks:
            yield WHOLE, None, entry.name, "leak", "error", value, text
        elif not likeness.checked:
            yield WHOLE, None, entry.name, "leak_unchecked", "note", np.nan, "8 regions, or 20 free values"
