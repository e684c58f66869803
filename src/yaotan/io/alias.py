"""Products without a public layout: variables found by their names, or as the user's file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yaotan.catalog.product import Product
from yaotan.io.container import Container
from yaotan.typing import PathLike


def load_aliases(aliases: PathLike | Mapping[str, Any]) -> Any:
    raise NotImplementedError


def resolve_aliases(
    container: Container, product: Product, path: str, aliases: PathLike | Mapping[str, Any] | None
) -> tuple[Product, dict[str, str]]:
    raise NotImplementedError
