"""One granule of one product: which sources it has, and decoded rows of each canonical variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.product import Product
from yaotan.catalog.rule import FlagRule, Footprint, MeaningRule, Source, TimeRule
from yaotan.errors import NotAGranuleError
from yaotan.io.container import Container, open_container
from yaotan.io.decode import decode_time, fill_values, to_float, to_text
from yaotan.io.derive import COMPUTATIONS, ORDERED
from yaotan.io.footprint import ring_corners, square_corners, wrap
from yaotan.schema import FLAG_FILL, MODE, QUALITY, SOUNDING_VARIABLES, SURFACE, Variable, gas_variable
from yaotan.units import convert

Rows = slice | NDArray[np.integer[Any]] | None
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
    count: int
    sources: Mapping[str, Source]
    time: TimeRule
    footprint: Footprint | None = None
    meanings: Mapping[str, MeaningRule] = field(default_factory=dict)
    flags: tuple[FlagRule, ...] = ()
    bits: tuple[str, ...] = ()
    vertical: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """List the canonical variables that the granule can give."""
        names = ["time", "latitude", "longitude", *(CORNERS if self.footprint else ()), "quality"]
        names += ["quality_native"] if self.flags else []
        names += ["quality_bits"] if self.bits else []
        return names + [name for name in (*self.meanings, *self.sources) if name not in names]

    def dims_of(self, name: str) -> tuple[str, ...]:
        """Give the dimensions of a variable."""
        rule = find_rule(name)
        dims = rule.dims if rule else ("sounding",)
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
        if name == "time":
            return self._read_time(container, rows)
        if name in CORNERS:
            return self._read_corners(container, rows)[CORNERS.index(name)]
        if name == "quality":
            return self._read_quality(container, rows)
        if name == "quality_native":
            return self._read_native(container, rows)
        if name == "quality_bits":
            return self._read_bits(container, rows)
        if name in _FLAGS:
            return self._read_meaning(container, self.meanings[name], _FLAGS[name], rows)
        if name == "sounding_id":
            return self._read_id(container, rows)
        values = self._read_floats(container, name, rows)
        return wrap(values) if name == "longitude" else values

    def _read_floats(self, container: Container, name: str, rows: Rows) -> NDArray[np.float64]:
        source = self.sources[name]
        wanted = units_of(self.product, name) if source.compute != "normalise" else None
        terms = [self._read_term(container, path, source, wanted, rows) for path in source.paths]
        extra = [
            self._read_term(container, path, source, wanted, rows)
            for path in source.optional
            if path in container
        ]
        values = COMPUTATIONS[source.compute](terms, extra)
        vertical = {"level", "layer", "edge"} & set(self.dims_of(name))
        if vertical and source.compute not in ORDERED and self._top_first(container):
            values = values[:, ::-1]
        return np.ascontiguousarray(values)

    def _read_term(
        self, container: Container, path: str, source: Source, wanted: str | None, rows: Rows
    ) -> NDArray[np.float64]:
        attributes = container.attributes_of(path)
        values = to_float(container.read(path, rows), attributes, self.product.fill)
        if wanted is None:
            return values
        given = source.units or next(
            (str(attributes[key]) for key in self.product.units_attributes if key in attributes), None
        )
        converted: NDArray[np.float64] = convert(values, given, wanted, where=f"{self.path}: {path}")
        return converted

    def _top_first(self, container: Container) -> bool:
        """Tell the vertical order of the file from its pressures, or check the declared one."""
        vertical = self.product.vertical
        if vertical is None or vertical.test not in container:
            return vertical is not None and vertical.order == "toa_first"
        attributes = container.attributes_of(vertical.test)
        probe: Rows = slice(0, _PROBE)
        for part in (probe, None):
            values = to_float(container.read(vertical.test, part), attributes, self.product.fill)
            good = np.isfinite(values[:, 0]) & np.isfinite(values[:, -1])
            if good.any():
                break
        else:
            return vertical.order == "toa_first"
        growth = values[good, -1] - values[good, 0]
        towards_surface = bool(np.median(growth) > 0)
        if vertical.order == "test" or towards_surface == (vertical.order == "toa_first"):
            return towards_surface
        raise NotAGranuleError(
            f"{vertical.test} runs against the vertical order of {self.product.product}",
            where=self.path,
            expected=vertical.order,
        )

    def _read_time(self, container: Container, rows: Rows) -> Any:
        rule = self.time
        attributes = container.attributes_of(rule.path)
        return decode_time(container.read(rule.path, rows), attributes, rule, self.product.fill)

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
            to_float(container.read(path, rows), container.attributes_of(path), self.product.fill)
            for path in (rule.latitude, rule.longitude)
        )
        if rule.kind == "ring":
            return ring_corners(latitude, longitude)
        return latitude, wrap(longitude)

    def _read_quality(self, container: Container, rows: Rows) -> NDArray[np.uint8]:
        if not self.flags:
            number = np.arange(self.count)[rows if rows is not None else slice(None)].size
            return np.full(number, QUALITY["good"], dtype=np.uint8)
        bad: Any = False
        for flag in self.flags:
            bad = bad | ~_is_good(container.read(flag.path, rows), flag)
        return np.where(bad, QUALITY["bad"], QUALITY["good"]).astype(np.uint8)

    def _read_native(self, container: Container, rows: Rows) -> NDArray[np.int64]:
        raw = container.read(self.flags[0].path, rows)
        if raw.dtype.kind in "SUO":
            known = list(self.flags[0].meanings)
            return np.array([known.index(t) if t in known else -1 for t in to_text(raw)], dtype=np.int64)
        if raw.dtype.kind == "f":
            raw = np.where(np.isfinite(raw), raw, -1)
        return raw.astype(np.int64)

    def _read_bits(self, container: Container, rows: Rows) -> NDArray[np.uint64]:
        rule = self.product.quality.bits if self.product.quality else None
        if rule is not None and rule.path in container:
            raw = container.read(rule.path, rows)
            missing = np.isin(
                raw, fill_values(container.attributes_of(rule.path), self.product.fill, raw.dtype)
            )
            # by way of the same-size unsigned type: a u8 field must not pass through int32 or float
            bits = raw.astype(raw.dtype.str.replace("i", "u")).astype(np.uint64)
            return np.where(missing, np.uint64(0), bits)
        total: Any = np.uint64(0)
        for place, flag in enumerate(self.flags):
            bad = ~_is_good(container.read(flag.path, rows), flag)
            total = total | (bad.astype(np.uint64) << np.uint64(place))
        return np.asarray(total, dtype=np.uint64)

    def _read_meaning(
        self, container: Container, rule: MeaningRule, codes: Mapping[str, int], rows: Rows
    ) -> NDArray[np.uint8]:
        raw = container.read(rule.path, rows)
        result = np.full(raw.shape[:1], FLAG_FILL, dtype=np.uint8)
        if rule.ranges:
            values = to_float(raw, container.attributes_of(rule.path), self.product.fill)
            for interval in reversed(rule.ranges):
                low = -np.inf if interval.min is None else interval.min
                high = np.inf if interval.max is None else interval.max
                result[(values >= low) & (values <= high)] = codes[interval.name]
            return result
        texts = to_text(raw) if raw.dtype.kind in "SUO" else None
        for value, name in rule.map.items():
            result[(texts == str(value)) if texts is not None else (raw == value)] = codes[name]
        return result

    def _read_id(self, container: Container, rows: Rows) -> NDArray[np.uint64]:
        path = self.sources["sounding_id"].paths[0]
        raw = container.read(path, rows)
        if raw.dtype.kind in "SUO":
            return np.array([int(t) if t.isdigit() else 0 for t in to_text(raw)], dtype=np.uint64)
        if raw.dtype.kind == "f" and raw.dtype.itemsize < 8:
            raise NotAGranuleError(f"{path} is float32, which cannot keep a sounding id", where=self.path)
        if raw.dtype.kind == "f":
            raw = np.nan_to_num(raw, nan=0.0)
        return np.where(raw > 0, raw, 0).astype(np.uint64)


def _is_good(raw: NDArray[Any], flag: FlagRule) -> NDArray[np.bool_]:
    if raw.dtype.kind in "SUO":
        return np.isin(to_text(raw), [str(value) for value in flag.good])
    return np.isin(raw, np.array(flag.good))


def find_rule(name: str) -> Variable | None:
    """Give the schema's rule for a variable; None for a product's own extra."""
    return SOUNDING_VARIABLES.get(name) or gas_variable(name)


def units_of(product: Product, name: str) -> str | None:
    """Give the unit in which a variable is delivered; None when it is passed on as it is."""
    rule = find_rule(name)
    if rule is not None:
        return rule.units
    return product.variables[name].units if name in product.variables else None
