"""Soundings against another satellite or a model: overpass means in cells, and their partners."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.column.kernel.harmonise import harmonise_prior, smooth_profile
from yaotan.column.kernel.profile import table_profile
from yaotan.column.validation.average import group_mean, group_sigma, group_spread
from yaotan.column.validation.candidate import Candidates, read_blocks
from yaotan.column.validation.match import count_status, select
from yaotan.column.validation.option import Options
from yaotan.column.validation.pairing import Context, Rows, sounding_means
from yaotan.errors import SchemaError
from yaotan.geodesy import AUTHALIC_RADIUS, distance, sphere_point
from yaotan.grid.sample import sample_grid
from yaotan.uncertainty import number_overpasses

Floats: TypeAlias = NDArray[np.float64]

#: Side of the boxes that stand for stations [degrees].
_REGION: Final = 10.0
#: Soundings whose profiles are in memory at once.
_BLOCK: Final = 1 << 16


def pair_cells(context: Context, reference: xr.Dataset) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Pair overpass means in cells with another satellite's soundings, or with a model at every sounding."""
    if context.options.method == "temperature":
        raise SchemaError(
            'method="temperature" pairs days of a station', where="collocate", fix="use box or radius"
        )
    found, lost = _all(context.soundings, context)
    group, size = _cells(found, context.options)
    if "sounding" in reference.dims:
        rows, used, gone = _satellite(found, group, size, reference, context)
    else:
        rows, used, gone = _model(found, group, size, reference, context)
    lost.update(gone)
    regions = _regions(rows["latitude"], rows["longitude"])
    parts = {
        str(name): {key: array[regions == name] for key, array in rows.items()} for name in np.unique(regions)
    }
    return parts, {"soundings": dict(sorted((+lost).items())), "reference": used}


def _all(soundings: xr.Dataset, context: Context) -> tuple[Candidates, Counter[str]]:
    blocks, lost = [], Counter[str]()
    for block, gone in read_blocks(soundings, context.column, context.options):
        blocks.append(block)
        lost.update(gone)
    names = vars(blocks[0])
    return Candidates(*(np.concatenate([getattr(b, name) for b in blocks]) for name in names)), lost


def _cells(found: Candidates, options: Options) -> tuple[Any, int]:
    """Number the cells that each overpass's soundings fall in."""
    high, wide = options.half_box
    if options.is_round:
        high = float(np.degrees(options.radius / AUTHALIC_RADIUS))
        row = np.floor(found.latitude / high)
        wide_of = high / np.maximum(np.cos(np.radians((row + 0.5) * high)), 1e-3)
    else:
        row, wide_of = np.floor(found.latitude / high), np.full(len(found), wide)
    overpass = number_overpasses(found.time) if len(found) else np.zeros(0, int)
    key = np.stack([overpass, row, np.floor(np.mod(found.longitude, 360.0) / wide_of)])
    _, group = np.unique(key, axis=1, return_inverse=True)
    group = group.ravel()
    return group, int(group.max(initial=-1)) + 1


def _satellite(
    found: Candidates, group: Any, size: int, reference: xr.Dataset, context: Context
) -> tuple[Rows, dict[str, int], Counter[str]]:
    from scipy.spatial import cKDTree

    options = context.options
    other, unusable = _all(reference, Context(reference, context.column, replace(options, carry=())))
    place = sounding_means(found, found.value, group, size, options)
    tree = cKDTree(sphere_point(other.latitude, other.longitude))
    centres = sphere_point(place["latitude"], place["longitude"])
    near = tree.query_ball_point(centres, _chord(options, place["latitude"]), return_sorted=True)
    partners = []
    for k, rows in enumerate(near):
        index = np.asarray(rows, int)
        fine = np.abs(other.time[index] - place["moment"][k]) <= options.half_window
        if not options.is_round:
            north = np.abs(other.latitude[index] - place["latitude"][k]) <= options.half_box[0]
            east = np.abs(np.mod(other.longitude[index] - place["longitude"][k] + 180.0, 360.0) - 180.0)
            fine &= north & (east <= options.half_box[1])
        partners.append(index[fine])
    count = np.bincount(group, minlength=size)
    number = np.array([p.size for p in partners], int)
    paired = (number >= options.minimum_spectra) & (count >= options.minimum_soundings)
    lost = Counter(
        {
            "no_partner": int(count[number < options.minimum_spectra].sum()),
            "too_few_soundings": int(count[(number >= options.minimum_spectra) & ~paired].sum()),
        }
    )
    value = found.value
    pick = np.concatenate(
        [*(p for p, ok in zip(partners, paired, strict=True) if ok), np.zeros(0, int)]
    ).astype(int)
    owner = np.repeat(np.arange(size), np.where(paired, number, 0))
    if options.kernel != "none":
        value, more = _common(found, group, paired, other, pick, owner, reference, context)
        lost.update(more)
    return _averages(found, value, group, paired, other, pick, owner, options), dict(unusable), lost


