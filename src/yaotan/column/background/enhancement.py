"""`enhancement`: what a column has above its background, and how sure that is."""

from __future__ import annotations

import numpy as np
import xarray as xr

from yaotan.column.background.background import Method
from yaotan.column.background.background import background as find
from yaotan.column.background.sample import take_sample
from yaotan.errors import SchemaError


def enhancement(
    soundings: xr.Dataset, *, background: xr.Dataset | Method = "band_median", variable: str | None = None
) -> xr.Dataset:
    r"""Column less its background, with uncertainty and significance.

    .. math:: \Delta = x - b, \quad u^2 = u_x^2 + u_b^2, \quad z = \Delta / \sqrt{\max(u_x, s)^2 + u_b^2}

    with :math:`u_x` the stated error of the sounding (the spread s of the background's soundings where none
    is stated) and :math:`u_b` that of the background. z counts scatter of the background that is not noise
    against an enhancement.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table.
    background : xarray.Dataset or str
        What `background` gave for these soundings, or a method, with its defaults.
    variable : str, optional
        Column variable; may be left out where there is one only.

    Returns
    -------
    xarray.Dataset
        The soundings with their background and ``<v>_enhancement``, ``<v>_enhancement_uncertainty`` (both in
        the unit of v) and ``<v>_enhancement_significance`` (1). NaN where there is no background, or no error
        of it.

    Raises
    ------
    SchemaError
        The background is of other soundings, or lacks the variable.
    YaotanError
        As `background`.

    Notes
    -----
    z is of one sounding: of 1,000 soundings without any source, 3 have abs(z) > 3, and neighbours share it.
    For areas take `yaotan.hot_spots`. What a background wrongly takes out is missing here.

    Examples
    --------
    >>> n = 24
    >>> table = xr.Dataset(
    ...     {
    ...         "time": ("sounding", np.datetime64("2020-01-01T05:00", "ns") + np.arange(n) * 15_000_000_000),
    ...         "latitude": ("sounding", np.linspace(20.1, 29.9, n)),
    ...         "longitude": ("sounding", np.full(n, 110.0)),
    ...         "xco2": ("sounding", 410 + 0.1 * (np.arange(n) % 3), {"units": "ppm"}),
    ...     }
    ... )
    >>> table["xco2"][9] += 5.0
    >>> found = enhancement(table)
    >>> float(found.xco2_enhancement[9].round(3)), bool(found.xco2_enhancement_significance[9] > 10)
    (4.9, True)
    """
    table = (
        find(soundings, method=background, variable=variable) if isinstance(background, str) else background
    )
    sample = take_sample(soundings, variable, 30.0)
    v = sample.variable
    if f"{v}_background" not in table or table.sizes["sounding"] != sample.value.size:
        raise SchemaError(
            f"this is no background of {v} of these soundings",
            where="enhancement",
            expected="what background gave",
        )
    if not np.array_equal(
        np.asarray(table["time"].values).astype("datetime64[ns]").astype(np.int64), sample.time
    ):
        raise SchemaError("the background is of other soundings: times differ", where="enhancement")
    level, error, spread = (table[f"{v}_background{end}"].values for end in ("", "_uncertainty", "_spread"))
    own = np.where(np.isfinite(sample.sigma), sample.sigma, spread)
    excess = np.where(np.isfinite(level), sample.value - level, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = excess / np.hypot(np.fmax(own, spread), error)
    units, words = {"units": sample.units}, table[f"{v}_background"].attrs
    about = {key: words[key] for key in ("method", "removes", "bias") if key in words}
    return table.assign(
        {
            f"{v}_enhancement": ("sounding", excess, {**units, **about}),
            f"{v}_enhancement_uncertainty": ("sounding", np.hypot(own, error), units),
            f"{v}_enhancement_significance": ("sounding", z, {"units": "1"}),
        }
    )
