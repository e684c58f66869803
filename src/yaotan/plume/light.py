"""Method ``light_cross_section``: slices across the wind, without detection."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.plume.cross_section import beside, check_wind, fit_shape, refit, result_of_lines
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError, PlumeResult
from yaotan.plume.flux import mean_of_lines
from yaotan.plume.layout import Layout
from yaotan.plume.model import PlumeModel
from yaotan.plume.preparation import prepare_once

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]

#: error of a median of normal values over that of their mean
MEDIAN: Final = math.sqrt(math.pi / 2.0)


def light_cross_section(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    *,
    spacing: float = 5e3,
    half_width: float = 30e3,
    **options: Any,
) -> PlumeResult:
    """Weighted median over slices across the wind, each with a linear background of its own.

    Only the wind says where the plume is: no mask, no threshold. Slices are not chosen by what they hold, so
    that neither noise nor selection makes a bias; the direction (within its error) and the width law are
    common to all slices.

    Parameters
    ----------
    data : xarray.Dataset
        Scene with ``<v>_mass_factor``; its plumes are not used.
    source : geopandas.GeoDataFrame
        One row.
    wind : EffectiveWind
        With ``length="along_plume"``.
    spacing : float
        Thickness of a slice [m], at least 2.5 pixels.
    half_width : float
        Pixels up to four widths and this far from the centre line take part [m].
    **options
        Of `yaotan.plume.preparation.prepare`.

    Returns
    -------
    PlumeResult
        Emission and terms as of ``cross_section``.

    Raises
    ------
    NoEstimateError
        Too few slices.
    YaotanError
        An option or the data are not what it takes.
    """
    check_wind(wind)
    scenery = prepare_once(data, source, wind, {**options, "use_mask": False})
    step = max(spacing, 2.5 * scenery.pixels.width)
    first = fit_shape(scenery)
    model = refit(_sliced(scenery.again(spacing=step, margin=half_width), 1), first)
    if np.count_nonzero(np.isfinite(model.density)) < 3:
        raise NoEstimateError("too_few", "fewer than 3 slices have pixels")
    lines = mean_of_lines(model, wind, history=False)
    mean = replace(lines, emission=_median(model, wind), noise=MEDIAN * lines.noise)
    background = beside(model, lines, wind)
    result = result_of_lines(scenery, replace(model, at_bound=first.at_bound), mean, background, wind)
    # whether a plume was detected says nothing of a method that does not look
    return replace(result, cautions=[name for name in result.cautions if name != "not_detected"])


def _sliced(layout: Layout, order: int) -> Layout:
    """Keep the pixels of slices, and give each slice a polynomial across the plume as background."""
    held = layout.bin >= 0
    which, across = layout.bin[held], layout.across[held] / 1e4
    columns = np.zeros((which.size, layout.centre.size * (order + 1)))
    for power in range(order + 1):
        columns[np.arange(which.size), which + power * layout.centre.size] = across**power
    factor = layout.pixels.factor[held, None]
    names = ("along", "across", "half_1", "half_2", "long_1", "long_2", "mass", "sigma", "bin")
    parts = {name: getattr(layout, name)[held] for name in names}
    others = tuple(frame.take(held) for frame in layout.others)
    background = layout.background.sliced(columns * factor, held)
    return replace(layout, pixels=layout.pixels.take(held), background=background, others=others, **parts)


def _median(model: PlumeModel, wind: EffectiveWind) -> float:
    """Median of slices, weighted by the inverse of their variance."""
    variance = np.diag(model.covariance)
    good = np.isfinite(variance) & (variance < 1e6 * np.median(variance))
    flux, weight = model.density[good] * wind.speed, 1.0 / variance[good]
    order = np.argsort(flux)
    share = (np.cumsum(weight[order]) - 0.5 * weight[order]) / weight.sum()
    return float(np.interp(0.5, share, flux[order]))
