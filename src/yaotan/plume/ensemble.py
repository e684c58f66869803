"""Methods, winds and backgrounds for the same sources: members, their combination, their disagreement."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from yaotan.errors import YaotanError
from yaotan.plume.combination import (
    BETWEEN_BACKGROUNDS,
    BETWEEN_METHODS,
    BETWEEN_WINDS,
    Combination,
    Estimated,
    combine,
)
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import CAUTION, STATUS, TERMS, PlumeResult, check_plume_estimate, make_estimate
from yaotan.plume.method import PLAIN, Winds, describe_data, find_method, list_corrections, run_method
from yaotan.plume.sharing import shared_work

if TYPE_CHECKING:
    import geopandas as gpd

#: methods of images and of tracks
IMAGE_METHODS: Final = ("cross_section", "gaussian", "ime", "light_cross_section")
TRACK_METHODS: Final = ("track_gaussian",)
#: name -> options of the methods of images: degree of the background's polynomial and reach of its pixels.
#: "auto" is a plane and a smooth field of what the image shows beside the plume; the others too have a field
BACKGROUNDS: Final[dict[str, dict[str, Any]]] = {
    "auto": {},
    "quadratic": {"order": 2},
    "cubic": {"order": 3},
    "near": {"margin": 27e3},
    "far": {"margin": 63e3},
}
#: methods that take width and centre line of a second gas
_SHAPED: Final = ("cross_section", "ime")


@dataclass(frozen=True)
class Member:
    """One way to an emission: method, wind, background, and what it found for each source."""

    method: str
    wind: str
    background: str
    results: tuple[PlumeResult, ...]

    @property
    def name(self) -> str:
        """Name in the result, such as ``gaussian/gnfr_a/auto``."""
        return "/".join((self.method, self.wind, self.background))


def run_members(
    data: xr.Dataset,
    sources: gpd.GeoDataFrame,
    winds: Mapping[str, Winds],
    *,
    methods: Sequence[str] | None = None,
    backgrounds: Sequence[str] = ("auto",),
    shape_from: str | None = None,
    on_error: str = "flag",
    options: Mapping[str, Any] | None = None,
) -> list[Member]:
    """Run every method with every wind and background.

    Parameters
    ----------
    data : xarray.Dataset
        Scene or soundings with the ``<v>_mass_factor`` of `column_mass`.
    sources : geopandas.GeoDataFrame
        Table of `make_sources`; one without a row gives members without results.
    winds : mapping of str to winds
        Winds by name of the choice, each one for all sources or by identifier.
    methods : sequence of str, optional
        Default: all that images, or tracks, have.
    backgrounds : sequence of str
        Names in `BACKGROUNDS`; of images only.
    shape_from : str, optional
        Second gas that gives width and centre line where a method takes it.
    on_error : {"raise", "flag"}
        As of `estimate_point_source`.
    options : mapping, optional
        Options of all methods; under the name of a method a mapping with those of it alone.

    Returns
    -------
    list of Member
        Methods vary slowest.

    Raises
    ------
    YaotanError
        A method or background is unknown, or there is none.
    """
    track = "sounding" in data.dims
    chosen = list(methods or (TRACK_METHODS if track else IMAGE_METHODS))
    levels = ["auto"] if track else list(backgrounds)
    for name in chosen:
        find_method(name)
    for name in levels:
        if name not in BACKGROUNDS:
            raise YaotanError(
                f"{name!r} is no background", where="backgrounds", expected=", ".join(BACKGROUNDS)
            )
    if not winds or not levels:
        raise YaotanError("there is no member", where="ensemble", expected="a wind and a background at least")
    runs = list(product(chosen, winds, levels))
    told = {method: options_of(method, options or {}, shape_from) for method in chosen}
    found: dict[tuple[str, str, str], list[PlumeResult]] = {run: [] for run in runs}
    for place in range(len(sources)):
        row = sources.iloc[place : place + 1]
        # methods of one source share its frame, background and shape
        with shared_work():
            for method, wind, level in runs:
                own = {**told[method], **BACKGROUNDS[level]}
                found[method, wind, level] += run_method(data, row, winds[wind], method, on_error, own)
    return [Member(*run, tuple(found[run])) for run in runs]


def options_of(method: str, options: Mapping[str, Any], shape_from: str | None) -> dict[str, Any]:
    """Give the options of one method: those of all, a second gas where it takes one, those of it alone.

    Examples
    --------
    >>> options_of("ime", {"length": 6e4, "ime": {"corridor": 1.5}, "gaussian": {"spread": 90.0}}, "no2")
    {'length': 60000.0, 'shape_from': 'no2', 'corridor': 1.5}
    """
    made = {name: value for name, value in options.items() if not isinstance(value, Mapping)}
    if shape_from is not None and method in _SHAPED:
        made["shape_from"] = shape_from
    return made | dict(options.get(method, {}))


def combine_members(
    members: Sequence[Member],
    sources: gpd.GeoDataFrame,
    data: xr.Dataset,
    *,
    options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Combine members for each source.

    Parameters
    ----------
    members : sequence of Member
        Of `run_members`.
    sources : geopandas.GeoDataFrame
        The same table.
    data : xarray.Dataset
        The same data; for records.
    options : mapping, optional
        What goes into the record.

    Returns
    -------
    xarray.Dataset
        Estimate with the dims ``source`` and ``member``: ``emission`` and its terms (`combine`; ``method`` is
        what methods disagree), ``chi_square``, ``degrees_of_freedom``, ``chi_square_probability``,
        ``i_squared``, ``spread_method``, ``spread_wind``, ``spread_background``, ``member_count``; and for
        each member ``member_emission``, ``member_emission_uncertainty`` and terms, ``member_weight``,
        ``member_status``, ``member_caution``, ``member_reason``, ``member_wind_speed``; coordinates
        ``member``, ``member_method``, ``member_wind``, ``member_background``. Attribute ``error_correlation``
        (JSON): correlation of errors by term between methods, winds, backgrounds; 1 where none is named.

    Notes
    -----
    A member without an emission takes no part and stays in the table with its status. Where none has one, the
    status is that of the first member. A caution is taken over when members with at least half of the weight
    have it.
    """
    joined, weights = [], np.zeros((len(sources), len(members)))
    for place in range(len(sources)):
        result, own = join_results(members, [member.results[place] for member in members])
        joined.append(result)
        weights[place] = own
    estimate = make_estimate(
        joined,
        sources,
        method="ensemble",
        substance=str(data.attrs.get("plume_substance", "unknown")),
        corrections=list_corrections(data),
        provenance=describe_data(data),
        options={key: value for key, value in (options or {}).items() if isinstance(value, (*PLAIN, dict))},
    )
    names = {"member": [member.name for member in members]}
    names |= {
        f"member_{part}": [getattr(member, part) for member in members]
        for part in ("method", "wind", "background")
    }
    estimate = estimate.assign_coords({name: ("member", texts) for name, texts in names.items()})
    rules = {"methods": BETWEEN_METHODS, "winds": BETWEEN_WINDS, "backgrounds": BETWEEN_BACKGROUNDS}
    estimate = estimate.assign_attrs(error_correlation=json.dumps(rules))
    return check_plume_estimate(estimate.assign(_member_table(members, len(sources), weights)))


