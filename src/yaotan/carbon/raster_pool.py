"""A pool whose density comes from a raster: biomass with a carbon fraction, soil carbon, any density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import xarray as xr

from yaotan.carbon.histogram import densities_of
from yaotan.carbon.pool_table import carbon_unit
from yaotan.catalog.factor import Factor
from yaotan.errors import SchemaError, UnitsError
from yaotan.units import conversion

#: A coefficient: a number (not varied), (value, sd), or one of the catalog.
Coefficient: TypeAlias = float | tuple[float, float] | Factor
Content: TypeAlias = Literal["carbon", "dry_matter"]
#: what to do where land of the classes has no value in the raster
MISSING: Final = ("raise", "class_mean", "zero")


@dataclass(frozen=True)
class RasterPool:
    """Where the density of a pool comes from, if not from the table.

    The stock of a class is the sum of area x density over its pixels, times `fraction`, times `ratio`. Both
    are linear, so sums by class are enough. A root-to-shoot ratio that changes with biomass (steps, power
    law) is not: apply it pixel by pixel first (`yaotan.carbon.biomass.root.below_ground`), and give its
    result as a raster.

    Parameters
    ----------
    density : str or xarray.DataArray
        Name of a density that the histogram holds sums of, or a raster.
    content : {"carbon", "dry_matter"}
        What is weighed. Dry matter needs `fraction`.
    fraction : float, (float, float) or Factor, optional
        Carbon fraction, with its sd.
    ratio : float, (float, float) or Factor, optional
        Below-ground over above-ground, for c_below out of above-ground biomass.
    classes : tuple of int, optional
        Classes whose pool comes from here; the table serves the others. None: all.
    depth : float, optional
        Depth of the soil [m]; needed for c_soil.
    relative_sd : float, optional
        Relative error (1 sigma) of the raster that all its pixels share. None: not known, not included.
    missing : {"raise", "class_mean", "zero"}
        What land of the classes holds where the raster has no value; ``class_mean``: the mean of the class in
        the region, else of the class everywhere, else of all land with a value.
    error : str
        Name of the error of the raster; pools of one name share it. Default: the name of the density.
    """

    density: str | xr.DataArray
    content: Content = "carbon"
    fraction: Coefficient | None = None
    ratio: Coefficient | None = None
    classes: tuple[int, ...] | None = None
    depth: float | None = None
    relative_sd: float | None = None
    missing: Literal["raise", "class_mean", "zero"] = "raise"
    error: str = ""

    def __post_init__(self) -> None:
        if self.content not in ("carbon", "dry_matter") or self.missing not in MISSING:
            raise SchemaError(
                f"content={self.content!r}, missing={self.missing!r}", where="RasterPool",
                expected=f"carbon or dry_matter; {', '.join(MISSING)}",
            )  # fmt: skip
        if (self.content == "dry_matter") != (self.fraction is not None):
            raise SchemaError(
                "dry matter has no carbon fraction"
                if self.fraction is None
                else "carbon has a carbon fraction",
                where="RasterPool",
                expected="content='dry_matter' with fraction=, or content='carbon' without",
            )

    @property
    def name(self) -> str:
        """Name of the density in a histogram."""
        return self.density if isinstance(self.density, str) else str(self.density.name or "density")

    def serves(self, code: int) -> bool:
        """Say whether the pool of a class comes from here."""
        return self.classes is None or code in self.classes


def coefficient(given: Coefficient) -> tuple[float, float]:
    """Give value and sd of a coefficient; a bare number has sd 0, for its user takes it as exact.

    Examples
    --------
    >>> coefficient(0.47), coefficient((0.47, 0.015))
    ((0.47, 0.0), (0.47, 0.015))
    """
    if isinstance(given, Factor):
        return given.value, given.sd
    if isinstance(given, tuple):
        return float(given[0]), float(given[1])
    return float(given), 0.0


def raster_sums(
    histogram: xr.Dataset, pool: str, source: RasterPool, used: np.ndarray, over: tuple[str, ...]
) -> tuple[np.ndarray, float]:
    """Give the sums of a raster pool in kg, with what is missing dealt with.

    Parameters
    ----------
    histogram : xarray.Dataset
        Land histogram of one date, or of two.
    pool, source : str, RasterPool
        Which pool.
    used : numpy.ndarray
        Boolean, along `over` without region: classes or pairs that the raster serves.
    over : tuple of str
        Dims of the sums.

    Returns
    -------
    sums : numpy.ndarray
        Along `over` [kg of the content]; 0 where the raster does not serve.
    missing : float
        Area of served land without a value [m2].

    Raises
    ------
    SchemaError
        The histogram has no such sums, or land without a value was not provided for.
    UnitsError
        The unit of the density is none of mass per area.
    """
    name = source.name
    if f"{name}_sum" not in histogram:
        raise SchemaError(
            f"the histogram has no sums of {name!r} for {pool}", where="land histogram",
            expected=f"one of {', '.join(densities_of(histogram)) or 'none there'}",
            fix="give densities= when it is made",
        )  # fmt: skip
    array = histogram[f"{name}_sum"]
    unit = carbon_unit(str(array.attrs.get("density_units", "")), name)
    try:
        scale, _ = conversion(unit, "kg m-2")
    except UnitsError as error:
        raise UnitsError(error.what, where=name, expected="mass per area, such as Mg ha-1") from error
    sums = np.where(used, array.transpose(*over).values * scale, 0.0)
    area = np.where(used, histogram["area"].transpose(*over).values, 0.0)
    if f"{name}_area" not in histogram:
        return sums, 0.0
    covered = np.where(used, histogram[f"{name}_area"].transpose(*over).values, 0.0)
    bare = np.maximum(area - covered, 0.0)
    bare[bare < 1e-9 * area] = 0.0
    if bare.sum() > 0.0 and source.missing == "raise":
        raise SchemaError(
            f"{bare.sum() / 1e6:.4g} km2 ({bare.sum() / area.sum():.1%}) have no value of {name}",
            where=pool,
            expected="a raster that covers the land it stands for",
            fix="RasterPool(missing='class_mean') (as the rest of class and region) or 'zero', or classes=",
        )
    if source.missing == "class_mean":
        whole = np.divide(sums.sum(0), covered.sum(0), out=np.zeros(sums.shape[1:]), where=covered.sum(0) > 0)
        every = sums.sum() / covered.sum() if covered.sum() > 0 else 0.0
        whole = np.where((whole == 0.0) & (covered.sum(0) == 0.0), every, whole)
        mean = np.divide(sums, covered, out=np.broadcast_to(whole, sums.shape).copy(), where=covered > 0)
        sums = sums + bare * mean
    return sums, float(bare.sum())
