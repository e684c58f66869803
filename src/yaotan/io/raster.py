"""Open a raster of land classes or of a density: scheme or unit declared, CRS checked, lazy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyproj
import xarray as xr

from yaotan.catalog.raster import RasterProduct, raster_catalog
from yaotan.errors import CatalogError, GridError
from yaotan.io.mosaic import mosaic_text
from yaotan.io.raster_density import Density, check_plausible, declared_density, density_attributes
from yaotan.io.raster_file import RasterFile, lazy_array, window_of, with_crs
from yaotan.io.raster_legend import class_attributes, class_nodata, declared_legend
from yaotan.schema import check_raster
from yaotan.typing import PathLike
from yaotan.units import conversion

#: beginnings of names that say nothing of a reference system
_NAMELESS: Final = ("unknown", "unnamed", "undefined", "local")
#: ellipsoids of every datum in use for satellite maps: an unnamed datum on them is one of those, to a metre
_MODERN: Final = ("WGS 84", "GRS 1980", "GRS80", "CGCS2000")


def open_raster(
    path: PathLike | Sequence[PathLike],
    *,
    product: str | None = None,
    scheme: PathLike | None = None,
    quantity: str | None = None,
    units: str | None = None,
    substance: str | None = None,
    depth_cm: tuple[float, float] | None = None,
    crs: Any = None,
    nodata: float | None = None,
    band: int = 1,
    region: Any = None,
    chunks: Any = None,
) -> xr.DataArray:
    """Open a raster of land classes, or of a density (biomass, soil carbon, ...).

    Parameters
    ----------
    path : path-like or sequence of path-like
        GeoTIFF, VRT or another format that GDAL reads; several tiles of one lattice become one raster.
    product : str, optional
        Name in ``catalogs/rasters.yaml``; it says all of what follows that the user does not.
    scheme : path-like, optional
        Scheme of a raster of classes: a name in ``catalogs/landcover``, or a YAML file of one's own.
    quantity : str, optional
        Of a density: ``biomass``, ``soil_carbon``, ``carbon``, or a name of one's own.
    units : str, optional
        Unit of the values, where the file does not say it.
    substance : {"dry_matter", "carbon"}, optional
        Needed for biomass.
    depth_cm : (float, float), optional
        Upper and lower depth [cm]; needed for soil carbon.
    crs : Any, optional
        Reference system that is assigned instead of the file's (nothing is warped).
    nodata : float, optional
        Value that means missing, instead of the file's.
    band : int, default 1
        Band of the file.
    region : tuple or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, or features: only the window around it is opened.
    chunks : optional
        Of the lazy array, as dask takes them.

    Returns
    -------
    xarray.DataArray
        Dims ``y, x``, a CRS known to rioxarray. Classes: integer codes as stored, attributes ``scheme``,
        ``quantity`` = land_class, ``_FillValue``. Densities: float64 in the unit of the quantity (kg m-2),
        missing is NaN, attributes ``quantity``, ``substance``, ``depth_cm``.

    Raises
    ------
    CatalogError
        Nobody says the scheme, or the scheme or product is unknown.
    SchemaError
        Codes that the scheme lacks, a nodata value that is a class, values that the quantity cannot have.
    UnitsError
        A density without unit, or of another dimension.
    GridError
        No CRS, or one without a name; coordinates that cannot be in it; tiles that do not fit together.
    NotAGranuleError
        The file cannot be read.

    Notes
    -----
    Codes and values are checked on a sample of some 500 x 500 pixels here; areas and transitions check every
    pixel as they read it.

    Examples
    --------
    >>> import tempfile, rasterio
    >>> name = str(Path(tempfile.mkdtemp()) / "clcd.tif")
    >>> place = rasterio.transform.from_origin(105, 31, 0.01, 0.01)
    >>> with rasterio.open(name, "w", driver="GTiff", width=2, height=1, count=1, dtype="uint8",
    ...                    crs="EPSG:4326", transform=place) as file:
    ...     file.write(np.array([[[1, 2]]], dtype="uint8"))
    >>> open_raster(name, scheme="clcd").attrs["scheme"]
    'clcd'
    >>> open_raster(name)
    Traceback (most recent call last):
    ...
    yaotan.errors.CatalogError: ...clcd.tif: nobody says what its codes (1, 2) mean. ...
    """
    known = _product(product)
    file = _file(path, band)
    system = _system(file, crs if crs is not None else known.crs if known else None)
    part = window_of(file, system, region)
    array = lazy_array(file, chunks, part)
    value = nodata if nodata is not None else known.nodata if known else None
    kind = quantity or (known.quantity if known else None) or _said(file, "quantity", scheme, known)
    if kind is not None and kind != "land_class":
        density = declared_density(
            kind,
            units or (known.units if known else None),
            substance or (known.substance if known else None) or file.facts.tags.get("substance"),
            depth_cm or (known.depth_cm if known else None) or _depth(file),
            file,
            bool(known and known.is_uncertainty),
        )
        made = _density(array, file, density, file.facts.nodata if value is None else value)
    else:
        named = scheme or (known.scheme if known else None) or file.facts.tags.get("scheme")
        made = _classes(array, file, named, value)
    made.attrs["source"] = file.name
    if known:
        made.attrs |= {"product": str(product), "references": known.source, "licence": known.licence}
    if crs is not None or (known and known.crs):
        made.attrs["crs_source"] = f"assigned; the file says {_crs_name(file)}"
    return check_raster(with_crs(made, system))


def _product(name: str | None) -> RasterProduct | None:
    if name is None:
        return None
    known = raster_catalog().products
    if name not in known:
        raise CatalogError(f"there is no raster product {name!r}", expected=f"one of {', '.join(known)}")
    return known[name]


def _file(path: PathLike | Sequence[PathLike], band: int) -> RasterFile:
    if isinstance(path, (str, Path)) or not isinstance(path, Sequence):
        return RasterFile(str(path), str(path), band)
    paths = list(path)
    if not paths:
        raise CatalogError("there is no tile", expected="one path or more")
    if len(paths) == 1:
        return RasterFile(str(paths[0]), str(paths[0]), band)
    return RasterFile(mosaic_text(paths, band=band), f"{len(paths)} tiles from {paths[0]}", 1)


def _said(file: RasterFile, key: str, scheme: Any, known: RasterProduct | None) -> str | None:
    """What the file itself says, where neither the user nor the product says that it holds classes."""
    return None if scheme is not None or (known and known.scheme) else file.facts.tags.get(key)


def _depth(file: RasterFile) -> tuple[float, float] | None:
    words = file.facts.tags.get("depth_cm", "").strip("[]() ").split(",")
    return (float(words[0]), float(words[1])) if len(words) == 2 else None


def _crs_name(file: RasterFile) -> str:
    return "none" if file.facts.crs is None else pyproj.CRS.from_user_input(file.facts.crs).name


def _system(file: RasterFile, given: Any) -> pyproj.CRS:
    """Give the reference system, and refuse one that is absent, nameless, or cannot be the file's."""
    if given is not None:
        try:
            system = pyproj.CRS.from_user_input(given)
        except pyproj.exceptions.CRSError as error:
            raise GridError(f"crs={given!r} is no reference system ({error})", where=file.name) from error
    elif file.facts.crs is None:
        raise GridError(
            "has no coordinate reference system",
            where=file.name,
            expected="a reference system in the file",
            fix="give crs=, e.g. crs='EPSG:4326'",
        )
    else:
        system = pyproj.CRS.from_user_input(file.facts.crs)
        datum = system.datum.name if system.datum else ""
        modern = any(name in datum for name in _MODERN)
        if system.to_authority() is None and _is_nameless(system.name) and _is_nameless(datum) and not modern:
            raise GridError(
                f"has a reference system without a name (datum: {datum or 'none'!r})",
                where=file.name,
                expected="a known reference system",
                fix="give crs= what its producer says; nothing is warped by that",
            )
    _check_extent(file, system)
    return system


