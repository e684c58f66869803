"""Biomass maps from plots and rasters, with scores, errors and limits that come from blocks left out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from yaotan.carbon.biomass.applicability import find_applicability
from yaotan.carbon.biomass.calibration import crossed_coverage, find_calibration
from yaotan.carbon.biomass.fold import blocks, folds, levels, scores
from yaotan.carbon.biomass.learner import LearnedBiomass, Learner
from yaotan.carbon.biomass.plot import read_plots
from yaotan.carbon.budget.parameter import Floats
from yaotan.errors import SchemaError


class BiomassModel:
    r"""Learn above-ground biomass of plots from predictors, and map it.

    Follows the rules of scikit-learn (`fit`, `predict`, `get_params`; learned things end in ``_``). Scores
    and errors come from predictions of plots whose whole block of land was left out (grouped K folds); plots
    among their neighbours would flatter the model. The interval is calibrated on those errors; the area of
    applicability is where predictors are like those of plots (`Applicability`).

    Parameters
    ----------
    learner : {"forest", "boosting", "linear"}
        Random forest, gradient boosting, or ridge regression of the square root.
    block_size : float
        Side of the blocks [m]; should exceed the range over which plots (or predictors) are alike.
    folds : int
        Folds that blocks are shared out to.
    level : float
        Probability of the interval.
    implausible : {"raise", "drop"}
        What to do with plots above 2300 t/ha (no stand holds so much): refuse, or leave out and count.
    trees : int
        Trees of the forest, or rounds of boosting.
    seed : int
        Of folds and learner.

    Attributes
    ----------
    scores_ : dict
        ``blocks``: n, bias, rmse, r2, slope of plots in blocks left out; ``random``: of plots left out at
        random, for comparison only; ``mean``: of the mean of the other blocks, the score to beat.
    coverage_ : float
        Share of plots inside their interval, each fold's interval learned from the others.
    saturation_ : float
        Biomass that 99 % of out-of-fold predictions stay below; what is denser is understated.
    above_saturation_ : float
        Share of plots above it.
    levels_ : pandas.DataFrame
        By fifths of observed biomass: observed, predicted, bias.
    importance_ : pandas.Series
        Loss of r2 when one predictor is shuffled (out of fold).
    dropped_ : dict
        Plots left out, by reason.

    Notes
    -----
    Plots smaller than pixels, and their own errors, are part of the errors that are learned; errors that all
    plots share (allometry, wood density) are not seen.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> table = pd.DataFrame({"height": random.uniform(5, 30, 300)})
    >>> lon, lat = random.uniform(100, 110, 300), random.uniform(25, 35, 300)
    >>> model = BiomassModel(learner="linear").fit(table, 8 * table["height"], longitude=lon, latitude=lat)
    >>> model.scores_["blocks"]["r2"] > 0.9
    True
    """

    def __init__(
        self,
        *,
        learner: Learner = "forest",
        block_size: float = 100e3,
        folds: int = 5,
        level: float = 0.9,
        implausible: Literal["raise", "drop"] = "raise",
        trees: int = 200,
        seed: int = 0,
    ) -> None:
        self.learner = learner
        self.block_size = block_size
        self.folds = folds
        self.level = level
        self.implausible = implausible
        self.trees = trees
        self.seed = seed

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the parameters by name, as scikit-learn asks."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **values: Any) -> BiomassModel:
        """Set parameters by name, as scikit-learn asks."""
        known = self.get_params()
        for name, value in values.items():
            if name not in known:
                raise SchemaError(f"there is no parameter {name!r}", expected=", ".join(known))
            setattr(self, name, value)
        return self

    def fit(
        self, predictors: pd.DataFrame, biomass: ArrayLike, *, longitude: ArrayLike, latitude: ArrayLike
    ) -> BiomassModel:
        """Learn, and score on blocks left out.

        Parameters
        ----------
        predictors : pandas.DataFrame
            One row for each plot, one numeric column for each predictor.
        biomass : array_like
            ``(n,)`` above-ground dry matter of the plots [t ha-1].
        longitude, latitude : array_like
            ``(n,)`` places of the plots [degrees].

        Returns
        -------
        BiomassModel
            Itself.

        Raises
        ------
        SchemaError
            A plot is implausible or negative, a predictor is no number, lengths differ, or the plots lie in
            too few blocks.
        TooFewSoundingsError
            Fewer than 30 plots with every value.
        """
        plots = read_plots(predictors, biomass, longitude, latitude, drop=self.implausible == "drop")
        self.dropped_, self.feature_names_in_ = plots.dropped, plots.names
        x, y, lon, lat = plots.predictors, plots.biomass, plots.longitude, plots.latitude
        block = blocks(lon, lat, self.block_size)
        fold = folds(block, self.folds, self.seed)
        seen = self._out_of_fold(x, y, fold)
        loose = folds(np.arange(y.size), self.folds, self.seed)
        mean = np.array([y[fold != f].mean() for f in range(self.folds)])[fold]
        self.scores_ = {
            "blocks": scores(y, seen),
            "random": scores(y, self._out_of_fold(x, y, loose)),
            "mean": scores(y, mean),
        }
        self.n_blocks_ = int(block.max()) + 1
        self.calibration_ = find_calibration(y, seen, self.level)
        self.coverage_ = crossed_coverage(y, seen, fold, self.level)
        self.saturation_ = float(np.quantile(seen, 0.99))
        self.above_saturation_ = float((y > self.saturation_).mean())
        self.levels_ = levels(y, seen)
        self.importance_ = self._importance(x, y, fold)
        weight = np.maximum(self.importance_.to_numpy(), 0.0)
        self.applicability_ = find_applicability(x, weight, fold, self.seed)
        self.estimator_ = self._make().fit(x, y)
        self.observed_, self.out_of_fold_ = y, seen
        return self

    def predict(self, predictors: pd.DataFrame) -> pd.DataFrame:
        """Predict biomass where predictors are known.

        Parameters
        ----------
        predictors : pandas.DataFrame
            The columns of `fit`; further ones are not used.

        Returns
        -------
        pandas.DataFrame
            ``biomass``, ``biomass_uncertainty`` (1 sigma of the error on land not seen), ``lower``, ``upper``
            [t ha-1], ``dissimilarity``, ``applicable``; missing where a predictor is.

        Raises
        ------
        SchemaError
            The model was not fitted, or a column is missing.
        """
        self._check_fitted()
        absent = [name for name in self.feature_names_in_ if name not in predictors]
        if absent:
            raise SchemaError(
                f"has no predictor {absent[0]!r}", where="BiomassModel.predict",
                expected=", ".join(self.feature_names_in_),
            )  # fmt: skip
        x = predictors[self.feature_names_in_].to_numpy(dtype=float)
        return pd.DataFrame(self._predict(x), index=predictors.index)

    def predict_map(self, rasters: xr.Dataset | Mapping[str, xr.DataArray]) -> xr.Dataset:
        """Map biomass from rasters of the predictors on one grid; lazy stays lazy.

        Parameters
        ----------
        rasters : xarray.Dataset or mapping of str to xarray.DataArray
            One raster for each predictor, dims ``y, x``, of one grid.

        Returns
        -------
        xarray.Dataset
            ``biomass``, ``biomass_uncertainty``, ``lower``, ``upper`` [t ha-1], ``dissimilarity``,
            ``applicable`` (1 inside the area of applicability, 0 outside, missing without predictors).

        Raises
        ------
        SchemaError
            The model was not fitted, a raster is missing, or grids differ.
        """
        self._check_fitted()
        absent = [name for name in self.feature_names_in_ if name not in rasters]
        if absent:
            raise SchemaError(f"there is no raster {absent[0]!r}", where="BiomassModel.predict_map")
        try:
            layers = xr.align(*[rasters[name] for name in self.feature_names_in_], join="exact")
        except ValueError as error:
            raise SchemaError(
                "the rasters are not of one grid", where="BiomassModel.predict_map",
                fix="regrid(raster, GridSpec.like(another), quantity='intensive') first",
            ) from error  # fmt: skip
        stack = xr.concat(layers, dim=pd.Index(self.feature_names_in_, name="predictor"), coords="minimal")
        stack = stack.chunk(predictor=-1) if stack.chunks else stack
        names = list(_UNITS)
        cube = xr.apply_ufunc(
            self._predict_block, stack, input_core_dims=[["predictor"]], output_core_dims=[["quantity"]],
            dask="parallelized", output_dtypes=[np.float64],
            dask_gufunc_kwargs={"output_sizes": {"quantity": len(names)}},
        )  # fmt: skip
        out = xr.Dataset(
            {name: cube.isel(quantity=k).assign_attrs(units=_UNITS[name]) for k, name in enumerate(names)}
        )
        out["biomass"].attrs |= {"substance": "dry_matter", "saturation": self.saturation_}
        return out.drop_vars("predictor", errors="ignore")

    def _predict_block(self, block: Floats) -> Floats:
        x = block.reshape(-1, block.shape[-1])
        parts = self._predict(x)
        parts["applicable"] = np.where(np.isfinite(parts["biomass"]), parts["applicable"], np.nan)
        return np.stack([np.asarray(part, dtype=float) for part in parts.values()], axis=-1).reshape(
            *block.shape[:-1], len(parts)
        )

    def _predict(self, x: Floats) -> dict[str, Any]:
        known = np.isfinite(x).all(axis=1)
        biomass = np.full(len(x), np.nan)
        if known.any():
            biomass[known] = self.estimator_.predict(x[known])
        low, high = self.calibration_.interval(biomass)
        apart = self.applicability_.dissimilarity(x)
        return {
            "biomass": biomass, "biomass_uncertainty": self.calibration_.sd(biomass),
            "lower": low, "upper": high,
            "dissimilarity": apart, "applicable": apart <= self.applicability_.threshold,
        }  # fmt: skip

    def _make(self) -> LearnedBiomass:
        return LearnedBiomass(self.learner, self.seed, self.trees)

    def _out_of_fold(self, x: Floats, y: Floats, fold: Any) -> Floats:
        out = np.zeros_like(y)
        for number in np.unique(fold):
            left = fold == number
            out[left] = self._make().fit(x[~left], y[~left]).predict(x[left])
        return out

    def _importance(self, x: Floats, y: Floats, fold: Any) -> pd.Series:
        """Loss of r2 on the first fold when a predictor is shuffled there, by a model of the others."""
        left = fold == 0
        model = self._make().fit(x[~left], y[~left])
        random = np.random.default_rng(self.seed)
        base = scores(y[left], model.predict(x[left]))["r2"]
        loss = []
        for column in range(x.shape[1]):
            turned = x[left].copy()
            turned[:, column] = random.permutation(turned[:, column])
            loss.append(base - scores(y[left], model.predict(turned))["r2"])
        return pd.Series(loss, index=self.feature_names_in_, name="importance")

    def _check_fitted(self) -> None:
        if not hasattr(self, "estimator_"):
            raise SchemaError("the model was not fitted", where="BiomassModel", fix="call fit first")


_UNITS: Final = {
    "biomass": "t ha-1", "biomass_uncertainty": "t ha-1", "lower": "t ha-1", "upper": "t ha-1",
    "dissimilarity": "1", "applicable": "1",
}  # fmt: skip
