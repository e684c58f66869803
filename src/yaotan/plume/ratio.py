"""From one gas to another: NO2 to NOx by the age of a plume, NOx to CO2 by the ratio of the plant."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from yaotan.catalog.nox import NoxRatio, find_nox_ratio
from yaotan.errors import YaotanError
from yaotan.plume.estimate import check_plume_estimate


def nox_from_no2(
    estimate: xr.Dataset, ratio: str | NoxRatio = "constant", *, age: ArrayLike | None = None
) -> xr.Dataset:
    """Turn an emission of NO2, as far as a plume shows it, into one of NOx (as NO2).

    Parameters
    ----------
    estimate : xarray.Dataset
        Of `estimate_point_source` for NO2.
    ratio : str or NoxRatio
        Name in ``catalogs/profiles/nox_no2.yaml``.
    age : array_like, optional
        Mean time since the gas left the stack [s], for each source. Default: ``plume_age`` of the estimate;
        needed for a ratio that changes with time.

    Returns
    -------
    xarray.Dataset
        Estimate with ``substance`` nox; the error of the ratio is in the term ``chemistry``.

    Raises
    ------
    YaotanError
        The estimate is not of NO2, or the age is not known where the ratio needs it.

    Notes
    -----
    One factor for the whole plume; where the way from the stack differs much between its parts, convert the
    line densities first (`emg` does so).

    Examples
    --------
    >>> from yaotan.plume.estimate import PlumeResult, make_estimate
    >>> from yaotan.plume.source import make_sources
    >>> no2 = make_estimate([PlumeResult(2.0, {"noise": 0.2})], make_sources(["M"], 27.6, -23.7),
    ...                     method="cross_section", substance="no2")
    >>> near = nox_from_no2(no2, "matimba", age=744.0)
    >>> float(nox_from_no2(no2).emission[0].round(2)), float(near.emission[0].round(2))
    (2.64, 8.29)
    """
    found = find_nox_ratio(ratio)
    if estimate.attrs.get("substance") != "no2":
        raise YaotanError(
            f"the estimate is of {estimate.attrs.get('substance')}", where="nox_from_no2", expected="no2"
        )
    if age is None and "plume_age" in estimate:
        age = estimate["plume_age"].values
    if age is None and found.amplitude > 0.0:
        raise YaotanError(
            f"the ratio {found.name} changes with time and the age of the plume is not known",
            where="nox_from_no2",
            fix="give age=, distance over wind",
        )
    return _scaled(
        estimate,
        found.at(0.0 if age is None else age),
        found.error,
        "chemistry",
        "nox",
        found.describe(),
    )


def co2_from_nox(
    estimate: xr.Dataset, ratio: ArrayLike, ratio_uncertainty: ArrayLike, *, source: str
) -> xr.Dataset:
    """Turn an emission of NOx (as NO2) into one of CO2.

    Parameters
    ----------
    estimate : xarray.Dataset
        Emission of NOx.
    ratio : array_like
        kg CO2 for each kg of NOx (as NO2), for each source or one for all.
    ratio_uncertainty : array_like
        Its standard error, in the same unit.
    source : str
        Where the ratio comes from; it goes into the record.

    Returns
    -------
    xarray.Dataset
        Estimate with ``substance`` co2; the error of the ratio is in the term ``ratio``.

    Raises
    ------
    YaotanError
        The estimate is not of NOx, a ratio is not positive, or its source is not said.

    Notes
    -----
    No ratio is given by default: it differs between plants by more than a factor of 5 (in the CoCO2 catalogue
    of 2018 Jänschwalde has 1260, Kyger Creek 1090, Westar 2390).

    Examples
    --------
    >>> from yaotan.plume.estimate import PlumeResult, make_estimate
    >>> from yaotan.plume.source import make_sources
    >>> nox = make_estimate([PlumeResult(0.5, {"noise": 0.05})], make_sources(["JV"], 14.45, 51.84),
    ...                     method="emg", substance="nox")
    >>> co2 = co2_from_nox(nox, 1260.0, 250.0, source="CoCO2 2018")
    >>> float(co2.emission[0]), float(co2.emission_uncertainty_ratio[0])
    (630.0, 125.0)
    """
    if estimate.attrs.get("substance") != "nox":
        raise YaotanError(
            f"the estimate is of {estimate.attrs.get('substance')}", where="co2_from_nox", expected="nox"
        )
    value, error = np.asarray(ratio, float), np.asarray(ratio_uncertainty, float)
    if not (value > 0.0).all() or not (error >= 0.0).all():
        raise YaotanError("a ratio or its uncertainty is not positive", where="co2_from_nox")
    if not source.strip():
        raise YaotanError("the ratio has no source", where="co2_from_nox", fix="say where it comes from")
    return _scaled(estimate, value, error / value, "ratio", "co2", f"nox_to_co2: {source}")


def _scaled(
    estimate: xr.Dataset, factor: ArrayLike, relative: ArrayLike, term: str, substance: str, note: str
) -> xr.Dataset:
    """Multiply emission and terms, and put the error of the factor into its term."""
    gain = np.broadcast_to(np.asarray(factor, float), estimate["emission"].shape)
    made = estimate.copy()
    for name in estimate.data_vars:
        if str(name).startswith("emission"):
            made[name] = (estimate[name] * gain).assign_attrs(estimate[name].attrs)
    emission = made["emission"]
    before = made.get(f"emission_uncertainty_{term}", 0.0 * emission)
    added = np.abs(emission) * np.asarray(relative, float)
    new = np.hypot(before, added).assign_attrs(units="kg s-1", long_name=f"standard error: {term}")
    total = np.sqrt(made["emission_uncertainty"] ** 2 - before**2 + new**2)
    made[f"emission_uncertainty_{term}"] = new
    made["emission_uncertainty"] = total.assign_attrs(estimate["emission_uncertainty"].attrs)
    corrections = [*json.loads(estimate.attrs["corrections"]), note]
    made["emission"].attrs["long_name"] = f"emission of {substance}"
    return check_plume_estimate(
        made.assign_attrs(substance=substance, corrections=json.dumps(corrections, ensure_ascii=False))
    )
