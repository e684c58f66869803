"""How soundings find their partners: the options, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from yaotan.errors import YaotanError
from yaotan.geodesy import AUTHALIC_RADIUS

Method: TypeAlias = Literal["box", "radius", "temperature"]
Kernel: TypeAlias = Literal["common_prior", "smooth", "none"]

#: Half widths of the box in latitude and longitude [degrees]: the choice in use for OCO-2 against TCCON, and
#: that of Wunch et al. 2011 (doi:10.5194/acp-11-12317-2011) with the temperature at 700 hPa. Conventions, not
#: coefficients: docs/validation.md says what was read.
BOX: Final = {"box": (2.5, 5.0), "temperature": (10.0, 30.0)}


@dataclass(frozen=True)
class Options:
    """Options of `collocate`, with the box that the method means."""

    method: Method
    box: tuple[float, float] | None
    radius: float
    hours: float
    days: float
    temperature: str | None
    kelvin: float
    altitude: float | None
    kernel: Kernel
    convert: bool
    reach: float
    minimum_soundings: int
    minimum_spectra: int
    overpass_correlation: float
    carry: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, known in (
            ("method", ("box", "radius", "temperature")),
            ("kernel", ("common_prior", "smooth", "none")),
        ):
            if getattr(self, name) not in known:
                self._refuse(f"{name} is {getattr(self, name)!r}", " or ".join(known))
        for name in ("radius", "hours", "days", "kelvin", "minimum_soundings", "minimum_spectra"):
            if not getattr(self, name) > 0:
                self._refuse(f"{name} is {getattr(self, name)!r}", "a number above 0")
        if not 0.0 <= self.overpass_correlation <= 1.0:
            self._refuse(f"overpass_correlation is {self.overpass_correlation!r}", "0 to 1")
        if self.method == "temperature" and self.temperature is None:
            self._refuse(
                'method="temperature" without the name of a temperature',
                "temperature=, a variable [K] of soundings and stations",
            )
        if min(self.half_box) <= 0.0 or (self.altitude is not None and not self.altitude > 0.0):
            self._refuse(f"box {self.box} or altitude {self.altitude!r}", "numbers above 0")

    def _refuse(self, what: str, expected: str) -> None:
        raise YaotanError(what, where="collocate", expected=expected)

    @property
    def is_round(self) -> bool:
        """Whether a distance, not a box, decides."""
        return self.method == "radius"

    @property
    def half_box(self) -> tuple[float, float]:
        """Half widths in latitude and longitude [degrees]."""
        return self.box or BOX.get(self.method, BOX["box"])

    @property
    def reach_of_latitude(self) -> float:
        """Largest difference in latitude [degrees]."""
        return float(np.degrees(self.radius / AUTHALIC_RADIUS)) if self.is_round else self.half_box[0]

    @property
    def half_window(self) -> int:
        """Half the time window [ns]."""
        return int(self.hours * 3.6e12)
