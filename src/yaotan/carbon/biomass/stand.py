"""Biomass of trees and stands: allometric equations, totals of plots, biomass from stem volume."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from yaotan.carbon.budget.parameter import Floats
from yaotan.catalog.factor import factor_table
from yaotan.errors import SchemaError


def tree_biomass(
    diameter: ArrayLike,
    wood_density: ArrayLike,
    height: ArrayLike | None = None,
    *,
    stress: ArrayLike | None = None,
) -> Floats:
    r"""Above-ground dry matter of tropical trees.

    With height :math:`0.0673 (w D^2 H)^{0.976}`; without it
    :math:`\exp(-1.803 - 0.976 E + 0.976 \ln w + 2.673 \ln D - 0.0299 (\ln D)^2)` with the bioclimatic stress
    E of the place (Chave et al. 2014, doi:10.1111/gcb.12629, eq. 4 and 7).

    Parameters
    ----------
    diameter : array_like
        D at breast height [cm].
    wood_density : array_like
        w, oven-dry mass over green volume [g cm-3].
    height : array_like, optional
        H [m]; a missing one is taken from the equation without height where `stress` is given.
    stress : array_like, optional
        E; positive where it is dry or seasonal.

    Returns
    -------
    numpy.ndarray
        [kg]; missing where an input is.

    Raises
    ------
    SchemaError
        Neither height nor stress is given, or a value cannot be in the unit that is asked for.

    Notes
    -----
    Fitted to trees of 5 to 212 cm from tropical forests, savannas and woodlands: not for temperate or boreal
    species, palms, lianas, or bamboo.

    Examples
    --------
    >>> tree_biomass([30.0], [0.6], [25.0]).round(0).tolist()
    [723.0]
    """
    d, w = np.asarray(diameter, float), np.asarray(wood_density, float)
    if height is None and stress is None:
        raise SchemaError(
            "neither height nor stress is given",
            where="tree_biomass",
            expected="heights [m], or E of the place",
        )
    _check_range("wood density", w, 0.05, 1.5, "g cm-3 (0.08 to 1.4 in trees)")
    _check_range("diameter", d, 0.0, 1000.0, "cm")
    find = factor_table("allometry").find
    out = np.full(np.broadcast(d, w).shape, np.nan)
    if stress is not None:
        c = {row: find("chave2014_stress", row).value
             for row in ("constant", "stress", "wood", "diameter", "diameter_square")}  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            log_d = np.log(d)
            out = np.exp(
                c["constant"] + c["stress"] * np.asarray(stress, float) + c["wood"] * np.log(w)
                + c["diameter"] * log_d + c["diameter_square"] * log_d**2
            )  # fmt: skip
    if height is None:
        return np.asarray(out)
    h = np.asarray(height, float)
    _check_range("height", h, 0.0, 120.0, "m (no tree is taller)")
    a, b = (find("chave2014_height", name).value for name in ("a", "b"))
    return np.asarray(np.where(np.isfinite(h), a * (w * d**2 * h) ** b, out))


def plot_biomass(
    trees: pd.DataFrame, area: float | pd.Series, *, stress: float | None = None, equation_sd: float = 0.0
) -> pd.DataFrame:
    r"""Above-ground biomass of plots from their trees.

    The total is the sum over trees; the error of a tree about the equation is independent of that of others,
    :math:`u_i = m_i \sqrt{e^{s^2} - 1}` with the residual error s of its logarithm, so it averages out:
    :math:`u^2 = \sum u_i^2 + (q \sum m_i)^2`, q the error of the equation for this forest.

    Parameters
    ----------
    trees : pandas.DataFrame
        Columns ``plot``, ``D`` [cm], ``WD`` [g cm-3], perhaps ``H`` [m].
    area : float or pandas.Series
        Area of every plot, or by plot [ha].
    stress : float, optional
        E, where heights are missing.
    equation_sd : float
        q, relative; 0: the equation is taken to be without bias here.

    Returns
    -------
    pandas.DataFrame
        Index ``plot``: ``biomass``, ``biomass_uncertainty`` [t ha-1], ``trees``, ``without_biomass`` (trees
        that could not be computed, and are not in the sum), ``area`` [ha].

    Raises
    ------
    SchemaError
        A column or the area of a plot is missing, or not positive.

    Examples
    --------
    >>> trees = pd.DataFrame({"plot": "a", "D": [30.0, 12.0], "WD": 0.6, "H": [25.0, 10.0]})
    >>> plot_biomass(trees, 0.1).biomass.round(1).tolist()
    [7.7]
    """
    missing = [name for name in ("plot", "D", "WD") if name not in trees]
    if missing:
        raise SchemaError(
            f"trees have no column {missing[0]}", where="plot_biomass", expected="plot, D, WD, H"
        )
    mass = tree_biomass(trees["D"], trees["WD"], trees.get("H"), stress=stress)
    plots = trees["plot"].drop_duplicates().to_list()
    sizes = area.reindex(plots) if isinstance(area, pd.Series) else pd.Series(float(area), index=plots)
    if not (sizes > 0).all():
        bad = sizes.index[~(sizes > 0)][0]
        raise SchemaError(f"plot {bad!r} has no area", where="plot_biomass", expected="hectares, above 0")
    kind = "chave2014_height" if "H" in trees and trees["H"].notna().all() else "chave2014_stress"
    s = factor_table("allometry").find(kind, "rse").value
    table = pd.DataFrame({"plot": trees["plot"].to_numpy(), "mass": mass})
    table["square"] = table["mass"] ** 2 * (math.exp(s**2) - 1.0)
    sums = table.groupby("plot", sort=False).agg(
        mass=("mass", "sum"), square=("square", "sum"), trees=("mass", "size"), known=("mass", "count")
    )
    error = np.sqrt(sums["square"] + (equation_sd * sums["mass"]) ** 2)
    return pd.DataFrame(
        {
            "biomass": sums["mass"] / 1e3 / sizes,
            "biomass_uncertainty": error / 1e3 / sizes,
            "trees": sums["trees"],
            "without_biomass": sums["trees"] - sums["known"],
            "area": sizes,
        }
    ).rename_axis("plot")


def stand_biomass(
    volume: ArrayLike, forest: str | tuple[float, float], *, unverified: bool = False
) -> Floats:
    r"""Biomass of a stand from its stem volume: :math:`B = a V + b` (continuous BEF).

    So the expansion factor a + b / V falls as stands grow; a constant one overstates old stands (Fang et al.
    2001, doi:10.1126/science.1058629).

    Parameters
    ----------
    volume : array_like
        V, stem volume [m3 ha-1].
    forest : str or (float, float)
        Forest type of ``catalogs/factors/volume_to_biomass.yaml``, or (a, b) of your own.
    unverified : bool
        The coefficients of the catalog could not be compared with the paper: say True to use them.

    Returns
    -------
    numpy.ndarray
        Dry matter, above and below the ground together as the coefficients have it [t ha-1]; 0 for no volume.

    Raises
    ------
    CatalogError
        The type is unknown, or `unverified` was not said.
    SchemaError
        A volume is negative.

    Examples
    --------
    >>> stand_biomass([0.0, 100.0], (0.5, 20.0)).tolist()
    [0.0, 70.0]
    """
    v = np.asarray(volume, float)
    if (v < 0).any():
        raise SchemaError("a volume is negative", where="stand_biomass", expected="m3 ha-1, 0 or more")
    if isinstance(forest, str):
        find = factor_table("volume_to_biomass", unverified=unverified).find
        a, b = find(forest, "a").value, find(forest, "b").value
    else:
        a, b = forest
    return np.asarray(np.where(v > 0, a * v + b, 0.0 * v))


def _check_range(what: str, values: Floats, least: float, most: float, expected: str) -> None:
    bad = np.isfinite(values) & ((values <= least) | (values > most))
    if bad.any():
        raise SchemaError(
            f"{int(bad.sum())} value(s) of {what}, such as {values[bad].flat[0]:g}, cannot be", where="trees",
            expected=expected, fix="check the unit",
        )  # fmt: skip
