"""Local kriging in space and time."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.fill.covariance import Family, ProductSum
from yaotan.column.fill.field_filler import DrawnFiller
from yaotan.column.fill.filler import Data
from yaotan.column.fill.learning import learn
from yaotan.column.fill.local import LocalKriging
from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.observation import Mask, Observations
from yaotan.column.fill.scaling import Scale
from yaotan.column.fill.simulation import simulate_field
from yaotan.column.fill.step import Steps
from yaotan.column.fill.target import Support
from yaotan.errors import YaotanError
from yaotan.grid.spec import GridSpec

#: Observations from which a variogram in space and time can be told.
LEAST: Final = 50


class SpaceTimeKriging(DrawnFiller):
    r"""Fill gaps by kriging in space and time with a local moving neighbourhood.

    1. The mean (`yaotan.column.fill.mean.MeanModel`) is fitted by weighted, then by generalised least
       squares.
    2. The variogram of the residuals, less the part of the stated errors, gets a product-sum model
       (`yaotan.column.fill.variogram`). Both steps are done twice; then the parameters are refined by how
       well they predict observations that are left out.
    3. Each target is predicted from the nearest observations in the metric of the covariance
       (`yaotan.column.fill.neighbourhood`) by ordinary kriging:

       .. math:: \begin{pmatrix} C + E & 1 \\ 1^T & 0 \end{pmatrix}
                 \begin{pmatrix} \lambda \\ \mu \end{pmatrix} = \begin{pmatrix} c_0 \\ 1 \end{pmatrix}, \quad
                 \sigma^2 = C_{00} - \lambda^T c_0 - \mu + g^T V g, \quad g = x_0 - X^T \lambda

       E holds the measurement errors, :math:`\sigma_i^2` on the diagonal and
       :math:`s_i s_j e^{-h / L}` between observations of one overpass; they are in no other place, so the
       noise-free field is predicted. V is the covariance of the coefficients of the mean: the last term is
       what its uncertainty adds (exact for simple kriging from all observations; here an approximation).

    Parameters
    ----------
    mean : MeanModel
        Mean of the field.
    model : ProductSum, optional
        Covariance; None: fitted.
    scale : {"constant", "seasonal"}, optional
        Whether the field may be livelier at some latitudes and in some seasons
        (`yaotan.column.fill.scaling.learn_scale`); the covariance is then that of the field in parts of its
        scale. None: seasonal, and constant where a model is given.
    space_family, time_family : {"exponential", "matern32", "spherical"}, optional
        Margins of the fitted covariance; None: exponential or matern32, whichever predicts better (without
        `refine` exponential).
    minimum, maximum : int
        Observations of a neighbourhood.
    track_share : float
        Part of the maximum that one overpass may take before others are looked for; 1: no balance.
    ordinary : bool
        Estimate a local mean with every target; False: simple kriging of the residuals.
    support : {"cell", "point"}
        What `predict` gives: means over cells (micro-scale variance averages out), or the field at their
        centres. Over periods the field is averaged in either case.
    average, overpass_correlation, uncertainty
        See `yaotan.column.fill.extraction.gather`.
    error_length : float
        L, e-folding length of the common error along an overpass [m]; 0: errors are independent.
    robust : bool
        Robust variogram.
    refine : bool
        Improve the fitted parameters by how well they predict observations that are left out
        (`yaotan.column.fill.refinement`).
    wave : bool
        Try a correlation in time that swings below zero (`ProductSum`, time_wave); needs `refine`.
    max_distance, max_days : float, optional
        Longest lags of the variogram ([m], [days]).
    seed : int
        Of the samples of pairs and the order of the generalised fit.

    Attributes
    ----------
    observations_ : Observations
    scale_ : FittedScale or None
    mean_ : FittedMean
        In parts of the scale, as the model is.
    model_ : ProductSum
    variogram_ : Variogram or None
        None when the model was given.
    diagnostics_ : dict
        Of the fit of the model.

    Notes
    -----
    It cannot see what its model leaves out: the correlation is the same everywhere and in all seasons,
    without direction. Cells are small against the range, or their means blur. It interpolates in time only:
    times outside the data's period are refused. Far from all observations the 1 sigma grows to the sill.

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
    >>> model = ProductSum(0.2, 0.1, 0.5, 0.0, 300e3, 10.0)
    >>> filler = SpaceTimeKriging(MeanModel(harmonics=0), model=model).fit(soundings)
    >>> filled = filler.predict(GridSpec.regular(5.0, (100, 20, 120, 40)), ["2019-01-05"])
    >>> filled["xco2"].dims, bool(filled["xco2_uncertainty"].max() < model.sill**0.5)
    (('time', 'lat', 'lon'), True)
    """

    def __init__(
        self,
        mean: MeanModel = MeanModel(),  # noqa: B008  (frozen)
        *,
        model: ProductSum | None = None,
        scale: Scale | None = None,
        space_family: Family | None = None,
        time_family: Family | None = None,
        minimum: int = 20,
        maximum: int = 64,
        track_share: float = 0.25,
        ordinary: bool = True,
        support: Support = "cell",
        average: str | float | None = None,
        overpass_correlation: float = 0.5,
        uncertainty: float | None = None,
        error_length: float = 100e3,
        robust: bool = False,
        refine: bool = True,
        wave: bool = True,
        max_distance: float | None = None,
        max_days: float | None = None,
        seed: int = 0,
    ) -> None:
        if not 1 <= minimum <= maximum:
            raise YaotanError(
                f"minimum is {minimum!r}, maximum {maximum!r}", expected="1 <= minimum <= maximum"
            )
        if not 0.0 < track_share <= 1.0:
            raise YaotanError(f"track_share is {track_share!r}", expected="above 0, at most 1")
        if not error_length >= 0.0:
            raise YaotanError(f"error_length is {error_length!r}", expected="metres, 0 or more")
        if support not in ("cell", "point"):
            raise YaotanError(f"support is {support!r}", expected="cell or point")
        if scale not in (None, "constant", "seasonal"):
            raise YaotanError(f"scale is {scale!r}", expected="constant or seasonal")
        self.mean, self.model, self.scale = mean, model, scale
        self.space_family, self.time_family = space_family, time_family
        self.minimum, self.maximum, self.track_share = minimum, maximum, track_share
        self.ordinary, self.support = ordinary, support
        self.average, self.overpass_correlation = average, overpass_correlation
        self.uncertainty, self.error_length = uncertainty, error_length
        self.robust, self.refine, self.wave, self.seed = robust, refine, wave, seed
        self.max_distance, self.max_days = max_distance, max_days

    def fit(self, data: Data, *, variable: str | None = None) -> Self:
        """Fit mean and covariance, and condition on the data (see `GapFiller.fit`).

        Parameters
        ----------
        data : xarray.Dataset, sequence of them, or Observations
            Soundings or gridded soundings.
        variable : str, optional
            Column variable; may be left out where there is one only.

        Returns
        -------
        SpaceTimeKriging
            Itself.

        Raises
        ------
        TooFewSoundingsError
            Fewer than 50 observations, or than the mean or the variogram need.
        UnitsError, SchemaError, YaotanError
            As `gather`, `MeanModel.fit` and `fit_product_sum`.
        """
        observations = self._gather(data, variable).need(LEAST, "SpaceTimeKriging")
        kind = self.scale or ("seasonal" if self.model is None else "constant")
        known = self._learn_scale(observations, self.mean, kind, self.seed)
        learned = learn(
            known, self.mean, self.model, families=(self.space_family, self.time_family),
            max_distance=self.max_distance, max_days=self.max_days, robust=self.robust,
            refine=self.refine, wave=self.wave, track_share=self.track_share, error_length=self.error_length,
            seed=self.seed,
        )  # fmt: skip
        self.mean_, self.model_ = learned.mean, learned.model
        self.variogram_, self.diagnostics_ = learned.variogram, learned.diagnostics
        return self._hold(known)

    def _hold(self, observations: Observations) -> Self:
        """Keep what every prediction needs of observations in parts of the scale."""
        self._local = LocalKriging.of(
            observations, self.mean_, self.model_,
            neighbours=(self.minimum, self.maximum, self.track_share),
            ordinary=self.ordinary, support=self.support, error_length=self.error_length,
        )  # fmt: skip
        return self

    def _draw(self, spec: GridSpec, steps: Steps, wanted: Mask, **options: Any) -> xr.Dataset:
        return simulate_field(self._local, spec, steps, wanted, self.observations_, **options)

    def _field_of(self, steps: Steps) -> LocalKriging:
        return self._local

    def _at_points(self, *points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        latitude, longitude, days = points
        return self._local.at_points(latitude, longitude, days, None)

    def _describe(self) -> str:
        kind = "ordinary" if self.ordinary else "simple"
        return (
            f"space-time {kind} kriging, product-sum covariance, {self.minimum} to {self.maximum} "
            f"neighbours, support {self.support}"
        )

    def _parameters(self) -> dict[str, Any]:
        at_bound = ", ".join(self.diagnostics_.get("at_bound", []))
        return self.model_.describe() | ({"covariance_range_at_bound": at_bound} if at_bound else {})

    def _leave_out(self, labels: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = self._known
        return self._local.at_points(known.latitude, known.longitude, known.days, labels)
