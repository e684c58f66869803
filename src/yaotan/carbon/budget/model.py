"""Densities as a function of uncertain parameters: what a unit of area, or biomass, of a class holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from yaotan.carbon.budget.parameter import Floats, Parameter, Parameters
from yaotan.carbon.pool import PoolTable
from yaotan.carbon.raster_pool import RasterPool, coefficient

#: (zone, class) -> the parameters whose product is the density
Products: TypeAlias = Mapping[tuple[str, int], tuple[Parameter, ...]]

#: most parameters in one product
_FACTORS: Final = 3
_NOTHING: Final = Parameter("nothing", 0.0, 0.0, "density", "fixed")


@dataclass(frozen=True)
class Entry:
    """One part of a stock or change: densities by zone and class, which weights are multiplied with.

    Attributes
    ----------
    label : str
        Pool, or part of the change, that it is counted to; several entries may have one label.
    products : mapping
        (zone, class) -> parameters; a class that is not there holds nothing.
    by_area : bool
        Whether its weights are areas of mapped classes, which a confusion matrix adjusts.
    """

    label: str
    products: Products = field(repr=False)
    by_area: bool = True


@dataclass(frozen=True)
class DensityModel:
    """Density of each class in each entry: products of parameters, so linear in each by itself.

    Attributes
    ----------
    codes : tuple of int
        Classes.
    entries : tuple of Entry
        Parts.
    parameters : Parameters
        All of them; a factor that several products share is one parameter.
    factors : dict
        Zone -> array ``(class, entry, factor)`` of columns of parameters; -1 where there is none.
    """

    codes: tuple[int, ...]
    entries: tuple[Entry, ...]
    parameters: Parameters
    factors: dict[str, np.ndarray] = field(repr=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, each once, in order."""
        return tuple(dict.fromkeys(entry.label for entry in self.entries))

    @property
    def fold(self) -> Floats:
        """Matrix ``(entry, label)`` that sums entries of one label."""
        return np.array([[float(e.label == label) for label in self.labels] for e in self.entries])

    @property
    def by_area(self) -> np.ndarray:
        """Boolean ``(entry,)``."""
        return np.array([entry.by_area for entry in self.entries], dtype=bool)

    def evaluate(self, values: Floats, zone: str) -> Floats:
        """Give densities ``(draw, class, entry)`` of a zone for draws ``(draw, parameter)``."""
        columns = np.hstack([values, np.ones((len(values), 1))])  # column -1: no factor
        out = columns[:, self.factors[zone][..., 0]]
        for place in range(1, _FACTORS):
            if (self.factors[zone][..., place] >= 0).any():
                out = out * columns[:, self.factors[zone][..., place]]
        return np.asarray(out)

    def gradient(self, zone: str) -> Floats:
        """Give the derivatives ``(parameter, class, entry)`` at the means.

        Each density is linear in each parameter, so a difference of two values is exact.
        """
        means = self.parameters.means
        base = self.evaluate(means[None, :], zone)[0]
        moved = np.tile(means, (means.size, 1)) + np.eye(means.size)
        return np.asarray(self.evaluate(moved, zone) - base)


def make_model(
    codes: Sequence[int], zones: Sequence[str], entries: Sequence[Entry], *, correlation: float = 0.0
) -> DensityModel:
    """Gather the parameters of entries.

    Parameters
    ----------
    codes : sequence of int
        Classes.
    zones : sequence of str
        Zones that regions are of.
    entries : sequence of Entry
        Parts.
    correlation : float
        Correlation of parameters of one group (densities of one pool).

    Returns
    -------
    DensityModel
        Model.
    """
    items: list[Parameter] = [_NOTHING]
    column = {_NOTHING.name: 0}
    factors = {}
    for zone in dict.fromkeys(zones):
        block = np.full((len(codes), len(entries), _FACTORS), -1, dtype=np.int64)
        block[..., 0] = 0
        for e, entry in enumerate(entries):
            for c, code in enumerate(codes):
                for place, item in enumerate(entry.products.get((zone, code), ())):
                    if item.name not in column:
                        column[item.name] = len(items)
                        items.append(item)
                    block[c, e, place] = column[item.name]
        factors[zone] = block
    return DensityModel(tuple(codes), tuple(entries), Parameters(tuple(items), correlation), factors)


def table_entry(
    table: PoolTable, pool: str, present: Mapping[str, np.ndarray], codes: Sequence[int], names: Sequence[str]
) -> Entry:
    """Make the entry of a pool that the table serves.

    Parameters
    ----------
    table, pool : PoolTable, str
        Which.
    present : mapping of str to numpy.ndarray
        Zone -> boolean ``(class,)``: classes with land there. Only those need a density.
    codes, names : sequence of int, of str
        Classes and their names.

    Returns
    -------
    Entry
        Density x common error.

    Raises
    ------
    SchemaError
        A class that is present has no density, or a blank one.
    """
    products = {}
    for zone, there in present.items():
        for c, code in enumerate(codes):
            if there[c]:
                products[zone, code] = _tabled(table, zone, code, names[c], pool)
    return Entry(pool, products)


def _tabled(table: PoolTable, zone: str, code: int, name: str, pool: str) -> tuple[Parameter, ...]:
    row = table.frame.iloc[table.row(zone, code, pool, name=name)]
    label = f"density {row['zone']} {code} {pool}".replace("  ", " ")
    density = Parameter(
        label, float(row["value"]), float(row["sd"]), "density", str(row["distribution"]),
        float(row["lower"]), float(row["upper"]), pool,
    )  # fmt: skip
    if density.mean == 0.0 and density.distribution != "triangular":  # what is nothing is surely nothing
        density = Parameter(label, 0.0, 0.0, "density", "fixed")
    if not row["common"] or math.isnan(row["common_sd"]):
        return (density,)
    return density, Parameter(f"common {row['common']}", 1.0, float(row["common_sd"]), "common")


def raster_entry(
    pool: str, source: RasterPool, zones: Sequence[str], codes: Sequence[int], *, term: str = "raster"
) -> Entry:
    """Make the entry of a pool that a raster serves: per kg in the raster, fraction x ratio x its error.

    Parameters
    ----------
    pool, source : str, RasterPool
        Which.
    zones, codes : sequence of str, of int
        For all of them.
    term : str
        Term of the budget that the error of the raster is of.

    Returns
    -------
    Entry
        Not by area.
    """
    items = []
    if source.fraction is not None:
        mean, sd = coefficient(source.fraction)
        items.append(Parameter(f"fraction {mean:g} {sd:g}", mean, sd, "fraction"))
    if source.ratio is not None:
        mean, sd = coefficient(source.ratio)
        items.append(Parameter(f"ratio {pool} {mean:g} {sd:g}", mean, sd, "root_shoot"))
    sd = math.nan if source.relative_sd is None else float(source.relative_sd)
    items.append(Parameter(f"raster {source.error or source.name}", 1.0, sd, term))
    served = [code for code in codes if source.classes is None or code in source.classes]
    return Entry(pool, {(zone, code): tuple(items) for zone in zones for code in served}, by_area=False)
