"""From the cells of one grid to those of another: sums over common areas, in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from yaotan.grid.area import Floats
from yaotan.grid.axes import Axes
from yaotan.grid.scattered import Scattered
from yaotan.grid.separable import Separable, without_areas
from yaotan.grid.spec import GridSpec


class Window(Protocol):
    """Some rows of the source and the rows of the target that they add to."""

    @property
    def source_area(self) -> Floats:
        """Area of the source cells [m2]; worked out once."""

    def sums(self, values: Floats, power: int = 1) -> Floats:
        """Sum over source cells of value times (common area) to a power, in each target cell."""


class Transfer(Protocol):
    """What `yaotan.grid.regrid` asks of a way from one grid to another."""

    @property
    def source(self) -> Axes:
        """Cells that give."""

    @property
    def target(self) -> GridSpec:
        """Cells that take."""

    @property
    def meets(self) -> bool:
        """Whether the two have anything in common."""

    def windows(self, size: int) -> Iterator[tuple[slice, slice]]:
        """Part the work: rows of the target, and (rising) rows of the source that add to them.

        A window has about `size` source values. What one target window gets from several source windows is
        to be added up.
        """

    def window(self, rows: slice, target: slice) -> Window:
        """Give what is needed of one window."""

    def target_area(self, target: slice) -> Floats:
        """Area of the target cells of some rows [m2]."""


def make_transfer(source: Axes, target: GridSpec, *, areas: bool = True) -> Transfer:
    """Choose the way: exact overlaps where both grids have one reference system, else points.

    Without `areas` a way that works out none is taken where each target cell is one source cell.
    """
    system = source.crs
    same = target.is_geographic if system is None else bool(target.pyproj_crs == system)
    if not same:
        return Scattered(source, target)
    transfer = Separable(source, target)
    return transfer if areas else without_areas(transfer)
