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


def realised(years: float, span: float, conversion: str) -> float:
    r"""Share of a linear transition of `years` that is over at the end of an interval in which land changed.

    If all of it changed at its start, :math:`\min(T / D, 1)`; at its end, 0; evenly over the interval, the
    mean of :math:`\min((T - t) / D, 1)`: :math:`T / 2D` up to T = D, beyond it :math:`1 - D / 2T`.

    Parameters
    ----------
    years : float
        D, length of the transition; 0: at once.
    span : float
        T, length of the interval [yr].
    conversion : {"uniform", "start", "end"}
        When land changed.

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
    """
    if conversion not in ("uniform", "start", "end") or not years >= 0.0:
        raise SchemaError(
            f"conversion={conversion!r}, transition of {years!r} years", where="stock_change",
            expected="uniform, start or end: when land changed between two maps; 0 years or more",
        )  # fmt: skip
    if years == 0.0:
        return 1.0
    if conversion == "start":
        return min(span / years, 1.0)
    if conversion == "end":
        return 0.0
    return span / (2.0 * years) if span <= years else 1.0 - years / (2.0 * span)


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
