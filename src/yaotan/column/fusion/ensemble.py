"""Several products of one gas made one, by box and month."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.gas import gases
from yaotan.column.fusion.box import average, place
from yaotan.column.fusion.combination import BoxRule, check_number, check_spec, combine_boxes
from yaotan.column.fusion.layout import lay_grid, take_soundings
from yaotan.column.kernel.operator import find_column
from yaotan.errors import SchemaError, UnitsError, YaotanError
from yaotan.grid.spec import GridSpec

Floats: TypeAlias = NDArray[np.float64]


def fuse(
    products: Mapping[str, xr.Dataset],
    *,
    column: str | None = None,
    method: Literal["median", "inverse_variance"] = "median",
    output: Literal["grid", "soundings"] = "grid",
    spec: GridSpec | None = None,
    correlation: ArrayLike | None = None,
    floor: float = 0.0,
    excess: float | None = None,
    minimum_products: int = 2,
    minimum_soundings: int = 1,
    overpass_correlation: float = 0.5,
    outweigh: float = 2.0,
    own_priors: bool = False,
    seed: int = 0,
) -> xr.Dataset:
    r"""Fuse products of one gas by box and calendar month.

    Each product is averaged in each box (1 sigma u: `yaotan.column.fusion.box.average`, at least `floor`).
    The scatter between products that these errors do not explain, :math:`\tau`, is added to each,
    :math:`v^2 = u^2 + \tau^2`. Then, with C of the v and the declared correlations:

    * ``median``, in the manner of EMMA (Reuter et al. 2013, doi:10.5194/acp-13-1771-2013): the box takes the
      product whose average is the median. 1 sigma by drawing errors of all products and choosing again.
    * ``inverse_variance``: :math:`w = C^{-1}1 / 1^T C^{-1} 1`, :math:`u^2 = 1 / 1^T C^{-1} 1`.

    Parameters
    ----------
    products : mapping of str to xarray.Dataset
        Name -> soundings with the stated uncertainty, all of one column and unit, on one prior.
    column : str, optional
        Column variable; default: the only one of the first product.
    method : {"median", "inverse_variance"}
        See above.
    output : {"grid", "soundings"}
        ``soundings`` (median only): those of the chosen product of each box, so that kernels and footprints
        of single soundings need not be averaged.
    spec : GridSpec, optional
        Boxes in latitude and longitude; default: 10 degrees, global.
    correlation : array_like, optional
        ``(product, product)`` correlation of the errors of averages of one box (products of one instrument
        share some), positive definite; default: none.
    floor : float
        Least 1 sigma of an average [unit of the column].
    excess : float, optional
        tau [unit of the column]; default: estimated from all boxes (`estimate_excess`).
    minimum_products, minimum_soundings : int
        Fewest products of a box, and soundings of a product in it.
    overpass_correlation : float
        Correlation of the stated errors of soundings of one overpass.
    outweigh : float
        With ``soundings``: a chosen product may bring at most so many times the median information of the
        products of the box (sum of 1/u^2); beyond, soundings are thinned evenly in time. ``inf``: all.
    own_priors : bool
        Fuse products though their priors differ.
    seed : int
        Of the draws.

    Returns
    -------
    xarray.Dataset
        *Grid*, dims ``(time, lat, lon)``: ``<v>``, ``<v>_uncertainty``, ``<v>_count`` (soundings),
        ``<v>_spread`` (standard deviation of the products' averages), ``<v>_products`` (how many),
        with dim ``product``: ``<v>_average``, ``<v>_average_uncertainty`` (u), ``<v>_average_count``; and
        ``<v>_choice`` (flag: which product; 255 none) or ``<v>_weight``.
        *Soundings*: the variables with dim ``sounding`` alone that all products have, ``product`` (flag),
        ``<v>_spread`` and ``<v>_products`` of the box. ``attrs``: ``excess``, ``lost`` (JSON: soundings by
        product and reason, and averages of boxes with too few products).

    Raises
    ------
    SchemaError
        Priors differ; column or uncertainty are missing.
    UnitsError
        Units differ.
    TooFewSoundingsError
        Fewer than two products; no box has enough of them.
    YaotanError
        An option or the correlations cannot be.

    Notes
    -----
    An error that all products share is in no term, and a median of products that are wrong in the same
    direction is wrong too: bring them to one level first (`BiasCorrection`). tau is one number for all boxes
    and products. An average is one of the places and moments seen: what a box was at other times is not
    covered. The products' averages are not weighted within a box.

    Examples
    --------
    >>> def table(value):
    ...     made = {"time": np.full(3, np.datetime64("2020-01-15", "ns")), "latitude": [31.0, 32.0, 33.0],
    ...             "longitude": [101.0, 102.0, 103.0], "xco2": [value] * 3, "xco2_uncertainty": [1.0] * 3}
    ...     return xr.Dataset({k: ("sounding", v) for k, v in made.items()})
    >>> fused = fuse({"A": table(410.0), "B": table(411.0), "C": table(415.0)})
    >>> float(fused.xco2.sel(lat=35, lon=105).item()), int(fused.xco2_choice.sel(lat=35, lon=105).item())
    (411.0, 1)
    """
    spec = GridSpec.regular(10.0) if spec is None else spec
    if output not in ("grid", "soundings") or (output == "soundings" and method != "median"):
        raise YaotanError(
            f"output is {output!r}",
            where="fuse",
            expected='grid or soundings; grid with method="inverse_variance", which chooses no product',
        )
    if not outweigh > 0.0:
        raise YaotanError(f"outweigh is {outweigh!r}", where="fuse", expected="above 0")
    if not 0.0 <= overpass_correlation <= 1.0:
        raise YaotanError(
            f"overpass_correlation is {overpass_correlation!r}", where="fuse", expected="0 to 1"
        )
    rule = BoxRule(method, correlation, floor, excess, minimum_products, minimum_soundings, seed)
    check_spec(spec)
    check_number(products)
    column = find_column(next(iter(products.values())), column)
    _check_products(products, column, own_priors)
    found = {name: place(table, column, spec) for name, table in products.items()}
    averages = {name: average(part, overpass_correlation) for name, part in found.items()}
    lost: dict[str, Any] = {name: dict(part.lost) for name, part in found.items()}
    boxes, stated, made, attrs = combine_boxes(averages, lost, column, rule)
    attrs["prior"] = " | ".join(
        dict.fromkeys(str(table.attrs.get("prior", "")) for table in products.values())
    )
    if output == "soundings":
        return take_soundings(products, found, boxes, made, column, outweigh, lost).assign_attrs(attrs)
    grid = lay_grid(boxes, stated, made, spec, column, list(products))
    return grid.assign_attrs(attrs, lost=json.dumps(lost))


def _check_products(products: Mapping[str, xr.Dataset], column: str, own_priors: bool) -> None:
    entry = gases()[column]
    units = {
        name: str(table[find_column(table, column)].attrs.get("units", entry.units))
        for name, table in products.items()
    }
    if len(set(units.values())) > 1:
        raise UnitsError(
            f"{column} has several units: {units}", where="fuse",
            expected=f"{entry.units!r} in every product",
            fix="convert them (yaotan.units.convert)",
        )  # fmt: skip
    with_profile = any(f"{entry.gas}_prior_profile" in table for table in products.values())
    priors = {name: str(table.attrs.get("prior", "")) for name, table in products.items()}
    mixed = len(set(priors.values())) > 1 or (with_profile and "" in priors.values())
    if mixed and not own_priors:
        said = ", ".join(f"{name}: {prior or 'its own'}" for name, prior in priors.items())
        raise SchemaError(
            f"the priors are mixed ({said})", where="fuse", expected="one prior for all products",
            fix="harmonise_prior brings them to one; own_priors=True fuses them as they are",
        )  # fmt: skip
