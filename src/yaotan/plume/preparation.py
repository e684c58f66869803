"""From a scene to a plume in its frame: what every method of images begins with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import SchemaError, YaotanError
from yaotan.plane import local_plane
from yaotan.plume.background import FAR, polynomial
from yaotan.plume.detection import plume_of
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.field import SmoothField, estimate_field
from yaotan.plume.frame import CentreLine, fit_line, wind_line
from yaotan.plume.image import PixelSet, take_pixels
from yaotan.plume.layout import Layout, ModelOptions, lay_out
from yaotan.plume.mass import find_column
from yaotan.plume.profile import EXPONENT, SOURCE_WIDTHS, Spread, usual_spread
from yaotan.plume.sharing import make_once

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]

#: hours of travel after which a plume is no longer followed: the wind has changed
TRAVEL: float = 6.0 * 3600.0


#: pixels around the plume of another source that are left out with it
FOREIGN_EDGE = 2


@dataclass(frozen=True)
class Scenery:
    """A plume, laid out: what a method of images works on."""

    layout: Layout
    pixels: PixelSet
    line: CentreLine
    options: ModelOptions
    detected: bool
    #: whether the centre line began with a mask, else with the wind
    masked: bool
    foreign: Any
    others: tuple[tuple[float, float], ...]
    frame: tuple[Floats, Floats, Floats]
    cautions: tuple[str, ...]
    time: np.datetime64 | None
    #: relative standard error of the mass factor
    column_error: float
    #: what the background has besides its polynomial
    field: SmoothField | None

    def again(self, **changes: Any) -> Layout:
        """Lay the same pixels out with other options."""
        if set(changes) == {"spacing"}:
            return self.layout.relined(changes["spacing"])
        options = replace(self.options, **changes)
        parts: dict[str, Any] = {
            name: getattr(self, name) for name in ("foreign", "others", "frame", "field")
        }
        return lay_out(self.pixels, self.line, options, **parts)


def prepare(
    scene: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    *,
    variable: str | None = None,
    length: float = 100e3,
    margin: float = 45e3,
    order: int = 1,
    spacing: float = math.inf,
    spread: float | None = None,
    spread_error: float = 0.6,
    rotate: bool = True,
    lifetime: float = math.inf,
    neighbours: gpd.GeoDataFrame | None = None,
    use_mask: bool = True,
) -> Scenery:
    """Lay a plume out for the methods of images.

    Parameters
    ----------
    scene : xarray.Dataset
        With ``<v>_mass_factor`` of `column_mass`, and ``plume`` of `detect_plumes` where it was run.
    source : geopandas.GeoDataFrame
        One row.
    wind : EffectiveWind
        Of the source.
    variable : str, optional
        Column; default: that of `column_mass`.
    length : float
        Longest way along the plume that is used [m]; never beyond the image, or six hours of travel.
    margin : float
        Pixels up to this far beyond four widths make the background [m].
    order : int
        Degree of its polynomial, 0 to 3; what it does not follow is a smooth random field (`estimate_field`).
    spacing : float
        Length of one line density [m].
    spread : float, optional
        a of the width ``a (x / 1 km)^0.894`` [m]; default by wind speed.
    spread_error : float
        Standard error of its logarithm; 0 holds the spread.
    rotate : bool
        Whether the centre line may turn and bend.
    lifetime : float
        Time in which a share 1 - 1/e of the gas is lost [s].
    neighbours : geopandas.GeoDataFrame, optional
        Sources whose plumes are fitted beside this one.
    use_mask : bool
        Whether the centre line begins with the mask of `detect_plumes`; else with the wind.

    Returns
    -------
    Scenery
        The plume.

    Raises
    ------
    SchemaError
        The scene has no mass factor.
    YaotanError
        An option is out of range.
    NoEstimateError
        The source is outside, the plume is clouded or leaves the image at once.
    """
    name = find_column(scene, variable)
    if f"{name}_mass_factor" not in scene:
        raise SchemaError(f"{name}_mass_factor is missing", where="scene", fix="column_mass(scene)")
    _check_numbers(length, margin, order, spread, spread_error, lifetime)
    identity = str(source["source"].iloc[0])
    pixels = take_pixels(scene, source, variable=name, radius=length + margin)
    number, sharing = plume_of(scene, identity) if "plumes" in scene.attrs and use_mask else (0, [])
    reach = min(length, wind.speed * TRAVEL)
    line = wind_line(wind, reach)
    # a mask that several sources share says nothing of the way of one of them
    alone = number > 0 and not sharing
    if alone:
        own = pixels.take(pixels.label == number)
        if own.x.size == 0:
            raise NoEstimateError("cloudy", "no pixel of the detected plume has a value")
        line = fit_line(own, scene["plume_z"].values[own.row, own.column], wind, reach)
    frame = line.coordinates(pixels.x, pixels.y)
    gaps = line.coordinates(*pixels.empty)
    end = _way_in_image(pixels, (frame, gaps), reach)
    width = pixels.width
    if end < max(5.0 * width, 2e3):
        raise NoEstimateError("outside", f"the plume leaves the image after {end / 1e3:.0f} km")
    turn = 0.1 if alone else math.radians(max(wind.direction_uncertainty, 1.0))
    options = ModelOptions(
        start=1.5 * width,
        end=end,
        spacing=spacing,
        margin=margin,
        order=order,
        spread=usual_spread(wind.speed) if spread is None else spread,
        spread_error=spread_error,
        turn_error=turn if rotate else 0.0,
        bend_error=(0.2 if alone else 0.15) if rotate else 0.0,
        decay=wind.speed * lifetime,
        source_width=float(source["diameter"].iloc[0]) / SOURCE_WIDTHS,
    )
    foreign = foreign_pixels(scene, pixels, number) if use_mask else np.zeros(pixels.x.size, bool)
    others, near = _neighbours(neighbours, source, identity, line, options)
    cautions = _check_cover(pixels, (frame, gaps), options)
    cautions += ["overlap"] if sharing or near else []
    cautions += ["short"] if end < 0.25 * reach else []
    field = background_of(pixels, frame, options, foreign | (pixels.label > 0), line.azimuth)
    return Scenery(
        lay_out(pixels, line, options, foreign=foreign, others=others, frame=frame, field=field),
        pixels,
        line,
        options,
        bool(number),
        alone,
        foreign,
        others,
        frame,
        tuple(cautions),
        _time(scene, pixels),
        float(scene.attrs.get("mass_uncertainty", 0.0)),
        field,
    )


def prepare_once(
    scene: xr.Dataset, source: gpd.GeoDataFrame, wind: EffectiveWind, options: Mapping[str, Any]
) -> Scenery:
    """Lay a plume out, or give the layout that another method has made of it (`shared_work`)."""
    place = (source.geometry.x.iloc[0], source.geometry.y.iloc[0], source["diameter"].iloc[0])
    parts = (scene, wind, str(source["source"].iloc[0]), *(float(number) for number in place))
    return make_once("scenery", parts, options, lambda: prepare(scene, source, wind, **options))


def background_of(
    pixels: PixelSet, frame: tuple[Floats, Floats, Floats], options: ModelOptions, masked: Any, azimuth: float
) -> SmoothField | None:
    """Estimate the smooth field of the background from pixels outside all plumes, near enough to be used."""
    along, across, _ = frame
    wide = Spread(options.spread, EXPONENT, options.source_width).width(along)
    used = (np.abs(across) < 4.0 * wide + options.margin) & (along > -options.margin) & (along < options.end)
    plume = masked | ((np.abs(across) < 2.0 * wide + pixels.width) & (along > -pixels.width))
    near = pixels.take(used)
    terms = polynomial(near.x / FAR, near.y / FAR, options.order)
    return estimate_field(near, plume[used], terms, azimuth)


def foreign_pixels(scene: xr.Dataset, pixels: PixelSet, number: int) -> Any:
    """Pixels of the plumes of other sources, and those around them: their edges lie below any threshold."""
    from scipy.ndimage import binary_dilation

    if "plume" not in scene:
        return np.zeros(pixels.x.size, bool)
    label = scene["plume"].transpose("y", "x").values
    wide = binary_dilation((label > 0) & (label != number), iterations=FOREIGN_EDGE)
    return np.asarray(wide[pixels.row, pixels.column] & (pixels.label != number))


def _check_numbers(
    length: float,
    margin: float,
    order: int,
    spread: float | None,
    spread_error: float,
    lifetime: float,
) -> None:
    given = {"length": length, "margin": margin, "spread_error": spread_error, "lifetime": lifetime}
    for name, value in (given if spread is None else given | {"spread": spread}).items():
        if isinstance(value, str):
            raise YaotanError(f"{name} is {value!r}", where="options of the method", expected="a number")
    for text, good in (
        ("length is not above 1 km", length > 1e3),
        ("margin is not above 0 m", margin > 0.0),
        ("order is not 0 to 3", order in (0, 1, 2, 3)),
        ("spread is not between 10 and 1000 m", spread is None or 10.0 <= spread <= 1000.0),
        ("spread_error is negative", spread_error >= 0.0),
        ("lifetime is not above 0 s", lifetime > 0.0),
    ):
        if not good:
            raise YaotanError(text, where="options of the method")


def _way_in_image(pixels: PixelSet, frames: tuple[Any, Any], reach: float) -> float:
    """How far the centre line stays in the image [m]; pixels with and without a value count."""
    along, across = (np.concatenate([one[k] for one in frames]) for k in (0, 1))
    inside = np.abs(across) < pixels.width
    return float(min(reach, along[inside].max())) if inside.any() else 0.0


def _check_cover(pixels: PixelSet, frames: tuple[Any, Any], options: ModelOptions) -> list[str]:
    """Refuse a plume whose core has hardly a value, and name one with gaps."""
    near = (options.start + options.end) / 2.0
    counts = []
    for along, across, _ in frames:
        wide = 1.5 * Spread(options.spread, EXPONENT, options.source_width).width(along) + pixels.width / 2.0
        counts.append(int(((along > options.start) & (along < near) & (np.abs(across) < wide)).sum()))
    held, gone = counts
    share = held / max(held + gone, 1)
    if share < 0.2:
        raise NoEstimateError("cloudy", f"{held} of {held + gone} pixels of the plume's core have a value")
    return ["gap"] if share < 0.6 else []


def _neighbours(
    neighbours: gpd.GeoDataFrame | None,
    source: gpd.GeoDataFrame,
    identity: str,
    line: CentreLine,
    options: ModelOptions,
) -> tuple[tuple[tuple[float, float], ...], bool]:
    """Places of other sources within reach, and whether one of their plumes lies over this one."""
    if neighbours is None:
        return (), False
    other = neighbours[neighbours["source"] != identity]
    x, y = local_plane(
        other.geometry.y.to_numpy(),
        other.geometry.x.to_numpy(),
        source.geometry.y.iloc[0],
        source.geometry.x.iloc[0],
    )
    along, across, _ = line.coordinates(x, y)
    widest = 3.0 * Spread(options.spread, EXPONENT, options.source_width).width(np.array([options.end]))[0]
    near = (along < options.end) & (along > -options.end) & (np.abs(across) < widest + options.margin)
    over = near & (np.abs(across) < widest)
    places = tuple((float(a), float(b)) for a, b in zip(x[near], y[near], strict=True))
    return places, bool(over.any())


def _time(scene: xr.Dataset, pixels: PixelSet) -> np.datetime64 | None:
    if "time" not in scene.variables:
        return None
    values = scene["time"].values
    near = int(np.argmin(np.hypot(pixels.x, pixels.y)))
    place = ((), (pixels.row[near],), (pixels.row[near], pixels.column[near]))[values.ndim]
    found: Any = values[place]
    return found
