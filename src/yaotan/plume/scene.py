"""`quantify`: a whole scene or overpass, from columns to emissions of sources, plumes and what draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from yaotan.errors import SchemaError, YaotanError
from yaotan.plume.choice import FAR_IMAGE, FAR_TRACK, choose_winds, nearest
from yaotan.plume.detection import detect_plumes, plume_features
from yaotan.plume.effective import NO_WIND, EffectiveWind
from yaotan.plume.ensemble import Member, combine_members, run_members
from yaotan.plume.estimate import PlumeResult
from yaotan.plume.mass import column_mass, find_column
from yaotan.plume.method import Winds
from yaotan.plume.source import check_sources
from yaotan.plume.view import draw_view, trace_lines

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True)
class PlumeScene:
    """What a scene or an overpass says of sources.

    Parameters
    ----------
    estimate : xarray.Dataset
        Dims ``source, member``: see `yaotan.plume.ensemble.combine_members`.
    plumes : geopandas.GeoDataFrame
        Outlines of the plumes that were found (`plume_features`) with their ``time``; no row on tracks.
    lines : geopandas.GeoDataFrame
        ``source``, ``method``, ``kind`` (``centre_line``; ``wind``: the way of an hour), ``speed`` [m s-1],
        ``direction`` [degree the wind comes from] and lines in longitude and latitude.
    views : dict of str to xarray.Dataset
        By source: see `yaotan.plume.view.draw_view`.
    """

    estimate: xr.Dataset
    plumes: gpd.GeoDataFrame
    lines: gpd.GeoDataFrame
    views: dict[str, xr.Dataset]


def quantify(
    data: xr.Dataset,
    sources: gpd.GeoDataFrame,
    wind: xr.Dataset | Winds,
    *,
    variable: str | None = None,
    mask_variable: str | None = None,
    methods: Sequence[str] | None = None,
    winds: Sequence[str] | None = None,
    backgrounds: Sequence[str] = ("auto",),
    neighbours: bool = True,
    on_error: str = "flag",
    mass: Mapping[str, Any] | None = None,
    detection: Mapping[str, Any] | None = None,
    wind_options: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    views: bool = True,
) -> PlumeScene:
    """Estimate the emission of every source in a scene or overpass by an ensemble of methods and winds.

    Mass of the columns, detection of plumes, winds, methods, and their combination, in one call.

    Parameters
    ----------
    data : xarray.Dataset
        Scene (dims ``y, x``) or soundings of one overpass (dim ``sounding``), as `open_scene` and
        `open_soundings` give them.
    sources : geopandas.GeoDataFrame
        Table of `make_sources` or `open_sources`.
    wind : xarray.Dataset or EffectiveWind or mapping
        What `open_wind` gives; or one wind for all, or winds by source.
    variable : str, optional
        Column, where the data hold several.
    mask_variable : str, optional
        Second gas (``no2``) in which plumes are looked for and which gives their shape.
    methods : sequence of str, optional
        Default: all of images, or of tracks.
    winds : sequence of str, optional
        Choices of `effective_wind`. Default: those of `yaotan.plume.choice.WINDS` that the field has.
    backgrounds : sequence of str
        Names of `yaotan.plume.ensemble.BACKGROUNDS`.
    neighbours : bool
        Whether plumes of the other sources are fitted beside each one.
    on_error : {"raise", "flag"}
        With "flag" data that a method cannot take become the status ``failed``.
    mass, detection, wind_options : mapping, optional
        Options of `column_mass`, `detect_plumes`, `effective_wind`.
    options : mapping, optional
        Options of all methods; under a method's name those of it alone.
    views : bool
        Whether what is needed for drawings is put together.

    Returns
    -------
    PlumeScene
        Estimate, plumes, lines, views. A source without an emission has a status that says why: ``no_wind``,
        ``low_wind``, ``outside``, ``cloudy``, ``not_detected`` ...

    Raises
    ------
    SchemaError
        The data are neither image nor track, hold no such column, or `sources` is no table of sources.
    UnitsError
        The column has a unit that no mass can be made of.
    YaotanError
        An option is wrong.

    Examples
    --------
    >>> from yaotan.plume.source import make_sources
    >>> from yaotan.simulate.plume import PlumeSetting, simulate_plume
    >>> scene, truth = simulate_plume(PlumeSetting(noise=0.2), seed=1)
    >>> wind = EffectiveWind.from_direction(5.0, 245.0, uncertainty={"wind_speed": 0.5})
    >>> plant = make_sources(["P"], [14.4], [51.8], diameter=100.0)
    >>> made = quantify(
    ...     scene, plant, wind, variable="xco2", mask_variable="no2", methods=["cross_section", "gaussian"]
    ... )
    >>> bool(abs(float(made.estimate.emission[0]) / truth.rate - 1.0) < 0.1), made.estimate.sizes["member"]
    (True, 2)
    """
    check_sources(sources)
    track = "sounding" in data.dims
    if not track and not {"y", "x"} <= set(data.dims):
        raise SchemaError(f"dims are {list(data.dims)}", where="quantify", expected="y, x; or sounding")
    name = find_column(data, variable)
    massed = column_mass(data, variable=name, **dict(mass or {}))
    second = None
    if mask_variable is not None and mask_variable != name:
        if track:
            raise YaotanError("a track takes no second gas", where="mask_variable", fix="leave it out")
        second = find_column(data, mask_variable)
    near = nearest(massed, sources)
    inside = sources[near["distance"] <= (FAR_TRACK if track else FAR_IMAGE)]
    found = massed if track else _detect(massed, inside, second or name, detection)
    chosen = choose_winds(wind, sources, near["time"], winds, wind_options or {})
    told = dict(options or {})
    if neighbours and not track and len(inside) > 1:
        told["neighbours"] = inside
    members = _members(
        found, sources, inside, chosen, near, methods=methods, backgrounds=backgrounds,
        shape_from=second, on_error=on_error, options=told,
    )  # fmt: skip
    record = {"variable": name, "mask_variable": second or "", "winds": list(chosen), **dict(options or {})}
    estimate = combine_members(members, sources, found, options=record)
    shown = _shown(sources, inside, members, next(iter(chosen.values())))
    drawn = (
        {str(one[0]["source"].iloc[0]): draw_view(found, *one, mask_variable=second) for one in shown}
        if views
        else {}
    )
    return PlumeScene(estimate, _plumes(found, near), trace_lines(shown), drawn)


def _detect(
    massed: xr.Dataset, inside: gpd.GeoDataFrame, name: str, options: Mapping[str, Any] | None
) -> xr.Dataset:
    """Look for plumes at the sources in the image; a scene without one, or without a value, has none."""
    seen = np.isfinite(massed[name].values)
    if f"{name}_uncertainty" in massed:
        seen &= massed[f"{name}_uncertainty"].values > 0.0
    if len(inside) == 0 or not seen.any():
        return massed
    return detect_plumes(massed, inside, variable=name, **dict(options or {}))


def _members(
    found: xr.Dataset,
    sources: gpd.GeoDataFrame,
    inside: gpd.GeoDataFrame,
    winds: Mapping[str, Winds],
    near: Mapping[str, Any],
    **rest: Any,
) -> list[Member]:
    """Run the members on the sources in the scene; of the others they say that they are outside."""
    members = run_members(found, inside, winds, **rest)
    kind = "sounding" if "sounding" in found.dims else "pixel"
    whole = []
    for member in members:
        own = dict(zip(inside["source"], member.results, strict=True))
        results = []
        for name, away, time in zip(sources["source"], near["distance"], near["time"], strict=True):
            result = own[name] if name in own else _outside(away, kind)
            # annual means count overpasses that gave nothing by their time
            lacks = result.time is None and not np.isnat(time)
            results.append(replace(result, time=time) if lacks else result)
        whole.append(replace(member, results=tuple(results)))
    return whole


def _outside(away: float, kind: str) -> PlumeResult:
    known = np.isfinite(away)
    text = f"the nearest {kind} is {away / 1e3:.0f} km away" if known else f"no {kind} has a place"
    return PlumeResult(status="outside", reason=text)


def _shown(
    sources: gpd.GeoDataFrame, inside: gpd.GeoDataFrame, members: Sequence[Member], winds: Winds
) -> list[tuple[gpd.GeoDataFrame, dict[str, PlumeResult], EffectiveWind]]:
    """Each source in the scene with its results by method and the wind that is drawn."""
    held = set(inside["source"])
    shown = []
    for place, name in enumerate(sources["source"]):
        if name in held:
            own = winds if isinstance(winds, EffectiveWind) else winds.get(name, NO_WIND)
            shown.append((sources.iloc[place : place + 1], _by_method(members, place), own))
    return shown


def _plumes(found: xr.Dataset, near: Mapping[str, Any]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if "plumes" in found.attrs:
        table = plume_features(found)
    else:
        names = ("plume", "sources", "overlap", "pixels", "greatest_z", "detected_in")
        table = gpd.GeoDataFrame({name: [] for name in names}, geometry=[], crs=4326)
    times = near["time"][~np.isnat(near["time"])]
    return table.assign(time=times.min() if times.size else np.datetime64("NaT", "ns"))


def _by_method(members: Sequence[Member], place: int) -> dict[str, PlumeResult]:
    """Results of a source by method: of the first wind and background with a fit, else of the first."""
    found: dict[str, PlumeResult] = {}
    for member in members:
        result = member.results[place]
        held = found.get(member.method)
        if held is None or (held.fit is None and result.fit is not None):
            found[member.method] = result
    return found
