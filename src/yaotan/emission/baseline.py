"""Baselines: what anybody can do without a model, and what every model has to beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.panel import Panel
from yaotan.errors import PanelError

Values = NDArray[np.float64]


class Forecaster(Protocol):
    """What `evaluate` can score."""

    def fit(self, panel: Panel) -> Any:
        """Learn from the rows that have a target."""

    def predict_values(self, panel: Panel) -> Values:
        """Estimate every row of a panel [unit of its target], NaN where that is not possible."""


def _known(panel: Panel) -> pd.DataFrame:
    table = panel.table.assign(value=panel.values())[panel.has_target]
    if table.empty:
        raise PanelError("no row has a target that may be used", where="fit")
    return table


@dataclass
class PerScale:
    """Target per unit of a known scale, of all regions together in the nearest year, times the scale.

    Parameters
    ----------
    scale : str
        Such as the population: then it is the estimate per head.
    """

    scale: str
    rate_: pd.Series = field(default_factory=pd.Series, repr=False)

    def fit(self, panel: Panel) -> PerScale:
        """Sum target and scale of each year."""
        known = _known(panel).dropna(subset=self.scale)
        sums = known.groupby("period")[["value", self.scale]].sum()
        self.rate_ = sums["value"] / sums[self.scale]
        return self

    def predict_values(self, panel: Panel) -> Values:
        """Multiply by the scale; the nearest year stands in for one that was not seen."""
        years = self.rate_.index.to_numpy()
        near = np.abs(panel.table["period"].to_numpy()[:, None] - years).argmin(axis=1)
        made: Values = panel.table[self.scale].to_numpy(float) * self.rate_.to_numpy()[near]
        return made


@dataclass
class LogLinear:
    """Straight line of the logarithm of the target over that of one scale, such as night lights."""

    scale: str
    line_: Values = field(default_factory=lambda: np.zeros(0), repr=False)

    def fit(self, panel: Panel) -> LogLinear:
        """Fit by least squares; rows where target or scale is 0 have no logarithm and are not used."""
        known = _known(panel)
        x, y = known[self.scale].to_numpy(float), known["value"].to_numpy(float)
        use = (x > 0) & (y > 0)
        if use.sum() < 3:
            raise PanelError(f"{use.sum()} rows have a target and {self.scale} above 0", where="LogLinear")
        self.line_ = np.polyfit(np.log(x[use]), np.log(y[use]), 1)
        return self

    def predict_values(self, panel: Panel) -> Values:
        """Give exp of the line, NaN where the scale is missing or 0."""
        x = panel.table[self.scale].to_numpy(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            made: Values = np.where(x > 0, np.exp(np.polyval(self.line_, np.log(x))), np.nan)
        return made


@dataclass
class Persistence:
    """Copy of the last known year of each region, times the growth since of a scale where one is named."""

    scale: str = ""
    last_: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    def fit(self, panel: Panel) -> Persistence:
        """Keep the last known row of each region."""
        self.last_ = _known(panel).groupby("region").tail(1).set_index("region")
        return self

    def predict_values(self, panel: Panel) -> Values:
        """Give it to every row of the region; NaN for a region without a known year."""
        made: Values = panel.table["region"].map(self.last_["value"]).to_numpy(float)
        if self.scale:
            before = panel.table["region"].map(self.last_[self.scale]).to_numpy(float)
            with np.errstate(divide="ignore", invalid="ignore"):
                made = made * panel.table[self.scale].to_numpy(float) / before
        return np.where(np.isfinite(made), made, np.nan)


def national_growth(panel: Panel, years: int = 1) -> float:
    """Yearly growth of the logarithm of the sum over regions known both at the last year and `years` before.

    Raises
    ------
    PanelError
        The two years share no region.
    """
    wide = _known(panel).pivot(index="period", columns="region", values="value")
    last = wide.index.max()
    if last - years not in wide.index:
        raise PanelError(f"there are no targets of {last - years} beside those of {last}", where="growth")
    both = wide.loc[[last - years, last]].dropna(axis=1)
    if both.empty or (both.sum(axis=1) <= 0).any():
        raise PanelError(f"no region has a target in {last - years} and in {last}", where="growth")
    before, after = both.sum(axis=1)
    return float(np.log(after / before) / years)


@dataclass
class NationalTrend(Persistence):
    """The last known year of each region, grown as the nation did over the last known year."""

    growth_: float = field(default=0.0, repr=False)

    def fit(self, panel: Panel) -> NationalTrend:
        """Keep the last known rows and the growth."""
        super().fit(panel)
        self.growth_ = national_growth(panel)
        return self

    def predict_values(self, panel: Panel) -> Values:
        """Carry it on for as many years as have passed in each region."""
        since = panel.table["period"] - panel.table["region"].map(self.last_["period"])
        made: Values = super().predict_values(panel) * np.exp(self.growth_ * since.to_numpy(float))
        return made


@dataclass
class Interpolation:
    """Straight line between the logarithms of the known years of each region."""

    known_: dict[str, tuple[Values, Values]] = field(default_factory=dict, repr=False)

    def fit(self, panel: Panel) -> Interpolation:
        """Keep years and logarithms; targets of 0 have none and are not used."""
        known = _known(panel)
        self.known_ = {
            str(region): (part["period"].to_numpy(float), np.log(part["value"].to_numpy(float)))
            for region, part in known[known["value"] > 0].groupby("region")
        }
        return self

    def predict_values(self, panel: Panel) -> Values:
        """Give exp of the line, the nearest known year beyond its ends; NaN for an unknown region."""
        made = np.full(len(panel), np.nan)
        for region, rows in panel.table.groupby("region").indices.items():
            if region in self.known_:
                years = panel.table["period"].to_numpy(float)[rows]
                made[rows] = np.exp(np.interp(years, *self.known_[str(region)]))
        return made


def baselines(panel: Panel, question: str) -> dict[str, Forecaster]:
    """Make the baselines of a question.

    Parameters
    ----------
    panel : Panel
        Its scales say which there are.
    question : str
        As in `splits`; a nowcast of provinces without any known year has the baselines of no_inventory.

    Returns
    -------
    dict of str to Forecaster
        ``per_<scale>``, ``loglinear_<scale>``; of a nowcast ``persistence`` (the last known year, lag years
        old), ``persistence_x_<scale>`` and ``national_trend``; of gaps ``persistence`` and
        ``interpolation``.
    """
    made: dict[str, Forecaster] = {}
    if question in ("nowcast", "infill"):
        made["persistence"] = Persistence()
    if question == "nowcast":
        made["national_trend"] = NationalTrend()
        made |= {f"persistence_x_{scale}": Persistence(scale) for scale in panel.scales}
    if question == "infill":
        made["interpolation"] = Interpolation()
    for scale in panel.scales:
        made |= {f"per_{scale}": PerScale(scale), f"loglinear_{scale}": LogLinear(scale)}
    return made
