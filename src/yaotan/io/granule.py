"""One granule of one product: which sources it has, and decoded rows of each canonical variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.product import Product
from yaotan.catalog.rule import FlagRule, Footprint, MeaningRule, TimeRule
from yaotan.catalog.variable import Source
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.io.container import Container, open_container
from yaotan.io.decode import tell_unit, to_float, to_text
from yaotan.io.derive import COMPUTATIONS
from yaotan.io.flag import read_bits, read_meaning, read_native, read_quality
from yaotan.io.footprint import ring_corners, square_corners, wrap
from yaotan.io.frame import Frame, Rows
from yaotan.io.moment import NAT, read_time
from yaotan.io.variable import find_rule, native_dims, units_of
from yaotan.schema import MODE, SURFACE
from yaotan.units import convert

CORNERS: Final = ("latitude_corner", "longitude_corner")
_FLAGS: Final = {"surface": SURFACE, "mode": MODE}
#: rows from which the vertical order of a file is told
_PROBE: Final = 256


@dataclass(frozen=True)
class Granule:
    """A file whose product is known: what it offers, and how to get it.

    Small, hashable by nothing and picklable: it holds rules and no file handle; each `read` opens the
    file and closes it again.
    """

    path: str
    product: Product
    version: str
    frame: Frame
    sources: Mapping[str, Source]
    times: tuple[TimeRule, ...]  # that the file has, the best first
    footprint: Footprint | None = None
    meanings: Mapping[str, MeaningRule] = field(default_factory=dict)
    flags: tuple[FlagRule, ...] = ()
    unflagged: str = ""  # the flag that the product has and this file lacks
    bits: tuple[str, ...] = ()
    vertical: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of soundings in the file."""
        return self.frame.count

    def names(self) -> list[str]:
        """List the canonical variables that the granule can give."""
        names = ["time", "latitude", "longitude", *(CORNERS if self.footprint else ()), "quality"]
        names += ["quality_native"] if self.flags else []
        names += ["quality_bits"] if self.bits else []
        return names + [name for name in (*self.meanings, *self.sources) if name not in names]

    def dims_of(self, name: str) -> tuple[str, ...]:
        """Give the dimensions of a variable."""
        dims = native_dims(self.product, name)
        layered = self.product.vertical is not None and self.product.vertical.kind == "layer"
        return tuple("layer" if layered and dim == "level" else dim for dim in dims)

    def shape_of(self, name: str, rows: int) -> tuple[int, ...]:
        """Give the shape of a variable for a number of rows."""
        sizes = {"sounding": rows, "corner": 4, "level": self.vertical, "layer": self.vertical}
        sizes["edge"] = self.vertical + 1
        return tuple(sizes[dim] for dim in self.dims_of(name))

    def dtype_of(self, name: str) -> np.dtype[Any]:
        """Give the dtype that `read` returns."""
        if name == "quality_native":
            return np.dtype("int64")
        if name == "quality_bits":
            return np.dtype("uint64")
        rule = find_rule(name)
        return np.dtype(rule.dtype if rule and rule.dtype else "float64")

    def read(self, name: str, rows: Rows = None) -> NDArray[Any]:
        """Read and decode one variable.

        Parameters
        ----------
        name : str
            One of `names()`.
        rows : slice or integer array, optional
            Rows of the file, in the order wanted.

        Returns
        -------
        numpy.ndarray
            In the unit, order and dtype of the schema.

        Raises
        ------
        NotAGranuleError, UnitsError
            The file breaks what its product promises.
        """
        with open_container(self.path) as container:
            return self.read_from(container, name, rows)

    def read_from(self, container: Container, name: str, rows: Rows = None) -> NDArray[Any]:
        """As `read`, from a container that is already open."""
        try:
            return self._read(container, name, rows)
        except NotAGranuleError as error:
            if error.where:
                raise
            where = f"{self.path}: {self.sources.get(name, name)}"
            raise NotAGranuleError(error.what, where=where, expected=error.expected, fix=error.fix) from error

    def _read(self, container: Container, name: str, rows: Rows) -> NDArray[Any]:
        if name == "time":
            return self._read_time(container, rows)
        if name in CORNERS:
            return self._read_corners(container, rows)[CORNERS.index(name)]
        if name == "quality":
            return read_quality(self, container, rows)
        if name == "quality_native":
            return read_native(self, container, rows)
        if name == "quality_bits":
            return read_bits(self, container, rows)
        if name in _FLAGS:
            return read_meaning(self, container, self.meanings[name], _FLAGS[name], rows)
        if name == "sounding_id":
            return self._read_id(container, rows)
        values = self._read_floats(container, name, rows)
        return wrap(values) if name == "longitude" else values

    def _read_floats(self, container: Container, name: str, rows: Rows) -> NDArray[np.float64]:
        source, wanted = self.sources[name], units_of(self.product, name)
        computation = COMPUTATIONS[source.compute]
        if source.value is not None:
            units_in = source.units or "1"
            constant = convert(np.array([source.value]), units_in, wanted or units_in, where=self.path)
            return np.repeat(constant, self.frame.number(rows))
        units: list[str | None] = [wanted] * len(source.paths)
        if computation.own_units:
            units = [*source.term_units] or [None] * len(source.paths)
        terms = [
            self._read_term(container, path, source, unit, rows)
            for path, unit in zip(source.paths, units, strict=True)
        ]
        extra = [
            self._read_term(container, path, source, wanted, rows)
            for path in source.optional
            if path in container
        ]
        values = computation.run(terms, extra, self.vertical)
        if computation.own_units and wanted:
            values = convert(values, source.units or "1", wanted, where=f"{self.path}: {name}")
        if values.ndim < len(self.dims_of(name)):  # one profile for all soundings
            values = np.broadcast_to(values, (self.frame.number(rows), *values.shape))
        vertical = {"level", "layer", "edge"} & set(self.dims_of(name))
        if vertical and not computation.ordered and self._top_first(container):
            values = values[:, ::-1]
        return np.ascontiguousarray(values)

    def _read_term(
        self, container: Container, path: str, source: Source, wanted: str | None, rows: Rows
    ) -> NDArray[np.float64]:
        attribute = path.startswith("@")
        attributes = {} if attribute else container.attributes_of(path)
        if path in source.shared:
            raw = container.read(path)
        elif self.frame.repeats(container, path):
            # decoded before it is repeated: a scan line has hundreds of soundings
            once = to_float(self.frame.read_once(container, path), attributes, self.product.fill)
            values = self.frame.spread(container, path, once, rows)
            return self._convert(container, values, source, path, wanted)
        else:
            select = source.select if path in (source.selected or source.paths) else ()
            raw = self.frame.read(container, path, rows, trailing=source.trailing, select=select)
        values = to_float(raw, attributes, self.product.fill)
        if source.missing:
            values = np.where(np.isin(values, source.missing), np.nan, values)
        return self._convert(container, values, source, path, wanted)

    def _convert(
        self,
        container: Container,
        values: NDArray[np.float64],
        source: Source,
        path: str,
        wanted: str | None,
    ) -> NDArray[np.float64]:
        if not wanted:
            return values
        attributes = {} if path.startswith("@") else container.attributes_of(path)
        given = next((str(attributes[k]) for k in self.product.units_attributes if k in attributes), None)
        own = COMPUTATIONS[source.compute].own_units
        if given in source.unit_factors:
            return values * source.unit_factors[given]
        judged = source.units_by_value and path in (source.judged or source.paths)
        if judged and not (source.trust_attribute and given):
            given = tell_unit(values, source.units_by_value, where=f"{self.path}: {path}")
        elif own:
            given = given or wanted
        elif source.units and source.units.startswith("@"):
            given = str(container.attributes.get(source.units[1:], ""))
        else:
            given = source.units or given
        converted: NDArray[np.float64] = convert(values, given, wanted, where=f"{self.path}: {path}")
        return converted

    def _top_first(self, container: Container) -> bool:
        """Tell the vertical order of the file from its pressures, or check the declared one."""
        vertical = self.product.vertical
        if vertical is None or vertical.test is None or vertical.test not in container:
            return vertical is not None and vertical.order == "toa_first"
        growth = self._probe(container, vertical.test)
        if growth is None:
            return vertical.order == "toa_first"
        towards_surface = (growth > 0) == (vertical.grows == "down")
        if vertical.order == "test" or towards_surface == (vertical.order == "toa_first"):
            return towards_surface
        raise NotAGranuleError(
            f"{vertical.test} runs against the vertical order of {self.product.product}",
            where=self.path,
            expected=vertical.order,
        )

    def _probe(self, container: Container, path: str) -> float | None:
        """Give the growth of a dataset along its vertical axis; None when it holds no value."""
        attributes = container.attributes_of(path)
        if self.frame.rest_of(container, path) is None:  # the same for all soundings
            shared = to_float(container.read(path), attributes, self.product.fill)
            column = shared.reshape((shared.shape[0], -1))[:, 0]
            return float(column[-1] - column[0]) if np.isfinite(column[[0, -1]]).all() else None
        # swaths begin and end where nothing is retrieved: the middle is tried before the whole is read
        starts = (self.frame.count // 2, 0, self.frame.count // 4, 3 * self.frame.count // 4)
        parts: list[Rows] = [slice(start, start + _PROBE) for start in starts]
        for part in [*parts, None]:
            values = to_float(self.frame.read(container, path, part), attributes, self.product.fill)
            values = values if values.ndim == 2 else values[:, :, 0]  # lower bounds of layers
            good = np.isfinite(values[:, 0]) & np.isfinite(values[:, -1])
            if good.any():
                return float(np.median(values[good, -1] - values[good, 0]))
        return None

    def _read_time(self, container: Container, rows: Rows) -> Any:
        """Read the first time that holds any: subset services have left emptied ones behind."""
        time: Any = np.full(self.frame.number(rows), NAT)
        for rule in self.times:
            try:
                time = read_time(container, self.frame, rule, self.product.fill, rows)
            except UnitsError as error:
                if len(self.times) == 1:
                    raise UnitsError(
                        f"{rule.path}: {error.what}",
                        where=self.path,
                        expected=error.expected,
                        fix="say what it counts in a product file of your own: "
                        f"time: [{{path: {rule.path}, units: ...}}] (docs/howto/add_product.md)",
                    ) from error
                continue
            if not np.isnat(time).all():
                break
        return time

    def _read_corners(self, container: Container, rows: Rows) -> tuple[Any, Any]:
        rule = self.footprint
        assert rule is not None
        if rule.kind == "circle":
            latitude = self._read_floats(container, "latitude", rows)
            longitude = self._read_floats(container, "longitude", rows)
            return square_corners(latitude, longitude, float(rule.diameter_km or 0.0))
        assert rule.latitude is not None
        assert rule.longitude is not None
        latitude, longitude = (
            to_float(
                self.frame.read(container, path, rows, select=rule.select),
                container.attributes_of(path),
                self.product.fill,
            )
            for path in (rule.latitude, rule.longitude)
        )
        if rule.kind == "ring":
            return ring_corners(latitude, longitude)
        if rule.order:
            latitude, longitude = latitude[:, list(rule.order)], longitude[:, list(rule.order)]
        return latitude, wrap(longitude)

    def _read_id(self, container: Container, rows: Rows) -> NDArray[np.uint64]:
        path = self.sources["sounding_id"].paths[0]
        raw = self.frame.read(container, path, rows)
        if raw.dtype.kind in "SUO":
            return np.array([int(t) if t.isdigit() else 0 for t in to_text(raw)], dtype=np.uint64)
        if raw.dtype.kind == "f" and raw.dtype.itemsize < 8:
            raise NotAGranuleError(f"{path} is float32, which cannot keep a sounding id", where=self.path)
        if raw.dtype.kind == "f":
            raw = np.nan_to_num(raw, nan=0.0)
        return np.where(raw > 0, raw, 0).astype(np.uint64)
