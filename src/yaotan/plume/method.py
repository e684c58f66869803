"""Methods by name, and `estimate_point_source`, the verb that runs one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import xarray as xr

from yaotan.errors import YaotanError
from yaotan.plume.effective import NO_WIND, EffectiveWind
from yaotan.plume.estimate import CALM, LOW_WIND, NoEstimateError, PlumeResult, make_estimate
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

#: one wind for all sources, or one for each by its identifier
Winds: TypeAlias = EffectiveWind | Mapping[str, EffectiveWind]

#: options that go into the record
PLAIN: Final = (str, int, float, bool, list, tuple)
#: name -> module and function; loaded when first asked for
METHODS: Final[dict[str, tuple[str, str]]] = {
    "track_gaussian": ("yaotan.plume.track", "track_gaussian"),
    "cross_section": ("yaotan.plume.cross_section", "cross_section"),
    "gaussian": ("yaotan.plume.gaussian", "gaussian"),
    "ime": ("yaotan.plume.integrated_mass", "ime"),
    "light_cross_section": ("yaotan.plume.light", "light_cross_section"),
}


class Method(Protocol):
    """One way from a plume to an emission.

    A method takes the data (image: dims ``y, x``; track: dim ``sounding``) with the
    ``<v>_mass_factor`` of `column_mass`, one source, and its wind, and gives a `PlumeResult`. It never edits
    its input. Where it can give no emission it raises `NoEstimateError` with a status; what the user can mend
    is a `YaotanError`.
    """

    def __call__(
        self, data: xr.Dataset, source: gpd.GeoDataFrame, wind: EffectiveWind, /, **options: Any
    ) -> PlumeResult:
        """Estimate the emission of the one row of `source`."""
        ...


def find_method(name: str) -> Method:
    """Give a method by its name.

    Raises
    ------
    YaotanError
        There is none of this name.
    """
    if name not in METHODS:
        raise YaotanError(f"{name!r} is no method", where="method", expected=", ".join(sorted(METHODS)))
    module, function = METHODS[name]
    found: Method = getattr(import_module(module), function)
    return found


def estimate_point_source(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: Winds,
    *,
    method: str,
    on_error: str = "raise",
    **options: Any,
) -> xr.Dataset:
    """Estimate the emission of point sources from one image or track.

    Parameters
    ----------
    data : xarray.Dataset
        Scene (dims ``y, x``) or soundings, with the ``<v>_mass_factor`` of `column_mass`.
    source : geopandas.GeoDataFrame
        Table of `make_sources`; each row gets its estimate.
    wind : EffectiveWind or mapping of str to EffectiveWind
        One for all, or by identifier; a source that the mapping does not name gets the status ``no_wind``.
    method : str
        Name of a method; its own page says what it needs and takes as options.
    on_error : {"raise", "flag"}
        With "flag", data that a method cannot take become the status ``failed`` with the message as
        ``reason``: one bad scene does not stop a batch.
    **options
        Of the method.

    Returns
    -------
    xarray.Dataset
        Estimate, see `yaotan.plume.estimate.make_estimate`.

    Raises
    ------
    YaotanError
        The method is unknown, the data are not what it takes (unless flagged), an option is unknown.
    SchemaError
        `source` is no table of sources.

    Notes
    -----
    Below 1 m s-1 no emission is given (status ``low_wind``): a plume in calm air is not steady. Below 2 m s-1
    it carries the caution ``low_wind``.
    """
    results = run_method(data, source, wind, method, on_error, options)
    return make_estimate(
        results,
        source,
        method=method,
        substance=str(data.attrs.get("plume_substance", "unknown")),
        corrections=list_corrections(data),
        provenance=describe_data(data),
        options={key: value for key, value in options.items() if isinstance(value, PLAIN)},
    )


def run_method(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: Winds,
    method: str,
    on_error: str,
    options: Mapping[str, Any],
) -> list[PlumeResult]:
    """Run one method on every source; `estimate_point_source` makes an estimate of it.

    Returns
    -------
    list of PlumeResult
        One for each row of `source`, with what was fitted.
    """
    if on_error not in ("raise", "flag"):
        raise YaotanError(f"{on_error!r} is unknown", where="on_error", expected="raise or flag")
    run = find_method(method)
    check_sources(source)
    results = []
    for place in range(len(source)):
        row = source.iloc[place : place + 1]
        own = wind if isinstance(wind, EffectiveWind) else wind.get(row["source"].iloc[0], NO_WIND)
        results.append(_estimate_one(run, data, row, own, on_error, options))
    return results


def list_corrections(data: xr.Dataset) -> list[str]:
    """List what `column_mass` has corrected."""
    return [part for part in str(data.attrs.get("mass_corrections", "")).split(",") if part]


def describe_data(data: xr.Dataset) -> dict[str, Any]:
    """Give what an estimate says of the data that it comes from."""
    names = ("product", "product_version", "source")
    return {key: data.attrs[key] for key in names if key in data.attrs}


def _estimate_one(
    run: Method,
    data: xr.Dataset,
    row: gpd.GeoDataFrame,
    wind: EffectiveWind,
    on_error: str,
    options: Mapping[str, Any],
) -> PlumeResult:
    if not wind.known:
        return PlumeResult(status="no_wind", reason="no wind for the place and time")
    if wind.speed < CALM:
        text = f"wind of {wind.speed:.1f} m s-1: below {CALM:g} m s-1 no steady plume forms"
        return PlumeResult(status="low_wind", reason=text, wind=wind)
    try:
        found = run(data, row, wind, **options)
    except NoEstimateError as none:
        return PlumeResult(status=none.status, reason=none.reason, wind=wind)
    except (np.linalg.LinAlgError, ArithmeticError) as error:
        # an image without any noise or gradient, say
        return PlumeResult(
            status="no_fit", reason=f"the equations of the fit have no solution: {error}", wind=wind
        )
    except YaotanError as error:
        if on_error == "raise":
            raise
        return PlumeResult(status="failed", reason=str(error), wind=wind)
    cautions = set(found.cautions)
    cautions |= {"low_wind"} if wind.speed < LOW_WIND else set()
    cautions |= {"negative"} if found.emission < 0.0 else set()
    return replace(found, cautions=sorted(cautions), wind=found.wind or wind)
