"""Ratios of NOx to NO2 in plumes, by the time since the gas left the stack."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from yaotan.catalog.problem import name_problem
from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import load_yaml, root
from yaotan.errors import CatalogError


class NoxRatio(Entry):
    """``f(t) = amplitude exp(-t / decay) + final``.

    Parameters
    ----------
    amplitude, final : float
        [mol NOx per mol NO2].
    decay : float
        [s].
    error : float
        Relative standard error of the factor.
    """

    name: str
    title: Words
    amplitude: float = Field(ge=0.0)
    decay: float = Field(gt=0.0)
    final: float = Field(ge=1.0)
    error: float = Field(ge=0.0)
    source: str

    def at(self, age: ArrayLike) -> NDArray[np.float64]:
        """NOx over NO2 at ages [s]; before the stack (negative ages, smeared there) as at it."""
        t = np.maximum(np.asarray(age, float), 0.0)
        return np.asarray(self.amplitude * np.exp(-t / self.decay) + self.final)

    def describe(self) -> str:
        """Say which ratio was applied, for the corrections of an estimate."""
        return f"no2_to_nox: {self.name} ({self.source})"


@cache
def nox_ratios() -> dict[str, NoxRatio]:
    """Give the entries of ``catalogs/profiles/nox_no2.yaml`` by name.

    Examples
    --------
    >>> nox_ratios()["matimba"].at([0.0, 1e6]).tolist()
    [8.0, 1.9]
    >>> float(nox_ratios()["constant"].at(60.0))
    1.32
    """
    path = root() / "profiles" / "nox_no2.yaml"
    with name_problem(path):
        return {name: NoxRatio(name=name, **entry) for name, entry in load_yaml(path).items()}


def find_nox_ratio(ratio: str | NoxRatio) -> NoxRatio:
    """Give a ratio by its name.

    Raises
    ------
    CatalogError
        There is none of this name.
    """
    if isinstance(ratio, NoxRatio):
        return ratio
    if ratio not in nox_ratios():
        raise CatalogError(
            f"{ratio!r} is no ratio of NOx to NO2", where="nox_ratio", expected=", ".join(nox_ratios())
        )
    return nox_ratios()[ratio]
