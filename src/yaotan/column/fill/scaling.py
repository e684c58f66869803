"""The scale of a field learned from how far observations depart from its mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.scale import FittedScale, Frame, ScaleForm
from yaotan.errors import YaotanError

#: "constant": one variance everywhere; "seasonal": with latitude and season, as far as the data show it.
Scale: TypeAlias = Literal["constant", "seasonal"]

#: Observations that the scale is learned from, at most.
_SAMPLE: Final = 20_000
#: Observations below which nothing of a scale can be told.
_NEEDED: Final = 100
#: Forms that are tried, from few terms to many.
_FORMS: Final = (
    ScaleForm(0, 0),
    ScaleForm(1, 0),
    ScaleForm(2, 0),
    ScaleForm(0, 1),
    ScaleForm(1, 1),
    ScaleForm(2, 1),
    ScaleForm(2, 2),
    ScaleForm(2, 1, True),
    ScaleForm(2, 2, True),
)
#: Years of data from which seasons of one year can be told by those of another.
_YEARS: Final = 2.0 * 365.0
#: Length of the blocks of time that are left out together [days], parts they are dealt to.
_BLOCK, _PARTS = 30.0, 10
#: Departures beyond so many sigma count as at that (Huber), and what that takes from the variance of a
#: normal distribution: 2 Phi(c) - 1.
_HUBER, _KEPT = 2.5, 0.9875806693484477
#: Limits of the coefficients of log k.
_LIMIT: Final = 2.0


@dataclass(frozen=True)
class LearnedScale:
    """The scale (None: constant), and the gain in log density of each form over the constant, by terms."""

    scale: FittedScale | None
    gains: dict[str, float]


def learn_scale(observations: Observations, mean: MeanModel, kind: Scale, seed: int = 0) -> LearnedScale:
    r"""Learn how the scatter about the mean changes with latitude and season.

    With :math:`r_i` the residuals of the mean and :math:`\sigma_i` the stated errors, the coefficients of
    :math:`\eta = \log(v k^2)` minimise (pseudo-likelihood, Davidian and Carroll 1987; in Huber's form, so
    that outliers count no more than 2.5 sigma)

    .. math:: \sum_i \left[\tfrac12 \log V_i + \rho(r_i / \sqrt{V_i}) / b\right], \quad
              V_i = e^{\eta_i} + \sigma_i^2, \quad b = E[z \rho'(z)],\ z \sim N(0, 1)

    Which terms it has is decided by the same density of observations that were left out, in blocks of 30
    days: the form with the fewest terms is taken whose sum is the largest to within the standard error of
    the difference (from block to block, so that neighbours do not count as independent). Terms of the season
    are tried from two years of data on.

    Parameters
    ----------
    observations : Observations
        All of them; of more than 20,000 a seeded sample is taken.
    mean : MeanModel
        Form of the mean.
    kind : {"constant", "seasonal"}
        ``"constant"``: nothing is learned.
    seed : int
        Of the sample.

    Returns
    -------
    LearnedScale

    Raises
    ------
    YaotanError
        Another kind.

    Notes
    -----
    Longitude and single years have no terms: what is livelier in one of two neighbouring basins, or in one
    of two winters, stays unseen.

    References
    ----------
    Davidian, M., Carroll, R. J. (1987). Variance function estimation. Journal of the American Statistical
    Association 82, 1079-1091. https://doi.org/10.1080/01621459.1987.10478543

    Huber, P. J. (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics 35,
    73-101.
    """
    if kind not in ("constant", "seasonal"):
        raise YaotanError(f"scale is {kind!r}", expected="constant or seasonal")
    if kind == "constant" or len(observations) < _NEEDED:
        return LearnedScale(None, {})
    used = observations.sample(_SAMPLE, seed)
    days, frame = used.days, Frame.of(observations.latitude)
    place, residual = frame.place(used.latitude), mean.fit(used).residual(used)
    forms = [form for form in _FORMS if not form.harmonics or np.ptp(days) >= _YEARS]
    fits = [_Fit(form.design(place, days), residual, used.sigma**2) for form in forms]
    block = np.floor((days - days[0]) / min(_BLOCK, max(float(np.ptp(days)) / _PARTS, 1e-9))).astype(int)
    losses = np.array([fit.left_out(block) for fit in fits])
    best = choose_form(losses)
    gains = {
        ", ".join(form.names): float((losses[0] - loss).sum())
        for form, loss in zip(forms, losses, strict=True)
    }
    if best == 0:
        return LearnedScale(None, gains)
    found = fits[best].run(np.ones(days.size, bool))[1:] / 2.0
    log_scale = fits[best].design[:, 1:] @ found
    constant = -0.5 * float(np.log(np.exp(2.0 * log_scale).mean()))
    centre = float(observations.value.mean())
    return LearnedScale(FittedScale(forms[best], frame, found, constant, centre), gains)


def choose_form(losses: Floats) -> int:
    """Choose the first form ``(forms, blocks)`` whose loss is the least one, to within its standard error.

    Examples
    --------
    >>> choose_form(np.array([[2.0, 2.1, 1.9, 2.0], [1.0, 1.2, 0.8, 1.1], [1.1, 1.0, 0.9, 1.0]]))
    1
    """
    best = losses[losses.sum(axis=1).argmin()]
    beyond = losses - best
    blocks = losses.shape[1]
    error = np.sqrt(blocks) * beyond.std(axis=1, ddof=1) if blocks > 1 else np.full(len(losses), np.inf)
    return int(np.flatnonzero(beyond.sum(axis=1) <= error)[0])


class _Fit:
    """Coefficients of one form: log variance of the field, a constant first."""

    def __init__(self, design: Floats, residual: Floats, error: Floats) -> None:
        self.design = np.column_stack([np.ones(residual.size), design])
        self.residual, self.error = residual, error
        self.level = max(float(residual.var() - error.mean()), 0.05 * float(residual.var()), 1e-12)

    def run(self, rows: NDArray[np.bool_], start: Floats | None = None) -> Floats:
        """Find the coefficients from some rows."""
        from scipy.optimize import minimize

        design, residual, error = self.design[rows], self.residual[rows], self.error[rows]

        def loss(coefficients: Floats) -> tuple[float, Floats]:
            each, slope = _loss(design @ coefficients, residual, error)
            return float(each.mean()), design.T @ slope / each.size

        bounds = [(np.log(1e-4 * self.level), np.log(1e2 * self.level))]
        bounds += [(-2.0 * _LIMIT, 2.0 * _LIMIT)] * (design.shape[1] - 1)
        if start is None:
            start = np.append(np.log(self.level), np.zeros(design.shape[1] - 1))
        options = {"ftol": 1e-9, "gtol": 1e-6}
        return np.asarray(
            minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        )

    def left_out(self, block: NDArray[np.intp]) -> Floats:
        """Give the loss of each block ``(blocks,)``, predicted from the parts that it is not in."""
        start = self.run(np.ones(block.size, bool))
        each = _loss(self.design @ start, self.residual, self.error)[0]
        for part in range(_PARTS):
            out = block % _PARTS == part
            if out.any() and not out.all():
                found = self.run(~out, start)
                each[out] = _loss(self.design[out] @ found, self.residual[out], self.error[out])[0]
        _, number = np.unique(block, return_inverse=True)
        return np.asarray(np.bincount(number, each), float)


def _loss(logarithm: Floats, residual: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Give the loss of each observation, and its slope by the log variance of the field."""
    field = np.exp(logarithm)
    total = field + error
    size = np.abs(residual) / np.sqrt(total)
    bent = np.minimum(size, _HUBER)
    # z^2 / 2 up to c, c z - c^2 / 2 beyond
    each = 0.5 * np.log(total) + bent * (size - 0.5 * bent) / _KEPT
    return each, 0.5 * field / total * (1.0 - size * bent / _KEPT)
