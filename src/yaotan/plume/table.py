"""Estimates of plumes as plain tables: one row for each source and scene, one for each member; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from yaotan.errors import SchemaError, YaotanError
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import CAUTION, STATUS, TERMS, PlumeResult, make_estimate
from yaotan.plume.wind import DIRECTION_ERROR, SPEED_ERROR

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: numbers of an ensemble that go into the table of estimates
_ENSEMBLE: Final = (
    *("member_count", "chi_square", "degrees_of_freedom", "chi_square_probability", "i_squared"),
    *("spread_method", "spread_wind", "spread_background"),
)


def estimate_table(estimate: xr.Dataset, scene: str = "") -> pd.DataFrame:
    """Turn an estimate into one row for each source.

    Parameters
    ----------
    estimate : xarray.Dataset
        Of `quantify` or `estimate_point_source`.
    scene : str
        Name of the scene.

    Returns
    -------
    pandas.DataFrame
        scene, source, name, longitude, latitude, time, substance, method, emission, emission_uncertainty, its
        terms [kg s-1], status and cautions as words, reason, wind_speed [m s-1], wind_direction [degree], and
        the numbers of an ensemble.
    """
    import pandas as pd

    count = estimate.sizes["source"]
    table: dict[str, Any] = {
        "scene": [scene] * count,
        "source": estimate["source"].values.astype(str),
        "name": estimate["source_name"].values.astype(str),
        "longitude": estimate["longitude"].values,
        "latitude": estimate["latitude"].values,
        "time": estimate["time"].values,
        "substance": [str(estimate.attrs["substance"])] * count,
        "method": [str(estimate.attrs["method"])] * count,
        "emission": estimate["emission"].values,
        "emission_uncertainty": estimate["emission_uncertainty"].values,
    }
    terms = [f"emission_uncertainty_{term}" for term in TERMS]
    table |= {name: estimate[name].values for name in terms if name in estimate}
    table |= _words(estimate["status"].values, estimate["caution"].values)
    table["reason"] = estimate["reason"].values.astype(str)
    for name in ("wind_speed", "wind_direction", *_ENSEMBLE):
        if name in estimate:
            table[name] = estimate[name].values
    return pd.DataFrame(table)


def _words(status: Any, caution: Any) -> dict[str, list[str]]:
    return {
        "status": [STATUS[int(code)] for code in status],
        "cautions": [
            ",".join(name for bit, name in enumerate(CAUTION) if int(code) >> bit & 1) for code in caution
        ],
    }


def member_table(estimate: xr.Dataset, scene: str = "") -> pd.DataFrame:
    """Turn the members of an ensemble into one row for each source and member.

    Returns
    -------
    pandas.DataFrame
        scene, source, time, method, wind, background, emission, emission_uncertainty, weight, wind_speed,
        status, cautions, reason.
    """
    import pandas as pd

    rows = []
    for place in range(estimate.sizes["source"]):
        one = estimate.isel(source=place)
        count = one.sizes["member"]
        rows.append(
            pd.DataFrame(
                {
                    "scene": [scene] * count,
                    "source": [str(one["source"].item())] * count,
                    "time": [one["time"].values] * count,
                    **{part: one[f"member_{part}"].values for part in ("method", "wind", "background")},
                    "emission": one["member_emission"].values,
                    "emission_uncertainty": one["member_emission_uncertainty"].values,
                    "weight": one["member_weight"].values,
                    "wind_speed": one["member_wind_speed"].values,
                    **_words(one["member_status"].values, one["member_caution"].values),
                    "reason": one["member_reason"].values.astype(str),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def estimate_of_table(table: pd.DataFrame, sources: gpd.GeoDataFrame) -> xr.Dataset:
    """Turn rows of `estimate_table` back into an estimate, one for each row (sources may come again).

    Parameters
    ----------
    table : pandas.DataFrame
        Of one gas.
    sources : geopandas.GeoDataFrame
        Table of `make_sources` that holds every source of it.

    Returns
    -------
    xarray.Dataset
        Estimate with the dim ``source``, as `annual_emission` takes it.

    Raises
    ------
    SchemaError
        A source is not in `sources`, or the rows are of several gases.
    """
    gases = sorted(set(table["substance"]))
    if len(gases) != 1:
        raise SchemaError(f"rows are of {' and '.join(gases) or 'no gas'}", where="estimates", expected="one")
    place = {name: row for row, name in enumerate(sources["source"])}
    unknown = sorted(set(table["source"]) - set(place))
    if unknown:
        raise SchemaError(f"source {unknown[0]!r} is in no list of sources", where="estimates")
    terms = [term for term in TERMS if f"emission_uncertainty_{term}" in table]
    results = []
    for row in table.to_dict("records"):
        given = row["status"] == "estimated"
        sigmas = {term: float(row[f"emission_uncertainty_{term}"]) for term in terms} if given else {}
        results.append(
            PlumeResult(
                float(row["emission"]) if given else np.nan,
                {term: sigma for term, sigma in sigmas.items() if np.isfinite(sigma)},
                status=str(row["status"]),
                cautions=[name for name in str(row["cautions"] or "").split(",") if name in CAUTION],
                reason=str(row["reason"] or ""),
                wind=_wind_of(row),
                time=np.datetime64(row["time"], "ns"),
            )
        )
    chosen = sources.iloc[[place[name] for name in table["source"]]]
    return make_estimate(results, chosen, method=str(table["method"].iloc[0]), substance=gases[0])


def _wind_of(row: Mapping[Any, Any]) -> EffectiveWind | None:
    if not np.isfinite(float(row["wind_speed"])):
        return None
    return EffectiveWind.from_direction(float(row["wind_speed"]), float(row["wind_direction"]))


def winds_of_table(
    table: pd.DataFrame,
    time: np.datetime64 | None = None,
    *,
    speed_error: float = SPEED_ERROR,
    direction_error: float = DIRECTION_ERROR,
) -> dict[str, EffectiveWind]:
    """Make winds of a table of measured or modelled ones.

    Parameters
    ----------
    table : pandas.DataFrame
        ``source``, ``wind_speed`` [m s-1], ``wind_direction`` [degree it comes from], and where they are
        known ``time`` (UTC), ``wind_speed_uncertainty``, ``wind_direction_uncertainty``.
    time : datetime64, optional
        Of the overpass: rows within an hour of it are taken, the nearest one. Without a column ``time`` every
        row holds.
    speed_error, direction_error : float
        Standard errors where the table states none [m s-1, degree].

    Returns
    -------
    dict of str to EffectiveWind
        By source; one that has no row at that time is not in it (status ``no_wind``).

    Raises
    ------
    SchemaError
        A column is missing, or a wind is no number.

    Examples
    --------
    >>> import pandas as pd
    >>> made = winds_of_table(
    ...     pd.DataFrame({"source": ["JV"], "wind_speed": [6.2], "wind_direction": [265.0]})
    ... )
    >>> round(made["JV"].speed, 1), made["JV"].uncertainty
    (6.2, {'wind_speed': 1.0})
    """
    import pandas as pd

    missing = [name for name in ("source", "wind_speed", "wind_direction") if name not in table]
    if missing:
        raise SchemaError(
            f"there is no column {', '.join(missing)}",
            where="table of winds",
            expected=f"source, wind_speed, wind_direction; it has {', '.join(map(str, table.columns))}",
        )
    rows = table
    if "time" in table and time is not None and not np.isnat(time):
        away = (pd.to_datetime(table["time"], utc=True).dt.tz_localize(None) - pd.Timestamp(time)).abs()
        rows = table.assign(_away=away)[away <= pd.Timedelta(hours=1)].sort_values("_away", kind="stable")
        rows = rows.drop_duplicates("source")
    made = {}
    for row in rows.to_dict("records"):
        try:
            speed, direction = float(row["wind_speed"]), float(row["wind_direction"])
        except (TypeError, ValueError) as error:
            raise SchemaError(
                f"the wind of {row['source']!r} is no number", where="table of winds"
            ) from error
        if not (np.isfinite(speed) and np.isfinite(direction)):
            continue
        made[str(row["source"])] = EffectiveWind.from_direction(
            speed,
            direction,
            uncertainty={"wind_speed": _stated(row, "wind_speed_uncertainty", speed_error)},
            direction_uncertainty=_stated(row, "wind_direction_uncertainty", direction_error),
            relation="wind of a table",
        )
    return made


def _stated(row: Mapping[Any, Any], name: str, default: float) -> float:
    value = row.get(name)
    return default if value is None or not np.isfinite(float(value)) else float(value)


def join_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join tables of several scenes; those without a row add their columns alone.

    Raises
    ------
    YaotanError
        There is none.
    """
    import pandas as pd

    if not tables:
        raise YaotanError("there is no table", where="join_tables")
    held = [table for table in tables if len(table)] or [tables[0]]
    return pd.concat(held, ignore_index=True)
