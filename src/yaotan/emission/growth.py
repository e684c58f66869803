"""The model of a nowcast: growth since the last known year, of each province and of the nation."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.history import History
from yaotan.emission.panel import Panel
from yaotan.emission.target import check_features
from yaotan.errors import PanelError

Values = NDArray[np.float64]
#: what is kept of a growth from one year to the next: 0 copies the last known year, 1 carries growth on
DAMPING: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
#: share of a province's own departure from the nation's growth that is believed
OWN: Final = (0.0, 0.25, 0.5)
#: elasticity to how much faster a scale grew in a province than in the mean of provinces
ELASTICITY: Final = (0.0, 0.1, 0.2)
#: years over which a province's own growth is taken
OWN_YEARS: Final = 3
#: weight of a year of nowcasts beside the year after it
FORGETTING: Final = 0.6


class Law(NamedTuple):
    """One way to carry on: damping, belief in own growth, scale and elasticity to it."""

    damping: float
    own: float
    scale: str
    elasticity: float


def laws(scales: tuple[str, ...]) -> tuple[Law, ...]:
    """Give every law that is averaged; laws that say the same stand once."""
    made: dict[Law, None] = {}
    for damping, own in product(DAMPING, OWN):
        for scale, elasticity in product(scales or ("",), ELASTICITY):
            used = scale if elasticity and scale else ""
            made[Law(damping, own if damping else 0.0, used, elasticity if used else 0.0)] = None
    return tuple(made)


@dataclass
class GrowthModel:
    r"""Damped growth of nation and province, averaged over laws by how they did in earlier years.

    With s the last known year of a province, h years before the one that is estimated, n the growth of the
    nation to s in one year and o that of the province less that of the nation over three years,

    .. math:: \log E_{s+h} = \log E_s + (n + w\,o) \sum_{j=1}^{h} \varphi^j + c\,(g - \bar g)

    (damped trend: Gardner and McKenzie 1985, Manage. Sci. 31, 1237; g: growth of a scale from s to s + h,
    :math:`\bar g` its mean over provinces). Every law (damping :math:`\varphi`, belief w, scale, c) makes the
    nowcasts that it would have made in each earlier year; laws are averaged with weights
    :math:`m^{-k/2}`, m the mean square error of the logarithm and k the number of those years, a year back
    counting 0.6 of the next. One year is one unit: errors of provinces in one year are not independent.
    Where there is no earlier year every law counts the same.

    Parameters
    ----------
    lag : int
        Years until a target is known: of nowcasts in earlier years, and of those to come.

    Attributes
    ----------
    chosen_ : str
        The heaviest law and its weight.
    configurations_ : int
        Number of laws.
    weights_ : pandas.Series
    residuals_ : pandas.DataFrame
        ``region``, ``period``, ``group``, ``estimate``, ``residual``, ``spread`` of nowcasts of earlier
        years, each with the weights of its own time.

    Notes
    -----
    A region without a known year gets NaN. A turn of the nation's growth inside the lag is not foreseen.
    """

    lag: int = 2
    chosen_: str = field(default="", repr=False)
    configurations_: int = field(default=0, repr=False)
    weights_: pd.Series = field(default_factory=pd.Series, repr=False)
    residuals_: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    history_: History = field(default_factory=History, repr=False)
    scales_: dict[str, History] = field(default_factory=dict, repr=False)
    laws_: tuple[Law, ...] = field(default=(), repr=False)

    def fit(self, panel: Panel) -> GrowthModel:
        """Weigh the laws by the nowcasts of earlier years.

        Raises
        ------
        PanelError
            There is no earlier year for which a nowcast could have been made.
        """
        check_features(panel, panel.scales)
        self.laws_ = laws(panel.scales)
        self.history_ = History.of(panel, panel.values())
        self.scales_ = {name: History.of(panel, panel.table[name].to_numpy(float)) for name in panel.scales}
        years = [int(y) for y in self.history_.years if y - self.lag > self.history_.years[0]]
        made = {
            year: self._forecast(self.history_.until(year - self.lag), year, self.scales_) for year in years
        }
        errors = {y: self.history_.logarithm[y - int(self.history_.years[0])] - made[y] for y in years}
        errors = {y: e for y, e in errors.items() if np.isfinite(e).any()}
        if not errors:
            raise PanelError(
                f"{len(self.history_.years)} years of targets hold no nowcast to learn from",
                where="nowcast",
                expected=f"{self.lag + 2} years or more in one region",
            )
        self._weigh(errors)
        self._keep_residuals(panel, made, errors)
        return self

    def _weigh(self, errors: dict[int, Values]) -> None:
        weights = self._weights(errors, max(errors))
        self.weights_ = pd.Series(weights, index=[str(tuple(law)) for law in self.laws_])
        best = self.laws_[int(weights.argmax())]
        self.configurations_ = len(self.laws_)
        self.chosen_ = (
            f"average of {len(self.laws_)} laws, most ({weights.max():.0%}) damping {best.damping:g}, "
            f"own {best.own:g}, {best.scale or 'no scale'} {best.elasticity:g}"
        )

    def _weights(self, errors: dict[int, Values], known: int) -> Values:
        past = [year for year in errors if year <= known]
        if not past:
            return np.full(len(self.laws_), 1.0 / len(self.laws_))
        age = np.array([FORGETTING ** (known - year) for year in past])
        square = np.array([np.nanmean(errors[year] ** 2, axis=1) for year in past])
        mean = np.maximum(age @ square / age.sum(), np.finfo(float).tiny)
        weight: Values = np.exp(-0.5 * age.sum() * (np.log(mean) - np.log(mean).min()))
        return weight / weight.sum()

    def _keep_residuals(self, panel: Panel, made: dict[int, Values], errors: dict[int, Values]) -> None:
        group = dict(zip(panel.table["region"], panel.group, strict=True))
        parts = []
        for year in errors:
            weight = self._weights(errors, year - self.lag)
            centre, spread = _centre(weight, made[year])
            part = pd.DataFrame({"region": self.history_.regions, "period": year, "estimate": centre})
            part["group"] = part["region"].map(group)
            part["residual"] = self.history_.find(part["region"], np.full(len(part), year)) - part["estimate"]
            parts.append(part.assign(spread=spread).dropna(subset=["residual"]))
        self.residuals_ = pd.concat(parts, ignore_index=True)

    def _forecast(self, known: History, year: int, scales: dict[str, History]) -> Values:
        """Give the logarithm for every law and region, ``(law, region)``."""
        last = known.last_year()
        value = known.find(known.regions, last)
        newest = int(last.max())
        nation, _ = known.growth(newest, 1)
        span = min(OWN_YEARS, newest - int(known.years[0]))
        over, own = known.growth(newest, span)
        nation = nation if np.isfinite(nation) else over if np.isfinite(over) else 0.0
        departure = np.nan_to_num(own - over)  # a province without growth of its own follows the nation
        ahead = year - last
        faster = {name: _relative(scales[name], known.regions, last, year) for name in scales}
        made = np.empty((len(self.laws_), len(known.regions)))
        for n, law in enumerate(self.laws_):
            kept = np.array([sum(law.damping**j for j in range(1, int(h) + 1)) for h in ahead])
            made[n] = value + kept * (nation + law.own * departure)
            if law.scale:
                made[n] += law.elasticity * faster[law.scale]
        return made

    def predict_log(self, panel: Panel) -> tuple[Values, Values]:
        """Give the logarithm for every row, and how far the laws differ (weighted standard deviation).

        For a year that is known, what is known, and 0.
        """
        made, apart = np.full(len(panel), np.nan), np.zeros(len(panel))
        years, regions = panel.table["period"].to_numpy(), panel.table["region"].to_numpy()
        scales = {name: History.of(panel, panel.table[name].to_numpy(float)) for name in self.scales_}
        known = self.history_.find(regions, years)
        for year in np.unique(years[np.isnan(known)]):
            rows, before = years == year, self.history_.until(int(year))
            if len(before.years):
                given_by = self._forecast(before, int(year), scales)
                for given, values in zip(
                    (made, apart), _centre(self.weights_.to_numpy(), given_by), strict=True
                ):
                    at = History(np.array([year]), self.history_.regions, values[None, :])
                    given[rows] = at.find(regions[rows], years[rows])
        return np.where(np.isnan(known), made, known), apart


def _centre(weight: Values, made: Values) -> tuple[Values, Values]:
    """Give weighted mean and standard deviation over laws, ``(region,)`` each."""
    centre = weight @ made
    return centre, np.sqrt(weight @ (made - centre) ** 2)


def _relative(scale: History, regions: tuple[str, ...], last: NDArray[np.int64], year: int) -> Values:
    """Give how much more a scale grew than in the mean of provinces; 0 where it is not known."""
    grown = scale.find(regions, np.full(len(regions), year)) - scale.find(regions, last)
    if not np.isfinite(grown).any():
        return np.zeros(len(regions))
    return np.nan_to_num(grown - np.nanmean(grown))
