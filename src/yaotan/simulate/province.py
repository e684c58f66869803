"""Made-up provinces by year whose emissions are known: lights, people, towns, power plants, reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from yaotan.io.atomic import replacing
from yaotan.typing import PathLike

if TYPE_CHECKING:
    import pandas as pd

    from yaotan.emission import Panel

#: median, and 1 sigma of the logarithm between provinces: people; lights a head [nW cm-2 sr-1]
_PEOPLE: Final = (4.0e7, 0.6)
_LIGHT: Final = (0.02, 0.5)
#: town [km2] and power plants [MW] a head
_TOWN: Final = (1e-4, 0.25)
_PLANT: Final = (7e-4, 0.6)
#: exponents of lights and power plants a head in emissions a head, and yearly growth
_LAWS: Final = (0.45, 0.30)
_GROWTH: Final = {"people": 0.005, "lights": 0.05, "co2": 0.03}
#: emission a head [Mt yr-1]; what no feature explains of a province, and of a year of it
_HEAD: Final = 7e-6
_OWN, _YEARLY = 0.18, 0.03
#: factor of the reported figure that is falsified
FALSIFIED: Final = 0.55
#: provinces without any report
UNREPORTED: Final = 2

DESCRIPTION: Final = """title: Simulated provinces by year with known emissions
keys: {region: region, period: year, region_name: name, region_name_zh: name_zh}
columns:
  co2: {role: target, unit: Mt yr-1, scope: simulated, source: yaotan.simulate, lag: 2}
  population: {role: scale, unit: "1", source: yaotan.simulate}
  lights: {role: scale, unit: nW cm-2 sr-1, source: yaotan.simulate}
  town: {role: feature, unit: km2, source: yaotan.simulate}
  plants: {role: feature, unit: MW, source: yaotan.simulate}
"""


@dataclass(frozen=True, eq=False)
class SimulatedProvinces:
    """A panel as reported, and the truth behind it.

    Attributes
    ----------
    table : pandas.DataFrame
        ``region``, ``name``, ``name_zh``, ``year``, ``co2`` (as reported; empty where nobody reports),
        ``population``, ``lights``, ``town``, ``plants``.
    truth : pandas.DataFrame
        ``region``, ``year``, ``co2`` [Mt yr-1], ``falsified`` (whether the report says another figure).
    """

    table: pd.DataFrame
    truth: pd.DataFrame

    def panel(self) -> Panel:
        """Give the panel as a user would open it."""
        import yaml

        from yaotan.emission import Panel, PanelColumn

        entries = yaml.safe_load(DESCRIPTION)["columns"]
        columns = tuple(PanelColumn(name, **entry) for name, entry in entries.items())
        names = {"year": "period", "name": "region_name", "name_zh": "region_name_zh"}
        return Panel(self.table.rename(columns=names), columns)

    def write(self, folder: PathLike) -> None:
        """Write ``panel.csv``, its description ``panel.yaml`` and ``panel_truth.csv`` into a folder."""
        folder = Path(folder)
        texts = {"panel.yaml": DESCRIPTION}
        for name, table in (("panel.csv", self.table), ("panel_truth.csv", self.truth)):
            texts[name] = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        for name, text in texts.items():
            with replacing(folder / name) as temporary:
                Path(temporary).write_text(text, encoding="utf-8")


def simulate_provinces(
    seed: int = 0,
    *,
    regions: int = 30,
    first: int = 2009,
    years: int = 10,
    names: Sequence[tuple[str, str, str]] = (),
    honest: bool = False,
) -> SimulatedProvinces:
    r"""Simulate provinces whose emission a head follows lights and power plants a head.

    .. math:: E = a P \, (L / P)^{0.45} (C / P)^{0.30} e^{0.03 t} e^{u_p + v_{pt}}

    with people P, lights L and power plants C, what no feature knows of a province
    :math:`u_p \sim N(0, 0.18^2)` and of a year :math:`v \sim N(0, 0.03^2)`.

    Parameters
    ----------
    seed : int
        All randomness follows from it.
    regions, first, years : int
        Number of provinces, first year, number of years.
    names : sequence of (identifier, English name, Chinese name)
        Of the first provinces; others are numbered.
    honest : bool
        Every figure is reported as it is. Otherwise two provinces report nothing, and one reports 0.55 of the
        truth in the last year.

    Returns
    -------
    SimulatedProvinces

    Examples
    --------
    >>> made = simulate_provinces(1)
    >>> len(made.table), int(made.truth["falsified"].sum()), made.panel().features
    (300, 1, ('population', 'lights', 'town', 'plants'))
    """
    import pandas as pd

    rng = np.random.default_rng([seed, 6])
    numbered = [(f"r{n:02}", f"Province {n:02}", f"第{n}省") for n in range(1, regions + 1)]
    keys = [*names, *numbered[len(names) :]][:regions]
    since = np.tile(np.arange(years, dtype=float), regions)

    def own(sigma: float) -> np.ndarray:
        return np.repeat(rng.normal(0.0, sigma, regions), years)

    people = _PEOPLE[0] * np.exp(own(_PEOPLE[1]) + _GROWTH["people"] * since)
    bright, plant = own(_LIGHT[1]), own(_PLANT[1])
    lights = _LIGHT[0] * people * np.exp(bright + _GROWTH["lights"] * since)
    town = _TOWN[0] * people * np.exp(0.5 * bright + own(_TOWN[1]) + 0.02 * since)
    plants = _PLANT[0] * people * np.exp(plant + 0.01 * since)
    unseen = own(_OWN) + rng.normal(0.0, _YEARLY, regions * years)
    law = _LAWS[0] * bright + _LAWS[1] * plant + _GROWTH["co2"] * since
    co2 = _HEAD * people * np.exp(law + unseen)
    table = pd.DataFrame([key for key in keys for _ in range(years)], columns=["region", "name", "name_zh"])
    table["year"] = first + since.astype(int)
    truth = table[["region", "year"]].assign(co2=co2, falsified=False)
    reported = co2.copy()
    if not honest:
        order = rng.permutation(regions)
        reported[np.isin(np.arange(regions * years) // years, order[:UNREPORTED])] = np.nan
        wrong = int(order[UNREPORTED]) * years + years - 1
        reported[wrong] *= FALSIFIED
        truth.loc[wrong, "falsified"] = True
    table = table.assign(co2=reported, population=people, lights=lights, town=town, plants=plants)
    return SimulatedProvinces(table, truth)
