"""Many overpasses as one table: what was estimated, what failed and why, wind and stated errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr

from yaotan.errors import SchemaError, YaotanError
from yaotan.plume.estimate import STATUS, TERMS, check_plume_estimate

#: error that the overpasses of a source share where their estimates say nothing of it: height of the wind and
#: rise of the plume, 5 to 10 per cent (budget in docs/plume.md), the upper end
SHARED_ERROR: Final = 0.10
#: bias that all overpasses share because of the method: root mean square over five methods of this package on
#: turbulent plumes when the rule was fixed (-6, 2, 4, 5, 4 per cent, polynomial background; within 1 per cent
#: with the field, on one maker: docs/plume.md); of a method from elsewhere, over five of ddeq 1.1 on fixed
#: scenes of 500 kg/s (0.4, 10.5, -8.3, 12, 24.8 per cent, measured)
METHOD_ERROR: Final = {"terms": 0.05, "total": 0.14}
#: the share of overpasses whose stated error is taken to be free of noise
BEST: Final = 0.1

if TYPE_CHECKING:
    import pandas as pd

#: terms whose errors are drawn anew at each overpass and do not grow with the emission
ABSOLUTE: Final = ("noise", "background")
#: terms that every overpass of a source shares: more of them make no mean better
SHARED: Final = ("column", "wind_height", "mask", "chemistry", "ratio", "method")


def collect_overpasses(estimates: xr.Dataset | Sequence[xr.Dataset]) -> pd.DataFrame:
    """Put estimates of single overpasses into one table.

    Parameters
    ----------
    estimates : xarray.Dataset or sequence of them
        Of `estimate_point_source`; of one gas. Sources may come again and again, in one or in several.

    Returns
    -------
    pandas.DataFrame
        ``source``, ``time``, ``status`` (word), ``emission``, ``uncertainty``, ``absolute`` (noise and
        background), ``shared`` (errors that all overpasses have in common), ``relative`` (all others, as part
        of the emission; NaN where no terms are given) [kg s-1], ``wind_speed``, ``age`` [s], in order of
        source and time.

    Raises
    ------
    SchemaError
        No estimate, estimates of several gases, or an estimate without time.

    Examples
    --------
    >>> from yaotan.plume.estimate import PlumeResult, make_estimate
    >>> from yaotan.plume.source import make_sources
    >>> one = PlumeResult(100.0, {"noise": 30.0, "wind_speed": 40.0}, time=np.datetime64("2015-03-01T11:00"))
    >>> made = make_estimate([one], make_sources(["JV"], 14.45, 51.84), method="ime", substance="co2")
    >>> table = collect_overpasses([made, made])
    >>> len(table), float(table.absolute[0]), float(table.relative[0])
    (2, 30.0, 0.4)
    """
    import pandas as pd

    parts = [estimates] if isinstance(estimates, xr.Dataset) else list(estimates)
    if not parts:
        raise SchemaError("there is no estimate", where="overpasses")
    gases = sorted({str(part.attrs.get("substance")) for part in parts})
    if len(gases) > 1:
        raise SchemaError(f"estimates are of {' and '.join(gases)}", where="overpasses", expected="one gas")
    table = pd.concat([_rows(check_plume_estimate(part)) for part in parts], ignore_index=True)
    table = table.sort_values(["source", "time"], kind="stable").reset_index(drop=True)
    if table["time"].isna().any():
        lost = table.loc[table["time"].isna(), "source"].iloc[0]
        raise SchemaError(
            f"an estimate of {lost!r} has no time",
            where="overpasses",
            fix="give the data a time; failed overpasses as well",
        )
    return table


def _rows(estimate: xr.Dataset) -> pd.DataFrame:
    import pandas as pd

    shape = estimate["emission"]

    def flat(name: str, default: float = np.nan) -> np.ndarray:
        values = estimate[name] if name in estimate.variables else xr.full_like(shape, default, float)
        return np.asarray(values.broadcast_like(shape).values).ravel()

    emission, total = flat("emission"), flat("emission_uncertainty")
    terms = [term for term in TERMS if f"emission_uncertainty_{term}" in estimate]
    squares = {term: flat(f"emission_uncertainty_{term}") ** 2 for term in terms}

    def together(names: Sequence[str]) -> np.ndarray:
        return np.sqrt(sum((squares[name] for name in names if name in squares), np.zeros(emission.size)))

    rest = [term for term in terms if term not in (*ABSOLUTE, *SHARED)]
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = together(rest) / np.abs(emission) if terms else np.full(emission.size, np.nan)
    return pd.DataFrame(
        {
            "source": flat("source").astype(str),
            "time": flat("time").astype("datetime64[ns]"),
            "status": np.array(STATUS)[flat("status").astype(int)],
            "emission": emission,
            "uncertainty": total,
            "absolute": together(ABSOLUTE),
            "shared": together(SHARED),
            "relative": np.where(np.isfinite(relative), relative, np.nan),
            "wind_speed": flat("wind_speed"),
            "age": flat("plume_age", 0.0),
            "longitude": flat("longitude"),
            "latitude": flat("latitude"),
        }
    )


def split_errors(table: pd.DataFrame, errors: str) -> pd.DataFrame:
    r"""Say what of the stated errors is additive and what goes with the emission.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `collect_overpasses`.
    errors : {"terms", "total"}
        Whether the terms of the errors are known: then the part that goes with the emission is the median of
        the source, because a part of each value seen is small where noise has made the value large. From
        totals :math:`s_i` of values :math:`Q_i` the part r that goes with the emission is that of the best
        overpasses, whose noise counts least (quantile 0.1 of :math:`s_i / Q_i`); what is left,
        :math:`\sqrt{s_i^2 - r^2 Q_i^2}`, is taken for noise and background.

    Returns
    -------
    pandas.DataFrame
        The table with ``additive`` [kg s-1] and ``proportional`` (part of the emission).
    """
    value = np.maximum(np.abs(table["emission"].to_numpy()), 1e-300)
    if errors == "terms":
        usual = table.groupby("source")["relative"].transform("median")
        return table.assign(additive=table["absolute"], proportional=usual)
    ratio = table["uncertainty"].to_numpy() / value
    given = np.isfinite(ratio)
    best = float(np.quantile(ratio[given], BEST)) if given.any() else 0.0
    rest = np.sqrt(np.maximum(table["uncertainty"].to_numpy() ** 2 - (best * value) ** 2, 0.0))
    return table.assign(additive=rest, proportional=best)


def shared_error(rows: pd.DataFrame, errors: str) -> float:
    """Relative error that all overpasses share: as stated by terms, else that of the wind; and the method's.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of one source, of `collect_overpasses`.
    errors : {"terms", "total"}
        As in `split_errors`.
    """
    size = np.maximum(np.abs(rows["emission"].to_numpy()), 1e-300)
    parts = rows["shared"].to_numpy() / size
    stated = float(np.median(parts)) if errors == "terms" and rows["relative"].notna().any() else 0.0
    return math.hypot(stated or SHARED_ERROR, METHOD_ERROR[errors])


def year_of(table: pd.DataFrame, year: int | None) -> int:
    """Give the year of overpasses: the one that is named, or the only one there is."""
    years = sorted(set(table["time"].dt.year))
    if year is None and len(years) > 1:
        raise YaotanError(
            f"overpasses are of {years[0]} to {years[-1]}", where="annual_emission", fix="give year="
        )
    return int(years[0] if year is None else year)
