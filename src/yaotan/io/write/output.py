"""The verb: one call for every noun and format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import dask
import dask.system
import geopandas as gpd

from yaotan.clock import now
from yaotan.errors import OutputError
from yaotan.io.atomic import output_error, replacing
from yaotan.io.write.cog import write_cog
from yaotan.io.write.format import Options, format_of, noun_of
from yaotan.io.write.harp import write_harp
from yaotan.io.write.netcdf import write_netcdf, write_zarr
from yaotan.io.write.obs4mips import write_obs4mips
from yaotan.io.write.table import write_csv, write_geojson, write_geoparquet, write_gpkg, write_parquet
from yaotan.schema import check_features
from yaotan.typing import PathLike

_WRITERS: Final[dict[str, Callable[[Any, Path, Options], None]]] = {
    "netcdf": write_netcdf,
    "zarr": write_zarr,
    "obs4mips": write_obs4mips,
    "harp": write_harp,
    "cog": write_cog,
    "geoparquet": write_geoparquet,
    "parquet": write_parquet,
    "csv": write_csv,
    "geojson": write_geojson,
    "gpkg": write_gpkg,
}


def write(
    obj: Any,
    path: PathLike,
    *,
    format: str | None = None,
    variable: str | None = None,
    geometry: gpd.GeoDataFrame | None = None,
    attributes: Mapping[str, Any] | None = None,
    created: datetime | str | None = None,
    encoding: str = "utf-8",
    compression: int = 4,
) -> Path:
    r"""Write soundings, a grid, a raster, features, an estimate or a table to one file.

    The file is written under a temporary name in the same folder and renamed when complete. Lazy (dask)
    values are computed chunk by chunk and never all together. Equal input and an equal `created` give
    equal values and attributes.

    Parameters
    ----------
    obj : xarray.Dataset, xarray.DataArray, geopandas.GeoDataFrame or pandas.DataFrame
        One of the nouns of `yaotan.schema`, or a plain table. It is not edited.
    path : path-like
        File (or, for Zarr, folder) to be written; an older one is replaced.
    format : str, optional
        ``netcdf``, ``obs4mips``, ``harp``, ``zarr``, ``cog``, ``geoparquet``, ``parquet``, ``csv``,
        ``geojson`` or ``gpkg``. By default the suffix decides:
        ``.nc .zarr .tif .parquet .geoparquet .csv .geojson .gpkg``.
    variable : str, optional
        Variable of a grid for ``cog`` and ``obs4mips``; not needed where there is but one column variable.
    geometry : geopandas.GeoDataFrame, optional
        Features (column ``region_id``, or the index) that give an estimate its shapes in ``geoparquet``.
    attributes : mapping, optional
        Global attributes that are added, or replace those made here (``institution``, ``creator_name`` ...).
    created : datetime or ISO text, optional
        Time for ``date_created`` and ``history``; by default now, or what ``SOURCE_DATE_EPOCH`` says.
    encoding : str, default "utf-8"
        Text encoding of CSV. ``"utf-8-sig"`` lets Excel show Chinese names rightly.
    compression : int, default 4
        Deflate level 0 to 9 of netCDF and COG.

    Returns
    -------
    pathlib.Path
        The path written.

    Raises
    ------
    OutputError
        The object cannot be written so (the message lists what is possible), a variable has to be named,
        or the folder is missing, not writable or full.
    SchemaError
        The object breaks the rules of its noun.
    MissingDependencyError
        Zarr is asked for and not installed.

    Warns
    -----
    LeftOutWarning
        ``harp`` has no name for some of the variables; they are left out and named.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> folder = Path(tempfile.mkdtemp())
    >>> write(pd.DataFrame({"name_zh": ["山西"], "value": [421.5]}), folder / "a.csv").read_text("utf-8")
    'name_zh,value\n山西,421.5\n'
    """
    path = Path(path)
    noun = noun_of(obj)
    if geometry is not None:
        if noun != "estimate":
            raise OutputError(f"geometry= does not go with {noun}", where=path, expected="an estimate")
        check_features(geometry)
    has_geometry = noun in ("features", "soundings") or geometry is not None
    chosen = format_of(noun, path, format, has_geometry=has_geometry)
    options = Options(
        noun=noun,
        name=path.name,
        created=_moment(created, path),
        variable=variable,
        geometry=geometry,
        attributes=attributes,
        encoding=encoding,
        compression=compression,
    )
    try:
        with replacing(path) as temporary, _own_threads():
            _WRITERS[chosen](obj, temporary, options)
    except PermissionError as error:  # of a folder, such as a Zarr store, as the system says it
        raise output_error(error, path) from error
    return path


@contextmanager
def _own_threads() -> Iterator[None]:
    """Compute in threads of our own and wait for all of them.

    When one block fails, dask leaves those that run: one that comes late would make the temporary file
    anew after it has been removed.
    """
    if dask.config.get("pool", None) is not None:
        yield
        return
    workers = dask.config.get("num_workers", None) or dask.system.CPU_COUNT
    with ThreadPoolExecutor(workers) as pool, dask.config.set(pool=pool):
        yield


def _moment(created: datetime | str | None, path: Path) -> datetime:
    if created is None:
        return now()
    try:
        moment = datetime.fromisoformat(created) if isinstance(created, str) else created
    except ValueError as error:
        raise OutputError(
            f"created={created!r} is not a date", where=path, expected="ISO 8601, 2024-05-01T12:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
