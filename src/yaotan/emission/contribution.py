"""What each feature adds to the logarithm of an estimate, exactly, for the learners that are sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.candidate import Learner
from yaotan.emission.panel import Panel
from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
#: families that are sums over features, or know a sum of their own
ADDITIVE: Final = ("ridge", "boosting (LightGBM)")
_WHERE: Final = "contributions"


def contributions(model: Any, panel: Panel) -> pd.DataFrame:
    r"""Split the logarithm of each estimate over what the model learned from.

    .. math:: \ln \hat E = base + \sum_j c_j(x)

    Of ridge the parts are its terms, :math:`c_j = \beta_j (x_j - \bar x_j) / s_j`; of LightGBM the Shapley
    values of the trees (Lundberg et al. 2020, Nat. Mach. Intell. 2, 56), whose background are the rows
    learned from. An average of both is the average of their parts.

    Parameters
    ----------
    model : ProvincialEmission
        Fitted, for the question ``no_inventory``.
    panel : Panel
        Rows to be explained.

    Returns
    -------
    pandas.DataFrame
        One row for each of the panel: ``region``, ``period``, ``base``, one column for each number that the
        model learned from (such as ``lights / population``) and for the known scale (``population, offset``,
        its logarithm less the mean over `panel`), ``neighbours`` where errors around are carried on,
        ``total``, the logarithm of the median estimate [unit of the target]. They sum to
        rounding. Attribute ``meaning`` is ``association``.

    Raises
    ------
    PanelError
        The model is fitted for another question, or averages a learner that is no sum over features.

    Notes
    -----
    exp of a part is a factor on the estimate. Of correlated features ridge shares the effect between them:
    look at the sum over a group.
    """
    engine = getattr(model, "engine_", model)
    members, weights = getattr(engine, "members_", ()), getattr(engine, "weights_", ())
    if not members:
        raise PanelError(
            f"a model for {getattr(model, 'question', 'this question')!r} has no parts by feature",
            where=_WHERE,
            expected="a fitted model for no_inventory",
        )  # fmt: skip
    design = engine.design_
    numbers = design.transform(panel)
    base, terms = np.zeros(len(panel)), np.zeros(numbers.shape)
    for member, weight in zip(members, weights, strict=True):
        own_base, own = _split(member, numbers)
        base, terms = base + weight * own_base, terms + weight * own
    parts = dict(zip(design.names_, terms.T, strict=True))
    if design.scale:
        offset = design.log_scale(panel)
        mean = float(np.nanmean(offset))
        base = base + mean
        parts[f"{design.scale}, offset"] = offset - mean
    if getattr(engine, "around_", None) is not None:
        parts["neighbours"] = engine.correct(panel)
    out = panel.table[["region", "period"]].copy()
    out["base"] = base
    for name, part in parts.items():
        out[name] = part
    out["total"] = base + sum(parts.values())
    out.attrs = {"meaning": "association", "of": "logarithm of the median estimate"}
    return out


def _split(member: Learner, numbers: Array) -> tuple[Array, Array]:
    """Base ``(row,)`` and terms ``(row, column)`` of one learner."""
    standard = (numbers - member.mean_) / member.spread_
    estimator = member.estimator_
    if hasattr(estimator, "coef_"):
        terms = standard * np.asarray(estimator.coef_, float)
        return np.full(len(numbers), float(estimator.intercept_) + member.centre_), terms
    if hasattr(estimator, "booster_"):
        shapley = np.asarray(estimator.booster_.predict(standard, pred_contrib=True, num_threads=1))
        return shapley[:, -1] + member.centre_, shapley[:, :-1]
    raise PanelError(
        f"{member.configuration.name} is no sum over features", where=_WHERE,
        expected=", ".join(ADDITIVE), fix='fit with families=("ridge",) or ("ridge", "boosting")',
    )  # fmt: skip
