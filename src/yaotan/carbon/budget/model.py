"""Densities as a function of uncertain parameters: what a unit of area, or biomass, of a class holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from yaotan.carbon.budget.parameter import Floats, Parameter, Parameters
from yaotan.carbon.pool import PoolTable
from yaotan.carbon.raster_pool import RasterPool, coefficient
from yaotan.errors import SchemaError


@dataclass(frozen=True)
class DensityModel:
    """Density of each class and pool as products of parameters.

    Of a pool from the table it is density x common error; of one from a raster, per kg in the raster, it is
    fraction x ratio x error of the raster. So it is linear in each parameter by itself.

    Attributes
    ----------
    codes : tuple of int
        Classes.
    pools : tuple of str
        Pools.
    parameters : Parameters
        All of them; a factor that several classes share is one parameter.
    factors : dict
        Zone -> array ``(class, pool, factor)`` of columns of parameters; -1 where there is none.
    tabled : numpy.ndarray
        Boolean ``(class, pool)``: whether the table serves it (else a raster does).
    """

    codes: tuple[int, ...]
    pools: tuple[str, ...]
    parameters: Parameters
    factors: dict[str, np.ndarray] = field(repr=False)
    tabled: np.ndarray = field(repr=False)

    def evaluate(self, values: Floats, zone: str) -> Floats:
        """Give densities ``(draw, class, pool)`` of a zone for draws ``(draw, parameter)``."""
        columns = np.hstack([values, np.ones((len(values), 1))])  # column -1: no factor
        return np.asarray(columns[:, self.factors[zone]].prod(axis=-1))

    def gradient(self, zone: str) -> Floats:
        """Give the derivatives ``(parameter, class, pool)`` at the means.

        Each density is linear in each parameter, so a difference of two values is exact.
        """
        means = self.parameters.means
        base = self.evaluate(means[None, :], zone)[0]
        moved = np.tile(means, (means.size, 1)) + np.eye(means.size)
        return np.asarray(self.evaluate(moved, zone) - base)


class _Collector:
    """Collects parameters, each name once."""

    def __init__(self) -> None:
        self.items: list[Parameter] = []
        self.column: dict[str, int] = {}

    def add(self, item: Parameter) -> int:
        if item.name not in self.column:
            self.column[item.name] = len(self.items)
            self.items.append(item)
        return self.column[item.name]


def make_model(
    codes: Sequence[int],
    names: Sequence[str],
    present: Mapping[str, np.ndarray],
    pools: Sequence[str],
    table: PoolTable | None,
    rasters: Mapping[str, RasterPool],
    *,
    correlation: float = 0.0,
) -> DensityModel:
    """Make the model of what is present.

    Parameters
    ----------
    codes, names : sequence of int, of str
        Classes and their names.
    present : mapping of str to numpy.ndarray
        Zone -> boolean ``(class,)``: classes that have land there. Only those need a density.
    pools : sequence of str
        Pools to account for.
    table : PoolTable or None
        Densities.
    rasters : mapping of str to RasterPool
        Pools that come from rasters.
    correlation : float
        Correlation of the errors of one pool's densities across classes (and zones).

    Returns
    -------
    DensityModel
        Densities of classes that are not present are 0.

    Raises
    ------
    SchemaError
        A class that is present has no density, or a blank one.
    """
    found = _Collector()
    shape = (len(codes), len(pools))
    tabled = np.array([[_is_tabled(rasters.get(pool), code) for pool in pools] for code in codes]).reshape(
        shape
    )
    zero = found.add(Parameter("no land", 0.0, 0.0, "density", "fixed"))
    factors = {}
    for zone, there in present.items():
        block = np.full((*shape, 3), -1, dtype=np.int64)
        block[..., 0] = zero
        for c, code in enumerate(codes):
            if not there[c]:
                continue
            for p, pool in enumerate(pools):
                block[c, p] = (
                    _from_table(found, table, zone, code, names[c], pool)
                    if tabled[c, p]
                    else _from_raster(found, pool, rasters[pool])
                )
        factors[zone] = block
    return DensityModel(
        tuple(codes), tuple(pools), Parameters(tuple(found.items), correlation), factors, tabled
    )


def _is_tabled(source: RasterPool | None, code: int) -> bool:
    return source is None or (source.classes is not None and code not in source.classes)


def _from_table(
    found: _Collector, table: PoolTable | None, zone: str, code: int, name: str, pool: str
) -> tuple[int, int, int]:
    if table is None:
        raise SchemaError(f"nobody gives {pool} of class {code}", where="pools", fix="give a pool table")
    row = table.frame.iloc[table.row(zone, code, pool, name=name)]
    place = f"{row['zone']} {code} {pool}".strip()
    density = Parameter(
        f"density {place}", float(row["value"]), float(row["sd"]), "density", str(row["distribution"]),
        float(row["lower"]), float(row["upper"]), pool,
    )  # fmt: skip
    if density.mean == 0.0 and density.distribution != "triangular":  # what is nothing is surely nothing
        density = Parameter(density.name, 0.0, 0.0, "density", "fixed")
    common = -1
    if row["common"] and not math.isnan(row["common_sd"]):
        common = found.add(Parameter(f"common {row['common']}", 1.0, float(row["common_sd"]), "common"))
    return found.add(density), common, -1


def _from_raster(found: _Collector, pool: str, source: RasterPool) -> tuple[int, int, int]:
    columns = [-1, -1, -1]
    if source.fraction is not None:
        mean, sd = coefficient(source.fraction)
        columns[0] = found.add(Parameter(f"fraction {mean:g} {sd:g}", mean, sd, "fraction"))
    if source.ratio is not None:
        mean, sd = coefficient(source.ratio)
        columns[1] = found.add(Parameter(f"ratio {pool} {mean:g} {sd:g}", mean, sd, "root_shoot"))
    sd = math.nan if source.relative_sd is None else float(source.relative_sd)
    columns[2] = found.add(Parameter(f"raster {source.name}", 1.0, sd, "raster"))
    return columns[0], columns[1], columns[2]
