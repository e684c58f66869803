"""Lists of point sources from tables and vector files, with the columns that plume functions take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.region_table import few
from yaotan.io.tabular import csv_columns
from yaotan.io.user_table import read_user_table
from yaotan.typing import PathLike
from yaotan.units import convert

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: what a column is for -> spellings, without case, spaces and underscores
SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "source": ("source", "sourceid", "id", "plantid", "facilityid", "编号"),
    "name": ("name", "sourcename", "plant", "plantname", "facility", "nameen", "名称"),
    "name_zh": ("namezh", "中文名"),
    "kind": ("kind", "类型"),
    "longitude": ("longitude", "lon", "lng", "经度"),
    "latitude": ("latitude", "lat", "纬度"),
    "diameter": ("diameter", "diameterm"),
    "stack_height": ("stackheight", "stackheightm"),
}
#: width of a source and its kind where the file has none: those of `make_sources`
DIAMETER: Final = 1000.0
KIND: Final = "power_plant"
#: emissions whose unit is in their name, such as co2_Mt_2018
_EMISSION: Final = re.compile(
    r"^(?P<gas>co2|ch4|nox|n2o)_(?P<unit>Mt|kt|t|kg_s|kg_h|t_h)(?:_yr)?(?:_(?P<year>\d{4}))?$"
)
#: in grams, since kt is a knot to readers of units
_UNITS: Final = {
    "kg_s": "kg s-1",
    "kg_h": "kg h-1",
    "t_h": "Mg h-1",
    "t": "Mg yr-1",
    "kt": "Gg yr-1",
    "Mt": "Tg yr-1",
}
_VECTOR: Final = (".geojson", ".json", ".gpkg", ".shp", ".fgb")


def open_sources(
    path: PathLike, *, columns: Mapping[str, str] | None = None, sheet: str | None = None
) -> gpd.GeoDataFrame:
    r"""Open a list of point sources.

    Parameters
    ----------
    path : path-like
        A table (CSV, Excel, Parquet) with longitude and latitude [degrees], or points in a vector file
        (GeoJSON, GeoPackage, Shapefile, GeoParquet) in any CRS.
    columns : mapping of str to str, optional
        What a column is for (a key of `SPELLINGS`) -> its name, where it is not a common one.
    sheet : str, optional
        Of a workbook.

    Returns
    -------
    geopandas.GeoDataFrame
        ``source`` (text), ``name``, ``name_zh`` where there is one, ``kind`` (default ``power_plant``),
        ``diameter`` (default 1000 m), ``stack_height`` [m], and points in EPSG:4326: what `make_sources`
        gives. Columns such as ``co2_Mt_2018`` become ``emission_co2`` [kg s-1] (years of 365.25 days); all
        others stay. ``attrs["columns"]`` says what was taken for what.

    Raises
    ------
    SchemaError
        A column is missing, a row has no place, an identifier is missing, the file holds no points or no CRS.
    NotAGranuleError
        The file cannot be read.

    Notes
    -----
    Without a column of identifiers the names are taken, without names the numbers of the rows. A city or a
    works given as polygon is refused: where its plume starts is not for this function to guess.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "plants.csv"
    ...     _ = file.write_text("ID,lon,lat,co2_Mt_2018\nJV,14.45,51.84,24.0\n")
    ...     plants = open_sources(file)
    >>> plants[["source", "name", "kind", "diameter"]].values.tolist()
    [['JV', 'JV', 'power_plant', 1000.0]]
    >>> round(float(plants.emission_co2[0]), 1)
    760.5
    """
    path = Path(path)
    if not path.exists():
        raise NotAGranuleError("does not exist", where=path, expected="a list of sources")
    table = _read(path, sheet, dict(columns or {}))
    if len(table) == 0:
        raise SchemaError("the list has no source", where=path)
    taken = _find_columns(list(table.columns), dict(columns or {}), path)
    made = _place(table, taken, path)
    texts = _texts(table, taken, path)
    made = made.assign(**texts)
    for role, default in (("diameter", DIAMETER), ("stack_height", np.nan)):
        made[role] = _numbers(table, taken, role, path) if role in taken else default
    for column in table.columns:
        found = _EMISSION.match(str(column))
        if found:
            values = table[column].to_numpy(float)
            made[f"emission_{found['gas']}"] = convert(values, _UNITS[found["unit"]], "kg s-1")
    used = {*taken.values(), "geometry"}
    for column in table.columns:
        if column not in used and column not in made:
            made[column] = table[column].to_numpy()
    made.attrs.update(source=path.name, columns=taken)
    return made


def _read(path: Path, sheet: str | None, columns: Mapping[str, str]) -> Any:
    import geopandas as gpd
    import pyogrio  # type: ignore[import-untyped]

    kind = path.suffix.lower()
    try:
        if kind in _VECTOR:
            return gpd.GeoDataFrame(pyogrio.read_dataframe(path))
        if kind in (".parquet", ".geoparquet") and _is_geographic(path):
            return gpd.read_parquet(path)
    except (RuntimeError, ValueError, OSError) as error:
        raise NotAGranuleError(f"cannot be read as a vector file ({error})", where=path) from error
    codes = {name for name in csv_columns(path) if _plain(name) in SPELLINGS["source"]}
    named = {columns[role] for role in ("source", "name") if role in columns}
    return read_user_table(path, sheet=sheet, text=codes | named | {"source", "id", "ID", "name"})


def _is_geographic(path: Path) -> bool:
    import pyarrow.parquet as pq

    return b"geo" in (pq.read_schema(path).metadata or {})


def _plain(name: object) -> str:
    return re.sub(r"[\s_]", "", str(name)).lower()


def _find_columns(available: list[Any], wanted: dict[str, str], path: Path) -> dict[str, str]:
    for role, column in wanted.items():
        if role not in SPELLINGS:
            raise SchemaError(
                f"{role!r} is nothing a column is for", where="columns", expected=_list(SPELLINGS)
            )
        if column not in available:
            raise SchemaError(
                f"there is no column {column!r} for {role}", where=path, expected=f"one of {_list(available)}"
            )
    plain = {_plain(name): str(name) for name in reversed(available)}
    found = {
        role: next((plain[spelling] for spelling in spellings if spelling in plain), None)
        for role, spellings in SPELLINGS.items()
    }
    return {role: name for role, name in {**found, **wanted}.items() if name is not None}


def _list(names: Any) -> str:
    return ", ".join(str(name) for name in names)


def _place(table: Any, taken: dict[str, str], path: Path) -> gpd.GeoDataFrame:
    """Points in longitude and latitude, of a vector file or of two columns."""
    import geopandas as gpd

    if isinstance(table, gpd.GeoDataFrame):
        if table.crs is None:
            raise SchemaError("the file does not say its CRS", where=path, fix="save it with one")
        bad = [row + 1 for row, kind in enumerate(table.geom_type) if kind != "Point"]
        if bad:
            raise SchemaError(
                f"row(s) {few(bad)} are no points",
                where=path,
                expected="points",
                fix="take the place of the stack",
            )
        points = table.geometry.to_crs(4326).reset_index(drop=True)
        lon, lat = points.x.to_numpy(), points.y.to_numpy()
    else:
        missing = [role for role in ("longitude", "latitude") if role not in taken]
        if missing:
            raise SchemaError(
                f"there is no column for {_list(missing)}",
                where=path,
                expected=f"one like {_list(SPELLINGS[missing[0]])}; the file has {_list(table.columns)}",
                fix='name it, for example columns={"longitude": "..."}',
            )
        lon, lat = (_numbers(table, taken, role, path) for role in ("longitude", "latitude"))
    bad = [int(row) + 1 for row in np.flatnonzero(~((np.abs(lon) <= 360.0) & (np.abs(lat) <= 90.0)))]
    if bad:
        raise SchemaError(f"row(s) {few(bad)} have no place on the globe", where=path, expected="degrees")
    lon = (lon + 180.0) % 360.0 - 180.0
    return gpd.GeoDataFrame({}, geometry=gpd.points_from_xy(lon, lat), crs=4326)


def _texts(table: pd.DataFrame, taken: dict[str, str], path: Path) -> dict[str, list[str]]:
    """Identifiers, names and kinds."""

    def read(role: str) -> list[str] | None:
        if role not in taken:
            return None
        values = ["" if value is None or value != value else value for value in table[taken[role]]]
        return [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip() for v in values]

    names = read("name")
    numbers = [str(row + 1) for row in range(len(table))]
    sources = read("source") or ([*names] if names else numbers)
    bad = [row + 1 for row, text in enumerate(sources) if not text]
    if bad:
        raise SchemaError(f"row(s) {few(bad)} have no identifier", where=path, fix="fill the column")
    kinds = read("kind") or [""] * len(table)
    made = {
        "source": sources,
        "name": [name or source for name, source in zip(names or sources, sources, strict=True)],
        "kind": [kind or KIND for kind in kinds],
    }
    chinese = read("name_zh")
    return made if chinese is None else {**made, "name_zh": chinese}


def _numbers(table: pd.DataFrame, taken: dict[str, str], role: str, path: Path) -> np.ndarray[Any, Any]:
    import pandas as pd

    column = table[taken[role]]
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    bad = [int(row) + 1 for row in np.flatnonzero(np.isnan(values) & column.notna().to_numpy())]
    if bad:
        raise SchemaError(f"row(s) {few(bad)} of {taken[role]!r} are no numbers", where=path)
    if role == "diameter":
        return np.where(np.isnan(values), DIAMETER, values)
    return values