def join_results(
    members: Sequence[Member], results: Sequence[PlumeResult]
) -> tuple[PlumeResult, np.ndarray[Any, Any]]:
    """Join what the members found for one source.

    Returns
    -------
    PlumeResult
        Of the ensemble.
    numpy.ndarray
        Weight of each member; 0 of those without an emission.
    """
    weights = np.zeros(len(members))
    held = [k for k, one in enumerate(results) if one.status == "estimated" and one.uncertainty > 0.0]
    if not held:
        first = results[0]
        details = _details(None, 0)
        return replace(first, emission=math.nan, terms={}, details=details, cautions=(), fit=None), weights
    made = combine(
        [
            Estimated(
                members[k].method,
                members[k].wind,
                members[k].background,
                results[k].emission,
                results[k].terms,
            )
            for k in held
        ]
    )
    weights[held] = made.weights
    carried = {
        name: sum(weights[k] for k in held if name in results[k].cautions)
        for name in CAUTION
        if name != "negative"
    }
    cautions = [name for name, share in carried.items() if share >= 0.5]
    cautions += ["negative"] if made.emission < 0.0 else []
    times = [results[k].time for k in held if results[k].time is not None]
    return PlumeResult(
        made.emission,
        made.terms,
        cautions=cautions,
        wind=_mean_wind([results[k].wind for k in held], made.weights),
        time=times[0] if times else None,
        details=_details(made, len(held)),
    ), weights


