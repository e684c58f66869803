"""What a variable is: its rule in the schema, or what its product says of an extra one."""

from __future__ import annotations

from yaotan.catalog.product import Product
from yaotan.schema import SOUNDING_VARIABLES, Variable, gas_variable


def find_rule(name: str) -> Variable | None:
    """Give the schema's rule for a variable; None for a product's own extra."""
    return SOUNDING_VARIABLES.get(name) or gas_variable(name)


def native_dims(product: Product, name: str) -> tuple[str, ...]:
    """Give the dimensions of a variable, with ``level`` for layers too."""
    rule = find_rule(name)
    if rule is not None:
        return rule.dims
    own = product.variables.get(name)
    return ("sounding", "level") if own is not None and own.vertical else ("sounding",)


def units_of(product: Product, name: str) -> str | None:
    """Give the unit in which a variable is delivered; None when it is passed on as it is."""
    rule = find_rule(name)
    if rule is not None:
        return rule.units
    return product.variables[name].units if name in product.variables else None
