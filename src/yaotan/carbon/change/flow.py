"""What the gain-loss method adds to pools: growth, removals, disturbance, drained organic soils, products."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from yaotan.carbon.budget.parameter import Parameter
from yaotan.carbon.raster_pool import Coefficient, coefficient
from yaotan.catalog.factor import factor_table
from yaotan.errors import SchemaError
from yaotan.units import convert

Kind = Literal["wood", "fuelwood", "disturbance"]

_RATE: Final = "kg m-2 yr-1"


@dataclass(frozen=True)
class Growth:
    r"""Yearly growth of the biomass of a class: :math:`G_w (1 + R) CF` (IPCC 2006, vol. 4, eq. 2.9, 2.10).

    Parameters
    ----------
    rate : float, (float, float) or Factor
        G_w, above-ground dry matter per area and year, with its sd; of tier 2, I_v x BCEF_I.
    units : str
        Such as ``"t ha-1 yr-1"``.
    fraction : Coefficient
        Carbon fraction.
    ratio : Coefficient
        Root-to-shoot ratio of the growth.
    """

    rate: Coefficient
    units: str
    fraction: Coefficient
    ratio: Coefficient = 0.0

    def parameters(self, code: int) -> tuple[Parameter, ...]:
        """Parameters whose product is growth of carbon [kg m-2 yr-1]."""
        mean, sd = coefficient(self.rate)
        scale = float(convert(1.0, self.units, _RATE, where="Growth"))
        fraction, spread = coefficient(self.fraction)
        ratio, loose = coefficient(self.ratio)
        return (
            Parameter(f"growth {code}", mean * scale, sd * scale, "growth"),
            Parameter(f"fraction {fraction:g} {spread:g}", fraction, spread, "fraction"),
            Parameter(f"growth ratio {code}", 1.0 + ratio, loose, "root_shoot"),
        )


@dataclass(frozen=True)
class Loss:
    """Carbon that leaves biomass each year, of one class and region; made by `wood` or `disturbance`.

    Attributes
    ----------
    kind : {"wood", "fuelwood", "disturbance"}
        What took it.
    amount, sd : float
        [kg yr-1] of carbon.
    code : int
        Class that lost it.
    region : str or None
        Region; None where the land use has one region only.
    """

    kind: Kind
    amount: float
    sd: float
    code: int
    region: str | None = None

    @classmethod
    def wood(
        cls, volume: Coefficient, *, bcef: Coefficient, fraction: Coefficient, code: int,
        ratio: Coefficient = 0.0, region: str | None = None, kind: Kind = "wood",
    ) -> Loss:  # fmt: skip
        r"""Wood removed: :math:`L = H \cdot BCEF_R (1 + R) CF` (IPCC 2006, vol. 4, eq. 2.12; fuelwood 2.13).

        Parameters
        ----------
        volume : Coefficient
            H, roundwood over bark [m3 yr-1].
        bcef : Coefficient
            BCEF_R, biomass per volume of removals [t m-3].
        fraction, ratio : Coefficient
            Carbon fraction, root-to-shoot ratio.
        code, region, kind
            As the attributes.

        Examples
        --------
        >>> Loss.wood(1e6, bcef=0.7, fraction=0.5, code=21).amount  # kg of carbon a year
        350000000.0
        """
        factors = [coefficient(volume), coefficient(bcef), coefficient(fraction), _plus_one(ratio)]
        value, sd = _product(factors)
        return cls(kind, value * 1e3, sd * 1e3, code, region)

    @classmethod
    def disturbance(
        cls, area: Coefficient, *, biomass: Coefficient, fraction: Coefficient, code: int,
        share: Coefficient = 1.0, ratio: Coefficient = 0.0, region: str | None = None,
    ) -> Loss:  # fmt: skip
        r"""Disturbance: :math:`L = A B_w (1 + R) CF f_d` (IPCC 2006, vol. 4, eq. 2.14).

        Parameters
        ----------
        area : Coefficient
            Area disturbed [m2 yr-1].
        biomass : Coefficient
            Above-ground dry matter there [kg m-2].
        fraction, ratio, share : Coefficient
            Carbon fraction, root-to-shoot ratio (0 where roots stay), share of the biomass that is lost.
        code, region
            As the attributes.
        """
        factors = [coefficient(area), coefficient(biomass), coefficient(fraction), _plus_one(ratio)]
        value, sd = _product([*factors, coefficient(share)])
        return cls("disturbance", value, sd, code, region)


@dataclass(frozen=True)
class OrganicSoil:
    r"""Drained organic soil of a class: :math:`L = A \cdot EF` (IPCC 2006, vol. 4, eq. 2.26).

    Parameters
    ----------
    share : float
        Share of the class's area whose soil is organic and drained; the rest is mineral.
    factor : Coefficient
        Carbon lost per area and year.
    units : str
        Of the factor, such as ``"t ha-1 yr-1"``.
    """

    share: float
    factor: Coefficient
    units: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise SchemaError(f"the share of organic soil is {self.share!r}", expected="0 to 1")

    def parameter(self, code: int) -> Parameter:
        """Loss [kg m-2 yr-1]."""
        mean, sd = coefficient(self.factor)
        scale = float(convert(1.0, self.units, _RATE, where="OrganicSoil"))
        return Parameter(f"organic {code}", mean * scale, sd * scale, "organic")


@dataclass(frozen=True)
class WoodProducts:
    r"""Carbon in harvested wood products of one region, with decay of first order.

    .. math:: C_{i+1} = e^{-k} C_i + \frac{1 - e^{-k}}{k} I_i, \qquad k = \ln 2 / h

    (IPCC 2006, vol. 4, eq. 12.1: the solution of dC/dt = I - k C with a constant inflow over a year;
    half-lives h from ``catalogs/factors/wood_product.yaml``.)

    Parameters
    ----------
    inflow : mapping of str to sequence of float
        Product (sawnwood, panels, paper) -> carbon that enters in each year of the period [kg yr-1].
    initial : mapping of str to float
        Carbon in products at its start [kg]; 0 where it is not given.
    relative_sd : float, optional
        Relative error (1 sigma) of the change; None: not known.
    region : str or None
        Region that the change is counted to; None where there is one only.
    """

    inflow: Mapping[str, Sequence[float]]
    initial: Mapping[str, float] = field(default_factory=dict)
    relative_sd: float | None = None
    region: str | None = None

    def change(self, years: int) -> float:
        """Change of the carbon in products over a number of years [kg].

        Raises
        ------
        SchemaError
            An inflow is not given for every year.
        CatalogError
            A product is unknown.

        Examples
        --------
        >>> round(WoodProducts({"paper": [1.0, 1.0]}).change(2), 4)
        1.4427
        """
        lives = factor_table("wood_product")
        total = 0.0
        for product, flows in self.inflow.items():
            if len(flows) != years:
                raise SchemaError(
                    f"the inflow of {product} has {len(flows)} years", where="WoodProducts",
                    expected=f"{years}, those of the period",
                )  # fmt: skip
            rate = math.log(2.0) / lives.find(product).value
            start = held = float(self.initial.get(product, 0.0))
            for flow in flows:
                held = math.exp(-rate) * held + (1.0 - math.exp(-rate)) / rate * float(flow)
            total += held - start
        return total


def _plus_one(ratio: Coefficient) -> tuple[float, float]:
    mean, sd = coefficient(ratio)
    return 1.0 + mean, sd


def _product(factors: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Product of independent factors and its sd to first order; NaN where one is not known."""
    value = math.prod(mean for mean, _ in factors)
    relative = math.sqrt(sum((sd / mean) ** 2 for mean, sd in factors if mean != 0.0))
    return value, abs(value) * relative


def region_row(regions: Sequence[Any], region: str | None, what: str) -> int:
    """Find the row of a region; the only one where none is named.

    Raises
    ------
    SchemaError
        The region is unknown, or needed.
    """
    names = [str(name) for name in regions]
    if region is None and len(names) == 1:
        return 0
    if region not in names:
        raise SchemaError(
            f"{what} has region {region!r}", where="stock_change", expected=f"one of {', '.join(names[:10])}"
        )
    return names.index(region)