def _mean_wind(winds: Sequence[EffectiveWind | None], weights: Any) -> EffectiveWind | None:
    """Mean of the members' winds, by weight; what is said of its height and error is of the heaviest."""
    known = [(wind, weight) for wind, weight in zip(winds, weights, strict=True) if wind is not None]
    if not known:
        return None
    total = sum(weight for _, weight in known)
    u, v = (sum(getattr(wind, axis) * weight for wind, weight in known) / total for axis in "uv")
    return replace(max(known, key=lambda one: one[1])[0], u=float(u), v=float(v))


def _details(made: Combination | None, count: int) -> dict[str, tuple[float, str]]:
    numbers = {"member_count": (float(count), "1")}
    if made is None:
        return numbers
    numbers |= {
        "chi_square": (made.chi_square, "1"),
        "degrees_of_freedom": (float(made.degrees), "1"),
        "chi_square_probability": (made.probability, "1"),
        "i_squared": (made.share, "1"),
    }
    return numbers | {f"spread_{name}": (sigma, "kg s-1") for name, sigma in made.spreads.items()}


def _member_table(members: Sequence[Member], count: int, weights: Any) -> dict[str, Any]:
    """Variables of the members, dims ``source, member``."""
    dims = ("source", "member")
    rows = [[member.results[place] for member in members] for place in range(count)]

    def numbers(make: Any, text: str, units: str = "kg s-1") -> tuple[Any, ...]:
        values = np.array([[make(one) for one in row] for row in rows], float)
        return dims, values.reshape(count, len(members)), {"units": units, "long_name": text}

    terms = [term for term in TERMS if any(term in one.terms for row in rows for one in row)]
    table: dict[str, Any] = {
        "member_emission": numbers(lambda one: one.emission, "emission by member"),
        "member_emission_uncertainty": numbers(lambda one: one.uncertainty, "standard error by member"),
        "member_wind_speed": numbers(
            lambda one: one.wind.speed if one.wind else math.nan, "wind of the member", "m s-1"
        ),
        "member_weight": (dims, weights, {"units": "1", "long_name": "weight in the mean"}),
    }
    for term in terms:
        table[f"member_emission_uncertainty_{term}"] = numbers(
            lambda one, term=term: one.terms.get(term, 0.0) if math.isfinite(one.emission) else math.nan,
            f"standard error by member: {TERMS[term]}",
        )
    codes = np.array([[STATUS.index(one.status) for one in row] for row in rows], np.uint8)
    flags = {"flag_values": np.arange(len(STATUS), dtype=np.uint8), "flag_meanings": " ".join(STATUS)}
    table["member_status"] = (dims, codes, flags)
    bits = np.array(
        [[sum(1 << CAUTION.index(name) for name in set(one.cautions)) for one in row] for row in rows],
        np.uint16,
    )
    masks = (1 << np.arange(len(CAUTION))).astype(np.uint16)
    table["member_caution"] = (dims, bits, {"flag_masks": masks, "flag_meanings": " ".join(CAUTION)})
    table["member_reason"] = (dims, np.array([[one.reason for one in row] for row in rows], dtype=str))
    return table
