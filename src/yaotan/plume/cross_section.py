"""Method ``cross_section``: mass flux through lines across the plume."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from yaotan.errors import YaotanError
from yaotan.plume.detection import plume_of
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError, PlumeResult
from yaotan.plume.flux import LineMean, mean_of_lines, wind_terms
from yaotan.plume.image import take_pixels
from yaotan.plume.layout import Layout, lay_out
from yaotan.plume.model import PlumeModel, fit_plume
from yaotan.plume.placebo import excess_background
from yaotan.plume.preparation import Scenery, foreign_pixels, prepare_once
from yaotan.plume.sharing import make_once
from yaotan.plume.track import track_gaussian

if TYPE_CHECKING:
    import geopandas as gpd

#: logarithm of what a second gas loses by decay over the plume, tried as long as the fit gets better
DECAY_RATES: Final = (0.0, 0.8, 1.6, 3.2, 6.4)


def cross_section(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    *,
    shape_from: str | None = None,
    spacing: float = 5e3,
    history: bool = True,
    require_detection: bool = True,
    **options: Any,
) -> PlumeResult:
    """Mean over lines across a plume of line density times wind.

    Every line has its own density, all share one width law and centre line, fitted with one density, and one
    background: the density of a line is linear in the data, and noise does not choose its own width. No
    pixel is chosen by its value.

    Parameters
    ----------
    data : xarray.Dataset
        Scene with ``<v>_mass_factor`` and plumes; or soundings of a track, which `track_gaussian` fits.
    source : geopandas.GeoDataFrame
        One row.
    wind : EffectiveWind
        With ``length="along_plume"``.
    shape_from : str, optional
        Second gas (``no2``) that gives width and centre line, when its plume is the clearer one. It may decay
        on its way; where it first rises, emissions come out low (9 +- 3 per cent in docs/plume.md).
    spacing : float
        Distance of lines [m], at least 2.5 pixels.
    history : bool
        Whether the wind at the time of emission is taken, where `EffectiveWind.history` has it.
    require_detection : bool
        Whether a plume that was not detected gets no estimate.
    **options
        Of `yaotan.plume.preparation.prepare`.

    Returns
    -------
    PlumeResult
        Emission and terms ``noise``, ``background``, ``column``, ``dispersion``, ``turbulence`` and those of
        the wind.

    Raises
    ------
    NoEstimateError
        No plume, too few pixels.
    YaotanError
        An option or the data are not what it takes.

    Notes
    -----
    Steady wind along the plume (or its history) and a Gaussian cross-section on average. A plume that
    splits, or a calm that lets gas pile up, breaks it.
    """
    if "sounding" in data.dims:
        # a track is one line across the plume: its fit is that of `track_gaussian`, options included
        if shape_from is not None:
            raise YaotanError("a track takes no second gas", where="shape_from", fix="leave it out")
        return track_gaussian(data, source, wind, **options)
    scenery, model = fit_lines(data, source, wind, shape_from, spacing, require_detection, options)
    mean = mean_of_lines(model, wind, history=history)
    return result_of_lines(scenery, model, mean, beside(model, mean, wind), wind)


def fit_lines(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    shape_from: str | None,
    spacing: float,
    require_detection: bool,
    options: dict[str, Any],
) -> tuple[Scenery, PlumeModel]:
    """Lay the plume out and fit line densities, with the shape of a second gas where one is named."""
    check_wind(wind)
    scenery = prepare_once(data, source, wind, options)
    if require_detection and not scenery.detected:
        raise NoEstimateError("not_detected", "no plume was found at the source")
    step = max(spacing, 2.5 * scenery.pixels.width)
    layout = scenery.again(spacing=step)
    if shape_from is None:
        own = fit_shape(scenery)
        return scenery, replace(refit(layout, own), at_bound=own.at_bound)
    second = make_once(
        "second gas",
        (data, scenery, shape_from),
        {},
        lambda: fit_second(data, source, scenery, shape_from),
    )
    model = fit_plume(layout, shape=second.shape, shape_covariance=second.shape_covariance)
    return scenery, replace(model, at_bound=second.at_bound)


def fit_shape(scenery: Scenery) -> PlumeModel:
    """Fit width and centre line with one density: lines of their own follow noise and leave the plume."""
    layout = scenery.again(spacing=math.inf)
    return make_once("shape", (scenery,), {}, lambda: fit_plume(layout, search=not scenery.masked))


def fit_second(data: xr.Dataset, source: gpd.GeoDataFrame, scenery: Scenery, gas: str) -> PlumeModel:
    """Fit the plume of a second gas in the frame of the first: one density that decays, on a polynomial.

    A plume that meanders is no Gaussian. A smooth field takes what the profile misses, and lines with
    densities of their own let far parts of the plume go: with either the profile stays narrow, and the first
    gas comes out low (docs/plume.md). The decay is that of the best fit.
    """
    radius = float(np.hypot(scenery.pixels.x, scenery.pixels.y).max()) + scenery.pixels.width
    pixels = take_pixels(data, source, variable=gas, radius=radius)
    number = plume_of(data, str(source["source"].iloc[0]))[0] if "plumes" in data.attrs else 0
    foreign = foreign_pixels(data, pixels, number) if scenery.foreign.any() else None
    frame = scenery.line.coordinates(pixels.x, pixels.y)
    options = replace(scenery.options, spacing=math.inf)
    layout = lay_out(pixels, scenery.line, options, foreign=foreign, others=scenery.others, frame=frame)
    return _fit_decay(layout, search=not scenery.masked)


def _fit_decay(layout: Layout, *, search: bool) -> PlumeModel:
    """Fit a density whose decay per length of the plume is fitted too: between trials by a parabola."""
    rates = list(DECAY_RATES)
    tried = [fit_plume(_decaying(layout, rates[0]), search=search)]
    for rate in rates[1:]:
        tried.append(fit_plume(_decaying(layout, rate), start=tried[-1].shape))
        if tried[-1].cost >= tried[-2].cost:
            break
    best = min(range(len(tried)), key=lambda k: tried[k].cost)
    if 0 < best < len(tried) - 1:
        three = slice(best - 1, best + 2)
        curve = np.polyfit(rates[three], [one.cost for one in tried[three]], 2)
        tried.append(fit_plume(_decaying(layout, -curve[1] / (2.0 * curve[0])), start=tried[best].shape))
    return min(tried, key=lambda one: one.cost)


def _decaying(layout: Layout, rate: float) -> Layout:
    """Give the same pixels a plume that decays."""
    way = layout.options.end / rate if rate > 0.0 else math.inf
    return replace(layout, options=replace(layout.options, decay=way))


def beside(model: PlumeModel, mean: LineMean, wind: EffectiveWind) -> float:
    """Error of the background: the larger of that of its field and of what is found beside the plume."""
    found = excess_background(model, mean.weights, mean.noise / wind.speed) * wind.speed
    return max(mean.background, found)


def refit(layout: Layout, model: PlumeModel) -> PlumeModel:
    """Fit other pixels or another background with the shape and the noise of a model."""
    return fit_plume(layout, shape=model.shape, known=model.known)


def check_wind(wind: EffectiveWind) -> None:
    """Refuse a wind that was fitted to areas of masks."""
    from yaotan.errors import YaotanError

    if wind.length != "along_plume":
        raise YaotanError(
            f"the wind is {wind.relation!r}, fitted to areas of masks",
            where="wind",
            expected='a wind of the air, length="along_plume"',
            fix="use effective_wind, or the method ime with its mask",
        )


def result_of_lines(
    scenery: Scenery, model: PlumeModel, mean: LineMean, background: float, wind: EffectiveWind
) -> PlumeResult:
    """Put the terms together."""
    emission = mean.emission
    # no plant takes gas from the air: an emission below zero is off by its size at least, and where that is
    # beyond two errors they were too small
    background = max(background, -emission / 2.0)
    # errors in proportion go with the true emission, whose mean square is that of the estimate and of its
    # additive error together: an estimate that noise made small has no small error of the wind
    size = math.sqrt(emission**2 + mean.noise**2 + background**2 + mean.shape**2)
    terms = {
        "noise": mean.noise,
        "background": background,
        "column": size * scenery.column_error,
        "dispersion": mean.shape,
        "turbulence": mean.turbulence * size / max(abs(emission), 1e-12 * size),
        **wind_terms(size, wind),
    }
    cautions = [*scenery.cautions]
    cautions += ["at_bound"] if model.at_bound else []
    cautions += [] if scenery.detected else ["not_detected"]
    turn = math.degrees(float(model.shape[2]))
    details = {
        "plume_length": (scenery.options.end, "m"),
        "lines": (float(np.count_nonzero(mean.weights)), "1"),
        "line_density": (float(mean.weights @ model.density), "kg m-1"),
        "spread_a": (math.exp(float(model.shape[0])), "m"),
        "spread_b": (float(model.shape[1]), "1"),
        "centre_line_azimuth": ((90.0 - math.degrees(scenery.line.azimuth) - turn) % 360.0, "degree"),
        "noise_scale": (model.noise_scale, "1"),
        "shape_bias": (model.relative_bias, "1"),
        "relative_turbulence": (mean.scatter, "1"),
    }
    return PlumeResult(
        emission, terms, cautions=cautions, wind=wind, time=scenery.time, details=details, fit=model
    )
