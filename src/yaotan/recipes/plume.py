"""`quantify_files`: many scenes and overpasses without a study file, as tables and files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
from pydantic import ValidationError

from yaotan.errors import YaotanError
from yaotan.io.paths import find_files
from yaotan.io.source import open_sources
from yaotan.plume.source import check_sources
from yaotan.recipes.analysis.plume_scene import (
    FileResult,
    box_around,
    quantify_file,
    wind_finder,
    write_tables,
)
from yaotan.recipes.inventory import Progress
from yaotan.recipes.plume_option import PlumeOptions
from yaotan.typing import PathLike


@dataclass(frozen=True)
class BatchResult:
    """What many files say of sources.

    Parameters
    ----------
    estimates, members : pandas.DataFrame
        Rows of `yaotan.plume.table.estimate_table` and `member_table`, with the scene.
    plumes, lines : geopandas.GeoDataFrame
        Outlines of plumes, centre lines and winds, with the scene.
    failures : pandas.DataFrame
        scene, reason: what could not be used.
    scenes, outside : int
        Files, and pairs of file and source that do not meet.
    paths : tuple of pathlib.Path
        Files written.
    """

    estimates: pd.DataFrame
    members: pd.DataFrame
    plumes: gpd.GeoDataFrame
    lines: gpd.GeoDataFrame
    failures: pd.DataFrame
    scenes: int
    outside: int
    paths: tuple[Path, ...] = ()


def quantify_files(
    files: Sequence[PathLike] | PathLike,
    *,
    sources: PathLike | gpd.GeoDataFrame,
    wind: PathLike | Sequence[PathLike],
    output: PathLike | None = None,
    gas: str | None = None,
    mask_gas: str | None = None,
    method: Sequence[str] | None = None,
    choice: Sequence[str] | None = None,
    background: Sequence[str] | None = None,
    product: str | None = None,
    quality: Literal["good", "all"] = "good",
    columns: Mapping[str, str] | None = None,
    wind_source: str = "era5",
    speed_error: float = 1.0,
    direction_error: float = 10.0,
    surface_pressure: float | None = None,
    kernel: str | float | None = None,
    length: float | None = None,
    lifetime: float | None = None,
    progress: Progress | None = None,
) -> BatchResult:
    r"""Estimate the emission of point sources in many scenes and overpasses.

    Parameters
    ----------
    files : path-like or sequence of path-like
        Images or granules of soundings: files, folders, patterns.
    sources : path-like or geopandas.GeoDataFrame
        List of sources (`open_sources`).
    wind : path-like or sequence of path-like
        Files of a reanalysis (`open_wind`), a table (.csv) of winds by source and time
        (`yaotan.plume.table.winds_of_table`), or "product": the wind that soundings bring.
    output : path-like, optional
        Folder for the tables; it is made where it is not there.
    gas, mask_gas : str, optional
        Column, and second gas that gives mask and shape of plumes in images.
    method, choice, background : sequence of str, optional
        Methods, heights of the wind and backgrounds of the ensemble; default as in `quantify`.
    product, quality : str
        Of the scenes, as in `open_scene`.
    columns : mapping of str to str, optional
        Columns of the list of sources, where they have no common names.
    wind_source : str
        Entry of ``catalogs/winds.yaml``.
    speed_error, direction_error : float
        1 sigma of the wind at one place and hour [m s-1, degree].
    surface_pressure : float, optional
        [hPa], where scenes hold none.
    kernel : float or {"product"}, optional
        As in `column_mass`.
    length, lifetime : float, optional
        Longest way along the plume [m] and lifetime of the gas [s], for the methods of images.
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    BatchResult
        Tables. A scene that cannot be used is among the failures with its reason; it never ends the batch.

    Raises
    ------
    YaotanError
        The list of sources or the wind cannot be used, or an option is wrong: nothing is read then.

    Notes
    -----
    All tables are held in memory; a study (docs/recipe.md) goes on where it was killed, this does not.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import yaotan
    >>> from yaotan.simulate.plume import PlumeSetting, simulate_plume
    >>> scene, _ = simulate_plume(PlumeSetting(size=30, rate=2000.0), seed=1)
    >>> plant = yaotan.plume.make_sources(["P"], [14.4], [51.8], diameter=100.0)
    >>> with TemporaryDirectory() as folder:
    ...     base = Path(folder)
    ...     _ = yaotan.write(scene, base / "a.nc")
    ...     _ = (base / "b.nc").write_text("damaged")
    ...     _ = (base / "wind.csv").write_text("source,wind_speed,wind_direction\nP,5.0,245.0\n")
    ...     made = quantify_files(
    ...         base, sources=plant, wind=base / "wind.csv", gas="xco2", mask_gas="no2", method=["gaussian"]
    ...     )
    >>> made.estimates["status"].tolist(), made.failures["scene"].tolist()
    (['estimated'], ['b.nc'])
    """
    found = find_files([str(file) for file in ([files] if isinstance(files, (str, os.PathLike)) else files)])
    given = {
        "scenes": found,
        "sources": str(sources) if not isinstance(sources, gpd.GeoDataFrame) else "table",
        "wind": str(wind) if isinstance(wind, (str, os.PathLike)) else [str(file) for file in wind],
        "gas": gas,
        "mask_gas": mask_gas,
        "methods": method,
        "winds": choice,
        "product": product,
        "quality": quality,
        "wind_source": wind_source,
        "speed_error": speed_error,
        "direction_error": direction_error,
        "mass": {"surface_pressure": surface_pressure, "kernel": kernel},
        "options": {key: value for key, value in (("length", length), ("lifetime", lifetime)) if value},
        **({"backgrounds": background} if background else {}),
    }
    options = _checked(given)
    table = sources if isinstance(sources, gpd.GeoDataFrame) else open_sources(sources, columns=columns)
    check_sources(table)
    winds = wind_finder(options, Path(), box_around(table))
    results = []
    for number, file in enumerate(found):
        if progress is not None:
            progress("scenes", number, len(found))
        results.append(quantify_file(file, table, winds, options, views=False))
    return _join(results, table, output)


def _checked(given: Mapping[str, Any]) -> PlumeOptions:
    try:
        return PlumeOptions(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise YaotanError(problem["msg"].removeprefix("Value error, "), where=place) from None


def _join(results: Sequence[FileResult], sources: gpd.GeoDataFrame, output: PathLike | None) -> BatchResult:
    parts: dict[str, list[Any]] = {}
    for one in results:
        for kind, table in one.tables().items():
            parts.setdefault(kind, []).append(table)
    tables = {kind: pd.concat(some, ignore_index=True) for kind, some in parts.items()}
    failures = pd.DataFrame([pair for one in results for pair in one.failures], columns=["scene", "reason"])
    paths: list[Path] = []
    if output is not None:
        folder = Path(output)
        folder.mkdir(parents=True, exist_ok=True)
        paths = write_tables(folder, sources, tables, failures)
    empty = gpd.GeoDataFrame(geometry=[], crs=4326)
    return BatchResult(
        tables.get("estimates", pd.DataFrame()),
        tables.get("members", pd.DataFrame()),
        tables.get("plumes", empty),
        tables.get("lines", empty),
        failures,
        len(results),
        sum(one.outside for one in results),
        tuple(paths),
    )
