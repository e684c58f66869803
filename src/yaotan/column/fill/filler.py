"""What every gap filler can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.column.fill.observation import Observations
from yaotan.column.fill.step import Times
from yaotan.grid.spec import GridSpec

#: Soundings, a grid, several of them (of one variable and unit), or what `gather` made of them.
Data: TypeAlias = xr.Dataset | Sequence[xr.Dataset] | Observations


class GapFiller(Protocol):
    """Learns from observations with gaps and gives the noise-free field everywhere, with its 1 sigma.

    The rules are those of scikit-learn: ``__init__`` stores options, `fit` returns ``self``, what was learned
    has names that end in ``_``. Every filler is deterministic: random choices take their seed as an option.
    """

    @property
    def observations_(self) -> Observations:
        """What the field is conditioned on."""
        ...

    def fit(self, data: Data, *, variable: str | None = None) -> Self:
        """Learn everything from the data and condition on them.

        Parameters
        ----------
        data : xarray.Dataset, sequence of them, or Observations
            Soundings or a grid (`yaotan.column.fill.observation.gather` says what is taken).
        variable : str, optional
            Column variable; may be left out where there is one only.

        Returns
        -------
        Self
            The filler.

        Raises
        ------
        TooFewSoundingsError
            The method needs more observations than there are; the message says both numbers.
        """
        ...

    def predict(self, spec: GridSpec, times: Times, *, region: Any = None) -> xr.Dataset:
        """Give the filled field on a grid: `yaotan.column.fill.layout.build_filled` says its form."""
        ...

    def predict_at(
        self, latitude: ArrayLike, longitude: ArrayLike, time: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the field at points and moments, and its 1 sigma (without measurement error)."""
        ...

    def condition(self, observations: Observations) -> Self:
        """Give a copy that keeps the learned parameters and is conditioned on other observations."""
        ...

    def leave_out(self, labels: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict each of its observations from the others, parameters kept.

        Parameters
        ----------
        labels : numpy.ndarray
            ``(n, k)``: for observation i all observations are left out that share one of its k labels with
            it (column by column), itself among them.

        Returns
        -------
        value, sigma : numpy.ndarray
            ``(n,)``; NaN where nothing is left to predict from.
        """
        ...
