"""Soundings to a grid: weights from footprints, sums by cell and period, uncertainty by term."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.errors import GridError
from yaotan.grid import kernel
from yaotan.grid.describe import describe_losses, describe_unknown
from yaotan.grid.finalise import assemble, from_sums, time_coords
from yaotan.grid.footprint import (
    VALUE_REASONS,
    Source,
    Survey,
    choose_bias,
    choose_variables,
    survey,
)
from yaotan.grid.period import PeriodRule, Periods, make_periods
from yaotan.grid.response import SuperGaussian
from yaotan.grid.spec import GridSpec
from yaotan.grid.state import CellSums, FrozenSums

Weight = Literal["centre", "area", "footprint", "response"]
Plane = Literal["geographic", "equal_area"]

_MODES: Final = {
    "centre": kernel.CENTRE,
    "area": kernel.AREA,
    "footprint": kernel.FOOTPRINT,
    "response": kernel.RESPONSE,
}
_RULES: Final = {
    "centre": "1 if the centre of the sounding lies in the cell",
    "area": "share of the cell that the footprint covers",
    "footprint": "share of the footprint that lies in the cell",
    "response": "integral of the super-Gaussian response over the cell, over the area of the footprint",
}


def grid_soundings(
    soundings: xr.Dataset,
    spec: GridSpec,
    *,
    variables: Sequence[str] | None = None,
    period: PeriodRule = None,
    weight: Weight = "area",
    plane: Plane = "geographic",
    response: SuperGaussian | None = None,
    systematic: float | str | Mapping[str, float | str] | None = None,
    overpass_correlation: float = 0.5,
    precision_weight: bool = False,
    footprint_area: float | None = None,
) -> xr.Dataset:
    """Average soundings on a grid, with the uncertainty of each cell by term.

    The mean of a cell is ``sum(p w x) / sum(p w)``, `w` from the weight rule and ``p = 1`` (or ``1 / u^2``).
    Soundings are read once, chunk by chunk; memory follows the number of cells met, not the number of files.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings (see `yaotan.schema`), lazy or in memory. Screen them first: no flag is looked at.
    spec : GridSpec
        The cells.
    variables : sequence of str, optional
        What to average; all column variables by default. Any real quantity of a sounding may be named.
    period : None, str or sequence of (start, end)
        Cells in time: None (one over everything), ``"day"``, ``"month"``, ``"season"``, ``"year"``, a
        duration such as ``"8D"`` (counted from 1970-01-01), or intervals.
    weight : {"area", "centre", "footprint", "response"}
        Share of the cell that the footprint covers; 1 for the cell of the centre; share of the footprint in
        the cell (each sounding counts once in total); or super-Gaussian response for oversampling.
    plane : {"geographic", "equal_area"}
        Shares are taken in longitude and latitude, or in longitude and sine of latitude (for conserved
        totals). A projected grid uses its own plane.
    response : SuperGaussian, optional
        Shape of the response; only with ``weight="response"``.
    systematic : float, str or mapping, optional
        Fully correlated 1 sigma error in the unit of the variable: a number, the name of a variable of the
        soundings, or one of the two for each variable. None: no such error is added.
    overpass_correlation : float
        Correlation of random errors inside one cell and one overpass (soundings of the same half hour).
    precision_weight : bool
        Weight by ``1 / u^2`` too. It biases the mean where `u` depends on the value.
    footprint_area : float, optional
        Nominal footprint [m2] for soundings without area or corners: its share goes to the centre's cell.
        None: such footprints are rejected and counted.

    Returns
    -------
    xarray.Dataset
        Dims ``(time, lat, lon)`` or ``(time, y, x)``; for each variable `v` the mean, ``v_count``,
        ``v_uncertainty`` and its terms, ``v_spread``, ``v_standard_error``, ``v_coverage`` and the sums they
        come from. Lazy: a band of rows is filled only when it is computed. ``attrs["rejected"]`` counts in
        JSON what was left out, by reason.

    Raises
    ------
    GridError
        An option is impossible, or the soundings lack what the weight needs.
    TooFewSoundingsError
        There is no sounding, or none with a time.

    See Also
    --------
    merge_grids : join grids of parts.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> soundings = xr.Dataset(
    ...     {
    ...         "time": ("sounding", np.array(["2024-06-01T05:00"] * 2, "datetime64[ns]")),
    ...         "latitude": ("sounding", [10.5, 10.5]),
    ...         "longitude": ("sounding", [20.5, 21.0]),
    ...         "latitude_corner": (("sounding", "corner"), [[10, 10, 11, 11]] * 2),
    ...         "longitude_corner": (("sounding", "corner"), [[20, 21, 21, 20], [20.5, 21.5, 21.5, 20.5]]),
    ...         "xco2": ("sounding", [410.0, 413.0], {"units": "ppm"}),
    ...         "xco2_uncertainty": ("sounding", [0.5, 0.5], {"units": "ppm"}),
    ...     }
    ... )
    >>> grid = grid_soundings(soundings, GridSpec.regular(1.0, (20, 10, 22, 11)))
    >>> grid["xco2"].values.round(6).tolist()
    [[[411.0, 413.0]]]
    """
    _check_options(weight, plane, response, overpass_correlation, footprint_area, spec)
    source = _source(soundings, spec, variables, weight, plane, systematic, footprint_area)
    if precision_weight and None in source.sigma:
        raise GridError(
            "precision_weight needs <variable>_uncertainty",
            where="grid_soundings",
            fix="precision_weight=False",
        )
    look = survey(source)
    periods = make_periods(period, look.first, look.last)
    reference = [_reference(name) for name in source.variables]
    shape = response or SuperGaussian()
    options = (
        bool(precision_weight),
        _MODES[weight],
        shape.numbers(),
        float(footprint_area or np.nan),
        shape.margin() if weight == "response" else 0.0,
    )
    sums, rejected, lost = _accumulate(source, look, periods, options, np.array(reference))
    comments = describe_unknown(source, systematic, weight == "centre" and footprint_area is None)
    out = _dataset(source, sums.freeze(), periods, overpass_correlation, reference, comments)
    out.attrs = describe_losses(soundings, source, rejected, lost) | {
        "weight": weight,
        "weight_rule": _RULES[weight] + (", times 1 / u^2" if precision_weight else ""),
        "precision_weight": str(precision_weight).lower(),
        "plane": plane if spec.is_geographic else "projected",
        "period": periods.rule,
        "overpass_correlation": float(overpass_correlation),
        "footprint_area": float(footprint_area or 0.0),
    }
    if weight == "response":
        out.attrs["response"] = json.dumps(vars(shape))
    return out


def _check_options(
    weight: str,
    plane: str,
    response: SuperGaussian | None,
    correlation: float,
    footprint_area: float | None,
    spec: GridSpec,
) -> None:
    where = "grid_soundings"
    if not isinstance(spec, GridSpec):
        raise GridError(f"spec is a {type(spec).__name__}", where=where, fix="GridSpec.regular(...)")
    if weight not in _MODES:
        raise GridError(f"weight is {weight!r}", where=where, expected=f"one of {', '.join(_MODES)}")
    if plane not in ("geographic", "equal_area"):
        raise GridError(f"plane is {plane!r}", where=where, expected="geographic or equal_area")
    if plane == "equal_area" and not spec.is_geographic:
        raise GridError("plane='equal_area' has no meaning on a projected grid", where=where)
    if response is not None and (weight != "response" or not isinstance(response, SuperGaussian)):
        raise GridError("response belongs to weight='response'", where=where, expected="a SuperGaussian")
    if not 0.0 <= correlation <= 1.0:
        raise GridError(f"overpass_correlation is {correlation!r}", where=where, expected="from 0 to 1")
    if footprint_area is not None and not 0.0 < footprint_area < np.inf:
        raise GridError(
            f"footprint_area is {footprint_area!r}", where=where, expected="square metres above 0"
        )


def _source(
    soundings: xr.Dataset,
    spec: GridSpec,
    variables: Sequence[str] | None,
    weight: str,
    plane: str,
    systematic: float | str | Mapping[str, float | str] | None,
    footprint_area: float | None,
) -> Source:
    for name in ("time", "latitude", "longitude"):
        if name not in soundings.variables:
            raise GridError(f"soundings lack {name!r}", where="grid_soundings")
    names = choose_variables(soundings, variables)
    held = {"latitude_corner", "longitude_corner"} <= set(soundings.variables)
    if weight != "centre" and not held and (footprint_area is None or weight == "response"):
        raise GridError(
            f"soundings have no footprint corners, which weight={weight!r} needs",
            where="grid_soundings",
            expected="latitude_corner and longitude_corner",
            fix='use weight="centre", or give footprint_area= (square metres)',
        )
    sigma = tuple(n + "_uncertainty" if n + "_uncertainty" in soundings else None for n in names)
    bias = choose_bias(soundings, names, systematic)
    return Source(soundings, names, sigma, bias, spec, plane == "equal_area", held and weight != "centre")


def _reference(name: str) -> float:
    # one fixed value for each variable, so that sums of different files fit together
    entry = gases().get(name)
    return float(sum(entry.plausible) / 2) if entry else 0.0


def _grid_tuple(spec: GridSpec, equal_area: bool) -> tuple[Any, ...]:
    falls = bool(spec.y_edges[0] > spec.y_edges[-1])
    rising = np.sort(spec.y_edges)
    ye = np.sin(np.radians(rising)) if equal_area else rising
    xe = np.ascontiguousarray(spec.x_edges)
    inverse = [(e.size - 1) / (e[-1] - e[0]) for e in (ye, xe)]
    # edges are rounded to some 1e-16 of their size: what is closer to one lies on it
    tolerance = [4.0 * np.finfo(float).eps * np.abs(e).max() for e in (ye, xe)]
    pole = 1.0 if equal_area else 90.0
    area = spec.row_area()
    area = np.ascontiguousarray(area[::-1] if falls else area)
    finest = [1.0 / np.diff(e).min() for e in (ye, xe)]
    return ye, xe, *inverse, *tolerance, falls, spec.is_geographic, pole, area, *finest


def _overpasses(times: NDArray[np.int64], later: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the overpass of each sounding, and the first one that this or any later sounding belongs to."""
    numbers = times // kernel.PASS_NS + kernel.PASS_OFFSET
    coming = later // kernel.PASS_NS + kernel.PASS_OFFSET
    valid = np.where(times == np.iinfo(np.int64).min, coming, numbers)
    still_open = np.minimum(np.minimum.accumulate(valid[::-1])[::-1], coming)
    return numbers, np.ascontiguousarray(still_open)


