"""A panel from estimates: an inventory as the target, and features of regions by year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from yaotan.emission.feature import COMPANIONS
from yaotan.emission.panel import Panel
from yaotan.emission.panel_column import RATE, PanelColumn
from yaotan.errors import PanelError
from yaotan.units import conversion

if TYPE_CHECKING:
    import pandas as pd


def make_panel(
    target: xr.Dataset,
    features: Iterable[xr.Dataset],
    *,
    unit: str = "Mt yr-1",
    lag: int = 2,
    period: tuple[int, int] | None = None,
    parts: Mapping[str, Sequence[str]] | None = None,
    minimum_coverage: float = 0.0,
    indicators: bool = True,
    companions: Sequence[str] = (),
    zone_digits: int | None = None,
) -> Panel:
    """Join an inventory and features into a panel.

    Parameters
    ----------
    target : xarray.Dataset
        Estimate with ``emission`` (region, time) in kg s-1, as `yaotan.io.open_inventory` gives it.
    features : iterable of xarray.Dataset
        As `grid_feature`, `class_feature`, `capacity_feature` give them, of the same codes of regions.
    unit : str
        Of target and parts in the panel.
    lag : int
        Years until the target is known.
    period : tuple of int, optional
        First and last year; all years of the target and of the features by default.
    parts : mapping of str to sequence of str, optional
        Name of a part to the sectors of ``emission_part`` that it adds up.
    minimum_coverage : float
        Features of less coverage are missing.
    indicators : bool
        Where a feature is missing in some rows, a column ``<name>_missing`` (1, 0) says where: that a
        satellite saw nothing is information.
    companions : sequence of {"coverage", "uncertainty"}
        Companions that become columns (features) too.
    zone_digits : int, optional
        Digits of the code of a region that name its zone.

    Returns
    -------
    Panel
        A row for each region of the target or a feature and each year. Nothing is filled: `Panel.missing`
        counts.

    Raises
    ------
    PanelError
        No emission, other units, no region in common, a name given twice, an unknown sector.

    Examples
    --------
    >>> coords = {"region": ["a", "b"], "time": np.array(["2019-01-01"], "datetime64[ns]")}
    >>> rate = xr.DataArray([[3168.8], [1584.4]], coords, ("region", "time"), attrs={"units": "kg s-1"})
    >>> inventory = xr.Dataset({"emission": rate, "emission_uncertainty": rate * np.nan})
    >>> from yaotan.emission.feature import make_feature
    >>> lights = make_feature("lights", xr.DataArray([[5.0], [np.nan]], coords, ("region", "time")), 1.0, 0.1,
    ...                       {"units": "1", "role": "scale"})
    >>> panel = make_panel(inventory, [lights])
    >>> panel.features, panel.values().round(1).tolist()
    (('lights', 'lights_missing'), [100.0, 50.0])
    """
    frame, columns = _target(target, unit, lag, parts or {})
    frame, more = _join(frame, features, "outer", minimum_coverage, companions)
    columns += more
    if period is not None:
        frame = frame[frame.index.get_level_values(1).isin(range(period[0], period[1] + 1))]
    if indicators:
        frame, more = _indicate(frame, columns)
        columns += more
    table = frame.reset_index()
    return Panel(_labelled(table, target, zone_digits), tuple(columns))


def join_features(
    panel: Panel,
    features: Iterable[xr.Dataset],
    *,
    minimum_coverage: float = 0.0,
    indicators: bool = True,
    companions: Sequence[str] = (),
) -> Panel:
    """Give a panel further features, such as the capacity of plants to a table of lights and people.

    Parameters
    ----------
    panel : Panel
        Its rows stay as they are.
    features : iterable of xarray.Dataset
        As `grid_feature`, `class_feature`, `capacity_feature` give them, of the same codes of regions.
    minimum_coverage, indicators, companions
        As of `make_panel`.

    Returns
    -------
    Panel
        With a column for each feature behind its own. A feature is missing in rows whose region or year it
        lacks; regions and years that only a feature has are no rows.

    Raises
    ------
    PanelError
        No region in common, or a name that the panel has already.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.emission.feature import make_feature
    >>> table = pd.DataFrame({"region": ["a", "b"], "period": 2019, "people": [1e6, 2e6]})
    >>> panel = Panel(table, (PanelColumn("people", "scale", "1"),))
    >>> coords = {"region": ["a", "b"], "time": np.array(["2019-01-01"], "datetime64[ns]")}
    >>> power = make_feature("capacity", xr.DataArray([[600.0], [0.0]], coords, ("region", "time")), 1.0, 0.0,
    ...                      {"units": "MW", "role": "feature"})
    >>> join_features(panel, [power]).features
    ('people', 'capacity')
    """
    keys = ["region", "period"]
    frame, columns = _join(panel.table.set_index(keys), features, "left", minimum_coverage, companions)
    if indicators:
        frame, more = _indicate(frame, columns)
        columns += more
    return Panel(frame.reset_index(), (*panel.columns, *columns))


def _join(
    frame: pd.DataFrame,
    features: Iterable[xr.Dataset],
    how: Literal["outer", "left"],
    minimum_coverage: float,
    companions: Sequence[str],
) -> tuple[pd.DataFrame, list[PanelColumn]]:
    """Give rows by region and period with the columns of features, and what these are."""
    columns: list[PanelColumn] = []
    known = set(frame.index.get_level_values(0))
    for dataset in features:
        if not known & {str(region) for region in dataset["region"].values}:
            raise PanelError(
                f"no region in common: {', '.join(map(str, dataset['region'].values[:3]))} ...",
                where="features of a panel",
                expected=f"codes such as {', '.join(sorted(known)[:3])}",
            )
        for name in (str(key) for key in dataset.data_vars):
            base, _, ending = name.rpartition("_")
            if ending in COMPANIONS and base in dataset:
                continue
            if name in frame:
                raise PanelError(
                    f"{name} is given twice", where="features of a panel", fix="rename one of them"
                )
            frame = frame.join(_series(dataset, name, minimum_coverage), how=how)
            columns.append(_entry(dataset[name], name))
            for ending in companions:
                extra = f"{name}_{ending}"
                frame = frame.join(_series(dataset, extra, 0.0), how=how)
                columns.append(_entry(dataset[extra], extra))
    return frame, columns


def _indicate(frame: pd.DataFrame, columns: Iterable[PanelColumn]) -> tuple[pd.DataFrame, list[PanelColumn]]:
    """Add columns of 1 and 0 that say where a feature is missing, for those missing in some rows."""
    made: list[PanelColumn] = []
    for entry in columns:
        absent = frame[entry.name].isna()
        if not entry.learnable or entry.name.endswith(COMPANIONS) or not absent.any() or absent.all():
            continue
        extra = f"{entry.name}_missing"
        frame = frame.assign(**{extra: absent.astype(float)})
        made.append(PanelColumn(extra, "feature", "1", description=f"{entry.name} is missing"))
    return frame, made


def _target(
    target: xr.Dataset, unit: str, lag: int, parts: Mapping[str, Sequence[str]]
) -> tuple[pd.DataFrame, list[PanelColumn]]:
    if "emission" not in target or target["emission"].attrs.get("units") != RATE:
        raise PanelError("the target holds no emission", where="make_panel", expected=f"emission [{RATE}]")
    scale = conversion(RATE, unit)[0]
    about: dict[str, Any] = {
        "scope": str(target.attrs.get("scope", "")),
        "source": str(target.attrs.get("product", target.attrs.get("source", ""))),
        "version": str(target.attrs.get("product_version", "")),
        "lag": lag,
    }
    frame = _indexed(target["emission"] * scale, "emission").to_frame()
    columns = [PanelColumn("emission", "target", unit, **about)]
    for name, sectors in parts.items():
        held = target.get("emission_part")
        listed: Any = held["sector"].values if held is not None and "sector" in held.coords else ()
        unknown = [sector for sector in sectors if sector not in listed]
        if unknown or held is None:
            raise PanelError(f"no sector {', '.join(unknown)}", where=f"part {name!r}")
        chosen = held.sel(sector=list(sectors))
        others = [dim for dim in chosen.dims if dim not in ("region", "time")]
        frame[name] = _indexed(chosen.sum(others, min_count=1) * scale, name)
        columns.append(PanelColumn(name, "part", unit, **about))
    return frame, columns


def _indexed(array: xr.DataArray, name: str) -> pd.Series:
    import pandas as pd

    values = array.transpose("region", "time")
    years = values["time"].values.astype("datetime64[Y]").astype(int) + 1970
    index = pd.MultiIndex.from_product(
        [values["region"].values.astype(str), years], names=["region", "period"]
    )
    series = pd.Series(np.asarray(values.values, float).ravel(), index, name=name)
    if series.index.duplicated().any():
        raise PanelError(
            f"{name} has several times in one year", where="make_panel", fix="average the years first"
        )
    return series


def _series(dataset: xr.Dataset, name: str, minimum_coverage: float) -> pd.Series:
    values = dataset[name]
    coverage = dataset.get(f"{name}_coverage")
    if minimum_coverage > 0 and coverage is not None:
        values = values.where(coverage >= minimum_coverage)
    return _indexed(values, name)


def _entry(array: xr.DataArray, name: str) -> PanelColumn:
    attrs: dict[Any, Any] = array.attrs
    return PanelColumn(
        name,
        str(attrs.get("role", "feature")),
        str(attrs.get("units", "1")),
        source=str(attrs.get("source", "")),
        version=str(attrs.get("version", "")),
        lag=int(attrs.get("lag", 0)),
        description=str(attrs.get("description", "")),
    )


def _labelled(table: pd.DataFrame, target: xr.Dataset, zone_digits: int | None) -> pd.DataFrame:
    for label in ("region_name", "region_name_zh"):
        if label in target.coords:
            names = dict(zip(target["region"].values.astype(str), target[label].values, strict=True))
            table = table.assign(**{label: table["region"].map(names)})
    if zone_digits is not None:
        table = table.assign(zone=table["region"].str[:zone_digits])
    return table
