"""What a fitted model expects of a panel: features with unit, order and range, frozen when it was fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from yaotan.emission.panel import Panel
from yaotan.errors import ModelError, PanelError, UnitsError
from yaotan.units import conversion

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FeatureRule:
    """One feature as it was learned from.

    Attributes
    ----------
    name, unit, dtype, role : str
        As in the panel: ``feature`` or ``scale``.
    transform : str
        What the model made of it, such as ``log`` or ``log ratio to population``; empty: nothing.
    lowest, highest : float or None
        Range over the rows learned from; None where no value was there.
    gaps : bool
        Whether values were missing there.
    """

    name: str
    unit: str
    dtype: str = "float64"
    role: str = "feature"
    transform: str = ""
    lowest: float | None = None
    highest: float | None = None
    gaps: bool = False


@dataclass(frozen=True)
class FeatureSchema:
    """Features of a model in their order, and the target that it estimates.

    Attributes
    ----------
    rules : tuple of FeatureRule
    target, target_unit, scope : str
        What was learned.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.emission import PanelColumn
    >>> table = pd.DataFrame({"region": ["a", "b"], "period": 2001, "co2": [1.0, 2.0],
    ...                       "people": [5.0, 9.0]})
    >>> panel = Panel(table, (PanelColumn("co2", "target", "Mt yr-1"), PanelColumn("people", "scale", "1")))
    >>> schema = freeze_schema(panel)
    >>> schema.check(panel)
    >>> schema.outside(panel.with_columns({"people": [5.0, 90.0]}))[["region", "feature", "value"]].values
    array([['b', 'people', 90.0]], dtype=object)
    """

    rules: tuple[FeatureRule, ...]
    target: str = ""
    target_unit: str = ""
    scope: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in their order."""
        return tuple(rule.name for rule in self.rules)

    def check(self, panel: Panel) -> None:
        """Refuse a panel that is not what the model learned from, with every difference in one message.

        Parameters
        ----------
        panel : Panel
            To be predicted; it needs no target. Further features are not looked at.

        Raises
        ------
        PanelError
            A feature is missing (or renamed: the nearest name is given), stands in another order, has another
            unit or role, is made from the target, or has no value at all where the model saw none missing.
        """
        found = {entry.name: entry for entry in panel.columns}
        problems = self._missing(found)
        for rule in self.rules:
            entry = found.get(rule.name)
            if entry is None:
                continue
            if not _same_unit(entry.unit, rule.unit):
                problems.append(f"{rule.name} is in {entry.unit!r} and not in {rule.unit!r}")
            if not entry.learnable:
                problems.append(f"{rule.name} has role {entry.role} or is derived from the target")
            elif panel.table[rule.name].isna().all() and not rule.gaps:
                problems.append(f"{rule.name} has no value at all")
        order = [entry.name for entry in panel.columns if entry.name in self.names]
        wanted = [name for name in self.names if name in found]
        if order != wanted:
            problems.append(f"the order is {', '.join(order)} and not {', '.join(wanted)}")
        if problems:
            raise PanelError(
                f"the panel is not what the model learned from: {'; '.join(problems)}",
                where="feature schema",
                expected=", ".join(f"{rule.name} [{rule.unit}]" for rule in self.rules),
                fix="give the features that the model was trained on, or train a new one",
            )  # fmt: skip

    def _missing(self, found: Mapping[str, Any]) -> list[str]:
        out = []
        for name in self.names:
            if name not in found:
                unused = [other for other in found if other not in self.names]
                near = get_close_matches(name, unused, 1)
                out.append(f"{name} is missing" + (f" (renamed {near[0]}?)" if near else ""))
        return out

    def outside(self, panel: Panel) -> pd.DataFrame:
        """List the values beyond the range that the model learned from.

        Parameters
        ----------
        panel : Panel
            That `check` accepts.

        Returns
        -------
        pandas.DataFrame
            ``row``, ``region``, ``period``, ``feature``, ``value``, ``lowest``, ``highest``: one for each
            value beyond; and for each missing value of a feature that had no gaps, with NaN as value.
        """
        import pandas as pd

        rows = []
        for rule in self.rules:
            values = panel.table[rule.name].to_numpy(dtype=float)
            low = -np.inf if rule.lowest is None else rule.lowest
            high = np.inf if rule.highest is None else rule.highest
            beyond = (values < low) | (values > high) | (np.isnan(values) & (not rule.gaps))
            for row in np.flatnonzero(beyond):
                key = (str(panel.table["region"].iloc[row]), int(panel.table["period"].iloc[row]))
                rows.append((int(row), *key, rule.name, float(values[row]), low, high))
        columns = ["row", "region", "period", "feature", "value", "lowest", "highest"]
        return pd.DataFrame(rows, columns=columns)

    def to_card(self) -> dict[str, Any]:
        """Give the schema as texts and numbers."""
        return asdict(self) | {"rules": [asdict(rule) for rule in self.rules]}

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> FeatureSchema:
        """Read what `to_card` gave.

        Raises
        ------
        ModelError
            It is damaged.
        """
        try:
            rules = tuple(FeatureRule(**rule) for rule in card["rules"])
            return cls(rules, card["target"], card["target_unit"], card["scope"])
        except (KeyError, TypeError) as error:
            raise ModelError(f"the feature schema is damaged ({error})", where="card") from error


def _same_unit(one: str, other: str) -> bool:
    """Whether two spellings mean one unit: km2 and km^2, but not km2 and m2."""
    try:
        return conversion(one, other) == (1.0, 0.0)
    except UnitsError:
        return False


def freeze_schema(
    panel: Panel, names: tuple[str, ...] | None = None, *, transforms: Mapping[str, str] | None = None
) -> FeatureSchema:
    """Write down what a model is about to learn from.

    Parameters
    ----------
    panel : Panel
        Rows learned from.
    names : tuple of str, optional
        Features used, in the order of the panel; all by default, none of a model that needs none.
    transforms : mapping of str to str, optional
        What the model makes of each.

    Returns
    -------
    FeatureSchema
        Ranges are over all rows given.

    Raises
    ------
    PanelError
        There is no feature, or a name may not be learned from.
    """
    matrix = panel.matrix(names)
    if not len(matrix.columns) and names is None:
        raise PanelError("the panel has no feature", where="feature schema")
    ordered = [entry for entry in panel.columns if entry.name in matrix]
    rules = []
    for entry in ordered:
        values = matrix[entry.name].dropna()
        rules.append(
            FeatureRule(
                name=entry.name,
                unit=entry.unit,
                dtype=str(matrix[entry.name].dtype),
                role=entry.role,
                transform=(transforms or {}).get(entry.name, ""),
                lowest=float(values.min()) if len(values) else None,
                highest=float(values.max()) if len(values) else None,
                gaps=bool(matrix[entry.name].isna().any()),
            )
        )
    target = panel.target
    return FeatureSchema(tuple(rules), target.name, target.unit, target.scope)
