"""Method ``gaussian``: a vertically integrated Gaussian plume fitted to an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from yaotan.plume.cross_section import beside, check_wind, fit_shape, refit, result_of_lines
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import PlumeResult
from yaotan.plume.flux import LineMean, along_errors, mean_of_lines, spread_of
from yaotan.plume.layout import Layout
from yaotan.plume.model import PlumeModel, fit_plume
from yaotan.plume.preparation import prepare_once
from yaotan.plume.profile import CLASS_A, CLASS_F

if TYPE_CHECKING:
    import geopandas as gpd


def gaussian(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    *,
    spacing: float = 10e3,
    **options: Any,
) -> PlumeResult:
    r"""Fit one steady plume to an image.

    .. math:: V(x, y) = \frac{Q}{\sqrt{2\pi}\, s(x)\, u} e^{-y^2 / 2 s(x)^2} e^{-x / (u \tau)}, \qquad
        s(x)^2 = \left(a (x / 1\,km)^b\right)^2 + s_0^2

    averaged over each pixel. The emission and the background enter linearly and are eliminated (variable
    projection): they need no first guess and have no bound. a, b, and the turn and bend of the centre line
    are fitted under priors: the usual spread of the wind speed, the wind's direction.

    Parameters
    ----------
    data : xarray.Dataset
        Scene with ``<v>_mass_factor``; plumes of `detect_plumes` only help.
    source : geopandas.GeoDataFrame
        One row.
    wind : EffectiveWind
        With ``length="along_plume"``.
    spacing : float
        Distance of the lines from whose scatter turbulence is judged [m].
    **options
        Of `yaotan.plume.preparation.prepare`: ``spread`` and ``spread_error=0`` hold the width,
        ``rotate=False`` the direction, ``neighbours`` fits other sources beside this one.

    Returns
    -------
    PlumeResult
        Emission and terms as of ``cross_section``; with the spread held, ``dispersion`` is what the
        neighbouring classes give.

    Raises
    ------
    NoEstimateError
        Too few pixels.
    YaotanError
        An option or the data are not what it takes.
    """
    check_wind(wind)
    scenery = prepare_once(data, source, wind, options)
    model = fit_shape(scenery)
    emission = float(model.density[0]) * wind.speed
    by_field = float(model.field_covariance[0, 0])
    noise = math.sqrt(max(float(model.covariance[0, 0]) - by_field, 0.0)) * wind.speed
    shape = math.sqrt(max(float(model.full_covariance[0, 0] - model.covariance[0, 0]), 0.0)) * wind.speed
    if scenery.options.spread_error == 0.0:
        shape = math.hypot(shape, _other_classes(model, scenery.layout, emission, wind))
    step = max(spacing, 2.5 * scenery.pixels.width)
    cut = refit(scenery.again(spacing=step), model)
    scatter = mean_of_lines(cut, wind, history=False).scatter
    turbulence, faded = (abs(emission) * part for part in along_errors(cut, cut.linear.diagonal, scatter))
    shape = math.hypot(shape, faded)
    field = math.sqrt(by_field) * wind.speed
    mean = LineMean(emission, noise, field, shape, turbulence, np.ones(1), scatter)
    return result_of_lines(scenery, model, mean, beside(model, mean, wind), wind)


def _other_classes(model: PlumeModel, layout: Layout, emission: float, wind: EffectiveWind) -> float:
    """Root mean square change of the emission when the spread is a class narrower or wider."""
    # classes lie a factor of about 1.5 apart (213, 156, 104, 68, 50.5, 34 m)
    found = []
    for factor in (1.0 / 1.5, 1.5):
        a = math.exp(float(model.shape[0])) * factor
        if CLASS_F * 0.9 <= a <= CLASS_A * 1.1:
            shape = model.shape.copy()
            shape[0] = math.log(a)
            one = fit_plume(layout, shape=shape, known=model.known)
            found.append(float(one.density[0]) * wind.speed)
    return spread_of(found, emission)
