"""`ProvincialEmission`: emission of regions by year, with intervals, for one question at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from yaotan.emission.calibration import INTERVALS, Calibration, Classes, Estimated
from yaotan.emission.candidate import FAMILIES
from yaotan.emission.estimate import make_estimate
from yaotan.emission.growth import GrowthModel
from yaotan.emission.infill import InfillModel
from yaotan.emission.level import LevelModel
from yaotan.emission.panel import Panel
from yaotan.emission.panel_column import PanelColumn
from yaotan.emission.schema import freeze_schema
from yaotan.emission.share import ShareModel
from yaotan.emission.target import check_target
from yaotan.emission.transform import Design
from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Values = NDArray[np.float64]
STATISTICS: Final = ("median", "mean")
QUESTIONS: Final = ("no_inventory", "nowcast", "infill", "random")
#: probability between one sigma below and above of a normal law: what the uncertainty of estimates means
ONE_SIGMA: Final = 0.6826894921370859


class ProvincialEmission(BaseEstimator):
    r"""Emission of regions by year from lights, people, land, gas columns, or from their own past.

    ``no_inventory``: an average of learners (ridge, kernel ridge, extremely randomised trees, gradient
    boosting) of :math:`\log(E / s)` with a known scale s as offset, chosen by leaving provinces out; where
    places are known, with errors of neighbours (`LevelModel`). ``nowcast``: growth since the last known
    year, each province's own shrunk towards the nation's (`GrowthModel`). ``infill``: `InfillModel`.

    Parameters
    ----------
    question : str
        ``"no_inventory"``, ``"nowcast"``, ``"infill"``; ``"random"`` is the first one, for contrasts.
    families : tuple of str
        Learners that may be chosen for ``no_inventory``.
    scale : str, optional
        Offset; by default chosen among the panel's scales, ``""`` for none.
    features : tuple of str
        All of the panel where empty.
    monotone : tuple of str, optional
        Features that may only raise the estimate of boosting; by default the panel's other scales.
    lag : int
        Of a nowcast: years until a target is known.
    statistic : str
        ``"median"`` of each region and year, or its ``"mean"``: the median times the smearing factor, the
        mean of exp(residual) over provinces left out (Duan 1983, J. Am. Stat. Assoc. 78, 605). Totals need
        the mean.
    interval : str
        ``"normalised"``: wider where members differ; ``"conformal"``: one factor for all; ``"cqr"``: a band
        of quantiles (`QuantileBand`), of no_inventory alone.
    classes : str or tuple
        Classes with a factor of their own: the name of a text column such as ``"zone"``, or of a number and
        bounds, such as ``("population", (4e7,))``. A class with too few provinces for a level is refused.
    level : float
        The level for which a band of quantiles is made.
    folds : int
        Of the inner validation.
    seed : int

    Attributes
    ----------
    chosen_ : str
        What was chosen.
    configurations_ : int
        How many were tried.
    smearing_ : float
        Mean of exp(residual), each province counted once.
    calibration_ : Calibration
        Errors of provinces, or of years, that were left out, and what bounds come of them.
    shares_ : ShareModel or None
    columns_ : tuple of PanelColumn
        What the model was fitted to.
    schema_ : FeatureSchema
        Its features with unit, order and range; `predict` refuses a panel that differs.
    engine_ : LevelModel, GrowthModel or InfillModel

    Notes
    -----
    An interval of a nowcast rests on the nowcasts that would have been made in earlier years; it knows
    nothing of a year unlike all of them.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame([(f"p{n:02}", year) for n in range(12) for year in range(2001, 2005)],
    ...                     columns=["region", "period"])
    >>> rows["people"] = np.repeat(rng.uniform(5e6, 9e7, 12), 4)
    >>> rows["co2"] = 8e-6 * rows["people"] * np.repeat(rng.lognormal(0, 0.2, 12), 4)
    >>> panel = Panel(rows, (PanelColumn("co2", "target", "Mt yr-1"), PanelColumn("people", "scale", "1")))
    >>> model = ProvincialEmission(families=("ridge",)).fit(panel)
    >>> estimate = model.predict(panel)
    >>> estimate["emission"].dims, estimate["emission"].attrs["units"]
    (('region', 'time'), 'kg s-1')
    """

    def __init__(
        self,
        question: str = "no_inventory",
        *,
        families: tuple[str, ...] = FAMILIES,
        scale: str | None = None,
        features: tuple[str, ...] = (),
        monotone: tuple[str, ...] | None = None,
        lag: int = 2,
        statistic: str = "median",
        interval: str = "normalised",
        classes: Classes = "",
        level: float = 0.9,
        folds: int = 6,
        seed: int = 0,
    ) -> None:
        self.question, self.families, self.scale = question, families, scale
        self.features, self.monotone, self.lag = features, monotone, lag
        self.statistic, self.interval, self.classes, self.level = statistic, interval, classes, level
        self.folds, self.seed = folds, seed

    def fit(self, panel: Panel, y: None = None) -> ProvincialEmission:
        """Choose and fit a model on the rows that have a target.

        Parameters
        ----------
        panel : Panel
            Rows without target, or flagged, are not used.

        Returns
        -------
        ProvincialEmission
            Itself.

        Raises
        ------
        PanelError
            One province only, targets that are all equal or 0, a feature without any value, too few years.
        """
        self._check_parameters()
        known = panel.observed()
        check_target(known)
        self.engine_ = self._make_engine().fit(known)
        self.chosen_, self.configurations_ = self.engine_.chosen_, self.engine_.configurations_
        left_out = self.engine_.residuals_
        self.smearing_ = float(np.exp(left_out["residual"]).groupby(left_out["group"]).mean().mean())
        self.columns_ = tuple(entry for entry in panel.columns if entry.role != "flag")
        self.schema_ = freeze_schema(known, self._used(known))
        engine, design = self.engine_, None
        if isinstance(engine, LevelModel):
            design = Design(engine.design_.scale, engine.features)
        made = Calibration(self.interval, self.classes, self.level, self.folds, self.seed)
        self.calibration_ = made.fit(known, left_out, design)
        self.shares_ = ShareModel(design, self.seed).fit(known) if design and known.parts else None
        return self

    def _used(self, panel: Panel) -> tuple[str, ...]:
        """Features that the chosen engine looks at: the past of a region needs its scales only."""
        if self.question in ("nowcast", "infill"):
            return panel.scales
        return self.features or panel.features

    def _check_parameters(self) -> None:
        for name, value, known in (
            ("question", self.question, QUESTIONS),
            ("statistic", self.statistic, STATISTICS),
            ("interval", self.interval, INTERVALS),
        ):
            if value not in known:
                raise PanelError(
                    f"{name} {value!r} is unknown", where="ProvincialEmission", expected=", ".join(known)
                )

    def _make_engine(self) -> LevelModel | GrowthModel | InfillModel:
        if self.question == "nowcast":
            return GrowthModel(self.lag)
        if self.question == "infill":
            return InfillModel()
        return LevelModel(self.families, self.scale, self.features, self.monotone, self.folds, self.seed)

    def _estimate(self, panel: Panel) -> Estimated:
        check_is_fitted(self, "engine_")
        self.schema_.check(panel)
        return self.engine_.predict_log(panel)

    def _values(self, estimated: Estimated) -> Values:
        return np.asarray(np.exp(estimated[0]) * (self.smearing_ if self.statistic == "mean" else 1.0))

    @property
    def target_(self) -> PanelColumn:
        """The column that was learned."""
        return next(entry for entry in self.columns_ if entry.role == "target")

    def predict_values(self, panel: Panel) -> Values:
        """Estimate every row.

        Parameters
        ----------
        panel : Panel
            Of a nowcast or of gaps: with the known years of its regions.

        Returns
        -------
        numpy.ndarray
            ``(row,)`` [unit of the target that was learned], NaN where no estimate is possible.
        """
        return self._values(self._estimate(panel))

    def predict_bounds(self, panel: Panel, *, level: float = 0.9) -> tuple[Values, Values]:
        """Give bounds of every row [unit of the target], infinite where there are too few provinces."""
        return self.calibration_.bounds(panel, self._estimate(panel), level)

    def predict_draws(self, panel: Panel) -> Values:
        """Give an ensemble ``(row, draw)`` [unit of the target]: median times errors of other provinces."""
        return self.calibration_.draws(panel, self._estimate(panel))

    def predict_interval(self, panel: Panel, level: float = 0.9) -> pd.DataFrame:
        """Estimate every row, with an interval.

        Parameters
        ----------
        panel : Panel
        level : float
            Probability that a province like those learned from lies inside.

        Returns
        -------
        pandas.DataFrame
            ``region``, ``period``, ``estimate``, ``lower``, ``upper`` [``attrs["unit"]``], ``factor`` (upper
            over median) and ``largest``: the bound is the largest error of all provinces.

        Raises
        ------
        PanelError
            There are fewer provinces than the level takes.
        """
        check_is_fitted(self, "engine_")
        self.calibration_.check(panel, level)
        estimated = self._estimate(panel)
        low, high = self.calibration_.bounds(panel, estimated, level)
        table = self._tabulate(panel, estimated)
        table["lower"], table["upper"] = low, high
        table["factor"] = np.sqrt(high / low)
        table["largest"] = self.calibration_.largest(panel, level)
        table.attrs["level"] = level
        return table

    def predict_table(self, panel: Panel) -> pd.DataFrame:
        """Estimate every row: ``region``, ``period``, ``estimate`` [``attrs["unit"]``]."""
        return self._tabulate(panel, self._estimate(panel))

    def _tabulate(self, panel: Panel, estimated: Estimated) -> pd.DataFrame:
        table = panel.table[["region", "period"]].copy()
        table["estimate"] = self._values(estimated)
        table.attrs |= {"unit": self.target_.unit, "statistic": self.statistic}
        return table

    def predict_parts(self, panel: Panel) -> pd.DataFrame:
        """Divide the estimate of every row into the sectors that the targets have.

        Parameters
        ----------
        panel : Panel

        Returns
        -------
        pandas.DataFrame
            ``region``, ``period``, each part and ``rest`` [``attrs["unit"]``]; they sum to the estimate.

        Raises
        ------
        PanelError
            The model was fitted without parts, or to another question than no_inventory.
        """
        values = self.predict_values(panel)
        if self.shares_ is None:
            raise PanelError("the model knows no sectors", where="predict_parts",
                             expected="columns of role part, question no_inventory")  # fmt: skip
        shares = self.shares_.predict(panel)
        table = panel.table[["region", "period"]].join(shares.mul(values, axis=0))
        table.attrs |= {"unit": self.target_.unit, "statistic": self.statistic}
        return table

    def predict(self, panel: Panel) -> xr.Dataset:
        """Estimate every row as an estimate, one of the six nouns.

        Parameters
        ----------
        panel : Panel

        Returns
        -------
        xarray.Dataset
            Dims ``region``, ``time`` (1 January); ``emission`` and ``emission_uncertainty`` [kg s-1], half of
            what lies between the bounds of the interval of 68.3 %.
        """
        estimated = self._estimate(panel)
        low, high = self.calibration_.bounds(panel, estimated, ONE_SIGMA)
        table = panel.table[["region", "period"]].assign(
            emission=self._values(estimated), emission_uncertainty=(high - low) / 2.0
        )
        return make_estimate(
            table,
            self.target_.unit,
            method=f"{self.question}: {self.chosen_}",
            statistic=self.statistic,
            scope=self.target_.scope,
            smearing=self.smearing_,
        )
