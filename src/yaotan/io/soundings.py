"""Open soundings of many granules as one lazy table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import xarray as xr

from yaotan.catalog.product import Product, find_product, load_products
from yaotan.errors import NotAGranuleError, YaotanError
from yaotan.io.bound import parse_period, parse_region
from yaotan.io.container import Container, open_container
from yaotan.io.granule import Granule
from yaotan.io.identify import Aliases, identify_container
from yaotan.io.paths import find_files, show_paths
from yaotan.io.selection import QualityChoice, Selection, check_gases, drop_duplicates, select_rows
from yaotan.io.table import build_table, check_chunks
from yaotan.io.teaching import AliasFile, load_aliases
from yaotan.io.trust import warn_unchecked
from yaotan.typing import Paths, Period


def open_soundings(
    paths: Paths,
    *,
    product: str | None = None,
    region: Any = None,
    period: Period | None = None,
    quality: QualityChoice = "good",
    variables: Sequence[str] | None = None,
    chunks: int | Mapping[str, int] | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    aliases: Aliases = None,
    trust_layout: bool = False,
) -> xr.Dataset:
    """Open granules of one product as one table of soundings.

    Parameters
    ----------
    paths : path-like or sequence of path-like
        Files, folders (searched in depth), glob patterns, tar packages, in any order: the result is
        ordered by time of the first sounding kept, then by name; soundings of a file by time.
    product : str, optional
        Name of a product, or path of a product file: files of other products are passed over. Without
        it all files must be of one product.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, west > east crosses the dateline; or polygons. A sounding
        belongs to it when its centre does (edges included).
    period : pair of ISO dates, optional
        Both included; ``("2018-11", "2018-11")`` is the whole month.
    quality : {"good", "all", "bad"}
        By the product's own flag.
    variables : sequence of str, optional
        Names wanted beside time, latitude, longitude and quality. Default: all that the files have.
    chunks : int or mapping, optional
        Soundings per dask chunk (``{"sounding": n}``). Default: one chunk per granule.
    on_error : {"raise", "skip"}
        Whether a file that cannot be read ends the call, or is listed in ``attrs["reading"]``.
    aliases : path-like or mapping, optional
        Names of the variables in a delivery without public layout.
    trust_layout : bool
        Whether the layout is taken as known where the catalog has it from documents only; otherwise a
        warning says so, once per product.

    Returns
    -------
    xarray.Dataset
        Soundings as in ``docs/design.md``. No sounding left gives an empty table.
        ``attrs["reading"]`` is a JSON list with, per file, what was read, kept and dropped by reason.

    Raises
    ------
    NotAGranuleError
        A file is damaged or unknown; files are of several products, or of two gases of one product that
        gives each in its own file; there is no file.
    RegionError, YaotanError
        An argument cannot be read.

    Warns
    -----
    UncheckedLayoutWarning
        The reader of this product was never run on a real file.

    Notes
    -----
    Identification and selection read time, position, quality, id and the column; everything else is read
    when computed, each time from a freshly opened file, so that the table can be pickled.
    """
    if quality not in ("good", "all", "bad"):
        raise YaotanError(f"{quality!r} is no quality", where="quality", expected="good, all or bad")
    if on_error not in ("raise", "skip"):
        raise YaotanError(f"{on_error!r} is unknown", where="on_error", expected="raise or skip")
    check_chunks(chunks)
    area, span = parse_region(region), parse_period(period)
    wanted = find_product(product) if product is not None else None
    taught = load_aliases(aliases) if aliases is not None else None
    reading: list[dict[str, Any]] = []
    first: dict[str, str] = {}  # of each product
    selections: list[Selection] = []
    for path in find_files(paths):
        try:
            with open_container(path) as container:
                granule = _identify_wanted(container, wanted, taught)
                if granule is None:
                    reading.append({"file": path, "not_selected": f"not {product}"})
                    continue
                first.setdefault(granule.product.product, path)
                _one_product(first)
                entry = granule.product
                if entry.checked == "note":
                    warn_unchecked(entry.product, entry.title["en"], trust_layout)
                selections.append(select_rows(granule, container, region=area, span=span, quality=quality))
        except YaotanError as error:
            if on_error == "raise" or isinstance(error, _MixedProductsError):
                raise
            reading.append({"file": path, "error": str(error)})
    if not selections:
        reasons = "; ".join(str(item.get("error") or item.get("not_selected")) for item in reading[:5])
        raise NotAGranuleError(f"no file could be used ({reasons})", where=show_paths(paths))
    check_gases(selections)
    drop_duplicates(selections)
    return build_table(selections, reading, variables, chunks)


class _MixedProductsError(NotAGranuleError):
    """Files of several products in one call."""


def _one_product(first: Mapping[str, str]) -> None:
    if len(first) > 1:
        listed = ", ".join(f"{name} ({path})" for name, path in sorted(first.items()))
        raise _MixedProductsError(
            f"the files are of several products: {listed}", fix="select one with product="
        )


def _identify_wanted(
    container: Container, wanted: Product | None, taught: AliasFile | None
) -> Granule | None:
    """Identify a file; None when it is of another product than the one wanted."""
    if wanted is None:
        return identify_container(container, aliases=taught)
    packaged = load_products().get(wanted.product) == wanted
    try:
        found = identify_container(container, aliases=taught) if packaged else None
    except NotAGranuleError:  # unknown or in doubt: the user's word decides
        found = None
    if found is None:
        return identify_container(container, product=wanted, aliases=taught)
    return found if found.product.product == wanted.product else None
