"""What a command of the command line is made of, and options that several commands show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Option:
    """A keyword of a public function, shown as ``--name``."""

    name: str
    kind: Any
    default: Any
    help: str


@dataclass(frozen=True)
class Argument:
    """A positional argument; `many` takes one or more values."""

    name: str
    help: str
    many: bool = False


@dataclass(frozen=True)
class Command:
    """One command: its public functions as ``module:name``, its arguments and options, its runner."""

    name: str
    functions: tuple[str, ...]
    help: str
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]


GLOBE: Final = (-180.0, -90.0, 180.0, 90.0)

ALIASES: Final = Option(
    "aliases", str, None, "YAML that teaches the names of a delivery (docs/howto/gmi_aliases.md)."
)

PRODUCT: Final = Option(
    "product", str, None, "Product name, or a product file of your own (docs/howto/add_product.md)."
)
TRUST: Final = Option(
    "trust_layout", bool, False, "Take a layout that is known from documents only as it is; no warning."
)
