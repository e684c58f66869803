"""Sensors as far as plumes are concerned: geometry of the pixels, noise, how often they come."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import Field

from yaotan.catalog.problem import name_problem
from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import load_yaml, root


class PlumeSensor(Entry):
    """One entry of ``catalogs/plume_sensors.yaml``.

    Parameters
    ----------
    kind : {"image", "track", "point"}
        Pixels without gaps, a band of footprints, or soundings far apart.
    variable, units : str
        Column and its unit.
    pixel : tuple of float
        Size across and along the track [m].
    footprints : int
        Side by side in a track.
    noise : float
        1 sigma of one pixel [units].
    extent : float
        Way of a plume that an image holds [m].
    repeat_days, orbits : float, optional
        Period and orbits in it of a track: they give the distance of neighbouring tracks.
    visits : float, optional
        Overpasses in a year; None where no public fact says so.
    """

    name: str
    title: Words
    kind: Literal["image", "track", "point"]
    variable: str
    units: str
    pixel: tuple[float, float]
    footprints: int = Field(default=1, ge=1)
    noise: float = Field(gt=0)
    extent: float = Field(default=100e3, gt=0)
    repeat_days: float | None = Field(default=None, gt=0)
    orbits: int | None = Field(default=None, gt=0)
    visits: float | None = Field(default=None, gt=0)
    source: str


@cache
def plume_sensors() -> dict[str, PlumeSensor]:
    """Give every sensor by name.

    Examples
    --------
    >>> plume_sensors()["oco2"].kind, plume_sensors()["gf5b"].pixel[0]
    ('track', 10300.0)
    """
    path = root() / "plume_sensors.yaml"
    with name_problem(path):
        return {name: PlumeSensor(name=name, **entry) for name, entry in load_yaml(path).items()}
