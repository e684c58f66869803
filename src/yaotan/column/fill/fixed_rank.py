"""Kriging of fixed rank: a whole globe and year at a cost that grows with the observations only linearly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.fill.basis import make_basis
from yaotan.column.fill.crossvalidation import leave_out_by_folds
from yaotan.column.fill.field_filler import DrawnFiller
from yaotan.column.fill.filler import Data
from yaotan.column.fill.information import gather_information
from yaotan.column.fill.maximisation import fit_mean, log_likelihood, maximise, start_model
from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.node import Nodes
from yaotan.column.fill.observation import Mask, Observations, days_of
from yaotan.column.fill.rank_field import RankField
from yaotan.column.fill.scaling import Scale
from yaotan.column.fill.smoother import smooth
from yaotan.column.fill.step import Steps
from yaotan.column.fill.target import Support
from yaotan.errors import YaotanError
from yaotan.grid.spec import GridSpec

#: Observations of the first fit of the mean, and of the search for variances (whole overpasses), at most;
#: the last fit of the mean and the field itself use all.
_SAMPLE, _SEARCH = 100_000, 200_000


class FixedRankKriging(DrawnFiller):
    r"""Fill gaps by kriging of fixed rank, smoothed in time.

    .. math:: z_i = m(s_i, t_i) + \phi(s_i)^T \eta(t_i) + \xi_i + e_i

    1. m is the mean (`yaotan.column.fill.mean.MeanModel`), fitted by generalised least squares.
    2. :math:`\phi` are some hundred bisquare functions of several resolutions on the sphere
       (`yaotan.column.fill.basis.Basis`), as fine as their number allows on the extent of the data.
    3. Their coefficients :math:`\eta` are an autoregression at nodes in time, linear between them; variances
       and correlations from node to node (negative ones too), one for each resolution, are found by
       restricted likelihood, every step of which is a smoother over all nodes
       (`yaotan.column.fill.smoother.smooth`).
    4. :math:`\xi` is what the functions cannot show: the variance is estimated; it is correlated along an
       overpass, independent between overpasses. It is part of the field, so it is in the 1 sigma.
    5. e is the measurement error, known: :math:`\sigma_i^2` on the diagonal and :math:`s_i s_j e^{-h / L}`
       between observations of one overpass.

    Parameters
    ----------
    mean : MeanModel
        Mean of the field.
    functions : int
        Functions in space, at most; cost grows with their third power, memory with the square.
    levels : int
        Resolutions; each has half the distance between centres of the one before.
    step : float
        Time between the nodes [days]. What changes more quickly becomes part of :math:`\xi`.
    support : {"cell", "point"}
        What `predict` gives: means over cells, or the field at their centres. Over periods the field is
        averaged in either case.
    scale : {"constant", "seasonal"}
        Whether the field may be livelier at some latitudes and in some seasons
        (`yaotan.column.fill.scaling.learn_scale`); variances are then of the field in parts of
        its scale.
    average, overpass_correlation, uncertainty
        See `yaotan.column.fill.extraction.gather`.
    error_length : float
        L, e-folding length of the common error along an overpass [m]; 0: errors are independent.
    folds : int
        In how many parts `leave_out` leaves out.
    seed : int
        Of the samples from which mean and :math:`\xi` are learned.

    Attributes
    ----------
    observations_ : Observations
    scale_ : FittedScale or None
    mean_ : FittedMean
        In parts of the scale, as the model is.
    basis_ : Basis
    nodes_ : Nodes
    model_ : RankModel
    diagnostics_ : dict
        Rounds, whether they converged, restricted log likelihood, pairs of overpasses that tell how the fine
        part fades.

    Notes
    -----
    The field is as smooth as its functions: what is smaller than the distance between the finest centres, or
    shorter than two steps, is smoothed away and counted in the 1 sigma. :math:`\xi` is not predicted, also
    not where there are observations. In means over a period it counts by its correlation in time, measured
    at pairs of overpasses (`yaotan.column.fill.fine.measure_fade`), although overpasses count as independent
    where the field is conditioned on them. Errors along an overpass are conditioned on 10 predecessors, and
    cut at nodes.

    References
    ----------
    Cressie, N., Johannesson, G. (2008). Fixed rank kriging for very large spatial data sets. Journal of the
    Royal Statistical Society B 70, 209-226. https://doi.org/10.1111/j.1467-9868.2007.00633.x

    Zammit-Mangion, A., Cressie, N. (2021). FRK: An R package for spatial and spatio-temporal prediction with
    large datasets. Journal of Statistical Software 98(4). https://doi.org/10.18637/jss.v098.i04

    Katzfuss, M., Cressie, N. (2011). Spatio-temporal smoothing and EM estimation for massive remote-sensing
    data sets. Journal of Time Series Analysis 32, 430-446. https://doi.org/10.1111/j.1467-9892.2011.00732.x

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> soundings = xr.Dataset(
    ...     {
    ...         "time": ("sounding", np.datetime64("2019-01-01", "ns") + np.arange(300).astype("m8[h]")),
    ...         "latitude": ("sounding", rng.uniform(20, 40, 300)),
    ...         "longitude": ("sounding", rng.uniform(100, 120, 300)),
    ...         "xco2": ("sounding", rng.normal(410, 1, 300), {"units": "ppm"}),
    ...         "xco2_uncertainty": ("sounding", np.full(300, 0.5), {"units": "ppm"}),
    ...     }
    ... )
    >>> filler = FixedRankKriging(MeanModel(harmonics=0), functions=60, levels=2).fit(soundings)
    >>> filled = filler.predict(GridSpec.regular(5.0, (100, 20, 120, 40)), ["2019-01-05"])
    >>> filled["xco2"].dims, filler.basis_.size
    (('time', 'lat', 'lon'), 60)
    """

    _field: RankField

    def __init__(
        self,
        mean: MeanModel = MeanModel(),  # noqa: B008  (frozen)
        *,
        functions: int = 400,
        levels: int = 3,
        step: float = 16.0,
        support: Support = "cell",
        scale: Scale = "seasonal",
        average: str | float | None = None,
        overpass_correlation: float = 0.5,
        uncertainty: float | None = None,
        error_length: float = 100e3,
        folds: int = 16,
        seed: int = 0,
    ) -> None:
        if not step > 0.0:
            raise YaotanError(f"step is {step!r}", expected="days, above 0")
        if not error_length >= 0.0:
            raise YaotanError(f"error_length is {error_length!r}", expected="metres, 0 or more")
        if support not in ("cell", "point"):
            raise YaotanError(f"support is {support!r}", expected="cell or point")
        if scale not in ("constant", "seasonal"):
            raise YaotanError(f"scale is {scale!r}", expected="constant or seasonal")
        if folds < 2:
            raise YaotanError(f"folds is {folds!r}", expected="2 or more")
        self.mean, self.functions, self.levels, self.step = mean, functions, levels, step
        self.support: Support = support
        self.scale: Scale = scale
        self.average, self.overpass_correlation = average, overpass_correlation
        self.uncertainty, self.error_length = uncertainty, error_length
        self.folds, self.seed = folds, seed

    def fit(self, data: Data, *, variable: str | None = None) -> Self:
        """Fit mean and variances, and condition on the data (see `GapFiller.fit`).

        Parameters
        ----------
        data, variable
            As there.

        Raises
        ------
        TooFewSoundingsError
            Fewer observations than functions, or than the mean needs.
        UnitsError, SchemaError, YaotanError
            As `gather`, `MeanModel.fit`, `make_basis`.
        """
        observations = self._gather(data, variable).need(
            self.functions, f"FixedRankKriging with {self.functions} functions"
        )
        known = self._learn_scale(observations, self.mean, self.scale, self.seed)
        some = known.sample(_SAMPLE, self.seed)
        mean = self.mean.fit(some)
        frame, days = mean.frame, known.days
        half_lon = 180.0 if frame.wide else frame.scale[1]
        self.basis_ = make_basis(
            frame.centre[:2], (frame.scale[0], half_lon), functions=self.functions, levels=self.levels
        )
        self.nodes_ = Nodes.covering(days[0], days[-1], self.step)
        found = maximise(
            known.sample_overpasses(_SEARCH, self.seed), self.basis_, self.nodes_, mean,
            start_model(mean.residual(some), some.sigma, self.basis_, self.step),
            error_length=self.error_length, seed=self.seed,
        )  # fmt: skip
        self.mean_, self.model_ = found.mean, found.model
        self._hold(known)
        smoothed = self._field.smoothed
        self.mean_ = fit_mean(self._information, smoothed, self.mean_)
        self._field = replace(self._field, mean=self.mean_)
        likelihood = log_likelihood(self._information, smoothed, self.mean_)
        self.diagnostics_ = found.diagnostics | {"log_likelihood": likelihood}
        return self

    def _hold(self, observations: Observations) -> Self:
        """Keep what observations in parts of the scale say of the coefficients."""
        self._information = gather_information(
            observations, self.basis_, self.nodes_, self.mean_, self.model_, self.error_length
        )
        self._field = self._smooth(self.nodes_, 0)
        return self

    def _smooth(self, nodes: Nodes, before: int) -> RankField:
        """Give the field at nodes, so many of them before those of the data."""
        information = self._information
        if nodes.number != self.nodes_.number:
            information = information.padded(before, nodes.number)
        smoothed = smooth(information, *self.model_.by_function(self.basis_))
        return RankField(self.basis_, nodes, self.mean_, self.model_, smoothed, self.support)

    def _field_of(self, steps: Steps) -> RankField:
        """Give the field with nodes for all times asked for: periods may begin before the data."""
        if steps.moment is not None:
            return self._field
        nodes, before = self.nodes_.padded(float(days_of(steps.start.min())), float(days_of(steps.end.max())))
        return self._field if nodes == self.nodes_ else self._smooth(nodes, before)

    def _at_points(self, *points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self._field.at_points(*points)

    def _describe(self) -> str:
        return (
            f"fixed-rank kriging, {self.basis_.size} bisquare functions at {self.basis_.levels} levels, "
            f"nodes every {self.step:g} days, support {self.support}"
        )

    def _parameters(self) -> dict[str, Any]:
        settled = "yes" if self.diagnostics_["converged"] else "no"
        return self.model_.describe() | {"covariance_converged": settled}

    def _draw(self, spec: GridSpec, steps: Steps, wanted: Mask, **options: Any) -> xr.Dataset:
        return self._field_of(steps).simulate(spec, steps, wanted, self.observations_, **options)

    def _leave_out(self, labels: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        def predict(kept: Observations, wanted: Observations) -> Any:
            field = self._copy()._hold(kept)._field
            return field.at_points(wanted.latitude, wanted.longitude, wanted.days)

        return leave_out_by_folds(predict, self._known, labels, folds=self.folds)