def _common(
    found: Candidates,
    group: Any,
    paired: Any,
    other: Candidates,
    pick: Any,
    owner: Any,
    reference: xr.Dataset,
    context: Context,
) -> tuple[Floats, Counter[str]]:
    """Bring the first satellite's soundings to the prior of the partner nearest to the cell's start."""
    if context.options.kernel == "smooth":
        raise SchemaError(
            'kernel="smooth" needs profiles; another satellite has columns',
            where="collocate",
            fix='kernel="common_prior" brings both to one prior',
        )
    size = paired.size
    first = np.zeros(size, int)
    first[owner[::-1]] = other.row[pick[::-1]]
    rows = np.flatnonzero(paired[group])
    table = select(context.soundings, context.column, found.row[rows])
    prior = table_profile(reference, gases()[context.column].gas, rows=first[group[rows]])
    made = harmonise_prior(
        table, prior, column=context.column, convert=context.options.convert, reach=context.options.reach
    )
    value = found.value.copy()
    value[rows] = made[context.column].values
    return value, count_status(made[f"{context.column}_prior_status"].values)


def _averages(
    found: Candidates,
    value: Floats,
    group: Any,
    paired: Any,
    other: Candidates,
    pick: Any,
    owner: Any,
    options: Options,
) -> Rows:
    size = paired.size
    whole = np.isfinite(value) & paired[group]
    found, value, group = found.take(whole), value[whole], group[whole]
    rows = sounding_means(found, value, group, size, options)
    partner = other.take(pick)
    rows |= {
        "reference": group_mean(partner.value, owner, size),
        "reference_uncertainty": group_sigma(partner.sigma, owner, size, options.overpass_correlation),
        "reference_spread": group_spread(partner.value, owner, size),
        "reference_count": np.bincount(owner, minlength=size),
        "time": rows["moment"],
        "time_difference": (group_mean(partner.time.astype(float), owner, size) - rows["moment"]) / 1e9,
    }
    gap = distance(rows["latitude"][owner], rows["longitude"][owner], partner.latitude, partner.longitude)
    rows["distance"] = group_mean(gap, owner, size)
    rows.pop("moment")
    left = paired & (rows["value_count"] >= options.minimum_soundings)
    return {key: array[left] for key, array in rows.items()}


def _model(
    found: Candidates, group: Any, size: int, grid: xr.Dataset, context: Context
) -> tuple[Rows, dict[str, int], Counter[str]]:
    column, options = context.column, context.options
    points = xr.Dataset(
        {
            "latitude": ("sounding", found.latitude),
            "longitude": ("sounding", found.longitude),
            "time": ("sounding", found.time.astype("datetime64[ns]")),
        }
    )
    lost = Counter[str]()
    if options.kernel == "none":
        if column not in grid:
            raise SchemaError(
                f"the grid has no {column}", where="collocate", fix='kernel="smooth" sees its profile'
            )
        seen = sample_grid(grid, points, variables=[column])[column].values
    elif options.kernel == "smooth":
        seen = np.empty(len(found))
        for start in range(0, len(found), _BLOCK):
            part = slice(start, start + _BLOCK)
            table = select(context.soundings, column, found.row[part])
            made = smooth_profile(grid, table, column=column, convert=options.convert, reach=options.reach)
            seen[part] = made[column].values
            lost.update(count_status(made[f"{column}_status"].values))
    else:
        raise SchemaError(
            'kernel="common_prior" with a model',
            where="collocate",
            fix='kernel="smooth" sees the profile of the model through kernel and prior',
        )
    whole = np.isfinite(seen)
    lost["no_model_value"] += int((~whole).sum()) - sum(lost.values())
    found, group, seen = found.take(whole), group[whole], seen[whole]
    rows = sounding_means(found, found.value, group, size, options)
    count = rows["value_count"]
    left = count >= options.minimum_soundings
    lost["too_few_soundings"] += int(count[~left].sum())
    rows |= {
        "reference": group_mean(seen, group, size),
        "reference_uncertainty": np.full(size, np.nan),
        "reference_spread": group_spread(seen, group, size),
        "reference_count": count,
        "distance": np.zeros(size),
        "time": rows.pop("moment"),
        "time_difference": np.zeros(size),
    }
    return {key: array[left] for key, array in rows.items()}, {}, lost


def _chord(options: Options, lat: Floats) -> Floats:
    """Chord that reaches every place that may be a partner [m]."""
    if options.is_round:
        arc = np.full(lat.shape, options.radius)
    else:
        high, wide = options.half_box
        # a parallel is longer than the great circle, and longest nearest the equator
        low = np.cos(np.radians(np.maximum(np.abs(lat) - high, 0.0)))
        arc = AUTHALIC_RADIUS * np.radians(np.hypot(high, wide * low)) * 1.01
    return 2.0 * AUTHALIC_RADIUS * np.sin(np.minimum(arc / (2.0 * AUTHALIC_RADIUS), np.pi / 2.0)) + 1.0


def _regions(lat: Floats, lon: Floats) -> Any:
    north = (np.floor(lat / _REGION) * _REGION + _REGION / 2.0).astype(int)
    east = (np.floor(lon / _REGION) * _REGION + _REGION / 2.0).astype(int)
    return np.array(
        [f"{abs(a)}{'NS'[int(a < 0)]} {abs(b)}{'EW'[int(b < 0)]}" for a, b in zip(north, east, strict=True)],
        dtype="U12",
    )