def _is_nameless(name: str) -> bool:
    return not name or name.lower().startswith(_NAMELESS)


def _check_extent(file: RasterFile, system: pyproj.CRS) -> None:
    a, _, c, _, e, f = file.facts.transform
    rows, columns = file.shape
    west, east = sorted((c, c + a * columns))
    south, north = sorted((f, f + e * rows))
    extent = f"west {west:g}, south {south:g}, east {east:g}, north {north:g}"
    if (a, e) in ((1.0, 1.0), (1.0, -1.0)) and (c, f) == (0.0, 0.0):
        raise GridError(
            "has no place on Earth: rows and columns only", where=file.name, fix="georeference it"
        )
    if system.is_geographic and (west < -360.5 or east > 360.5 or south < -90.5 or north > 90.5):
        raise GridError(
            f"lies at {extent}: no degrees of {system.name}",
            where=file.name,
            fix="give crs= the projected system of these coordinates",
        )
    if system.is_projected and max(abs(west), abs(east)) <= 360 and max(abs(south), abs(north)) <= 90:
        raise GridError(
            f"lies at {extent}: that looks like degrees, not {system.name}",
            where=file.name,
            fix="give crs='EPSG:4326', if they are degrees",
        )


def _classes(array: xr.DataArray, file: RasterFile, scheme: Any, nodata: float | None) -> xr.DataArray:
    legend = declared_legend(scheme, file, file.facts.nodata if nodata is None else nodata)
    value = class_nodata(legend, file, nodata)
    return array.rename("land_class").assign_attrs(class_attributes(legend, value, file.dtype))


def _density(array: xr.DataArray, file: RasterFile, density: Density, nodata: float | None) -> xr.DataArray:
    check_plausible(density, file, nodata)
    rule = raster_catalog().quantities.get(density.quantity)
    unit = rule.units if rule else density.units
    scale, offset = conversion(density.units, unit)
    facts = file.facts
    factor, shift = facts.scale * scale, facts.offset * scale + offset

    def physical(block: np.ndarray) -> np.ndarray:
        values = block.astype(np.float64)
        if nodata is not None:
            values[block == np.asarray(nodata).astype(block.dtype)] = np.nan
        return values if (factor, shift) == (1.0, 0.0) else values * factor + shift

    made = array.copy(data=array.data.map_blocks(physical, dtype=np.float64))
    made.attrs = density_attributes(density, unit)
    if rule:
        made.attrs["long_name"] = rule.title["en"]
    return made.rename(density.quantity)
