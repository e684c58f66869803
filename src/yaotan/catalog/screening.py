"""Screening rules by name: those of a product, and those that fit any product."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from pydantic import ConfigDict, Field, model_validator

from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import load_yaml, root
from yaotan.errors import RecipeError

if TYPE_CHECKING:
    from yaotan.catalog.product import Product

#: stands in a rule's variable for each gas column of the product
COLUMN: Final = "{column}"


class OutlierTest(Entry):
    """When a value stands out from its neighbours on the track (see `yaotan.column.outlier`).

    Parameters
    ----------
    deviations : float
        Robust standard deviations from the neighbours' median.
    seconds : float
        Length of the window along the track, centred on the sounding.
    minimum : int
        Least number of soundings in the window; with fewer a sounding is not judged.
    """

    deviations: float = Field(gt=0)
    seconds: float = Field(gt=0)
    minimum: int = Field(default=7, ge=3)


class ScreeningRule(Entry):
    """A named condition on a variable that keeps a sounding; used by ``column.screening``.

    ``{column}`` in `variable` stands for each gas column of the product.
    """

    name: str
    variable: str
    min: float | None = None
    max: float | None = None
    among: tuple[float | str, ...] | None = Field(default=None, alias="in")
    outlier: OutlierTest | None = None
    words: Words
    #: where the numbers come from
    source: str | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _says_something(self) -> ScreeningRule:
        if self.min is None and self.max is None and self.among is None and self.outlier is None:
            raise ValueError("give 'min', 'max', 'in' or 'outlier'")
        return self


@cache
def general_rules() -> dict[str, ScreeningRule]:
    """Give the rules of ``catalogs/screening.yaml`` by name.

    Examples
    --------
    >>> general_rules()["outlier"].outlier.deviations
    3.0
    """
    entries = load_yaml(root() / "screening.yaml")
    return {name: ScreeningRule.model_validate({"name": name, **entry}) for name, entry in entries.items()}


def find_rules(named: Sequence[str | ScreeningRule], product: Product | None) -> list[ScreeningRule]:
    """Look up rules by name, and set the product's columns in.

    Parameters
    ----------
    named : sequence of str or ScreeningRule
        Names, or rules written out.
    product : Product or None
        Its own rules come before the general ones of the same name.

    Returns
    -------
    list of ScreeningRule
        In the order given; one that speaks of ``{column}`` once for each column (named
        ``outlier_xco2`` and so on where the product has several).

    Raises
    ------
    RecipeError
        There is no rule of that name, or a rule speaks of the product's columns and there is no product.
    """
    offered = {**general_rules(), **{rule.name: rule for rule in (product.rules if product else ())}}
    rules: list[ScreeningRule] = []
    for item in named:
        if isinstance(item, str) and item not in offered:
            raise RecipeError(
                f"there is no screening rule {item!r}" + (f" for {product.product}" if product else ""),
                expected=f"one of {', '.join(sorted(offered))}, or a rule written out",
            )
        rule = offered[item] if isinstance(item, str) else item
        rules += _set_in(rule, product) if COLUMN in rule.variable else [rule]
    return rules


def _set_in(rule: ScreeningRule, product: Product | None) -> list[ScreeningRule]:
    if product is None:
        raise RecipeError(
            f"rule {rule.name!r} judges each column of a product, and the soundings name no product",
            fix="write the rule out, with the column as its variable",
        )
    several = len(product.gases) > 1
    return [
        rule.model_copy(
            update={
                "name": f"{rule.name}_{gas}" if several else rule.name,
                "variable": rule.variable.replace(COLUMN, gas),
            }
        )
        for gas in product.gases
    ]
