"""Estimates of many learners at once: what members have in common is worked out once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.candidate import Learner, one_thread

Values = NDArray[np.float64]
#: rows of one block of kernels: distances to all rows learned from stay in the cache of a core
_BLOCK: Final = 128
#: rows from which members are asked side by side
_MANY: Final = 2048
#: rows of the estimate that `prepare_members` makes: as many as make libraries take their usual way
_PREPARED: Final = 2 * _BLOCK


def predict_members(members: Sequence[Learner], numbers: Values) -> Values:
    """Give the logarithm of the target less that of the scale by every member, ``(member, row)``.

    Kernel machines that were fitted to the same rows share distances, and those of one width the kernel.
    Trees are asked directly: the checks that scikit-learn makes for each of 100 take as long as some trees
    do. Of many rows, kernels and forests are asked side by side, each by one thread, so that no sum depends
    on how many there are. Estimates are those of `Learner.predict` but for the rounding of sums.

    Parameters
    ----------
    members : sequence of Learner
        Fitted.
    numbers : numpy.ndarray
        ``(row, column)``, without missing values.
    """
    made = np.empty((len(members), len(numbers)))

    def ask(together: list[int]) -> None:
        made[together] = _ask([members[n] for n in together], numbers)

    groups = _group(members)
    aside = [group for group in groups if members[group[0]].configuration.family in ("kernel", "trees")]
    beside = len(aside) if len(numbers) >= _MANY else 0
    with one_thread():
        if beside:
            with ThreadPoolExecutor(min(beside, os.cpu_count() or 1)) as pool:
                running = [pool.submit(ask, group) for group in aside]
                for group in groups:
                    if group not in aside:
                        ask(group)
                for one in running:
                    one.result()
        else:
            for group in groups:
                ask(group)
    return made


def prepare_members(members: Sequence[Learner]) -> None:
    """Make one estimate: what libraries load and allot at a first call is done before that of the user."""
    if members:
        predict_members(members, np.repeat(members[0].mean_[None, :], _PREPARED, axis=0))


def _group(members: Sequence[Learner]) -> list[list[int]]:
    """Put kernel machines together that standardise alike and know the same rows; others stay alone."""
    groups: list[list[int]] = []
    for n, one in enumerate(members):
        alike = (group for group in groups if _share(one, members[group[0]]))
        found = next(alike, None)
        if found is None:
            groups.append([n])
        else:
            found.append(n)
    return groups


def _share(one: Learner, other: Learner) -> bool:
    return (
        one.configuration.family == other.configuration.family == "kernel"
        and np.array_equal(one.mean_, other.mean_)
        and np.array_equal(one.spread_, other.spread_)
        and np.array_equal(one.estimator_.X_fit_, other.estimator_.X_fit_)
    )


def _ask(together: Sequence[Learner], numbers: Values) -> Values:
    """Estimates ``(member, row)`` of members that share their numbers."""
    first, family = together[0], together[0].configuration.family
    if family == "kernel":
        x = (numbers - first.mean_) / first.spread_
        return _ask_kernels([one.estimator_ for one in together], x) + [[one.centre_] for one in together]
    if family == "trees":
        x = (numbers - first.mean_) / first.spread_
        return _ask_trees(first.estimator_, np.ascontiguousarray(x, np.float32))[None, :] + first.centre_
    return first.predict(numbers)[None, :]


def _ask_kernels(machines: Sequence[Any], x: Values) -> Values:
    """Estimates ``(machine, row)`` of Gaussian kernel machines that were fitted to the same rows."""
    seen = np.asarray(machines[0].X_fit_, float)
    widths = {
        float(one.gamma): [n for n, m in enumerate(machines) if m.gamma == one.gamma] for one in machines
    }
    weights = {gamma: np.column_stack([machines[n].dual_coef_ for n in at]) for gamma, at in widths.items()}
    made, size, turned = np.empty((len(machines), len(x))), (seen**2).sum(axis=1), -2.0 * seen.T
    distance, kernel = np.empty((2, min(_BLOCK, len(x)), len(seen)))
    for start in range(0, len(x), _BLOCK):
        part = x[start : start + _BLOCK]
        apart, near = distance[: len(part)], kernel[: len(part)]
        np.dot(part, turned, out=apart)
        apart += (part**2).sum(axis=1)[:, None]
        apart += size
        np.maximum(apart, 0.0, out=apart)  # rounding may leave the distance to a row itself below 0
        for gamma, at in widths.items():
            np.multiply(apart, -gamma, out=near)
            np.exp(near, out=near)
            made[at, start : start + _BLOCK] = (near @ weights[gamma]).T
    return made


def _ask_trees(forest: Any, x: NDArray[np.float32]) -> Values:
    """Mean over the trees of a forest of one output, in the order of the forest."""
    total = np.zeros(len(x))
    for tree in forest.estimators_:
        total += tree.tree_.predict(x)[:, 0]
    return total / len(forest.estimators_)
