"""Transitions adjusted by a reference sample of pairs of classes, and what its size leaves in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from yaotan.carbon.budget.confusion import Confusion, read_confusion
from yaotan.carbon.budget.model import DensityModel
from yaotan.carbon.budget.parameter import Floats
from yaotan.carbon.change.part import Land, Part
from yaotan.errors import SchemaError

#: a pair as one number: before x this + after, as in `yaotan.carbon.accuracy.pair_classes`
PAIR = 1000


@dataclass(frozen=True)
class SampledPairs:
    """Pairs that the map or the sample has: place of their classes, mapped areas, shares of true pairs.

    Attributes
    ----------
    before, after : numpy.ndarray
        ``(pair,)`` numbers of the classes.
    mapped : numpy.ndarray
        ``(region, pair)`` [m2].
    confusion : Confusion
        Of pairs.
    """

    before: np.ndarray
    after: np.ndarray
    mapped: Floats
    confusion: Confusion


def sample_pairs(land: Land, matrix: pd.DataFrame) -> tuple[Land, SampledPairs]:
    """Adjust the areas of pairs.

    A sample of the classes of one date says nothing of change: land that changed is rare, and its errors are
    not those of its classes at large. So the strata are pairs (Olofsson et al. 2014).

    Parameters
    ----------
    land : Land
        Mapped pairs.
    matrix : pandas.DataFrame
        Counts of reference points: rows mapped pair, columns true pair, labels ``before * 1000 + after``.

    Returns
    -------
    land : Land
        With adjusted areas.
    sampled : SampledPairs
        Of the mapped areas.

    Raises
    ------
    SchemaError
        Labels are no pairs of the classes of the land use, or a mapped pair has no reference point.
    """
    if not isinstance(matrix, pd.DataFrame):
        raise SchemaError(
            f"is a {type(matrix).__name__}", where="confusion matrix", expected="a pandas.DataFrame of counts"
        )
    codes = np.array(land.codes, dtype=np.int64)
    labels = {int(label) for label in [*matrix.index, *matrix.columns]}
    known = {int(b) * PAIR + int(a) for b in codes for a in codes}
    strange = sorted(labels - known)
    if strange:
        raise SchemaError(
            f"has {strange[0]}, which is no pair of classes of the land use", where="confusion matrix",
            expected=f"before * {PAIR} + after, such as {codes[0] * PAIR + codes[-1]}",
            fix="sample pairs: a matrix of the classes of one date says nothing of change",
        )  # fmt: skip
    there = np.argwhere(land.area.sum(axis=0) > 0)
    pairs = sorted({int(codes[b]) * PAIR + int(codes[a]) for b, a in there} | labels)
    place = {int(code): number for number, code in enumerate(codes)}
    before = np.array([place[pair // PAIR] for pair in pairs])
    after = np.array([place[pair % PAIR] for pair in pairs])
    mapped = land.area[:, before, after]
    confusion = read_confusion(matrix, np.array(pairs), mapped.sum(axis=0))
    area = np.zeros_like(land.area)
    area[:, before, after] = mapped @ confusion.share
    return replace(land, area=area), SampledPairs(before, after, mapped, confusion)


def area_terms(
    land: Land, parts: Sequence[Part], model: DensityModel, sampled: SampledPairs
) -> dict[str, Floats]:
    r"""Uncertainty of changes from that of the areas of pairs, 1 sigma by kind of result.

    With h the change per area of each pair, :math:`u^2 = \sum_i A_i^2 h^T \mathrm{Cov}(p_i) h` over mapped
    pairs i; of all regions together the shares of a row are in error alike.

    Parameters
    ----------
    land, parts, model : Land, sequence of Part, DensityModel
        What changed.
    sampled : SampledPairs
        Shares and their sample.

    Returns
    -------
    dict of str to numpy.ndarray
        ``total`` ``(region + 1,)``, ``class`` and ``pool`` as in `propagate`.
    """
    b, a, count = sampled.before, sampled.after, sampled.before.size
    classes, fold = len(land.codes), model.fold
    rows = [i for i in range(count) if sampled.confusion.count[i] >= 2]
    cov = {i: sampled.confusion.covariance(i) for i in rows}
    kinds = {"total": 1, "class": classes, "pool": fold.shape[1]}
    out = {kind: np.zeros((len(land.zone) + 1, width)) for kind, width in kinds.items()}
    whole = {kind: np.zeros((count, count, width)) for kind, width in kinds.items()}
    for r, zone in enumerate(land.zone):
        density = model.evaluate(model.parameters.means[None, :], zone)[0]
        held = {kind: np.zeros((count, width)) for kind, width in kinds.items()}
        for e, part in enumerate(parts):
            if not part.entry.by_area:
                continue
            gained = part.gain[zone][b, a] * density[a, e]
            lost = part.loss[zone][b, a] * density[b, e]
            np.add.at(held["class"], (np.arange(count), a), gained)
            np.add.at(held["class"], (np.arange(count), b), -lost)
            held["pool"] += np.outer(gained - lost, fold[e])
            held["total"][:, 0] += gained - lost
        for kind, h in held.items():
            for i in rows:
                scaled = sampled.mapped[r, i] * h
                out[kind][r] += np.einsum("jw,jk,kw->w", scaled, cov[i], scaled)
                whole[kind][i] += scaled
    for kind, h in whole.items():
        out[kind][-1] = sum(
            (np.einsum("jw,jk,kw->w", h[i], cov[i], h[i]) for i in rows), np.zeros(kinds[kind])
        )
    roots = {kind: np.sqrt(np.maximum(variance, 0.0)) for kind, variance in out.items()}
    return {**roots, "total": roots["total"][:, 0]}
