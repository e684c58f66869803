"""Method ``ime``: mass of a plume, its length, and the wind."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import YaotanError
from yaotan.plume.cross_section import beside, fit_lines, other_backgrounds, refit, result_of_lines
from yaotan.plume.detection import plume_of
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError, PlumeResult
from yaotan.plume.flux import LineMean, mean_of_lines, spread_of
from yaotan.plume.image import PixelSet, take_pixels
from yaotan.plume.layout import FAR, polynomial
from yaotan.plume.model import PlumeModel
from yaotan.plume.preparation import Scenery
from yaotan.plume.profile import share_within

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]

#: half width of the corridor in widths of the plume
CORRIDOR: Final = 2.0
#: the last detected pixels are there because of their noise: the corridor ends this far before them [m]
TAIL: Final = 10e3


def ime(
    data: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    *,
    shape_from: str | None = None,
    corridor: float = CORRIDOR,
    spacing: float = 10e3,
    **options: Any,
) -> PlumeResult:
    r"""Integrated mass enhancement, in one of two conventions that are never mixed.

    With a wind of the air (``length="along_plume"``): :math:`Q = u\, M / L`, M the mass in a corridor of
    `corridor` widths on both sides of the centre line, L its length times the share of the plume within it.
    The corridor is geometry: no pixel is in it because of its value, so that noise makes no bias.

    With a wind that was fitted to masks (``length="mask_area"``): :math:`Q = U_{eff}\, M / \sqrt{A}`, M and A
    the mass and area of the pixels of the plume of `detect_plumes`, whose rule must be that of the wind.

    Parameters
    ----------
    data : xarray.Dataset
        Scene with ``<v>_mass_factor`` and plumes.
    source : geopandas.GeoDataFrame
        One row.
    wind : EffectiveWind
        Its ``length`` says which convention is used.
    shape_from : str, optional
        Second gas that gives width and centre line.
    corridor : float
        Half width of the corridor in standard deviations of the plume, 0.5 to 4.
    spacing : float
        Distance of the lines that take the plume out of the background [m].
    **options
        Of `yaotan.plume.preparation.prepare`; ``lifetime`` corrects decay along the corridor.

    Returns
    -------
    PlumeResult
        Emission, and terms ``noise``, ``background``, ``column``, ``mask``, ``turbulence``, and those of the
        wind.

    Raises
    ------
    NoEstimateError
        No plume was detected.
    YaotanError
        An option is out of range; the wind was fitted to masks of another rule.
    """
    if not 0.5 <= corridor <= 4.0:
        raise YaotanError(f"corridor is {corridor:g}", where="ime", expected="0.5 to 4 widths")
    air = replace(wind, length="along_plume") if wind.length == "mask_area" else wind
    if "length" not in options:
        options = {**options, "length": max(_detected_length(data, source, air, options), 15e3)}
    scenery, model = fit_lines(data, source, air, shape_from, spacing, True, options)
    if wind.length == "mask_area":
        return _by_area(data, str(source["source"].iloc[0]), scenery, model, wind)
    return _by_length(scenery, model, wind, corridor)


def _detected_length(
    data: xr.Dataset, source: gpd.GeoDataFrame, wind: EffectiveWind, options: dict[str, Any]
) -> float:
    """Way from the source to `TAIL` before the end of what was detected [m]."""
    number, _ = plume_of(data, str(source["source"].iloc[0])) if "plumes" in data.attrs else (0, [])
    if not number:
        raise NoEstimateError("not_detected", "no plume was found at the source")
    pixels = take_pixels(data, source, variable=options.get("variable"))
    own = pixels.label == number
    if not own.any():
        raise NoEstimateError("cloudy", "the detected plume has no value of the gas")
    down = pixels.x * wind.u + pixels.y * wind.v > 0.0
    way = np.hypot(pixels.x, pixels.y)[own & down]
    return float(way.max()) - TAIL if way.size else 0.0


def _corridor(model: PlumeModel, corridor: float, end: float) -> Floats:
    """Area of each pixel within the corridor [m2]."""
    layout = model.layout
    down = (layout.bin >= 0) & (layout.along < end + 2.0 * layout.pixels.width)
    width = corridor * model.spread.width(layout.along) + layout.pixels.width / 2.0
    along = share_within(layout.along, layout.long_1, layout.long_2, layout.options.start, end)
    across = model.across
    sideways = _share_of_width(across, layout.half_1, layout.half_2, width)
    return np.where(down, along * sideways * layout.pixels.area, 0.0)


def _share_of_width(across: Floats, half_1: Floats, half_2: Floats, width: Floats) -> Floats:
    """Share of a pixel within plus and minus a width of its own."""
    low = share_within(across + width, half_1, half_2, 0.0, 1e9)
    high = share_within(across - width, half_1, half_2, 0.0, 1e9)
    return np.clip(low - high, 0.0, 1.0)


def _mass(model: PlumeModel, area: Floats) -> tuple[float, float, float]:
    """Mass in a corridor, what one kilogram per metre would have there, and the noise of the mass."""
    layout = model.layout
    mass = float(area @ (layout.mass - model.linear.background))
    held = float(area @ (model.linear.profile * layout.sigma))
    # the background is linear in the data too: its error goes with the mass
    columns = model.linear.columns * layout.sigma[:, None]
    weights = area - (area @ columns) @ model.linear.background_weights()
    noise = math.sqrt(float(np.sum((weights * layout.sigma) ** 2)) * model.noise_scale)
    return mass, held, noise


def _by_length(scenery: Scenery, model: PlumeModel, wind: EffectiveWind, corridor: float) -> PlumeResult:
    end = scenery.options.end

    def emission_of(one: PlumeModel, half: float, stop: float) -> float:
        mass, held, _ = _mass(one, _corridor(one, half, stop))
        return wind.speed * mass / held if held > 0.0 else math.nan

    mass, held, noise = _mass(model, _corridor(model, corridor, end))
    if held <= 0.0:
        raise NoEstimateError("too_few", "the corridor holds no pixel")
    emission = wind.speed * mass / held
    backgrounds = [emission_of(refit(layout, model), corridor, end) for layout in other_backgrounds(scenery)]
    masks = [emission_of(model, factor * corridor, end) for factor in (0.75, 1.25)]
    masks += [emission_of(model, corridor, 0.9 * end)]
    lines = mean_of_lines(model, wind, history=False)
    turbulence = lines.turbulence * abs(emission / lines.emission) if lines.emission else 0.0
    mean = LineMean(
        emission, wind.speed * noise / held, 0.0, min(turbulence, abs(emission)), lines.weights, lines.scatter
    )
    background = beside(
        model, replace(lines, noise=wind.speed * noise / held), wind, spread_of(backgrounds, emission)
    )
    found = result_of_lines(scenery, model, mean, background, wind)
    terms = {**found.terms, "mask": spread_of(masks, emission)}
    details = {**found.details, "plume_mass": (mass, "kg"), "effective_length": (held, "m")}
    return replace(found, terms=terms, details=details)


def _by_area(
    data: xr.Dataset, identity: str, scenery: Scenery, model: PlumeModel, wind: EffectiveWind
) -> PlumeResult:
    rule = str(data.attrs.get("plume_mask_rule", ""))
    if rule != wind.mask_rule:
        raise YaotanError(
            f"the plume was masked by {rule!r}, the wind was fitted to masks by {wind.mask_rule!r}",
            where="ime",
            expected="one rule for both",
            fix="mask as the wind asks, or take a wind of the air",
        )
    number = plume_of(data, identity)[0]
    own = scenery.pixels.take(scenery.pixels.label == number)
    length = math.sqrt(float(own.area.sum()))
    if length == 0.0:
        raise NoEstimateError("too_few", "the mask holds no pixel")
    mass, noise = _mass_of_mask(model, own)
    emission = wind.speed * mass / length
    backgrounds = [
        wind.speed * _mass_of_mask(refit(other, model), own)[0] / length
        for other in other_backgrounds(scenery)
    ]
    # the length of a mask is known to half a pixel and a tenth
    mask = abs(emission) * max(0.1, 0.5 * scenery.pixels.width / length)
    lines = mean_of_lines(model, replace(wind, length="along_plume"), history=False)
    mean = replace(lines, emission=emission, noise=wind.speed * noise / length, shape=0.0, turbulence=0.0)
    found = result_of_lines(scenery, model, mean, spread_of(backgrounds, emission), wind)
    details = {**found.details, "plume_mass": (mass, "kg"), "effective_length": (length, "m")}
    return replace(found, terms={**found.terms, "mask": mask}, details=details)


def _mass_of_mask(model: PlumeModel, own: PixelSet) -> tuple[float, float]:
    """Mass over the pixels of a mask, and its noise; the background is that of the model."""
    layout = model.layout
    terms = polynomial(own.x / FAR, own.y / FAR, layout.options.order) * own.factor[:, None]
    last = terms.shape[1]
    field = (own.value - layout.level) * own.factor - terms @ model.linear.rest[-last:]
    by_background = (own.area @ terms) @ model.linear.background_weights()[-last:] * layout.sigma
    square = np.sum((own.area * own.sigma * own.factor) ** 2) + np.sum(by_background**2)
    return float(own.area @ field), math.sqrt(float(square) * model.noise_scale)
