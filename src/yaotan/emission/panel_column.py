"""What one column of a panel is: its role, unit, scope, source, and when its values were known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from yaotan.errors import PanelError
from yaotan.units import check_unit, conversion

Role = Literal["target", "feature", "scale", "weight", "flag", "part"]
ROLES: Final = get_args(Role)
#: columns that say which row it is; no column of a panel may have such a name
KEYS: Final = ("region", "period", "region_name", "region_name_zh", "parent", "zone")
#: what is learned from: a known scale (population, lights) may also serve as the offset of a model
LEARNABLE: Final = ("feature", "scale")
#: unit of an emission inside estimates
RATE: Final = "kg s-1"


@dataclass(frozen=True)
class PanelColumn:
    """One column of a panel.

    Parameters
    ----------
    name : str
        Name of the column in the table.
    role : str
        ``target``; ``feature``; ``scale``, a feature that is also a known size and may be the offset of a
        model (population, lights); ``weight`` of a row; ``flag``, a text that says why the target of a row
        is not to be used (empty: it is); ``part``, a sector of the target, never a feature.
    unit : str
        In CF or pint spelling, ``"1"`` without dimension; unused of a flag.
    scope : str, optional
        Of a target or part: what is counted, such as ``"scope 1, fossil + cement process"``.
    source, version : str, optional
        Where the values come from.
    lag : int, optional
        Years after the period until the value is known: a value of year t with lag 2 is known in t + 2.
    derived_from_target : bool, optional
        The column is made from the target or from the statistics behind it: no model may learn from it.
    description : str, optional
        For people.

    Raises
    ------
    PanelError
        An unknown role, a name of a key, a negative lag.
    UnitsError
        The unit is not known.

    Examples
    --------
    >>> PanelColumn("co2", "target", "Mt yr-1", scope="scope 1", lag=2).rate
    True
    >>> PanelColumn("population", "scale", "1").learnable
    True
    """

    name: str
    role: str
    unit: str
    scope: str = ""
    source: str = ""
    version: str = ""
    lag: int = 0
    derived_from_target: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        where = f"column {self.name!r}"
        if self.role not in ROLES:
            raise PanelError(f"role {self.role!r} is unknown", where=where, expected=", ".join(ROLES))
        if not self.name or self.name in KEYS:
            raise PanelError("the name is kept for a key", where=where, expected=f"none of {', '.join(KEYS)}")
        if isinstance(self.lag, bool) or not isinstance(self.lag, int) or self.lag < 0:
            raise PanelError(f"lag is {self.lag!r}", where=where, expected="whole years, 0 or more")
        if self.rate:
            conversion(self.unit, RATE)
        elif self.role != "flag":
            check_unit(self.unit)

    @property
    def rate(self) -> bool:
        """Whether the column is mass per time: an emission."""
        return self.role in ("target", "part")

    @property
    def learnable(self) -> bool:
        """Whether a model may learn from the column."""
        return self.role in LEARNABLE and not self.derived_from_target
