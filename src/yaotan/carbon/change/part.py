"""The parts of a change: what each pair of classes gains and loses, as weights of densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from yaotan.carbon.accounting import present_in
from yaotan.carbon.budget.model import DensityModel, Entry, make_model, raster_entry, table_entry
from yaotan.carbon.budget.parameter import Floats, Parameter
from yaotan.carbon.change.flow import Growth, Loss, OrganicSoil, WoodProducts, region_row
from yaotan.carbon.pool import PoolTable
from yaotan.carbon.raster_pool import RasterPool, raster_sums
from yaotan.carbon.soil import mean_age, realised, transition_shares
from yaotan.errors import SchemaError

#: what of a part is per pair of classes: zone -> shares ``(before, after)``
Shares = dict[str, np.ndarray]


@dataclass(frozen=True)
class Part:
    """An entry with what multiplies it: for each pair, `gain` x density after - `loss` x density before.

    Attributes
    ----------
    entry : Entry
        Densities.
    gain, loss : dict
        Zone -> array ``(before, after)``.
    amount : numpy.ndarray
        ``(region, before, after)``: area, or sums of a raster.
    """

    entry: Entry
    gain: Shares = field(repr=False)
    loss: Shares = field(repr=False)
    amount: Floats = field(repr=False)

    def weights(self, zone: Sequence[str]) -> Floats:
        """Net weight of each class ``(region, class)``."""
        gained = np.stack([self.amount[r] * self.gain[z] for r, z in enumerate(zone)])
        lost = np.stack([self.amount[r] * self.loss[z] for r, z in enumerate(zone)])
        return np.asarray(gained.sum(axis=1) - lost.sum(axis=2))


@dataclass(frozen=True)
class Land:
    """Pairs of classes as arrays: areas ``(region, before, after)``, codes, names, zones, span [yr]."""

    histogram: xr.Dataset
    area: Floats
    codes: tuple[int, ...]
    names: tuple[str, ...]
    zone: tuple[str, ...]
    span: float

    @property
    def present(self) -> np.ndarray:
        """Boolean ``(region, class)``: there at one of the dates, where both are valid."""
        return np.asarray((self.area.sum(axis=1) > 0) | (self.area.sum(axis=2) > 0))

    def everywhere(self, shares: np.ndarray) -> Shares:
        """The same shares in every zone."""
        return dict.fromkeys(self.zone, shares)


@dataclass(frozen=True)
class Assumption:
    """How long soils and dead matter take, and when land changed."""

    soil_years: float
    dead_years: float
    conversion: str


def pool_parts(
    land: Land,
    pools: Sequence[str],
    table: PoolTable | None,
    sources: Mapping[str, tuple[RasterPool, RasterPool]],
    assumption: Assumption,
    *,
    growing: Sequence[int] = (),
    organic: Mapping[int, OrganicSoil] | None = None,
) -> list[Part]:
    """Make the parts of pools: what land that changed its class gained and lost.

    Parameters
    ----------
    land : Land
        Pairs.
    pools : sequence of str
        Pools to account for.
    table : PoolTable or None
        Densities.
    sources : mapping of str to pair of RasterPool
        Pools of rasters at the two dates.
    assumption : Assumption
        Transitions.
    growing : sequence of int
        Classes whose biomass grows from nothing after a change (its growth is a part of its own).
    organic : mapping of int to OrganicSoil, optional
        Classes after the change with drained organic soil, whose share has no mineral soil.

    Returns
    -------
    list of Part
        One for each pool and date of a raster.
    """
    parts = []
    size = len(land.codes)
    changed = 1.0 - np.eye(size)
    for pool in pools:
        pair = sources.get(pool)
        served = np.array([pair is not None and pair[0].serves(code) for code in land.codes])
        if pair is not None and served.any():
            parts += _raster_parts(land, pool, pair, served)
        if table is None or served.all():
            continue
        present = present_in(land.zone, land.present, ~served)
        entry = table_entry(table, pool, present, land.codes, land.names)
        gain, loss = land.everywhere(changed), land.everywhere(changed)
        if pool == "c_soil":
            share = realised(assumption.soil_years, land.span, assumption.conversion)
            mineral = changed * share * (1.0 - _organic_share(land, organic))[None, :]
            gain, loss = land.everywhere(mineral), land.everywhere(mineral)
        elif pool == "c_dead" and assumption.dead_years > 0:
            gain, loss = _dead(land, entry, assumption, changed)
        elif pool in ("c_above", "c_below") and growing:
            fresh = changed * ~np.isin(land.codes, list(growing))[None, :]
            gain = land.everywhere(fresh)
        parts.append(Part(entry, gain, loss, land.area * _both(~served)))
        # land that went from one side of the raster to the other: each side has its own part
        parts += _one_sided(land, entry, gain, loss, served) if served.any() else []
    return parts


def _both(kept: np.ndarray) -> np.ndarray:
    return np.asarray(kept[:, None] & kept[None, :])


def _one_sided(land: Land, entry: Entry, gain: Shares, loss: Shares, served: np.ndarray) -> list[Part]:
    nothing = land.everywhere(np.zeros((served.size, served.size)))
    into = served[:, None] & ~served[None, :]
    return [
        Part(entry, gain, nothing, land.area * into),
        Part(entry, nothing, loss, land.area * into.T),
    ]


def _raster_parts(
    land: Land, pool: str, pair: tuple[RasterPool, RasterPool], served: np.ndarray
) -> list[Part]:
    """Sums of the raster at each date over the land that its classes held then."""
    size = served.size
    one, none = land.everywhere(np.ones((size, size))), land.everywhere(np.zeros((size, size)))
    out = []
    for source, date in zip(pair, ("before", "after"), strict=True):
        kept = np.broadcast_to(served[:, None] if date == "before" else served[None, :], (size, size))
        sums, _ = raster_sums(land.histogram, pool, source, kept, ("region", "before", "after"))
        entry = raster_entry(pool, source, land.zone, land.codes)
        out.append(Part(entry, none, one, sums) if date == "before" else Part(entry, one, none, sums))
    return out


def _dead(land: Land, entry: Entry, assumption: Assumption, changed: np.ndarray) -> tuple[Shares, Shares]:
    gain, loss = {}, {}
    for zone in dict.fromkeys(land.zone):
        means = np.array([
            np.prod([item.mean for item in entry.products.get((zone, code), ())] or [0.0])
            for code in land.codes
        ])  # fmt: skip
        built, lost = transition_shares(means, assumption.dead_years, land.span, assumption.conversion)
        gain[zone], loss[zone] = changed * built, changed * lost
    return gain, loss


def _organic_share(land: Land, organic: Mapping[int, OrganicSoil] | None) -> np.ndarray:
    return np.array([organic[c].share if organic and c in organic else 0.0 for c in land.codes])


def flow_parts(
    land: Land,
    assumption: Assumption,
    *,
    growth: Mapping[int, Growth] | None = None,
    losses: Sequence[Loss] = (),
    organic: Mapping[int, OrganicSoil] | None = None,
    products: Sequence[WoodProducts] = (),
) -> list[Part]:
    """Make the parts of growth, losses, drained organic soils and wood products.

    Parameters
    ----------
    land, assumption : Land, Assumption
        Pairs, and when they changed.
    growth, losses, organic, products
        As in `yaotan.carbon.change.change.stock_change`.

    Returns
    -------
    list of Part
        In this order.

    Raises
    ------
    SchemaError
        A class or region is unknown.
    """
    size = len(land.codes)
    none = land.everywhere(np.zeros((size, size)))
    for what, codes in (("growth", growth or {}), ("organic", organic or {})):
        _check_codes(land, what, list(codes))
    parts = []
    if growth:
        age = np.where(np.eye(size, dtype=bool), land.span, mean_age(land.span, assumption.conversion))
        parts.append(Part(_entry(land, "growth", growth), land.everywhere(age), none, land.area))
    if organic:
        share = _organic_share(land, organic)[None, :] * np.ones((size, 1)) * land.span
        parts.append(Part(_entry(land, "organic_soil", organic), land.everywhere(-share), none, land.area))
    for number, loss in enumerate(losses):
        _check_codes(land, "losses", [loss.code])
        item = Parameter(f"loss {number} {loss.kind}", loss.amount, loss.sd, "loss")
        row = region_row(list(land.histogram["region"].values), loss.region, f"loss {number}")
        parts.append(_fixed(land, f"loss_{loss.kind}", item, row, loss.code, -land.span))
    for number, one in enumerate(products):
        amount = one.change(round(land.span))
        sd = np.nan if one.relative_sd is None else abs(amount) * one.relative_sd
        row = region_row(list(land.histogram["region"].values), one.region, "wood products")
        item = Parameter(f"products {number}", amount, float(sd), "product")
        parts.append(_fixed(land, "wood_products", item, row, land.codes[0], 1.0))
    return parts


def _entry(land: Land, label: str, given: Mapping[int, Growth] | Mapping[int, OrganicSoil]) -> Entry:
    products: dict[tuple[str, int], tuple[Parameter, ...]] = {}
    for code, one in given.items():
        items = one.parameters(code) if isinstance(one, Growth) else (one.parameter(code),)
        products |= {(zone, code): items for zone in dict.fromkeys(land.zone)}
    return Entry(label, products, by_area=True)


def _fixed(land: Land, label: str, item: Parameter, row: int, code: int, factor: float) -> Part:
    """A part that is no area times density: `factor` times one number, counted to a region and class."""
    size, place = len(land.codes), land.codes.index(code)
    amount = np.zeros_like(land.area)
    amount[row, place, place] = 1.0
    share = np.full((size, size), factor)
    none = land.everywhere(np.zeros((size, size)))
    products = {(zone, code): (item,) for zone in dict.fromkeys(land.zone)}
    return Part(Entry(label, products, by_area=False), land.everywhere(share), none, amount)


def _check_codes(land: Land, what: str, codes: Sequence[int]) -> None:
    for code in codes:
        if code not in land.codes:
            raise SchemaError(
                f"{what} names class {code}, which the land use has not", where="stock_change",
                expected=f"one of {', '.join(map(str, land.codes))}",
            )  # fmt: skip


def part_model(land: Land, parts: Sequence[Part], correlation: float) -> tuple[DensityModel, Floats]:
    """Give the model of the parts, and their weights ``(region, class, entry)``."""
    model = make_model(land.codes, land.zone, [part.entry for part in parts], correlation=correlation)
    return model, np.stack([part.weights(land.zone) for part in parts], axis=-1)


def transition_change(land: Land, parts: Sequence[Part], model: DensityModel) -> tuple[Floats, Floats]:
    """Give the change of each pair ``(region + 1, before, after)`` and its sd to first order.

    The last row is all regions together.
    """
    size = len(land.codes)
    regions = len(land.zone)
    value, variance = np.zeros((regions + 1, size, size)), np.zeros((regions + 1, size, size))
    moving = [k for k, item in enumerate(model.parameters.items) if item.varies]
    sigma = model.parameters.covariance()[np.ix_(moving, moving)]
    means = model.parameters.means[None, :]
    whole = np.zeros((len(moving), size, size))
    for r, zone in enumerate(land.zone):
        density, slope = model.evaluate(means, zone)[0], model.gradient(zone)[moving]
        pairs = np.zeros((len(moving), size, size))
        for e, part in enumerate(parts):
            gain, loss = part.amount[r] * part.gain[zone], part.amount[r] * part.loss[zone]
            value[r] += gain * density[None, :, e] - loss * density[:, None, e]
            pairs += gain * slope[:, None, :, e] - loss * slope[:, :, None, e]
        variance[r] = np.einsum("kba,kl,lba->ba", pairs, sigma, pairs, optimize=True)
        whole += pairs
    value[-1] = value[:-1].sum(axis=0)
    variance[-1] = np.einsum("kba,kl,lba->ba", whole, sigma, whole, optimize=True)
    return value, np.sqrt(np.maximum(variance, 0.0))
