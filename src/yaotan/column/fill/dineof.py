"""Gaps filled by empirical modes of the data themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.crossvalidation import leave_out_by_folds
from yaotan.column.fill.fade import assume_fade, measure_fade
from yaotan.column.fill.field_filler import FieldFiller
from yaotan.column.fill.filler import Data
from yaotan.column.fill.matrix import Lattice, Matrix, fill_matrix
from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.mode import Modes, iterate_known, modes_of, time_filter
from yaotan.column.fill.mode_field import ModeField
from yaotan.column.fill.mode_number import learn_modes
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.scaling import Scale
from yaotan.column.fill.step import Steps
from yaotan.errors import TooFewSoundingsError, YaotanError

#: Observations and times that are needed.
_OBSERVATIONS, _TIMES = 50, 5
#: Observations of the fit of the mean, at most.
_SAMPLE: Final = 100_000
#: Side of the blocks in which entries are withheld, in cells.
_BLOCK: Final = 3


class Dineof(FieldFiller):
    r"""Fill gaps by data-interpolating empirical orthogonal functions.

    1. The mean (`yaotan.column.fill.mean.MeanModel`) is taken off, the residuals are averaged by cells of
       latitude and longitude and steps of time: a matrix with gaps. Cells and times with less than 5 per cent
       of data are left out of it.
    2. Gaps begin as zero and are replaced by what the first k modes of the matrix (its truncated singular
       value decomposition) say of them, again and again until they stay (Beckers and Rixen 2003).
    3. k is the number whose error is least at entries that were withheld, in whole blocks of neighbouring
       cells at one time, so that a track is not predicted from itself.
    4. With the modes U and the variances :math:`\Lambda` of their amplitudes the amplitudes of every time
       come from its observations by optimal interpolation, whose error is that of the map (Beckers, Barth and
       Alvera-Azcarate 2006):

       .. math:: C_t = \left(\Lambda^{-1} + U_o^T R^{-1} U_o\right)^{-1}, \quad
                 a_t = C_t U_o^T R^{-1} y_t, \quad \sigma^2 = u^T C_t u + \nu^2 + x^T V x

       R holds the errors of the means and :math:`\nu^2`, what the modes do not resolve; that is found from
       the withheld entries, so that the stated errors are right there. V is the covariance of the mean.

    Parameters
    ----------
    mean : MeanModel
        Mean of the field.
    cell : float
        Side of the cells [degrees].
    step : float
        Length of the steps in time [days].
    modes : int, optional
        k; None: found from the withheld entries.
    most : int
        Modes that are tried, at most.
    withheld : float
        Part of the entries that are withheld, at least 30 of them.
    coverage : float
        Least part of the times (cells) in which a cell (time) must hold data to be in the matrix.
    time_filter : float
        Length of the Laplacian filter of the covariance in time [days] (Alvera-Azcarate et al. 2009);
        0: none.
    scale : {"constant", "seasonal"}
        Whether the field may be livelier at some latitudes and in some seasons
        (`yaotan.column.fill.scaling.learn_scale`); the modes are then of the field in parts of its
        scale.
    average, overpass_correlation, uncertainty
        See `yaotan.column.fill.extraction.gather`.
    folds : int
        In how many parts `leave_out` leaves out; the modes are found anew for each.
    seed : int
        Of the withheld entries and the sample for the mean.

    Attributes
    ----------
    observations_ : Observations
    scale_ : FittedScale or None
    mean_ : FittedMean
        In parts of the scale, as the modes are.
    modes_ : Modes
    number_ : int
        k.
    fade_ : ProductSum
        Covariance of what the modes leave.
    errors_ : list of float
        Root mean square error at the withheld entries with 0, 1, 2 ... modes (empty when k was given).
    diagnostics_ : dict
        Cells and times in the matrix and left out, part of its entries that are known, iterations.

    Notes
    -----
    It knows nothing of distance: two cells belong together when they changed together, so it needs many times
    (a hundred rather than ten) and cells that are often seen. Between the middles of steps the field is
    linear in time. A map cell takes the value at its centre, interpolated from the four next cells of the
    matrix; where none is known it is the mean, with the variance of the modes in its 1 sigma. In means over a
    period errors of the amplitudes of different steps count as independent; how :math:`\nu^2` fades is told
    by the variogram of what the modes leave (`yaotan.column.fill.fade.measure_fade`).

    References
    ----------
    Beckers, J.-M., Rixen, M. (2003). EOF calculations and data filling from incomplete oceanographic data
    sets. Journal of Atmospheric and Oceanic Technology 20, 1839-1856.
    https://doi.org/10.1175/1520-0426(2003)020<1839:ECADFF>2.0.CO;2

    Alvera-Azcarate, A., Barth, A., Rixen, M., Beckers, J.-M. (2005). Reconstruction of incomplete
    oceanographic data sets using empirical orthogonal functions. Ocean Modelling 9, 325-346.
    https://doi.org/10.1016/j.ocemod.2004.08.001

    Beckers, J.-M., Barth, A., Alvera-Azcarate, A. (2006). DINEOF reconstruction of clouded images including
    error maps. Ocean Science 2, 183-199. https://doi.org/10.5194/os-2-183-2006

    Alvera-Azcarate, A., Barth, A., Sirjacobs, D., Beckers, J.-M. (2009). Enhancing temporal correlations in
    EOF expansions for the reconstruction of missing data using DINEOF. Ocean Science 5, 475-485.
    https://doi.org/10.5194/os-5-475-2009

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> rng = np.random.default_rng(0)
    >>> days = np.sort(rng.uniform(0.0, 200.0, 2000))
    >>> lat, lon = rng.uniform(20, 40, 2000), rng.uniform(100, 120, 2000)
    >>> wave = np.sin(days / 9.0) * np.cos(np.radians(9.0 * (lon - 110.0)))
    >>> soundings = xr.Dataset(
    ...     {
    ...         "time": ("sounding", np.datetime64("2019-01-01", "ns") + (days * 86400e9).astype("m8[ns]")),
    ...         "latitude": ("sounding", lat),
    ...         "longitude": ("sounding", lon),
    ...         "xco2": ("sounding", 410.0 + wave + rng.normal(0, 0.2, 2000), {"units": "ppm"}),
    ...         "xco2_uncertainty": ("sounding", np.full(2000, 0.2), {"units": "ppm"}),
    ...     }
    ... )
    >>> filler = Dineof(MeanModel(harmonics=0), cell=4.0, step=5.0).fit(soundings)
    >>> filler.number_
    1
    """

    _field: ModeField

    def __init__(
        self,
        mean: MeanModel = MeanModel(),  # noqa: B008  (frozen)
        *,
        cell: float = 2.0,
        step: float = 16.0,
        modes: int | None = None,
        most: int = 20,
        withheld: float = 0.03,
        coverage: float = 0.05,
        time_filter: float = 0.0,
        scale: Scale = "seasonal",
        average: str | float | None = None,
        overpass_correlation: float = 0.5,
        uncertainty: float | None = None,
        folds: int = 16,
        seed: int = 0,
    ) -> None:
        for name, size in (("cell", cell), ("step", step)):
            if not size > 0.0:
                raise YaotanError(f"{name} is {size!r}", expected="above 0")
        for name, part in (("withheld", withheld), ("coverage", coverage)):
            if not 0.0 < part < 1.0:
                raise YaotanError(f"{name} is {part!r}", expected="a part, between 0 and 1")
        for name, number, least in (("modes", modes, 0), ("most", most, 1), ("folds", folds, 2)):
            if number is not None and number < least:
                raise YaotanError(f"{name} is {number!r}", expected=f"{least} or more")
        if scale not in ("constant", "seasonal"):
            raise YaotanError(f"scale is {scale!r}", expected="constant or seasonal")
        if not time_filter >= 0.0:
            raise YaotanError(f"time_filter is {time_filter!r}", expected="days, 0 or more")
        self.mean, self.cell, self.step = mean, cell, step
        self.modes, self.most, self.withheld, self.coverage = modes, most, withheld, coverage
        self.time_filter, self.scale, self.average = time_filter, scale, average
        self.overpass_correlation, self.uncertainty = overpass_correlation, uncertainty
        self.folds, self.seed = folds, seed

    def fit(self, data: Data, *, variable: str | None = None) -> Self:
        """Find mean, modes and their amplitudes (see `GapFiller.fit`).

        Parameters
        ----------
        data : xarray.Dataset, sequence of them, or Observations
            Soundings or gridded soundings.
        variable : str, optional
            Column variable; may be left out where there is one only.

        Raises
        ------
        TooFewSoundingsError
            Fewer than 50 observations, 5 times (a grid of one time, say), 2 cells or 120 known entries.
        UnitsError, SchemaError, YaotanError
            As `gather` and `MeanModel.fit`.
        """
        observations = self._gather(data, variable).need(_OBSERVATIONS, "Dineof")
        known = self._learn_scale(observations, self.mean, self.scale, self.seed)
        self.mean_ = self.mean.fit(known.sample(_SAMPLE, self.seed))
        self._lattice = Lattice.of(known, self.mean_, self.cell, self.step)
        _need_times(self._lattice.nodes.number, known.variable)
        matrix = self._matrix(known, None)
        used = self._times(matrix)
        _need_times(int(used.sum()), known.variable)
        if matrix.value.shape[0] < 2:
            raise TooFewSoundingsError(
                "Dineof needs at least 2 cells with data, given is 1", fix="smaller cells"
            )
        learned = learn_modes(
            matrix.value[:, used], matrix.variance[:, used], self._lattice.blocks(matrix.kept, _BLOCK),
            modes=self.modes, most=self.most, part=self.withheld, smoothing=self._smoothing(used),
            seed=self.seed,
        )  # fmt: skip
        found, self.errors_ = learned.filled, learned.errors
        self.modes_ = modes_of(found, (matrix.value.shape[0], int(used.sum())), learned.rest)
        self.number_ = self.modes_.variance.size
        self.diagnostics_ = {
            "cells": int(matrix.kept.sum()),
            "cells_left_out": int((~matrix.kept).sum()),
            "times": int(used.sum()),
            "times_left_out": int((~used).sum()),
            "known": float(matrix.known[:, used].mean()),
            "iterations": 0 if found is None else found.iterations,
            "converged": found is None or found.converged,
        }
        # what the modes leave is seen once the amplitudes are known; how it fades matters to periods only
        self.fade_ = assume_fade(self.step)
        self._kept = matrix.kept
        self._hold(known)
        left = self._field.at_points(known.latitude, known.longitude, known.days)[0]
        self.fade_ = measure_fade(known, known.value - left, self.step, self.seed) or self.fade_
        self._field = replace(self._field, fade=self.fade_)
        return self

    def _matrix(self, observations: Observations, kept: NDArray[np.bool_] | None) -> Matrix:
        return fill_matrix(
            observations, self.mean_.residual(observations), self._lattice, kept=kept, least=self.coverage
        )

    def _times(self, matrix: Matrix) -> NDArray[np.bool_]:
        """Times of which enough is known for the modes."""
        return np.asarray(matrix.known.mean(axis=0) >= self.coverage)

    def _smoothing(self, used: NDArray[np.bool_]) -> Floats | None:
        return time_filter(int(used.sum()), self.time_filter / self.step)

    def _hold(self, observations: Observations) -> Self:
        """Keep the amplitudes that observations in parts of the scale give."""
        matrix = self._matrix(observations, self._kept)
        self._field = ModeField.of(self._lattice, matrix, self.mean_, self.modes_, self.fade_)
        return self

    def _field_of(self, steps: Steps) -> ModeField:
        return self._field

    def _at_points(self, *points: Floats) -> tuple[Floats, Floats]:
        return self._field.at_points(*points)

    def _describe(self) -> str:
        return f"DINEOF, {self.number_} modes, cells of {self.cell:g} degrees, steps of {self.step:g} days"

    def _parameters(self) -> dict[str, Any]:
        return {f"dineof_{name}": value for name, value in self.diagnostics_.items() if name != "converged"}

    def _leave_out(self, labels: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict in parts, each of which finds its own modes."""

        def predict(kept: Observations, wanted: Observations) -> tuple[Floats, Floats]:
            matrix = self._matrix(kept, self._kept)
            used = self._times(matrix)
            found = iterate_known(matrix.value[:, used], self.number_, self._smoothing(used))
            modes: Modes = modes_of(found, (matrix.value.shape[0], int(used.sum())), self.modes_.rest)
            field = ModeField.of(self._lattice, matrix, self.mean_, modes, self.fade_)
            return field.at_points(wanted.latitude, wanted.longitude, wanted.days)

        return leave_out_by_folds(predict, self._known, labels, folds=self.folds)


def _need_times(number: int, variable: str) -> None:
    if number < _TIMES:
        raise TooFewSoundingsError(
            f"Dineof needs at least {_TIMES} times with data of {variable}, given are {number}",
            fix="give a longer period or take shorter steps (step): modes are what changes with time",
        )
