"""One file of a study of plumes: opened, cut to the sources, quantified, as tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog.product import find_product
from yaotan.errors import SchemaError, YaotanError
from yaotan.io.identify import identify
from yaotan.io.image import is_image, open_image
from yaotan.io.scene import open_scene
from yaotan.io.soundings import open_soundings
from yaotan.io.user_table import read_user_table
from yaotan.io.wind import open_wind
from yaotan.io.write import write
from yaotan.plume.cut import cut_images, cut_tracks
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.scene import PlumeScene, quantify
from yaotan.plume.table import estimate_of_table, estimate_table, member_table, winds_of_table
from yaotan.recipes.monthly import write_table
from yaotan.recipes.plume_option import PlumeOptions
from yaotan.schema import QUALITY, column_variables

#: beside columns and their uncertainty, what a plume needs of a scene
_NEEDED: Final = (
    *("time", "latitude", "longitude", "latitude_corner", "longitude_corner", "surface_pressure"),
    *("surface_altitude", "total_column_water_vapour", "wind_u", "wind_v"),
)
#: the same of a kernel of the product
_KERNEL: Final = ("pressure_edge", "pressure_level")
#: half size of the part of the wind field around the sources [degrees]
_MARGIN: Final = 2.0
#: kinds of tables that a scene leaves
KINDS: Final = ("estimates", "members", "plumes", "lines")
Finder = Callable[[xr.Dataset], "xr.Dataset | dict[str, EffectiveWind]"]


@dataclass
class FileResult:
    """What one file says of the sources.

    Parameters
    ----------
    scenes : list of (str, PlumeScene)
        Name of the part (file; of tracks with the time of the overpass) and its results.
    failures : list of (str, str)
        Name of the part and why it could not be used.
    outside : int
        Sources that the file does not see.
    """

    scenes: list[tuple[str, PlumeScene]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    outside: int = 0

    def tables(self) -> dict[str, pd.DataFrame | gpd.GeoDataFrame]:
        """Give estimates, members, plumes and lines of all parts; a table without rows is left out."""
        made: dict[str, list[Any]] = {}
        for name, one in self.scenes:
            made.setdefault("estimates", []).append(estimate_table(one.estimate, name))
            made.setdefault("members", []).append(member_table(one.estimate, name))
            made.setdefault("plumes", []).append(one.plumes.assign(scene=name))
            made.setdefault("lines", []).append(one.lines.assign(scene=name))
        full = {name: [table for table in tables if len(table)] for name, tables in made.items()}
        return {name: pd.concat(tables, ignore_index=True) for name, tables in full.items() if tables}


def wind_finder(options: PlumeOptions, base: Path, region: tuple[float, float, float, float]) -> Finder:
    """Open the wind of a study once, and give a function that finds that of a scene.

    Parameters
    ----------
    options : PlumeOptions
        Part of the study.
    base : pathlib.Path
        Folder that paths are relative to.
    region : tuple of float
        West, south, east, north of the sources [degrees].

    Returns
    -------
    callable
        Scene or soundings -> wind field, or winds by source.

    Raises
    ------
    YaotanError
        The files hold no wind.
    """
    if options.wind_of_product:
        return _own_wind
    paths = [options.wind] if isinstance(options.wind, str) else list(options.wind)
    if Path(paths[0]).suffix.lower() in (".csv", ".xlsx"):
        table = read_user_table(base / paths[0], text={"source"})
        winds_of_table(table)  # a column that is missing is said at once

        def of_table(data: xr.Dataset) -> dict[str, EffectiveWind]:
            return winds_of_table(
                table,
                _middle(data),
                speed_error=options.speed_error,
                direction_error=options.direction_error,
            )

        return of_table
    field_ = open_wind([str(base / path) for path in paths], source=options.wind_source, region=region)
    return lambda data: field_


def _own_wind(data: xr.Dataset) -> xr.Dataset:
    for name in ("wind_u", "wind_v"):
        if name not in data:
            raise SchemaError(f"the product brings no {name}", where="plumes.wind", fix="name a wind file")
    return data


def _middle(data: xr.Dataset) -> np.datetime64:
    times = data["time"].values.ravel()
    known = np.sort(times[~np.isnat(times)])
    return np.datetime64("NaT", "ns") if known.size == 0 else known[known.size // 2]


def open_plume_data(path: str, options: PlumeOptions) -> xr.Dataset:
    """Open a file as image where it is one, else as soundings; of soundings good ones, of images all.

    Raises
    ------
    YaotanError
        The file is neither.
    """
    if options.product is None and is_image(path):
        scene = open_image(path)
        if options.quality == "good" and "quality" in scene:
            bad = scene["quality"] != QUALITY["good"]
            scene = scene.assign({name: scene[name].where(~bad) for name in column_variables(scene)})
        return scene
    product = options.product or identify(path).product
    entry = find_product(product)
    if entry.scan is not None or entry.sounding_axes > 1:
        return open_scene(path, product=options.product, quality=options.quality)
    return open_soundings(path, product=options.product, quality=options.quality)


def needed_variables(data: xr.Dataset, options: PlumeOptions) -> list[str]:
    """List what of a file is read: the gases with their errors, places, pressure."""
    columns = [name for name in (options.gas, options.mask_gas) if name] or column_variables(data)
    if options.gas is None and options.mask_gas is not None:
        columns = column_variables(data)
    names = [part for name in columns for part in (name, f"{name}_uncertainty")]
    if options.mass.kernel == "product":
        names += [f"{columns[0]}_averaging_kernel", *_KERNEL]
    return [name for name in (*names, *_NEEDED) if name in data.variables]


def cut_file(
    path: str, sources: gpd.GeoDataFrame, options: PlumeOptions
) -> tuple[xr.Dataset, list[tuple[xr.Dataset, gpd.GeoDataFrame]]]:
    """Open a file and cut it to the parts around sources.

    Returns
    -------
    data : xarray.Dataset
        To be closed when the parts were read.
    parts : list of (xarray.Dataset, geopandas.GeoDataFrame)
        Lazy, with the sources of each.

    Raises
    ------
    YaotanError
        The file cannot be used.
    """
    data = open_plume_data(path, options)
    cut = cut_tracks if "sounding" in data.dims else cut_images
    return data, list(cut(data[needed_variables(data, options)], sources))


def quantify_file(
    path: str, sources: gpd.GeoDataFrame, winds: Finder, options: PlumeOptions, *, views: bool = True
) -> FileResult:
    """Quantify the sources that a file sees; a part that cannot be used is named, and the next one is done.

    Parameters
    ----------
    path : str
        File.
    sources : geopandas.GeoDataFrame
        All sources.
    winds : callable
        Of `wind_finder`.
    options : PlumeOptions
        How.
    views : bool
        Whether to put together what drawings need.

    Returns
    -------
    FileResult
        Never an error of the data: those are ``failures``.
    """
    made = FileResult()
    name = Path(path).name
    try:
        data, parts = cut_file(path, sources, options)
    except Exception as error:  # whatever a bad file does, the next one is done; what it was is told
        made.failures.append((name, reason_text(error, path)))
        return made
    seen = {source for _, own in parts for source in own["source"]}
    made.outside = len(sources) - len(seen)
    for number, (part, own) in enumerate(parts):
        label = label_part(name, part, number, len(parts))
        try:
            loaded = part.load()
            found = quantify(
                loaded,
                own,
                winds(loaded),
                wind_options=wind_options(options),
                views=views,
                **options.as_quantify(),
            )
        except Exception as error:
            made.failures.append((label, reason_text(error, path)))
            continue
        made.scenes.append((label, found))
    data.close()
    return made


def wind_options(options: PlumeOptions) -> Mapping[str, float]:
    """Give the keywords of `effective_wind`."""
    return {"speed_error": options.speed_error, "direction_error": options.direction_error}


def reason_text(error: Exception, path: str) -> str:
    """Say what is wrong without the folder, which differs between machines."""
    text = str(error).replace(f"{path}: ", "").replace(str(Path(path).parent), "")
    return text if isinstance(error, YaotanError) else f"{type(error).__name__}: {text}"


def scene_key(known: str) -> str:
    """Give a name for the step of a scene: short, and unlike that of a file of the same name elsewhere."""
    return f"{Path(known).name.partition('.')[0]}-{hashlib.sha256(known.encode()).hexdigest()[:8]}"


def label_part(name: str, part: xr.Dataset, number: int, count: int) -> str:
    """Name of a part: the file's, with the time of the overpass or a number where it has several."""
    if "sounding" in part.dims:
        return f"{name} {str(_middle(part))[:16]}"
    return name if count == 1 else f"{name} {number + 1}"


