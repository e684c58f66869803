"""Maps by pixel where they are asked for: the change of a density that land classes stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.carbon.alignment import align_classes
from yaotan.carbon.class_layer import ClassLayer
from yaotan.carbon.kernel import map_pairs
from yaotan.carbon.lattice import Lattice
from yaotan.errors import SchemaError
from yaotan.io.raster_file import with_crs

#: departure of lattices that rounding explains [pixels]
_SAME = 1e-6


def change_map(
    before: xr.DataArray, after: xr.DataArray, densities: Mapping[int, float], *, units: str = "kg m-2"
) -> xr.DataArray:
    """Map the change of a density that every class stands for, pixel by pixel.

    Parameters
    ----------
    before, after : xarray.DataArray
        Land classes of one scheme; where `after` has other pixels, it is brought to those of `before` by
        largest share (`yaotan.carbon.alignment.align_classes`).
    densities : mapping of int to float
        Class code -> density, such as carbon [kg C m-2].
    units : str
        Of the densities.

    Returns
    -------
    xarray.DataArray
        float32, lazy; positive where there is more at the second date, NaN where a date is missing.
        `yaotan.write` makes a COG of it.

    Raises
    ------
    SchemaError
        Schemes differ, a class of the legend that may occur has no density (the class is named when it is
        met), or a density is no number.

    Examples
    --------
    >>> import rioxarray
    >>> axes = {"y": [1500.0, 500.0], "x": [500.0, 1500.0]}
    >>> def land(codes):
    ...     made = xr.DataArray(np.array(codes, dtype="uint8"), coords=axes, dims=("y", "x"))
    ...     return made.assign_attrs(scheme="clcd").rio.write_crs("EPSG:6933")
    >>> change_map(land([[1, 1], [2, 2]]), land([[1, 2], [1, 0]]), {1: 8.0, 2: 15.0}).values.tolist()
    [[0.0, 7.0], [-7.0, nan]]
    """
    layers = same_lattice(before, after, "change_map")
    table = _table(layers[0], densities)
    size = len(layers[0].codes) + 2

    def turn(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float32]:
        indices = [k.as_index(block) for k, block in zip(layers, (first, second), strict=True)]
        out = np.empty(first.shape, np.float32)
        map_pairs(*indices, layers[0].places * size, layers[1].places, table, out)
        if np.isinf(out).any():
            _refuse(layers, (first, second), densities)
        return out

    chunks: Any = before.chunks or (1024, before.shape[1])
    blocks = [da.asarray(layer.raster.data).rechunk(chunks) for layer in layers]
    made = xr.DataArray(
        da.map_blocks(turn, *blocks, dtype=np.float32),
        coords={dim: before[dim] for dim in ("y", "x")},
        dims=("y", "x"),
        name="change",
        attrs={
            "units": units,
            "long_name": "change of the density that classes stand for, positive is a gain",
            "quantity": "density_change",
        },
    )
    return with_crs(made, layers[0].lattice.crs)


def same_lattice(before: xr.DataArray, after: xr.DataArray, where: str) -> tuple[ClassLayer, ClassLayer]:
    """Give two rasters of classes of one scheme as layers of one lattice.

    Parameters
    ----------
    before, after : xarray.DataArray
        Land classes. `after` is brought to the pixels of `before` where it has others.
    where : str
        Function, for messages.

    Returns
    -------
    tuple of ClassLayer
        Both.

    Raises
    ------
    SchemaError
        The schemes differ.
    """
    first = ClassLayer(before)
    second = ClassLayer(after, first.lattice)
    if first.legend != second.legend:
        raise SchemaError(
            f"before is in {first.legend.scheme}, after in {second.legend.scheme}",
            where=where,
            expected="one scheme",
            fix="bring both to one with reclassify",
        )
    if second.turn is not None or not _aligned(first.lattice, second.lattice):
        second = ClassLayer(align_classes(after, before), first.lattice)
    return first, second


def _aligned(one: Lattice, other: Lattice) -> bool:
    for a, b in ((one.y, other.y), (one.x, other.x)):
        ends = max(abs(a.start - b.start), abs(a.stop - b.stop))
        if a.size != b.size or ends > _SAME * abs(a.step):
            return False
    return True


def _table(layer: ClassLayer, densities: Mapping[int, float]) -> NDArray[np.float32]:
    """Change for every pair of places: NaN where a date is missing, infinite where a class has no density."""
    values = np.full(len(layer.codes) + 2, np.inf)
    values[-2] = np.nan
    for place, code in enumerate(layer.codes):
        if int(code) in densities:
            value = float(densities[int(code)])
            if not np.isfinite(value):
                raise SchemaError(
                    f"the density of class {code} is {value}", where="change_map", expected="a number"
                )
            values[place] = value
    with np.errstate(invalid="ignore"):
        change = values[None, :] - values[:, None]
    known = np.isfinite(values)
    unknown = np.isinf(values)[:, None] | np.isinf(values)[None, :]
    change[unknown] = np.inf
    change[~known & np.isnan(values), :] = np.nan
    change[:, ~known & np.isnan(values)] = np.nan
    return change.ravel().astype(np.float32)


def _refuse(layers: Any, blocks: Any, densities: Mapping[int, float]) -> None:
    for layer, block in zip(layers, blocks, strict=True):
        layer.refuse_unknown(block)
    met = {int(code) for block in blocks for code in np.unique(block)}
    absent = sorted(met & set(layers[0].codes.tolist()) - set(densities))
    names = layers[0].legend.names()
    raise SchemaError(
        f"class(es) without a density: {', '.join(f'{code} {names[code][0]}' for code in absent)}",
        where="change_map",
        expected="a density for every class of the rasters",
        fix="add them; 0 is a density too, an absent class is none",
    )
