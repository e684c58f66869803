"""Patches of change for field checks: ranked by area x carbon, with pictures and columns to be filled in."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from yaotan.carbon.change_layer import same_lattice
from yaotan.carbon.class_layer import ClassLayer
from yaotan.carbon.kernel import label_equal
from yaotan.carbon.patch_picture import class_colours, picture
from yaotan.carbon.patch_search import Found, find_areas, pair_block
from yaotan.errors import SchemaError
from yaotan.io.atomic import replacing
from yaotan.io.write import write
from yaotan.typing import PathLike

#: columns that people fill in in the field
FIELD: Final = ("field_date", "field_person", "field_class", "field_agrees", "field_photo", "field_remark")
#: pixels of an outline that is still drawn; a larger patch gets its extent
_OUTLINE: Final = 1 << 24
#: pixels around a patch in its picture
_MARGIN: Final = 8


def change_patches(
    before: xr.DataArray,
    after: xr.DataArray,
    *,
    densities: Mapping[int, float] | None = None,
    least_area: float = 10_000.0,
    limit: int = 200,
    pictures: bool = True,
) -> gpd.GeoDataFrame:
    """Find the patches of change that matter most, for a check on the ground.

    A patch is a connected area (pixels that share an edge) that went from one class to one other. Patches
    are ranked by the amount of carbon that the change stands for, area x difference of density; without
    densities by area.

    Parameters
    ----------
    before, after : xarray.DataArray
        Land classes of one scheme; where `after` has other pixels, it is brought to those of `before` by
        largest share.
    densities : mapping of int to float, optional
        Carbon of each class [kg C m-2]. Every class that changes must be there.
    least_area : float
        Smallest patch [m2].
    limit : int
        Number of patches kept, the first ones of the ranking.
    pictures : bool
        Whether each patch gets a picture of both dates (column ``picture_png``, bytes).

    Returns
    -------
    geopandas.GeoDataFrame
        In the CRS of the rasters: ``patch_id`` (rank), ``before``, ``after`` (codes), their names in English
        and Chinese, ``area`` [m2], ``carbon_change`` [kg C, positive is a gain], ``longitude``,
        ``latitude`` (of a point inside), ``outline`` (``exact`` or ``extent``), the empty columns of `FIELD`.
        ``attrs["found"]``, ``attrs["found_area"]`` tell of all patches of that size, kept or not.

    Raises
    ------
    SchemaError
        Schemes differ; a class that changes has no density; nothing changes.

    Examples
    --------
    >>> import rioxarray
    >>> axes = {"y": [250.0, 150.0, 50.0], "x": [50.0, 150.0, 250.0]}
    >>> def land(codes):
    ...     made = xr.DataArray(np.array(codes, dtype="uint8"), coords=axes, dims=("y", "x"))
    ...     return made.assign_attrs(scheme="clcd").rio.write_crs("EPSG:6933")
    >>> first, second = land(np.ones((3, 3))), land([[2, 2, 1], [1, 1, 1], [1, 1, 8]])
    >>> made = change_patches(first, second, densities={1: 8.0, 2: 15.0, 8: 4.0}, least_area=0.0)
    >>> made[["before_name", "after_name"]].values.tolist()
    [['Cropland', 'Forest'], ['Cropland', 'Impervious']]
    >>> made["carbon_change"].round(-3).tolist()
    [140000.0, -40000.0]
    """
    layers = same_lattice(before, after, "change_patches")
    size = len(layers[0].codes) + 2
    first, second = np.divmod(np.arange(size**2), size)
    kept = (first != second) & (first < size - 2) & (second < size - 2)
    found = find_areas(layers, kept, float(least_area))
    if not len(found.area):
        raise SchemaError(
            f"no patch of {least_area:g} m2 or more changes its class",
            where="change_patches",
            fix="give a smaller least_area=, or compare other dates",
        )
    value = _carbon(layers[0], found, densities)
    weight = found.area if densities is None else np.abs(value)
    place = [found.box[:, 0], found.box[:, 2]]
    order = np.lexsort((place[1], place[0], -weight))[:limit]  # ties by place: the order is always the same
    rows = [_patch(layers, found, int(k), pictures) for k in order]
    table = _table(layers[0], found, order, value, densities is not None)
    geometry = [row[0] for row in rows]
    made = gpd.GeoDataFrame(table, geometry=geometry, crs=layers[0].lattice.crs)
    inside = gpd.GeoSeries(shapely.point_on_surface(geometry), crs=made.crs).to_crs("EPSG:4326")
    made["longitude"], made["latitude"] = inside.x.to_numpy(), inside.y.to_numpy()
    made["outline"] = [row[1] for row in rows]
    if pictures:
        made["picture_png"] = [row[2] for row in rows]
    for name in FIELD:
        made[name] = ""
    made.attrs.update(
        found=len(found.area), found_area=float(found.area.sum()), scheme=layers[0].legend.scheme
    )
    return made


def write_patches(patches: gpd.GeoDataFrame, path: PathLike) -> Path:
    """Write patches as GeoPackage, their pictures as PNG files in a folder beside it.

    Parameters
    ----------
    patches : geopandas.GeoDataFrame
        Of `change_patches`.
    path : path-like
        ``.gpkg``; pictures go to ``<name>_pictures/patch_0001.png`` ...

    Returns
    -------
    pathlib.Path
        The GeoPackage; its column ``picture`` holds the path of each picture relative to it, as field
        programs (QField and others) expect attachments.

    Raises
    ------
    OutputError
        The folder is missing or cannot be written to.
    """
    path = Path(path)
    table = patches.copy()
    if "picture_png" in table:
        folder = path.with_name(f"{path.stem}_pictures")
        folder.mkdir(exist_ok=True)
        names = []
        for number, content in zip(table["patch_id"], table["picture_png"], strict=True):
            if content is None:  # too large for a picture: its outline is its extent
                names.append("")
                continue
            name = f"patch_{number:04d}.png"
            with replacing(folder / name) as temporary:
                temporary.write_bytes(content)
            names.append(f"{folder.name}/{name}")
        table["picture"] = names
        table = table.drop(columns="picture_png")
    return write(table, path, format="gpkg")


def _carbon(layer: ClassLayer, found: Found, densities: Mapping[int, float] | None) -> NDArray[np.float64]:
    if densities is None:
        return np.full(len(found.area), np.nan)
    first, second = np.divmod(found.pair, len(layer.codes) + 2)
    codes = layer.codes[np.concatenate([first, second])]
    absent = sorted({int(code) for code in codes} - {int(code) for code in densities})
    if absent:
        names = layer.legend.names()
        raise SchemaError(
            f"class(es) without a density: {', '.join(f'{code} {names[code][0]}' for code in absent)}",
            where="change_patches",
            expected="a density [kg C m-2] for every class that changes",
            fix="add them to densities=",
        )
    value = np.array([float(densities[int(code)]) for code in codes])
    return found.area * (value[len(first) :] - value[: len(first)])


def _table(
    layer: ClassLayer, found: Found, order: NDArray[np.int64], value: NDArray[np.float64], weighted: bool
) -> dict[str, Any]:
    first, second = np.divmod(found.pair[order], len(layer.codes) + 2)
    names = layer.legend.names()
    table: dict[str, Any] = {"patch_id": np.arange(1, len(order) + 1)}
    for dim, places in (("before", first), ("after", second)):
        codes = layer.codes[places]
        table[dim] = codes
        table[f"{dim}_name"] = [names[int(code)][0] for code in codes]
        table[f"{dim}_name_zh"] = [names[int(code)][1] for code in codes]
    table["area"] = found.area[order]
    if weighted:
        table["carbon_change"] = value[order]
    return table


def _patch(
    layers: tuple[ClassLayer, ClassLayer], found: Found, number: int, pictures: bool
) -> tuple[Any, str, bytes | None]:
    """Outline of a patch, how exact it is, and its picture."""
    top, bottom, left, right = (int(edge) for edge in found.box[number])
    lattice = layers[0].lattice
    height, width = lattice.shape
    if (bottom - top + 1) * (right - left + 1) > _OUTLINE:
        x, y = lattice.x, lattice.y
        ends = (x.start + x.step * left, y.start + y.step * top)
        far = (x.start + x.step * (right + 1), y.start + y.step * (bottom + 1))
        return shapely.box(*ends, *far), "extent", None
    rows = slice(max(0, top - _MARGIN), min(height, bottom + 1 + _MARGIN))
    columns = slice(max(0, left - _MARGIN), min(width, right + 1 + _MARGIN))
    pairs = pair_block(layers, rows, columns)
    core = (
        slice(top - rows.start, bottom + 1 - rows.start),
        slice(left - columns.start, right + 1 - columns.start),
    )
    inside = np.zeros(pairs.shape, bool)
    inside[core] = _component(pairs[core], int(found.pair[number]))
    transform = Affine(
        lattice.x.step, 0.0, lattice.x.start + lattice.x.step * columns.start,
        0.0, lattice.y.step, lattice.y.start + lattice.y.step * rows.start,
    )  # fmt: skip
    shapes = rasterio.features.shapes(inside.astype(np.uint8), mask=inside, transform=transform)
    outline = shapely.union_all([shapely.geometry.shape(geometry) for geometry, _ in shapes])
    if not pictures:
        return outline, "exact", None
    size = len(layers[0].codes) + 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture has no place on Earth
        drawn = picture(pairs // size, pairs % size, inside, class_colours(layers[0]))
    return outline, "exact", drawn


def _component(pairs: NDArray[np.int32], pair: int) -> NDArray[np.bool_]:
    """The connected area of a pair that spans the whole extent."""
    pairs = np.ascontiguousarray(pairs)
    kept = np.zeros(max(int(pairs.max()), pair) + 1, bool)
    kept[pair] = True
    label = np.empty(pairs.shape, np.int32)
    label_equal(pairs, kept, label, np.empty(pairs.size + 1, np.int32))
    sides = [set(np.unique(side).tolist()) - {0} for side in (label[0], label[-1], label[:, 0], label[:, -1])]
    spanning = sorted(set.intersection(*sides))
    sizes = [int((label == k).sum()) for k in spanning]
    return np.asarray(label == spanning[int(np.argmax(sizes))])