def box_around(sources: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """West, south, east, north of the wind that sources need [degrees]; west > east over the dateline."""
    lon, lat = np.sort(sources.geometry.x.to_numpy()), sources.geometry.y.to_numpy()
    gaps = np.diff(np.append(lon, lon[0] + 360.0))
    after = int(np.argmax(gaps))
    if gaps[after] <= 2.0 * _MARGIN:
        west, east = -180.0, 180.0
    else:
        ends = lon[(after + 1) % lon.size] - _MARGIN, lon[after] + _MARGIN
        west, east = (float((end + 180.0) % 360.0 - 180.0) for end in ends)
    south, north = max(float(lat.min()) - _MARGIN, -90.0), min(float(lat.max()) + _MARGIN, 90.0)
    return west, south, east, north


def write_tables(
    folder: Path,
    sources: gpd.GeoDataFrame,
    tables: Mapping[str, pd.DataFrame | gpd.GeoDataFrame],
    failures: pd.DataFrame,
) -> list[Path]:
    """Write the joined tables of scenes: ``sources``, ``failures``, and of `KINDS` those that have a row.

    Returns
    -------
    list of pathlib.Path
        Files: CSV, Parquet and netCDF of estimates, GeoParquet of features.
    """
    paths = [write(sources, folder / "sources.parquet"), write(failures, folder / "failures.csv")]
    for kind in ("estimates", "members"):
        if kind in tables:
            paths += write_table(tables[kind], folder / kind)
    if "estimates" in tables:
        made = estimate_of_table(tables["estimates"], sources)
        paths.append(write(made, folder / "estimates.nc"))
    paths += [
        write(tables[kind], folder / f"{kind}.parquet") for kind in ("plumes", "lines") if kind in tables
    ]
    return paths
