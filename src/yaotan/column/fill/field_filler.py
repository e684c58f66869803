"""What the fillers do alike once they hold a field: copies, maps and points of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.column.fill.block import lazy_field
from yaotan.column.fill.extraction import gather
from yaotan.column.fill.filler import Data
from yaotan.column.fill.layout import build_filled
from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.observation import Mask, Observations
from yaotan.column.fill.scale import FittedScale
from yaotan.column.fill.scaling import Scale, learn_scale
from yaotan.column.fill.step import Steps, Times, resolve_times, target_points, wanted_cells
from yaotan.grid.spec import GridSpec


class FieldFiller(ABC):
    """A filler that keeps its observations and gives its field by blocks of cells and at points.

    Attributes
    ----------
    observations_ : Observations
        What the field is conditioned on.
    scale_ : FittedScale or None
        How lively the field is with latitude and season; None: the same everywhere. Mean, covariance and
        field are learned and kept in parts of it (`_known`); what is asked for is multiplied by it again.
    scale_gains_ : dict
        Gain in log density of observations left out by the terms of the scale that were tried.
    """

    average: str | float | None
    overpass_correlation: float
    uncertainty: float | None
    observations_: Observations
    scale_: FittedScale | None
    scale_gains_: dict[str, float]
    _known: Observations

    @abstractmethod
    def _hold(self, observations: Observations) -> Self:
        """Keep what predictions need of observations in parts of the scale, with what was learned."""

    @abstractmethod
    def _field_of(self, steps: Steps) -> Any:
        """Give what fills cells over these times, in parts of the scale."""

    @abstractmethod
    def _at_points(self, *points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give value and 1 sigma at latitudes, longitudes, days, in parts of the scale."""

    @abstractmethod
    def _leave_out(self, labels: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict each observation from those that share no label with it, in parts of the scale."""

    @abstractmethod
    def _describe(self) -> str:
        """Name the method and its options, as the map says it."""

    @abstractmethod
    def _parameters(self) -> dict[str, Any]:
        """Give what was learned, as attributes of the map."""

    def _gather(self, data: Data, variable: str | None) -> Observations:
        """Give the observations of the data, with the options that the fillers share."""
        return gather(
            data, variable=variable, average=self.average,
            overpass_correlation=self.overpass_correlation, uncertainty=self.uncertainty,
        )  # fmt: skip

    def _learn_scale(
        self, observations: Observations, mean: MeanModel, kind: Scale, seed: int
    ) -> Observations:
        """Learn the scale, and give the observations divided by it."""
        learned = learn_scale(observations, mean, kind, seed)
        self.scale_, self.scale_gains_ = learned.scale, learned.gains
        return self._keep(observations)

    def _keep(self, observations: Observations) -> Observations:
        """Keep observations, and give them divided by the scale."""
        self.observations_ = observations
        self._known = observations if self.scale_ is None else self.scale_.divide(observations)
        return self._known

    def _restore(
        self, value: NDArray[np.float64], sigma: NDArray[np.float64], latitude: Any, days: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Multiply value and 1 sigma at points by the scale there."""
        if self.scale_ is None:
            return value, sigma
        return self.scale_.restore(value, sigma, self.scale_.at(latitude, days))

    def _copy(self) -> Self:
        """Give a copy that shares everything learned."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def condition(self, observations: Observations) -> Self:
        """Give a copy that keeps all that was learned, conditioned on other observations."""
        other = self._copy()
        return other._hold(other._keep(observations))

    def predict(self, spec: GridSpec, times: Times, *, region: Any = None) -> xr.Dataset:
        """Give the filled field on a grid.

        Parameters
        ----------
        spec : GridSpec
            The cells.
        times : str, sequence or Periods
            Periods over which the field is averaged (``"month"``, ``"8D"``, pairs), or moments: see
            `yaotan.column.fill.step.resolve_times`.
        region : tuple of 4 floats or geopandas.GeoDataFrame, optional
            Cells with their centre elsewhere are left out: NaN, flagged ``left_out``.

        Returns
        -------
        xarray.Dataset
            As `yaotan.column.fill.layout.build_filled`, lazy: blocks of cells are filled when they are
            computed, in as many threads as dask has, in constant memory.

        Raises
        ------
        YaotanError
            Times outside the data's period, or (kriging, when computed) a variance that is negative by more
            than rounding.
        GridError
            No cell lies in the region.
        """
        steps = resolve_times(times, self.observations_.period)
        wanted = wanted_cells(spec, region)
        value, sigma = lazy_field(self._field_of(steps), spec, steps, wanted, self.scale_)
        scale = {} if self.scale_ is None else self.scale_.describe()
        return build_filled(
            spec, steps, value, sigma, self.observations_,
            method=self._describe(), wanted=wanted, attrs=self._parameters() | scale,
        )  # fmt: skip

    def predict_at(
        self, latitude: ArrayLike, longitude: ArrayLike, time: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the field at points and moments, and its 1 sigma.

        Parameters
        ----------
        latitude, longitude : array_like
            ``(m,)`` [degrees].
        time : array_like
            ``(m,)`` datetime64, or one moment for all.

        Returns
        -------
        value, sigma : numpy.ndarray
            ``(m,)``; micro-scale variance (the fine part) is in sigma, measurement error is not.

        Raises
        ------
        YaotanError
            A moment lies outside the data's period.
        """
        points = target_points(latitude, longitude, time, self.observations_.period)
        return self._restore(*self._at_points(*points), points[0], points[2])

    def leave_out(self, labels: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict each observation from those that share no label with it (see `GapFiller.leave_out`)."""
        known = self.observations_
        return self._restore(*self._leave_out(labels), known.latitude, known.days)


class DrawnFiller(FieldFiller):
    """A filler that knows mean and covariance everywhere, so that its field can be drawn."""

    @abstractmethod
    def _draw(self, spec: GridSpec, steps: Steps, wanted: Mask, **options: Any) -> xr.Dataset:
        """Draw wanted cells at steps; options: draws, seed, conditional."""

    def simulate(
        self,
        spec: GridSpec,
        times: Times,
        *,
        draws: int = 1,
        seed: int = 0,
        conditional: bool = True,
        region: Any = None,
    ) -> xr.Dataset:
        """Draw the field on a grid: what it may look like, where `predict` gives what it is on average.

        Parameters
        ----------
        spec, times, region
            As in `predict`.
        draws, seed : int
            How many draws, and of which seed; equal arguments give equal draws.
        conditional : bool
            Given the observations; False: of mean and covariance alone.

        Returns
        -------
        xarray.Dataset
            ``v`` ``(draw, time, lat, lon)``, in memory: for moderate sizes (cells x times x draws up to some
            millions). Means and scatter of many draws are the value and 1 sigma of `predict`.

        Raises
        ------
        YaotanError, GridError
            As `predict`.
        """
        steps, wanted = resolve_times(times, self.observations_.period), wanted_cells(spec, region)
        return self._draw(spec, steps, wanted, draws=draws, seed=seed, conditional=conditional)
