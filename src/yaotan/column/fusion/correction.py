"""One product brought to the level of another: a bias that depends on declared predictors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.fusion.predictor import PREFIX, design, predictor_fields, predictor_values
from yaotan.column.fusion.robust import fit_huber
from yaotan.column.kernel.operator import find_column
from yaotan.column.outlier import SCALE
from yaotan.column.validation.collocation import collocate
from yaotan.errors import SchemaError, SeriesError, TooFewSoundingsError, UnitsError, YaotanError

Folds: TypeAlias = Literal["month", "day"]

#: What became of each sounding, in the order of the flag values.
STATUS: Final = ("done", "missing_value", "missing_predictor", "outside_range")


class BiasCorrection:
    r"""Learn the difference of a product from a reference, and take it off.

    Pairs come from `collocate`: overpass means of the soundings, brought to the reference's prior where
    there are kernels. Their differences are fitted by Huber's robust regression
    (`yaotan.column.fusion.robust.fit_huber`)

    .. math:: X - X_{ref} = c_0 + \sum_j c_j p_j, \qquad X' = X - c_0 - \sum_j c_j p_j, \qquad
              u^2 = x^T V x

    with V from clusters of calendar days. The fit is repeated without each month and scored on it.

    Parameters
    ----------
    column : str, optional
        Column variable; default: the only one of the soundings.
    predictors : sequence of str
        ``latitude`` (linear and square), ``season`` (sine and cosine of the year), ``surface`` (share of
        water), and any variable with one number for each sounding (``airmass``, an albedo), linearly.
    pairing : mapping, optional
        Options of `collocate`, such as ``{"kernel": "none", "method": "radius", "hours": 2}``.
    minimum_pairs : int
        Fewest pairs; of a regression at least 10 for each term.
    folds : {"month", "day"}
        What the cross-validation leaves out; days are not independent, and are for short records.
    outside : {"blank", "raise"}
        What `transform` does with soundings outside the range of the predictors of the pairs (season: in a
        month of the year without pairs): NaN, flagged and counted, or an error.

    Attributes
    ----------
    pairs_ : xarray.Dataset
        What `collocate` gave, with ``residual`` and ``weight`` of the regression (NaN where a predictor is
        missing).
    coefficients_ : xarray.Dataset
        Dim ``term``: ``estimate`` and ``uncertainty`` [unit of the column per unit of the term].
    scores_ : xarray.Dataset
        Dim ``fold``: ``count``, ``bias_before``, ``bias_after``, ``rms_before``, ``rms_after`` of pairs that
        the fit had not seen. ``attrs`` have those of all together.
    count_ : int
        Pairs of the regression.
    lost_ : dict
        Pairs left out by reason.
    residual_scatter_ : float
        1.4826 times the median absolute residual.
    range_ : dict
        Predictor -> lowest and highest value of the pairs; season: the months.

    Notes
    -----
    The reference's own bias becomes the product's. A bias that drifts, or depends on what is no predictor,
    stays. Bring both tables to one prior (`harmonise_prior`) before `fit` and `transform` where you can:
    ``common_prior`` in the pairs takes the effect of priors out of the difference, but not out of the
    soundings that `transform` is given. Its uncertainty is common to all soundings: it does not
    average out, and it holds no scatter of single soundings.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> hours = np.arange(400) * 36
    >>> def table(platform, value):
    ...     made = {"time": np.datetime64("2020-01-01", "ns") + hours * np.timedelta64(3600, "s")}
    ...     made |= {"latitude": 30 + 0.0 * hours, "longitude": 110 + 0.0 * hours, "airmass": airmass}
    ...     return xr.Dataset({k: ("sounding", v) for k, v in (made | {"xco2": value}).items()},
    ...                       attrs={"platform": platform, "product": platform})
    >>> airmass = rng.uniform(2, 4, 400)
    >>> truth = rng.normal(410, 1, 400)
    >>> biased = table("A", truth + 0.5 + 0.8 * (airmass - 3) + rng.normal(0, 0.3, 400))
    >>> learner = BiasCorrection(predictors=["airmass"], pairing={"kernel": "none"})
    >>> fitted = learner.fit(biased, table("B", truth))
    >>> corrected = fitted.transform(biased)
    >>> float((corrected.xco2 - truth).std().round(1)), fitted.count_
    (0.3, 400)
    """

    def __init__(
        self,
        *,
        column: str | None = None,
        predictors: Sequence[str] = (),
        pairing: Mapping[str, Any] | None = None,
        minimum_pairs: int = 30,
        folds: Folds = "month",
        outside: Literal["blank", "raise"] = "blank",
    ) -> None:
        self.column, self.predictors, self.pairing = column, predictors, pairing
        self.minimum_pairs, self.folds, self.outside = minimum_pairs, folds, outside

    def fit(self, soundings: xr.Dataset, reference: Any) -> BiasCorrection:
        """Learn from pairs of soundings with a reference (as in `collocate`).

        Raises
        ------
        TooFewSoundingsError
            There are fewer pairs than the regression needs; the message gives both numbers.
        SeriesError
            All pairs are of one month (or day): nothing can be left out.
        SchemaError, UnitsError, YaotanError
            A predictor is missing, or does not vary; an option is unknown; those of `collocate`.
        """
        self._check_options()
        column = find_column(soundings, self.column)
        table = predictor_fields(soundings, self.predictors)
        carry = [str(name) for name in table.variables if str(name).startswith(PREFIX)]
        pairs = collocate(table, reference, column=column, carry=carry, **dict(self.pairing or {}))
        values = predictor_values(pairs, self.predictors)
        known = np.ones(pairs.sizes["pair"], bool)
        for array in values.values():
            known &= np.isfinite(array)
        used = pairs.isel(pair=np.flatnonzero(known))
        self.column_, self.prior_ = column, pairs.attrs["prior"]
        self.units_ = pairs.attrs["units"]
        self.lost_ = {"missing_predictor": int((~known).sum())}
        self.count_ = used.sizes["pair"]
        self._centre = {
            name: float(np.median(a[known])) if known.any() else 0.0 for name, a in values.items()
        }
        rows, self._terms = design(used, self.predictors, self._centre)
        self._check_design(rows)
        self.range_ = {
            name: sorted({int(v) for v in a[known]}) if name == "season" else (a[known].min(), a[known].max())
            for name, a in values.items()
        }
        difference = used["difference"].values
        days = used["time"].values.astype("datetime64[D]")
        self.scores_ = self._cross_validate(rows, difference, days)
        self._fit = fit_huber(rows, difference, days)
        self.residual_scatter_ = SCALE * float(np.median(np.abs(self._fit.residual)))
        self.pairs_ = pairs.assign(
            residual=("pair", _spread_out(self._fit.residual, known), {"units": self.units_}),
            weight=("pair", _spread_out(self._fit.weight, known), {"units": "1"}),
        )
        sigma = np.sqrt(np.diag(self._fit.covariance))
        self.coefficients_ = xr.Dataset(
            {"estimate": ("term", self._fit.coefficients), "uncertainty": ("term", sigma)},
            coords={"term": self._terms},
            attrs={"units": self.units_},
        )
        return self

    def transform(self, soundings: xr.Dataset) -> xr.Dataset:
        """Take the learned difference off the column.

        Returns
        -------
        xarray.Dataset
            As `soundings`, with the new ``<v>``; added are ``<v>_correction`` (what was taken off),
            ``<v>_correction_uncertainty`` (1 sigma, common to all soundings) and ``<v>_correction_status``
            (``done``, ``missing_value``, ``missing_predictor``, ``outside_range``; the column is NaN but
            where done). ``attrs["bias_correction"]`` is a JSON text with the counts.

        Raises
        ------
        YaotanError
            `fit` was not called; with ``outside="raise"``: soundings are outside the range.
        SchemaError, UnitsError
            The soundings have another prior than those of `fit`, another unit, or lack a predictor.
        """
        if not hasattr(self, "_fit"):
            raise YaotanError("nothing was learned yet", where="BiasCorrection", fix="call fit first")
        name = find_column(soundings, self.column_)
        self._check_same(soundings, name)
        table = predictor_fields(soundings, self.predictors)
        placed = ["time", "latitude", name, *(PREFIX + p for p in self.predictors if PREFIX + p in table)]
        table = table[placed].compute()
        status = self._status(table, name)
        rows, _ = design(table, self.predictors, self._centre)
        done = status == 0
        if self.outside == "raise" and (status == STATUS.index("outside_range")).any():
            raise YaotanError(
                f"{int((status == STATUS.index('outside_range')).sum())} of {status.size} soundings are "
                "outside the range of the pairs",
                where="BiasCorrection",
                expected=f"predictors within {self.range_}",
                fix='outside="blank" leaves them out, flagged',
            )
        correction = np.where(done, self._fit.predict(rows), np.nan)
        sigma = np.where(done, self._fit.predict_sigma(rows), np.nan)
        old, units = soundings[name], {"units": self.units_}
        counts = {word: int((status == k).sum()) for k, word in enumerate(STATUS)}
        record = {"counts": counts, "pairs": self.count_, "predictors": list(self.predictors),
                  "reference": self.pairs_.attrs["reference_product"],
                  "residual_scatter": self.residual_scatter_}  # fmt: skip
        flags = {"flag_values": np.arange(len(STATUS), dtype="uint8"), "flag_meanings": " ".join(STATUS)}
        return soundings.assign(
            {
                name: (old - xr.DataArray(correction, dims="sounding")).assign_attrs(old.attrs),
                f"{name}_correction": ("sounding", correction, units),
                f"{name}_correction_uncertainty": ("sounding", sigma, units),
                f"{name}_correction_status": ("sounding", status, flags),
            }
        ).assign_attrs(bias_correction=json.dumps(record))

    def fit_transform(self, soundings: xr.Dataset, reference: Any) -> xr.Dataset:
        """Fit, then transform the same soundings."""
        return self.fit(soundings, reference).transform(soundings)

    def _check_options(self) -> None:
        for option, value, known in (
            ("folds", self.folds, ("month", "day")), ("outside", self.outside, ("blank", "raise"))
        ):  # fmt: skip
            if value not in known:
                raise YaotanError(
                    f"{option} is {value!r}", where="BiasCorrection", expected=" or ".join(known)
                )
        if isinstance(self.predictors, str) or len(set(self.predictors)) != len(self.predictors):
            raise YaotanError(
                f"predictors are {self.predictors!r}",
                where="BiasCorrection",
                expected="a list of names, each once",
            )

    def _check_design(self, rows: NDArray[np.float64]) -> None:
        needed = max(self.minimum_pairs, 10 * len(self._terms))
        if len(rows) < needed:
            raise TooFewSoundingsError(
                f"{len(rows)} pairs with all predictors ({self.lost_['missing_predictor']} lack one)",
                where="BiasCorrection",
                expected=f"{needed} or more for {len(self._terms)} terms",
                fix="a longer record, a wider pairing, or fewer predictors",
            )
        scale = np.abs(rows).max(axis=0)
        if (
            np.linalg.matrix_rank(rows / np.where(scale > 0.0, scale, 1.0), tol=1e-6 * len(rows) ** 0.5)
            < rows.shape[1]
        ):
            raise SchemaError(
                f"the pairs cannot tell {', '.join(self._terms)} apart",
                where="BiasCorrection",
                expected="predictors that vary among the pairs, each in a way of its own",
                fix="leave one out",
            )

    def _cross_validate(self, rows: Any, difference: Any, days: Any) -> xr.Dataset:
        fold = days.astype("datetime64[M]" if self.folds == "month" else "datetime64[D]")
        names = np.unique(fold)
        if names.size < 2:
            raise SeriesError(
                f"all pairs are of one {self.folds} ({names[0]})",
                where="BiasCorrection",
                expected=f"pairs of two {self.folds}s or more, to leave one out",
                fix='a longer record, or folds="day"',
            )
        after = np.empty(difference.size)
        for one in names:
            out = fold == one
            after[out] = difference[out] - fit_huber(rows[~out], difference[~out], days[~out]).predict(
                rows[out]
            )
        table: dict[str, list[float]] = {"count": [float((fold == one).sum()) for one in names]}
        for word, values in (("before", difference), ("after", after)):
            table[f"bias_{word}"] = [float(values[fold == one].mean()) for one in names]
            table[f"rms_{word}"] = [float(np.sqrt((values[fold == one] ** 2).mean())) for one in names]
        scores = xr.Dataset(
            {key: ("fold", v, {"units": "1" if key == "count" else self.units_}) for key, v in table.items()},
            coords={"fold": names.astype(str)},
        )
        return scores.assign_attrs(
            rms_before=float(np.sqrt((difference**2).mean())), rms_after=float(np.sqrt((after**2).mean())),
            bias_before=float(difference.mean()), bias_after=float(after.mean()), left_out=self.folds,
        )  # fmt: skip

    def _check_same(self, soundings: xr.Dataset, name: str) -> None:
        where = str(soundings.attrs.get("product", "soundings"))
        units = soundings[name].attrs.get("units", self.units_)
        if units != self.units_:
            raise UnitsError(f"{name} is in {units!r}", where=where, expected=f"{self.units_!r}, as in fit")
        prior = str(soundings.attrs.get("prior", ""))
        if prior != self.prior_:
            raise SchemaError(
                f"the prior is {prior or 'its own'!r}",
                where=where,
                expected=f"{self.prior_ or 'its own'!r}, as in fit",
                fix="harmonise_prior, the same before fit and transform",
            )

    def _status(self, table: xr.Dataset, name: str) -> NDArray[np.uint8]:
        values = predictor_values(table, self.predictors)
        missing = np.zeros(table.sizes["sounding"], bool)
        beyond = missing.copy()
        for predictor, array in values.items():
            missing |= ~np.isfinite(array)
            known = self.range_[predictor]
            if predictor == "season":
                beyond |= ~np.isin(array, known)
            else:
                beyond |= (array < known[0]) | (array > known[1])
        blank = ~np.isfinite(table[name].values)
        return np.select([blank, missing, beyond], [1, 2, 3], 0).astype(np.uint8)


def _spread_out(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    whole = np.full(where.size, np.nan)
    whole[where] = values
    return whole
