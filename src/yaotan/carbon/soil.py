"""Soil carbon of IPCC tier 1: reference stock times factors of land use, management and input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import pandas as pd

from yaotan.carbon.pool import EVERYWHERE, PoolTable, open_pools
from yaotan.catalog.factor import Factor, factor_table
from yaotan.errors import SchemaError

Edition = Literal["ipcc2006", "ipcc2019"]

EDITIONS: Final = ("ipcc2006", "ipcc2019")
FACTORS: Final = ("F_LU", "F_MG", "F_I")


def soil_pools(
    levels: Mapping[int, Mapping[str, str]],
    *,
    edition: Edition,
    climate: str | Mapping[str, str],
    scheme: str,
    soil: str = "high_activity_clay_soils",
) -> PoolTable:
    r"""Make the soil pool of classes from the tables of the guidelines.

    .. math:: SOC = SOC_{ref} \, F_{LU} \, F_{MG} \, F_{I}

    (IPCC 2006, vol. 4, eq. 2.25; mineral soils, 0 to 30 cm.) The error of the reference stock is common to
    all classes of a zone, that of the factors is the class's own.

    Parameters
    ----------
    levels : mapping of int to mapping
        Class -> factor (F_LU, F_MG, F_I) -> level, such as ``{51: {"F_LU": "annual_crops"}}``. A factor that
        is not named is 1 (nominal, native).
    edition : {"ipcc2006", "ipcc2019"}
        Tables of the 2006 Guidelines or of the 2019 Refinement; they are never mixed.
    climate : str or mapping of str to str
        Climate zone, such as ``"warm_temperate_moist"``; or zone of the land use -> climate zone.
    scheme : str
        Legend of the class codes.
    soil : str
        Soil type.

    Returns
    -------
    PoolTable
        ``c_soil`` [kg m-2], depth 0.3 m.

    Raises
    ------
    SchemaError
        The edition or a factor is unknown.
    CatalogError
        The tables lack the combination.

    Examples
    --------
    >>> pools = soil_pools({21: {}, 12: {"F_LU": "annual_crops", "F_MG": "no_tillage"}},
    ...     edition="ipcc2019", climate="warm_temperate_moist", scheme="cnlucc")
    >>> pools.frame["value"].round(3).tolist()  # 64 and 64 x 0.69 x 1.10 t/ha
    [6.4, 4.858]
    """
    if edition not in EDITIONS:
        raise SchemaError(
            f"edition is {edition!r}", where="soil_pools", expected=" or ".join(EDITIONS),
            fix="name the edition whose tables are meant; their numbers differ",
        )  # fmt: skip
    reference = factor_table(f"soc_reference_{edition}")
    zones = {EVERYWHERE: climate} if isinstance(climate, str) else dict(climate)
    rows = []
    for zone, name in zones.items():
        base = reference.find(soil, name)
        for code, chosen in levels.items():
            factors = [_factor(edition, code, factor, level, name) for factor, level in chosen.items()]
            value = base.value * math.prod(factor.value for factor in factors)
            own = math.sqrt(sum((factor.sd / factor.value) ** 2 for factor in factors))
            rows.append({
                "zone": zone, "class": code, "pool": "c_soil", "value": value, "sd": value * own,
                "distribution": "normal" if factors else "fixed", "common": f"SOC_ref {soil} {name}",
                "common_sd": base.sd / base.value, "source": base.source,
            })  # fmt: skip
    return open_pools(
        pd.DataFrame(rows), scheme=scheme, units=reference.units, depth=reference.depth, edition=edition
    )


def _factor(edition: str, code: int, factor: str, level: str, climate: str) -> Factor:
    if factor not in FACTORS:
        raise SchemaError(
            f"class {code} has factor {factor!r}", where="soil_pools", expected=", ".join(FACTORS)
        )
    return factor_table(f"soil_factor_{edition}").find(factor, level, climate)


def realised(years: float, span: float, conversion: str, moment: float | None = None) -> float:
    r"""Share of a linear transition of D `years` that is over, of land that changed in an interval T `span`.

    At a moment m after the start of the interval: if all of it changed at the start, :math:`\min(m / D, 1)`;
    at the end, :math:`\min((m - T) / D, 1)`, not below 0; evenly, the mean of :math:`\min((m - t) / D, 1)`
    over the interval, which at its end is :math:`T / 2D` up to T = D, and :math:`1 - D / 2T` beyond.

    Parameters
    ----------
    years : float
        D, length of the transition; 0: at once.
    span : float
        T, length of the interval [yr].
    conversion : {"uniform", "start", "end"}
        When land changed.
    moment : float, optional
        m, years after the start of the interval; default: its end.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    SchemaError
        The assumption is unknown, or the transition is of negative length.

    Examples
    --------
    >>> [realised(20, 10, when) for when in ("start", "uniform", "end")], realised(20, 40, "uniform")
    ([0.5, 0.25, 0.0], 0.75)
    >>> realised(20, 10, "uniform", 5), realised(20, 10, "uniform", 30)
    (0.0625, 1.0)
    """
    if conversion not in ("uniform", "start", "end") or not years >= 0.0:
        raise SchemaError(
            f"conversion={conversion!r}, transition of {years!r} years", where="stock_change",
            expected="uniform, start or end: when land changed between two maps; 0 years or more",
        )  # fmt: skip
    m = span if moment is None else moment
    if conversion == "end":
        if years == 0.0:
            return float(m >= span)
        return min(max(m - span, 0.0) / years, 1.0)
    if conversion == "start":
        return 1.0 if years == 0.0 else min(max(m, 0.0) / years, 1.0)
    return (_ramp_integral(m, years) - _ramp_integral(m - span, years)) / span


def _ramp_integral(since: float, years: float) -> float:
    """Integral of min(t / years, 1) from 0 to `since`."""
    if since <= 0.0:
        return 0.0
    return since - years / 2.0 if since >= years else since**2 / (2.0 * years)


def mean_age(span: float, conversion: str) -> float:
    """Mean years since the change, at the end of an interval, of land that changed within it."""
    return span * {"start": 1.0, "uniform": 0.5, "end": 0.0}[conversion]


def transition_shares(
    densities: np.ndarray, years: float, span: float, conversion: str
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of gain and loss ``(before, after)`` of dead matter: built up over years, lost at once.

    Parameters
    ----------
    densities : numpy.ndarray
        ``(class,)`` densities, whose order says what is a gain.
    years, span, conversion
        As in `realised`.
    """
    share = realised(years, span, conversion)
    built = np.where(densities[None, :] > densities[:, None], share, 1.0)
    return built, built.copy()