def _accumulate(
    source: Source, look: Survey, periods: Periods, options: tuple[Any, ...], reference: NDArray[np.float64]
) -> tuple[CellSums, NDArray[np.int64], NDArray[np.int64]]:
    grid = _grid_tuple(source.spec, source.equal_area)
    sums = CellSums(len(source.variables))
    rejected = np.zeros(kernel.REASON_COUNT, dtype=np.int64)
    lost = np.zeros((len(source.variables), len(VALUE_REASONS)), dtype=np.int64)
    for span, later in zip(look.slices, look.later, strict=True):
        piece = source.read(span)
        values, sigma, bias, times = piece.data
        values -= reference[:, None]
        data = (values, sigma, bias, times, *_overpasses(times, later))
        index = periods.index(times)
        room = kernel.make_room(piece.corners[0].shape[1], len(source.variables))
        done = 0
        while True:
            done = kernel.bin_chunk(
                done,
                room,
                piece.points,
                piece.corners,
                index,
                data,
                options,
                grid,
                sums.state,
                lost,
                rejected,
            )
            if done == times.size:
                break
            sums.grow()
        sums.close_before(later)
    return sums, rejected, lost


def _dataset(
    source: Source,
    sums: FrozenSums,
    periods: Periods,
    correlation: float,
    reference: list[float],
    comments: list[dict[str, str]],
) -> xr.Dataset:
    spec = source.spec
    dims = ("time", *spec.dims)
    out: dict[str, Any] = {}
    shape = (periods.start.size, *spec.shape)
    for number, name in enumerate(source.variables):
        missing = comments[number]
        arrays = from_sums(sums, number, shape, correlation, reference[number], frozenset(missing))
        attrs = source.soundings[name].attrs
        out |= assemble(name, arrays, attrs, dims=dims, reference=reference[number], missing=missing)
    coords = time_coords(periods.start, periods.end).merge(spec.coords())
    return xr.Dataset(out, coords=coords.coords)
