"""What a user says about a delivery without a public layout, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yaotan.catalog.source import load_yaml
from yaotan.errors import CatalogError
from yaotan.typing import PathLike

HOW_TO: Final = "docs/howto/gmi_aliases.md"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AliasQuality(_Part):
    """Which dataset is the quality flag, and which of its values mean good."""

    path: str | None = None
    good: tuple[int | str, ...] = (0,)


class AliasTime(_Part):
    """Which dataset is time, how it is written, and how far it is ahead of UTC (Beijing time: 8)."""

    path: str | None = None
    kind: Literal["epoch", "text", "digits", "columns"] | None = None
    units: str | None = None
    offset_hours: float = 0.0


class AliasFile(_Part):
    """What a user teaches about a delivery."""

    product: str
    variables: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    quality: AliasQuality | Literal["none"] | None = None
    time: AliasTime | None = None


def load_aliases(aliases: PathLike | Mapping[str, Any] | AliasFile) -> AliasFile:
    """Read and check what a user teaches about a delivery.

    Parameters
    ----------
    aliases : path-like, mapping or AliasFile
        YAML file, or its content.

    Returns
    -------
    AliasFile
        Checked.

    Raises
    ------
    CatalogError
        An unknown key or a wrong value.

    Examples
    --------
    >>> load_aliases({"product": "gf5b_gmi", "variables": {"xco2": "/Proxy/XCO2"}}).variables
    {'xco2': '/Proxy/XCO2'}
    """
    if isinstance(aliases, AliasFile):
        return aliases
    content = dict(aliases) if isinstance(aliases, Mapping) else load_yaml(aliases)
    where = "aliases" if isinstance(aliases, Mapping) else str(aliases)
    try:
        return AliasFile.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise CatalogError(
            f"{key or 'aliases'}: {problem['msg']}",
            where=where,
            expected="the keys product, variables, units, quality and time",
            fix=f"see {HOW_TO}",
        ) from error
