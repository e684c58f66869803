"""`EffectiveWind`: the wind that carries a plume, with all that says where it may be used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from yaotan.errors import YaotanError

#: along: metres along the plume, wind of the air; area: square root of the mask's area, wind made to fit it
Length: TypeAlias = Literal["along_plume", "mask_area"]
LENGTHS: Final = ("along_plume", "mask_area")


@dataclass(frozen=True)
class EffectiveWind:
    """Wind of one plume.

    A wind measured or modelled at the height of the plume (``length="along_plume"``) and a wind that was
    fitted to masks of a certain rule (``length="mask_area"``, ``U_eff = c1 u10 + c0``) are two things: a
    method takes the one it is made for and refuses the other.

    Parameters
    ----------
    u, v : float
        Eastward and northward component [m s-1], true north: where the air goes to.
    uncertainty : mapping of str to float
        Standard error of the speed by term [m s-1], such as ``{"wind_speed": 1.0, "wind_height": 0.4}``;
        terms are independent of one another. The keys are terms of an estimate.
    direction_uncertainty : float
        Standard error of the direction [degree].
    relation : str
        What it is: "GNFR-A weighted mean", "0.34 u10 + 0.44".
    length : {"along_plume", "mask_area"}
        Definition of the plume length that it goes with.
    mask_rule : str
        With ``mask_area``: the rule of the masks that the relation was fitted to.
    citation : str
        Where the relation comes from.
    height : str
        Layer or height it is of, for people.
    time : str
        ISO time, UTC.
    choices : mapping of str to tuple of float
        The other winds that were looked at, ``name -> (u, v)`` [m s-1].
    history : tuple of pairs of float
        Wind along the way of the plume: ``(age [s], speed [m s-1])``, age 0 at the overpass at the source.

    Examples
    --------
    >>> wind = EffectiveWind.from_direction(5.0, 270.0, uncertainty={"wind_speed": 1.0})
    >>> round(wind.u, 6), round(wind.v, 6), wind.speed, wind.direction
    (5.0, 0.0, 5.0, 270.0)
    """

    u: float
    v: float
    uncertainty: Mapping[str, float] = field(default_factory=dict)
    direction_uncertainty: float = 0.0
    relation: str = "wind as given"
    length: Length = "along_plume"
    mask_rule: str = ""
    citation: str = ""
    height: str = ""
    time: str = ""
    choices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    history: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.length not in LENGTHS:
            raise YaotanError(
                f"length is {self.length!r}", where="EffectiveWind", expected=", ".join(LENGTHS)
            )
        if self.length == "mask_area" and not (self.mask_rule and self.citation):
            raise YaotanError(
                "a wind that was fitted to masks says neither their rule nor its source",
                where="EffectiveWind",
                fix="give mask_rule and citation",
            )
        sigmas = [*self.uncertainty.values(), self.direction_uncertainty]
        if not all(math.isfinite(sigma) and sigma >= 0.0 for sigma in sigmas):
            raise YaotanError(
                "an uncertainty is negative or missing", where="EffectiveWind", expected="0 or more"
            )

    @classmethod
    def from_direction(cls, speed: float, direction: float, **more: Any) -> EffectiveWind:
        """Make it of speed [m s-1] and the direction that the wind comes from [degrees from true north]."""
        angle = math.radians(direction)
        return cls(-speed * math.sin(angle), -speed * math.cos(angle), **more)

    @property
    def speed(self) -> float:
        """Speed [m s-1]."""
        return math.hypot(self.u, self.v)

    @property
    def direction(self) -> float:
        """Where the wind comes from [degrees clockwise from true north, 0 to 360]."""
        return math.degrees(math.atan2(-self.u, -self.v)) % 360.0

    @property
    def speed_uncertainty(self) -> float:
        """All terms of the speed together [m s-1]."""
        return math.sqrt(sum(sigma**2 for sigma in self.uncertainty.values()))

    @property
    def known(self) -> bool:
        """Whether there is a wind at all."""
        return math.isfinite(self.u) and math.isfinite(self.v)

    def scaled(self, factor: float) -> EffectiveWind:
        """Give the same wind at another speed; its uncertainty stays as it is in m s-1."""
        return replace(self, u=self.u * factor, v=self.v * factor)

    def rotated(self, degrees: float) -> EffectiveWind:
        """Give the same wind turned clockwise."""
        return type(self).from_direction(
            self.speed, self.direction + degrees, **{name: getattr(self, name) for name in _REST}
        )

    def describe(self) -> dict[str, Any]:
        """Give it as a table for records (JSON)."""
        rest = {name: getattr(self, name) for name in _REST}
        table = {"u": self.u, "v": self.v, "speed": self.speed, "direction": self.direction, **rest}
        table["uncertainty"] = dict(self.uncertainty)
        table["choices"] = {name: list(pair) for name, pair in self.choices.items()}
        return {
            key: value for key, value in table.items() if not isinstance(value, (str, dict, tuple)) or value
        }


_REST: Final = tuple(name for name in EffectiveWind.__dataclass_fields__ if name not in ("u", "v"))
#: no wind could be had for the place and time: methods answer with the status ``no_wind``
NO_WIND: Final = EffectiveWind(math.nan, math.nan, relation="none")
