"""Method ``ime``: mass of a plume, its length, and the wind."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import YaotanError
from yaotan.plume.background import make_background
from yaotan.plume.cross_section import beside, fit_lines, result_of_lines
from yaotan.plume.detection import plume_of
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError, PlumeResult
from yaotan.plume.flux import LineMean, along_errors, mean_of_lines, spread_of
from yaotan.plume.image import PixelSet
from yaotan.plume.model import PlumeModel
from yaotan.plume.preparation import Scenery
from yaotan.plume.profile import share_within

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]

#: half width of the corridor in widths of the plume
CORRIDOR: Final = 2.0
#: ends of the corridor that are tried, in shares of the way in the image: that of the least stated error is
#: taken. The end of what was detected is where noise happened to be positive
ENDS: Final = (0.3, 0.45, 0.6, 0.8, 1.0)


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
    scenery, model = fit_lines(data, source, air, shape_from, spacing, True, options)
    if wind.length == "mask_area":
        return _by_area(data, str(source["source"].iloc[0]), scenery, model, wind)
    return _by_length(scenery, model, wind, corridor)


def _corridor(model: PlumeModel, corridor: float, end: float) -> Floats:
    """Area of each pixel within the corridor [m2]."""
    layout = model.layout
    down = (layout.bin >= 0) & (layout.along < end + 2.0 * layout.pixels.width)
    width = corridor * model.spread.width(layout.along) + layout.pixels.width / 2.0
    along = share_within(layout.along, layout.long_1, layout.long_2, layout.options.start, end)
    across = model.across
    sideways = share_of_width(across, layout.half_1, layout.half_2, width)
    return np.where(down, along * sideways * layout.pixels.area, 0.0)


def share_of_width(across: Floats, half_1: Floats, half_2: Floats, width: Floats) -> Floats:
    """Share of a pixel within plus and minus a width of its own."""
    return np.clip(share_within(across, half_1, half_2, -width, width), 0.0, 1.0)


def _mass(model: PlumeModel, area: Floats) -> tuple[float, float, float, float]:
    """Mass in a corridor, what a kilogram per metre would have there; errors by noise and by the field."""
    layout = model.layout
    mass = float(area @ (layout.mass - model.linear.background))
    held = float(area @ (model.linear.profile * layout.sigma))
    # the background is linear in the data too: its error goes with the mass
    columns = model.linear.columns * layout.sigma[:, None]
    weights = area - model.linear.background_weights(area @ columns)
    noise = math.sqrt(float(np.sum((weights * layout.sigma) ** 2)) * model.noise_scale)
    return mass, held, noise, _by_field(model, weights @ layout.background.modes)


def _by_field(model: PlumeModel, response: Floats) -> float:
    """Error by the field, of what each of its modes gives at one standard error."""
    return math.sqrt(float(response @ response) * model.noise_scale)


def _by_length(scenery: Scenery, model: PlumeModel, wind: EffectiveWind, corridor: float) -> PlumeResult:
    lines = mean_of_lines(model, wind, history=False)
    ends = [share * scenery.options.end for share in ENDS]
    tried = [_try_end(model, wind, corridor, end, lines) for end in ends]
    if not any(math.isfinite(one.error) for one in tried):
        raise NoEstimateError("too_few", "the corridor holds no pixel")
    found = min(tried, key=lambda one: one.error)

    def emission_of(half: float, stop: float) -> float:
        mass, held, *_ = _mass(model, _corridor(model, half, stop))
        return wind.speed * mass / held if held > 0.0 else math.nan

    masks = [emission_of(factor * corridor, found.end) for factor in (0.75, 1.25)]
    masks += [emission_of(corridor, 0.9 * found.end)]
    background = beside(model, replace(lines, noise=found.mean.noise, background=found.mean.background), wind)
    made = result_of_lines(scenery, model, replace(found.mean, weights=lines.weights), background, wind)
    terms = {**made.terms, "mask": spread_of(masks, found.mean.emission)}
    details = {
        **made.details,
        "plume_length": (found.end, "m"),
        "plume_mass": (found.mass, "kg"),
        "effective_length": (found.held, "m"),
    }
    return replace(made, terms=terms, details=details)


@dataclass(frozen=True)
class _Trial:
    """A corridor up to one end: its mass, effective length, mean with terms, and their sum."""

    end: float
    mass: float
    held: float
    mean: LineMean
    error: float


def _try_end(model: PlumeModel, wind: EffectiveWind, corridor: float, end: float, lines: LineMean) -> _Trial:
    """Emission of a corridor up to an end; what is in proportion goes with the mean of lines, not its own."""
    mass, held, noise, field = _mass(model, _corridor(model, corridor, end))
    seen = ((model.linear.diagonal > 0.0) & (model.layout.centre < end)).astype(float)
    if held <= 0.0 or not seen.any():
        return _Trial(end, mass, held, lines, math.inf)
    emission, noise, field = (wind.speed * part / held for part in (mass, noise, field))
    shares = along_errors(model, seen, lines.scatter, corridor)
    error = math.sqrt(noise**2 + field**2 + sum((lines.emission * share) ** 2 for share in shares))
    turbulence, faded = (abs(emission) * share for share in shares)
    mean = replace(
        lines, emission=emission, noise=noise, background=field, shape=faded, turbulence=turbulence
    )
    return _Trial(end, mass, held, mean, error)


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
    mass, noise, field = _mass_of_mask(model, own)
    emission, noise, field = (wind.speed * part / length for part in (mass, noise, field))
    # the length of a mask is known to half a pixel and a tenth
    mask = abs(emission) * max(0.1, 0.5 * scenery.pixels.width / length)
    lines = mean_of_lines(model, replace(wind, length="along_plume"), history=False)
    mean = replace(lines, emission=emission, noise=noise, background=field, shape=0.0, turbulence=0.0)
    found = result_of_lines(scenery, model, mean, field, wind)
    details = {**found.details, "plume_mass": (mass, "kg"), "effective_length": (length, "m")}
    return replace(found, terms={**found.terms, "mask": mask}, details=details)


def _mass_of_mask(model: PlumeModel, own: PixelSet) -> tuple[float, float, float]:
    """Mass over the pixels of a mask, its error by noise and by the field; the background is the model's."""
    layout = model.layout
    background = make_background(own, layout.options.order, layout.background.field)
    terms = np.concatenate([background.polynomial, background.modes], axis=1)
    last = terms.shape[1]
    excess = (own.value - layout.level) * own.factor - terms @ model.linear.rest[-last:]
    held = own.area @ terms
    of = np.concatenate([np.zeros(model.linear.rest.size - last), held])
    by_background = model.linear.background_weights(of)
    square = np.sum((own.area * own.sigma * own.factor) ** 2) + np.sum((by_background * layout.sigma) ** 2)
    response = held[background.polynomial.shape[1] :] - by_background @ layout.background.modes
    return float(own.area @ excess), math.sqrt(float(square) * model.noise_scale), _by_field(model, response)
