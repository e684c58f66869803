"""Columns with another prior, and profiles as a satellite would report them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.column.kernel.operator import Operator, operator_of
from yaotan.column.kernel.overlap import rebin
from yaotan.column.kernel.profile import PRESSURE, Climatology, Profile, computed_profile, table_profile
from yaotan.errors import SchemaError
from yaotan.grid.sample import sample_grid

#: What became of each sounding, in the order of the flag values.
STATUS: Final = ("done", "missing_value", "pressure_not_falling", "profile_does_not_reach")

Given = Profile | xr.Dataset | Climatology


def harmonise_prior(
    soundings: xr.Dataset,
    prior: Given,
    *,
    column: str | None = None,
    convert: bool = False,
    reach: float = 0.1,
) -> xr.Dataset:
    r"""Change the prior that columns were retrieved with to another one.

    .. math:: X' = X + \sum_l h_l (1 - a_l) (x^c_l - x^a_l)

    with pressure weights h, column averaging kernel a, own prior :math:`x^a` and new one :math:`x^c` on the
    sounding's own vertical grid (Rodgers and Connor 2003, doi:10.1029/2002JD002299, linear retrieval; used so
    in EMMA, Reuter et al. 2013, doi:10.5194/acp-13-1771-2013). The new prior is brought to that grid with its
    partial columns conserved (`yaotan.column.kernel.overlap.rebin`).

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table with kernel, prior profile, pressure weights and pressures. Lazy stays lazy.
    prior : Profile, xarray.Dataset or callable
        A profile on pressure; another table of soundings, row by row the same (or of one row), whose prior
        is taken; a gridded field with dim ``level`` or ``layer``, sampled at the soundings with
        `sample_grid`; or a climatology ``f(time, latitude, longitude, pressure)`` with pressure
        ``(sounding, k)`` [hPa] that gives values ``(sounding, k)`` in the unit of the column.
    column : str, optional
        Column variable; default: the only one.
    convert : bool
        Take a prior on levels for soundings on layers or the other way round; refused unless asked for.
    reach : float
        Largest share of a sounding's pressure range that the prior may leave out at its ends; its end value
        is taken there.

    Returns
    -------
    xarray.Dataset
        As `soundings`, with the new ``<v>`` , ``<v>_prior`` and ``<gas>_prior_profile``; added are
        ``<v>_prior_adjustment`` (new minus old) and ``<v>_prior_status`` (uint8 with flag meanings: ``done``,
        ``missing_value``, ``pressure_not_falling``, ``profile_does_not_reach``; the column is NaN but
        where done). ``attrs["prior"]`` names the prior.

    Raises
    ------
    SchemaError
        Kernel, weights, prior or pressures are missing; levels and layers are mixed; tables do not fit.
    UnitsError
        The prior is in a unit that is not a mole fraction.

    Notes
    -----
    Linear: large differences of priors move a retrieval beyond what its kernel says. Uncertainties stay as
    they are, and so does ``<v>_raw``. A kernel of 1 or an equal prior changes nothing; a kernel of 0 gives
    the column of the new prior.

    Examples
    --------
    >>> table = xr.Dataset(
    ...     {"xco2": ("sounding", [400.0]), "pressure_weight": (("sounding", "layer"), [[0.5, 0.5]]),
    ...      "xco2_averaging_kernel": (("sounding", "layer"), [[1.0, 0.5]]),
    ...      "co2_prior_profile": (("sounding", "layer"), [[400.0, 390.0]], {"units": "ppm"}),
    ...      "pressure_edge": (("sounding", "edge"), [[1000.0, 500.0, 0.0]])})
    >>> new = harmonise_prior(table, Profile([400.0, 394.0], [1000.0, 500.0, 0.0], "layer", "ppm"))
    >>> float(new.xco2[0]), float(new.xco2_prior[0])
    (401.0, 397.0)
    """
    operator = operator_of(soundings, column)
    profile = find_profile(prior, soundings, operator)
    moved, new_prior, fine, status = _apply(
        _exchange, soundings, operator, profile, convert or callable(prior), reach
    )
    name = operator.column
    old = soundings[name]
    like = {key: value for key, value in old.attrs.items() if key == "units"}
    made = soundings.assign(
        {
            name: moved.assign_attrs(old.attrs),
            f"{name}_prior": new_prior.assign_attrs({"units": operator.units}),
            f"{operator.gas}_prior_profile": fine.assign_attrs(operator.prior.attrs),
            f"{name}_prior_adjustment": (moved - old).assign_attrs(
                like, long_name=f"{name} with the common prior minus {name} with its own"
            ),
            f"{name}_prior_status": flagged(status),
        }
    )
    return made.assign_attrs(prior=profile.name)


def smooth_profile(
    profile: Given,
    soundings: xr.Dataset,
    *,
    column: str | None = None,
    convert: bool = False,
    reach: float = 0.1,
) -> xr.Dataset:
    r"""Give the columns that a satellite would report of given profiles.

    .. math:: X_s = \sum_l h_l (x^a_l + a_l (x_l - x^a_l))

    (Rodgers and Connor 2003, doi:10.1029/2002JD002299; Connor et al. 2008, doi:10.1029/2006JD008336.)

    Parameters
    ----------
    profile : Profile, xarray.Dataset or callable
        What is seen: as the prior of `harmonise_prior` (of a table of soundings, its prior profile).
    soundings : xarray.Dataset
        Soundings table with kernel, prior profile, pressure weights and pressures.
    column, convert, reach
        As in `harmonise_prior`.

    Returns
    -------
    xarray.Dataset
        Dim ``sounding``: ``<v>``; ``<v>_unsmoothed``, the same with a kernel of 1; ``<v>_status`` as in
        `harmonise_prior`.

    Raises
    ------
    SchemaError, UnitsError
        As `harmonise_prior`.

    Examples
    --------
    >>> table = xr.Dataset(
    ...     {"xco2": ("sounding", [400.0]), "pressure_weight": (("sounding", "layer"), [[0.5, 0.5]]),
    ...      "xco2_averaging_kernel": (("sounding", "layer"), [[1.0, 0.5]]),
    ...      "co2_prior_profile": (("sounding", "layer"), [[400.0, 390.0]], {"units": "ppm"}),
    ...      "pressure_edge": (("sounding", "edge"), [[1000.0, 500.0, 0.0]])})
    >>> seen = smooth_profile(Profile([402.0, 398.0], [1000.0, 500.0, 0.0], "layer", "ppm"), table)
    >>> float(seen.xco2[0]), float(seen.xco2_unsmoothed[0])
    (398.0, 400.0)
    """
    operator = operator_of(soundings, column)
    given = find_profile(profile, soundings, operator)
    seen, plain, _, status = _apply(_smooth, soundings, operator, given, convert or callable(profile), reach)
    name, units = operator.column, {"units": operator.units}
    variables = {name: seen.assign_attrs(units), f"{name}_unsmoothed": plain.assign_attrs(units)}
    attrs = {"profile": given.name, "product": soundings.attrs.get("product", "")}
    return xr.Dataset({**variables, f"{name}_status": flagged(status)}, attrs=attrs)


def find_profile(given: Given, soundings: xr.Dataset, operator: Operator) -> Profile:
    """Turn any kind of given profile into one on pressure at each sounding."""
    if isinstance(given, Profile):
        profile = given
    elif isinstance(given, xr.Dataset):
        table = given if "sounding" in given.dims else sample_grid(given, soundings)
        profile = table_profile(table, operator.gas)
    elif callable(given):
        profile = computed_profile(given, soundings, operator.pressure, operator.column)
    else:
        raise SchemaError(
            f"a {type(given).__name__} is no profile",
            expected="a Profile, a table of soundings, a gridded field, or a function",
        )
    rows = profile.values.shape[0] if np.ndim(profile.values) == 2 else 1
    if rows not in (1, soundings.sizes["sounding"]):
        raise SchemaError(
            f"{rows} profiles are given for {soundings.sizes['sounding']} soundings",
            where=profile.name,
            expected="one for each, or one for all",
            fix="bring them to the soundings first (table_profile(..., rows=...), sample_grid)",
        )
    return profile


def flagged(status: xr.DataArray) -> xr.DataArray:
    """Give a status its flag attributes."""
    return status.assign_attrs(
        flag_values=np.arange(len(STATUS), dtype=np.uint8), flag_meanings=" ".join(STATUS)
    )


def _apply(
    function: Callable[..., Any],
    soundings: xr.Dataset,
    operator: Operator,
    profile: Profile,
    convert: bool,
    reach: float,
) -> tuple[xr.DataArray, ...]:
    """Run one computation on blocks of soundings; lazy when anything is."""
    if profile.kind != operator.kind and not convert:
        raise SchemaError(
            f"the profile is on {profile.kind}s, the soundings are on {operator.kind}s",
            where=profile.name,
            expected="one vertical kind",
            fix="convert=True integrates piecewise linear levels over layers, or layers under hat functions",
        )
    values, pressure = profile.arrays(operator.units)
    if values.ndim == 2 and values.sizes["sounding"] == 1 != soundings.sizes["sounding"]:
        values = values.isel(sounding=0)
    if pressure.ndim == 2 and pressure.sizes["sounding"] == 1 != soundings.sizes["sounding"]:
        pressure = pressure.isel(sounding=0)
    vertical, edge = str(operator.kind), PRESSURE[operator.kind][0]
    parts: tuple[tuple[xr.DataArray, list[str]], ...] = (
        (soundings[operator.column], []),
        (operator.weight, [vertical]),
        (operator.kernel, [vertical]),
        (operator.prior, [vertical]),
        (operator.pressure, [edge]),
        (values, ["profile_value"]),
        (pressure, ["profile_pressure"]),
    )
    arrays = [_whole(array, dims) for array, dims in parts]
    return xr.apply_ufunc(
        function,
        *arrays,
        input_core_dims=[dims for _, dims in parts],
        output_core_dims=[[], [], [vertical], []],
        kwargs={"kinds": (profile.kind, operator.kind), "reach": reach},
        dask="parallelized",
        output_dtypes=[float, float, float, np.uint8],
    )


def _whole(array: xr.DataArray, dims: list[str]) -> xr.DataArray:
    """Bare values (no coordinates to be aligned), the vertical in one chunk."""
    bare = array.variable
    return xr.DataArray(bare.chunk(dict.fromkeys(dims, -1)) if bare.chunks and dims else bare)


def _exchange(x: Any, h: Any, a: Any, xa: Any, p: Any, new: Any, at: Any, **options: Any) -> tuple[Any, ...]:
    fine, status = _on_grid(h, (x, a, xa), p, new, at, **options)
    used = h != 0.0  # levels below the ground have no weight, and often no kernel
    shift = np.where(used, h * (1.0 - a) * (fine - xa), 0.0).sum(axis=-1)
    column = np.where(used, h * fine, 0.0).sum(axis=-1)
    bad = status != 0
    fine = np.where(bad[:, None], np.nan, fine)
    return np.where(bad, np.nan, x + shift), np.where(bad, np.nan, column), fine, status


def _smooth(x: Any, h: Any, a: Any, xa: Any, p: Any, new: Any, at: Any, **options: Any) -> tuple[Any, ...]:
    fine, status = _on_grid(h, (a, xa), p, new, at, **options)
    used, bad = h != 0.0, status != 0
    seen = np.where(used, h * (xa + a * (fine - xa)), 0.0).sum(axis=-1)
    plain = np.where(used, h * fine, 0.0).sum(axis=-1)
    return np.where(bad, np.nan, seen), np.where(bad, np.nan, plain), fine, status


def _on_grid(
    h: Any, needed: Any, p: Any, new: Any, at: Any, *, kinds: tuple[str, str], reach: float
) -> tuple[Any, Any]:
    """Bring the profile to the grid of the soundings, and say where that cannot be relied on."""
    if np.nanmedian(at[..., -1] - at[..., 0]) > 0.0:  # from the top down
        new, at = new[..., ::-1], at[..., ::-1]
    fine, outside = rebin(new, at, kinds[0], p, kinds[1])
    if len(fine) != len(h):
        fine, outside = np.repeat(fine, len(h), axis=0), np.repeat(outside, len(h))
    whole = np.isfinite(h).all(axis=1)
    for array in (*needed, fine):
        array = array[:, None] if array.ndim == 1 else array
        whole &= (np.isfinite(array) | (h == 0.0)).all(axis=1)
    status = np.zeros(len(h), np.uint8)
    status[outside > reach] = 3
    status[~whole] = 1
    status[np.isnan(outside)] = 2
    return fine, status
