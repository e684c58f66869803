"""Rasters of classes: the scheme is declared and its codes are checked, never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.landcover import Legend, find_legend, legends
from yaotan.errors import CatalogError, SchemaError
from yaotan.io.raster_file import RasterFile
from yaotan.typing import PathLike


def declared_legend(scheme: PathLike | None, file: RasterFile, nodata: float | None) -> Legend:
    """Give the legend of a raster of classes, or refuse with what would fit.

    Parameters
    ----------
    scheme : path-like or None
        As the user, the product or the file itself says.
    file : RasterFile
        Of which a sample of codes is looked at.
    nodata : float or None
        Code that means missing.

    Returns
    -------
    Legend

    Raises
    ------
    CatalogError
        Nobody says the scheme.
    SchemaError
        The values are no codes, or hold codes that the scheme lacks.
    """
    if file.dtype.kind not in "iu":
        raise SchemaError(
            f"holds {file.dtype}: no class codes",
            where=file.name,
            expected="whole numbers for a raster of classes, or quantity= for a density",
        )
    codes = _codes(file, nodata)
    if scheme is None:
        fits = [name for name, legend in legends().items() if set(codes) <= _known(legend)]
        shown = ", ".join(map(str, codes[:12])) + (" ..." if len(codes) > 12 else "")
        raise CatalogError(
            f"nobody says what its codes ({shown}) mean",
            where=file.name,
            expected="scheme= of a raster of classes, quantity= and units= of a density",
            fix=f"say which it is: these codes occur in {', '.join(fits) or 'no known scheme'}",
        )
    legend = find_legend(scheme)
    strange = [code for code in codes if code not in _known(legend)]
    if strange:
        fits = [name for name, other in legends().items() if set(codes) <= _known(other)]
        raise SchemaError(
            f"holds code(s) {', '.join(map(str, strange[:8]))}, which are not in the scheme {legend.scheme}",
            where=file.name,
            expected=f"codes of {legend.scheme}",
            fix=f"give the right scheme ({', '.join(fits) or 'none that is known has them all'}), or nodata=",
        )
    return legend


def class_nodata(legend: Legend, file: RasterFile, given: float | None) -> float | None:
    """Give the code that means missing, and refuse one that is a class.

    Parameters
    ----------
    legend : Legend
        Of the raster.
    file : RasterFile
        With its own nodata value.
    given : float or None
        As the user says; it goes before the file's.

    Returns
    -------
    float or None
        Code, None where neither says.

    Raises
    ------
    SchemaError
        The code is that of a class.
    """
    value = file.facts.nodata if given is None else given
    if value is not None and int(value) in legend.classes:
        name = legend.classes[int(value)].name["en"]
        raise SchemaError(
            f"nodata {int(value)} is the class {name!r} of {legend.scheme}",
            where=file.name,
            expected="a nodata value that is no class",
            fix="give nodata= another code (one that does not occur, if every pixel is valid)",
        )
    return value


def _known(legend: Legend) -> set[int]:
    return set(legend.classes) | set(legend.no_data)


def _codes(file: RasterFile, nodata: float | None) -> list[int]:
    found = np.unique(file.sample())
    return [int(code) for code in found if nodata is None or code != nodata]


def class_attributes(legend: Legend, nodata: float | None, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Attributes that travel with a raster of classes.

    Returns
    -------
    dict
        ``scheme``, its edition and source, ``units`` = 1, and ``_FillValue``.
    """
    attrs: dict[str, Any] = {
        "quantity": "land_class",
        "scheme": legend.scheme,
        "scheme_edition": legend.edition,
        "scheme_source": legend.source,
        "units": "1",
        "long_name": legend.title["en"],
    }
    if legend.warning:
        attrs["comment"] = legend.warning
    if nodata is not None:
        attrs["_FillValue"] = dtype.type(int(nodata))
    return attrs


def missing_codes(legend: Legend, fill: Any) -> NDArray[np.int64]:
    """Codes that mean missing: the raster's own and the legend's.

    Examples
    --------
    >>> missing_codes(legends()["clcd"], 255).tolist()
    [0, 255]
    """
    own = set() if fill is None else {int(fill)}
    return np.array(sorted(own | set(legend.no_data)), dtype=np.int64)
