"""Products without a public layout: variables found by their names, or as the user's file says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from yaotan.catalog.product import Product
from yaotan.catalog.rule import FlagRule, QualityRule, Vertical
from yaotan.catalog.variable import Source, VariableRule
from yaotan.errors import AmbiguousLayoutError, CatalogError, NotAGranuleError, UnitsError
from yaotan.io.alias_name import names_of, normalise_name
from yaotan.io.alias_time import find_time_rule
from yaotan.io.container import Container
from yaotan.io.decode import to_float
from yaotan.io.teaching import HOW_TO, AliasFile, AliasQuality
from yaotan.io.variable import find_rule

#: plausible values by unit, narrowest first; used only where a file does not state a unit
_RANGES: Final[dict[str, tuple[tuple[str, float, float], ...]]] = {
    "xco2": (("ppm", 300.0, 500.0), ("1", 3e-4, 5e-4)),
    "xch4": (("ppm", 1.5, 2.2), ("ppb", 1500.0, 2200.0), ("1", 1.5e-6, 2.2e-6)),
    "xco2_uncertainty": (("ppm", 0.02, 20.0), ("1", 2e-8, 2e-5)),
    "xch4_uncertainty": (("ppb", 0.5, 200.0), ("ppm", 5e-4, 0.2)),
    "surface_pressure": (("hPa", 400.0, 1100.0), ("Pa", 40000.0, 110000.0)),
    "pressure_level": (("hPa", 100.0, 1100.0), ("Pa", 10000.0, 110000.0)),
    "latitude": (("degree", -90.0, 90.0),),
    "longitude": (("degree", -180.0, 360.0),),
    "solar_zenith_angle": (("degree", 2.0, 180.0),),
    "sensor_zenith_angle": (("degree", 0.0, 180.0),),
    "surface_altitude": (("m", -500.0, 9000.0),),
}
_ALIKE: Final = {
    "xco2_prior": "xco2",
    "co2_prior_profile": "xco2",
    "xch4_prior": "xch4",
    "ch4_prior_profile": "xch4",
}


def resolve_aliases(
    container: Container, product: Product, path: str, taught: AliasFile | None
) -> tuple[Product, dict[str, str]]:
    """Find the variables of one file, and give the product with their paths filled in.

    Parameters
    ----------
    container : Container
        The open file.
    product : Product
        Entry with a table of aliases.
    path : str
        Its path, for messages.
    taught : AliasFile, optional
        What the user says; it wins over the table.

    Returns
    -------
    product, notes : Product, dict
        Ready to be read like any product; ``notes["matched"]`` is a JSON text that says, per variable,
        the dataset, the unit and where both come from.

    Raises
    ------
    AmbiguousLayoutError
        Two datasets of equal rank fit one variable; both are listed with the line that would decide.
    NotAGranuleError
        Something needed was not found; the datasets of the file are listed.
    UnitsError
        A unit is neither stated nor clear from the values.
    """
    taught = taught or AliasFile(product=product.product)
    if taught.product != product.product:
        raise CatalogError(f"the aliases are for {taught.product}, not {product.product}", where=path)
    return _Resolver(container, product, path, taught).resolve()


class _Resolver:
    """Finds each variable of one file; holds what is needed to say why it could not."""

    def __init__(self, container: Container, product: Product, path: str, taught: AliasFile) -> None:
        self.container, self.product, self.path, self.taught = container, product, path, taught
        self.paths = container.paths()
        self.shapes = {item: container.shape_of(item) for item in self.paths}
        self.said = {name: item.strip("/") for name, item in taught.variables.items()}
        if isinstance(taught.quality, AliasQuality) and taught.quality.path:
            self.said["quality"] = taught.quality.path.strip("/")
        if taught.time is not None and taught.time.path:
            self.said["time"] = taught.time.path.strip("/")
        self.count: int | None = None

    def resolve(self) -> tuple[Product, dict[str, str]]:
        unknown = set(self.said) - set(self.product.aliases)
        if unknown:
            raise CatalogError(
                f"variables: {', '.join(sorted(unknown))} cannot be taught",
                where="aliases",
                expected=f"among {', '.join(self.product.aliases)}",
            )
        found = {"latitude": self._find("latitude")}
        if found["latitude"] is not None:
            self.count = (self.shapes[found["latitude"]] or (0,))[0]
        found |= {name: self._find(name) for name in self.product.aliases if name != "latitude"}
        if self.taught.quality == "none":
            found["quality"] = None
        present = {name: item for name, item in found.items() if item is not None}
        self._demand(present)
        return self._product(present)

    def _find(self, name: str) -> str | None:
        """Give the dataset for one variable: as taught, else the only one of the best rank that fits."""
        if name in self.said:
            if self.said[name] not in self.shapes:
                raise self._missing(f"{name} is taught as {self.said[name]}, which is not in the file")
            return self.said[name]
        for group in self.product.aliases[name]:
            fitting = [item for item in self.paths if names_of(item) & set(group) and self._fits(name, item)]
            if len(fitting) > 1:
                lines = " or ".join(f"'variables: {{{name}: /{item}}}'" for item in fitting)
                raise AmbiguousLayoutError(
                    f"{' and '.join('/' + item for item in fitting)} may both be {name}",
                    where=self.path,
                    fix=f"say which in an alias file with the lines 'product: {self.product.product}' "
                    f"and {lines}, and name it with --aliases ({HOW_TO})",
                )
            if fitting:
                return fitting[0]
        return None

    def _fits(self, name: str, item: str) -> bool:
        shape = self.shapes[item]
        rule = find_rule(name)
        dims = len(rule.dims) if rule else 1
        joined = name == "time" and len(shape) == 2  # character rows
        return (len(shape) == dims or joined) and (self.count is None or shape[0] == self.count)

    def _demand(self, present: Mapping[str, str]) -> None:
        lacking = [name for name in self.product.required if name not in present]
        if self.taught.quality == "none" and "quality" in lacking:
            lacking.remove("quality")
        if not set(self.product.gases) & set(present):
            lacking.append(" or ".join(self.product.gases))
        if lacking:
            raise self._missing(f"nothing was found for {', '.join(lacking)}")

    def _missing(self, what: str) -> NotAGranuleError:
        tree = "; ".join(f"/{item} {self.shapes[item]}" for item in self.paths[:60])
        rest = f"; and {len(self.paths) - 60} more" if len(self.paths) > 60 else ""
        return NotAGranuleError(
            f"{what}. The file holds: {tree}{rest}",
            where=self.path,
            expected=f"datasets for {', '.join(self.product.required)} and {' or '.join(self.product.gases)}",
            fix=f"teach the names in an alias file, for example 'product: {self.product.product}' and "
            f"'variables: {{xco2: /path}}', and name it with --aliases ({HOW_TO}); without a flag say "
            "'quality: none'",
        )

    def _product(self, present: Mapping[str, str]) -> tuple[Product, dict[str, str]]:
        matched: dict[str, dict[str, Any]] = {}
        profiles = [n for n in present if (rule := find_rule(n)) is not None and "level" in rule.dims]
        dropped = [] if "pressure_level" in present else profiles
        variables = {}
        for name, item in present.items():
            if name in ("time", "quality") or name in dropped:
                continue
            units, origin = self._units(name, item)
            matched[name] = {"path": f"/{item}", "units": units, "units_source": origin}
            corrected = "corrected" in normalise_name(item) or normalise_name(item).endswith("bc")
            source = Source(
                paths=(item,),
                units=units,
                units_source=origin,
                bias_corrected=True if corrected and name in self.product.gases else None,
            )
            variables[name] = VariableRule(sources=(source,))
        time = find_time_rule(self.container, self.product, present["time"], self.taught.time)
        matched["time"] = {"path": f"/{time.path}", **time.model_dump(exclude={"path"}, exclude_none=True)}
        quality = self._quality(present.get("quality"), matched)
        for name, entry in matched.items():
            entry["found_by"] = "user" if name in self.said else "alias"
        notes = {"matched": json.dumps(matched, sort_keys=True)}
        if dropped:
            notes["not_used"] = f"{', '.join(dropped)}: no pressure levels to tell their order from"
        if re.search(r"(?i)^GF-?5$", str(self.container.attributes.get("SatelliteID", ""))):
            notes["platform"] = "GF-5"
        vertical = None
        if profiles and not dropped:
            vertical = Vertical(kind="level", order="test", test=present["pressure_level"])
        concrete = {
            "variables": variables,
            "time": (time,),
            "quality": quality,
            "size_of": present["latitude"],
            "vertical": vertical,
        }
        return self.product.model_copy(update=concrete), notes

    def _units(self, name: str, item: str) -> tuple[str | None, str]:
        rule = find_rule(name)
        if name in self.taught.units:
            return self.taught.units[name], "user"
        attributes = self.container.attributes_of(item)
        stated = next(
            (str(attributes[k]) for k in self.product.units_attributes if k in attributes), ""
        ).strip()
        if stated:
            return stated, "attribute"
        if rule is None or rule.units is None or rule.units == "1":
            return "1", "schema"
        values = to_float(self.container.read(item), attributes, self.product.fill)
        values = values[np.isfinite(values)]
        middle = float(np.median(values.max(axis=-1) if values.ndim > 1 else values)) if values.size else 0.0
        if not values.size:
            return rule.units, "schema"
        for units, low, high in _RANGES.get(_ALIKE.get(name, name), ()):
            if low <= middle <= high:
                return units, "inferred"
        raise UnitsError(
            f"/{item} states no unit, and its values (median {middle:g}) do not show it",
            where=self.path,
            fix=f"add 'units: {{{name}: ...}}' to an alias file ({HOW_TO})",
        )

    def _quality(self, item: str | None, matched: dict[str, dict[str, Any]]) -> QualityRule | None:
        if item is None:
            matched["quality"] = {"path": None, "good": "all: the user says that there is no flag"}
            return None
        said = self.taught.quality if isinstance(self.taught.quality, AliasQuality) else None
        good = said.good if said else (0,)
        origin = "user" if said else "assumed: 0 is good"
        matched["quality"] = {"path": f"/{item}", "good": list(good), "good_source": origin}
        return QualityRule(flags=(FlagRule(path=item, name="quality_flag", good=good, required=True),))
