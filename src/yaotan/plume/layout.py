"""Pixels laid out in the frame of a plume, and what is fitted to them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.background import FAR, Background, BareFit, fit_background, make_background
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.field import SmoothField
from yaotan.plume.frame import CentreLine
from yaotan.plume.image import PixelSet
from yaotan.plume.profile import EXPONENT, Spread

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

#: how far a plume goes before turbulence has given it a new direction [m], and how far that lies from the
#: last [radian]: fluctuations across the wind are 10 to 20 per cent of its speed by day, less over 15 km
MEANDER_STEP: Final = 15e3
MEANDER: Final = 0.1


@dataclass(frozen=True)
class ModelOptions:
    """What is fitted, where, and what is held.

    Parameters
    ----------
    start, end : float
        Way along the plume that is used [m].
    spacing : float
        Length of one line density [m]; infinite: one for all.
    margin : float
        Pixels up to four widths and this far from the centre line take part [m].
    order : {0, 1, 2, 3}
        Degree of the polynomial of the background.
    spread : float
        Prior of a [m].
    spread_error : float
        Standard error of its logarithm; 0 holds a and b.
    turn_error, bend_error : float
        Standard errors of the centre line [radian; radian in 100 km]; 0 holds it.
    meander_error : float
        Standard error of the direction of each further `MEANDER_STEP` of the centre line [radian]; or 0.
    decay : float
        Way over which the plume loses a share 1 - 1/e [m].
    """

    start: float
    end: float
    spacing: float = math.inf
    margin: float = 30e3
    order: int = 2
    spread: float = 104.0
    spread_error: float = 0.6
    exponent_error: float = 0.1
    turn_error: float = 0.1
    bend_error: float = 0.2
    meander_error: float = MEANDER
    decay: float = math.inf
    source_width: float = 230.0

    @property
    def prior(self) -> tuple[Floats, Floats]:
        """Mean and standard error of what is fitted besides amplitudes."""
        count = self.nodes.size
        mean = np.array([math.log(self.spread), EXPONENT, 0.0, 0.0, *np.zeros(count)])
        exponent = self.exponent_error if self.spread_error > 0.0 else 0.0
        first = [self.spread_error, exponent, self.turn_error, self.bend_error]
        meander = self.meander_error if self.turn_error > 0.0 else 0.0
        return mean, np.array([*first, *np.full(count, meander)])

    @property
    def nodes(self) -> Floats:
        """Where the centre line may change its direction [m]."""
        return np.arange(MEANDER_STEP, self.end - 0.5 * MEANDER_STEP, MEANDER_STEP)

    def moves(self, along: Floats) -> Floats:
        """How much each parameter of the centre line moves it at a distance ``(pixel, parameter)`` [m]."""
        down = np.maximum(along, 0.0)[:, None]
        further = np.clip(down - self.nodes, 0.0, MEANDER_STEP)
        return np.concatenate([down, down**2 / FAR, further], axis=1)


@dataclass(frozen=True)
class OtherFrame:
    """Pixels in the frame of another source."""

    along: Floats
    across: Floats
    half_1: Floats
    half_2: Floats

    def take(self, chosen: Any) -> OtherFrame:
        """Give some of the pixels."""
        return OtherFrame(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Layout:
    """Pixels in the frame of a plume."""

    pixels: PixelSet
    along: Floats
    across: Floats
    half_1: Floats
    half_2: Floats
    long_1: Floats
    long_2: Floats
    mass: Floats
    sigma: Floats
    background: Background
    others: tuple[OtherFrame, ...]
    level: float
    options: ModelOptions
    line: CentreLine
    #: which line density a pixel belongs to, -1 for none
    bin: NDArray[np.int64]
    centre: Floats

    @cached_property
    def ways(self) -> Floats:
        """How much each parameter of the centre line moves it at each pixel [m]."""
        return self.options.moves(self.along)

    @cached_property
    def bare(self) -> BareFit:
        """The background fitted without a plume: the same for every shape of one."""
        return fit_background(self.background, self.mass / self.sigma)

    def relined(self, spacing: float) -> Layout:
        """Give the same pixels lines of another length."""
        options = replace(self.options, spacing=spacing)
        which, centre = _lines(self.along, options)
        return replace(self, options=options, bin=which, centre=centre)


def lay_out(
    pixels: PixelSet,
    line: CentreLine,
    options: ModelOptions,
    *,
    foreign: Mask | None = None,
    others: tuple[tuple[float, float], ...] = (),
    frame: tuple[Floats, Floats, Floats] | None = None,
    field: SmoothField | None = None,
) -> Layout:
    """Put pixels into the frame of a plume and choose those that take part.

    Parameters
    ----------
    pixels : PixelSet
        Around the source.
    line : CentreLine
        First centre line.
    options : ModelOptions
        What takes part.
    foreign : numpy.ndarray, optional
        Pixels of other plumes, which are left out.
    others : tuple of pairs of float
        Places of other sources [m east, north of this one] whose plumes are fitted beside this one.
    frame : tuple of numpy.ndarray, optional
        Along, across and angle of the pixels, where they are known already.
    field : SmoothField, optional
        What the background has besides its polynomial.

    Returns
    -------
    Layout
        Pixels in the frame.

    Raises
    ------
    NoEstimateError
        Too few pixels.
    """
    along, across, angle = line.coordinates(pixels.x, pixels.y) if frame is None else frame
    wide = Spread(options.spread, EXPONENT, options.source_width).width(along)
    near = np.abs(across) < 4.0 * wide + options.margin
    used = near & (along > -options.margin) & (along < options.end)
    # where the source lies in a pixel, or upwind of it by less than one, the plume is no line
    used &= (along < -pixels.width) | (along > options.start)
    if foreign is not None:
        used &= ~foreign
    plume = used & (along > options.start) & (np.abs(across) < 2.0 * wide + pixels.width)
    if plume.sum() < 10 or used.sum() < 40:
        raise NoEstimateError("too_few", f"{int(plume.sum())} pixels of the plume, {int(used.sum())} in all")
    held = pixels.take(used)
    along, across, angle = along[used], across[used], angle[used]
    unit = np.stack([np.cos(angle), np.sin(angle)], -1)
    normal = np.stack([-np.sin(angle), np.cos(angle)], -1)
    half_1, half_2, long_1, long_2 = (
        np.abs(np.sum(edge * axis, -1)) / 2.0
        for axis in (normal, unit)
        for edge in (held.edge_1, held.edge_2)
    )
    level = float(np.median(held.value))
    background = make_background(held, options.order, field)
    which, centre = _lines(along, options)
    return Layout(
        held,
        along,
        across,
        half_1,
        half_2,
        long_1,
        long_2,
        mass=(held.value - level) * held.factor,
        sigma=background.sigma,
        background=background,
        others=_other_frames(held, line, others),
        level=level,
        options=options,
        line=line,
        bin=which,
        centre=centre,
    )


def _lines(along: Floats, options: ModelOptions) -> tuple[NDArray[np.int64], Floats]:
    """Number of the line of each pixel, and the centres of the lines."""
    edges = _line_edges(options)
    which = np.where(along > options.start, np.digitize(along, edges) - 1, -1)
    return np.clip(which, -1, edges.size - 2), (edges[1:] + edges[:-1]) / 2.0


def _line_edges(options: ModelOptions) -> Floats:
    if not math.isfinite(options.spacing):
        return np.array([options.start, options.end])
    count = max(1, round((options.end - options.start) / options.spacing))
    return np.linspace(options.start, options.end, count + 1)


def _other_frames(
    pixels: PixelSet, line: CentreLine, others: tuple[tuple[float, float], ...]
) -> tuple[OtherFrame, ...]:
    """Frames of other sources: the same line, begun at their places."""
    frames = []
    for x, y in others:
        along, across, angle = line.coordinates(pixels.x - x, pixels.y - y)
        normal = np.stack([-np.sin(angle), np.cos(angle)], -1)
        halves = [np.abs(np.sum(edge * normal, -1)) / 2.0 for edge in (pixels.edge_1, pixels.edge_2)]
        frames.append(OtherFrame(along, across, *halves))
    return tuple(frames)
