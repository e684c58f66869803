"""One look at a source: the row of its estimate with what is drawn of it; which looks get a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from yaotan.report.close_up import CloseUp, frame_around, local_frame, quads_of_centres
from yaotan.report.context import PageContext
from yaotan.report.point_source import PointSourceResult
from yaotan.report.section.rate import is_given
from yaotan.report.shape import part_key
from yaotan.report.table import rows_of
from yaotan.units import conversion

Floats = npt.NDArray[np.float64]

#: sources with all figures, and sources that are shown small
MOST_PANELS: Final = 6
MOST_THUMBNAILS: Final = 12
#: units whose numbers are too small to be read, and those in which columns are shown
READABLE: Final = {"mol m-2": "µmol m-2", "kg m-2": "g m-2"}
#: variables of a view in the unit of its column
COLUMNS: Final = (
    *("column", "column_uncertainty", "fit", "fit_background", "transect_observed"),
    *("transect_observed_uncertainty", "transect_fit", "transect_background"),
)


@dataclass(frozen=True)
class Look:
    """A source in a scene.

    Parameters
    ----------
    row : dict
        Of the estimates.
    view : xarray.Dataset or None
        What is drawn.
    """

    row: dict[str, Any]
    view: xr.Dataset | None

    @property
    def key(self) -> str:
        """HTML id."""
        return part_key("plume", str(self.row["source"]))

    @property
    def given(self) -> bool:
        """Whether there is an emission."""
        return is_given(self.row)

    @property
    def value(self) -> float:
        """Emission [kg s-1]."""
        return float(self.row["emission"])

    @property
    def sigma(self) -> float:
        """1 sigma [kg s-1]."""
        return float(self.row["emission_uncertainty"])

    @property
    def is_track(self) -> bool:
        """Whether the view is of a track."""
        return self.view is not None and "sounding" in self.view.dims

    @property
    def is_image(self) -> bool:
        """Whether the view is of an image."""
        return self.view is not None and "column" in self.view and "y" in self.view.dims


def readable(view: xr.Dataset | None) -> xr.Dataset | None:
    """Give a view with its columns in a unit that needs no powers of ten.

    Examples
    --------
    >>> view = xr.Dataset({"column": ("x", [3e-5])}, attrs={"units": "mol m-2"})
    >>> shown = readable(view)
    >>> float(shown.column[0].round(6)), shown.attrs["units"]
    (30.0, 'µmol m-2')
    """
    units = "" if view is None else str(view.attrs.get("units", ""))
    if view is None or units not in READABLE:
        return view
    factor = conversion(units, READABLE[units])[0]
    held = {name: factor * view[name] for name in COLUMNS if name in view}
    return view.assign(held).assign_attrs(view.attrs | {"units": READABLE[units]})


def clearest_looks(page: PageContext, one: PointSourceResult) -> list[Look]:
    """Give one look for each source, strongest emission first, then those without one.

    Of several overpasses that is the one with an emission whose view was kept as the clearest, else the one
    with the greatest emission over its error, else the first.
    """

    def make() -> list[Look]:
        places = {key: place for place, key in enumerate(one.views)}
        best: dict[str, tuple[tuple[bool, float, float], Look]] = {}
        for row in rows_of(one.estimates):
            pair = (str(row["scene"]), str(row["source"]))
            look = Look(row, readable(one.views.get(pair)))
            sure = look.value / look.sigma if look.given else -np.inf
            rank = (look.given, -float(places.get(pair, np.inf)), sure)
            if pair[1] not in best or rank > best[pair[1]][0]:
                best[pair[1]] = (rank, look)
        looks = [look for _, look in best.values()]
        return sorted(looks, key=lambda look: (not look.given, -look.value if look.given else 0.0))

    return page.once("plume-looks", make)


def shown_looks(page: PageContext, one: PointSourceResult) -> tuple[list[Look], list[Look], int]:
    """Give looks with all figures, looks that are shown small, and how many sources have no picture."""
    looks = clearest_looks(page, one)
    drawn = [look for look in looks if look.view is not None and len(look.view.variables)]
    first = [look for look in drawn if look.given][:MOST_PANELS] or drawn[:1]
    kept = {id(look) for look in first}
    small = [look for look in drawn if id(look) not in kept and look.is_image][:MOST_THUMBNAILS]
    return first, small, len(looks) - len(first) - len(small)


def opening_look(page: PageContext, one: PointSourceResult) -> Look | None:
    """Give the look whose image opens a page without boundaries, where places say less; else None."""
    first = shown_looks(page, one)[0]
    return None if len(page.results.regions) else next((look for look in first if look.is_image), None)


def close_up_of(page: PageContext, look: Look) -> CloseUp:
    """Project what is drawn around a source; once for all languages."""
    return page.once(f"close-up-{look.key}", lambda: _project(look))


def _project(look: Look) -> CloseUp:
    view = look.view
    assert view is not None
    place = float(view.attrs["source_longitude"]), float(view.attrs["source_latitude"])
    frame = local_frame(*place)
    if "latitude_corner" in view:
        quads = np.stack(
            frame.project(view["longitude_corner"].values, view["latitude_corner"].values), axis=-1
        )
    else:
        quads = quads_of_centres(*frame.project(view["longitude"].values, view["latitude"].values))
    values = np.asarray(view["column"].values, float)
    own = np.asarray(view["own"].values, bool) if "own" in view else np.zeros(values.shape, bool)
    way = np.zeros((0, 2))
    if "line_longitude" in view:
        way = np.stack(frame.project(view["line_longitude"].values, view["line_latitude"].values), axis=-1)
    held = np.concatenate([way, quads.mean(axis=2)[own], _round_source(way, own)])
    wind = tuple(float(view.attrs.get(f"wind_{name}", np.nan)) for name in ("u", "v"))
    return CloseUp(*place, quads, values, frame_around(frame, held), own, way, wind)  # type: ignore[arg-type]


def _round_source(way: Floats, own: npt.NDArray[np.bool_]) -> Floats:
    """Corners of what is shown without a plume [m]."""
    if len(way) or own.any():
        return np.zeros((0, 2))
    return 45e3 * np.array([[-1.0, -1.0], [1.0, 1.0]])
