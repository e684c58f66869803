"""Carbon pools by class (and zone): tables of densities in one unit, of one edition and one soil depth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import pandas as pd

from yaotan.carbon.pool_table import LONG, long_pools
from yaotan.errors import SchemaError
from yaotan.io.tabular import read_parquet, read_table
from yaotan.typing import PathLike

#: The pools: living above and below the ground, dead wood with litter, soil to a stated depth.
POOLS: Final = ("c_above", "c_below", "c_dead", "c_soil")
#: zone of rows that hold everywhere
EVERYWHERE: Final = ""


@dataclass(frozen=True)
class PoolTable:
    """Carbon densities of classes, one row for each zone, class and pool.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns ``zone`` (``""``: everywhere), ``class``, ``class_name``, ``pool``, ``value`` and ``sd``
        [kg m-2 of carbon; a blank value is missing, a missing sd is not known], ``distribution``, ``lower``
        and ``upper`` [kg m-2; ends of a triangular distribution], ``common`` and ``common_sd`` (name of an
        error that rows share, relative 1 sigma), ``source``.
    scheme : str
        Legend that the class codes are of.
    edition : str
        Edition of the guidelines that the numbers are of, or ``""``.
    depth : float or None
        Depth of the soil pool [m].
    """

    frame: pd.DataFrame
    scheme: str
    edition: str = ""
    depth: float | None = None
    _index: dict[tuple[str, int, str], int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = zip(self.frame["zone"], self.frame["class"], self.frame["pool"], strict=True)
        index = {(str(z), int(c), str(p)): row for row, (z, c, p) in enumerate(keys)}
        object.__setattr__(self, "_index", index)

    @property
    def pools(self) -> tuple[str, ...]:
        """Pools that the table speaks of, in the usual order."""
        there = set(self.frame["pool"])
        return tuple(pool for pool in POOLS if pool in there)

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones with rows of their own."""
        return tuple(sorted(set(self.frame["zone"]) - {EVERYWHERE}))

    def row(self, zone: str, code: int, pool: str, *, name: str = "") -> int:
        """Find the row of a zone, class and pool; one that holds everywhere stands in for a zone's.

        Raises
        ------
        SchemaError
            The class, or the pool of the class, is absent or blank.
        """
        found = self._index.get((zone, code, pool), self._index.get((EVERYWHERE, code, pool)))
        said = f"class {code}{f' ({name})' if name and name != str(code) else ''}"
        if found is None:
            known = (self.frame["class"] == code).any()
            what = f"the pool {pool} of {said}" if known else said
            where = f" for zone {zone!r}" if zone and known else ""
            raise SchemaError(
                f"{what} is absent from the pool table{where}",
                where="pool table",
                expected=f"a density of {', '.join(self.pools)} for every class of the land use",
                fix="add the row (0 where the class holds no carbon), or leave the pool out with pools=",
            )
        if math.isnan(self.frame["value"].to_numpy(dtype=float)[found]):
            raise SchemaError(
                f"the pool {pool} of {said} is blank",
                where="pool table",
                expected="a number; blank means not known, which is not zero",
                fix="fill it in, or write 0 if the class holds none",
            )
        return found

    def join(self, other: PoolTable) -> PoolTable:
        """Join with a table of other pools or classes.

        Parameters
        ----------
        other : PoolTable
            Of the same scheme, edition and depth (where both have them), without rows of the same key.

        Returns
        -------
        PoolTable
            All rows.

        Raises
        ------
        SchemaError
            Scheme, edition or depth differ, or a key is in both.
        """
        if self.scheme != other.scheme:
            raise SchemaError(
                f"one pool table is of {self.scheme}, the other of {other.scheme}", where="pool table"
            )
        check_one("editions", {self.edition, other.edition} - {""})
        check_one("soil depths [m]", {self.depth, other.depth} - {None})
        both = sorted(set(self._index) & set(other._index))
        if both:
            raise SchemaError(f"both pool tables have {both[0]}", where="pool table", fix="keep one of them")
        frame = pd.concat([self.frame, other.frame], ignore_index=True)
        return PoolTable(
            frame, self.scheme, self.edition or other.edition,
            self.depth if self.depth is not None else other.depth,
        )  # fmt: skip


#: What functions take for pools: a table made by `open_pools`, or what that reads.
Pools: TypeAlias = PoolTable | pd.DataFrame | PathLike


def open_pools(
    table: pd.DataFrame | PathLike,
    *,
    scheme: str | None = None,
    units: str | None = None,
    depth: float | None = None,
    edition: str | None = None,
) -> PoolTable:
    """Read a table of carbon densities by class.

    Two forms. Long: columns ``class``, ``pool`` (c_above, c_below, c_dead, c_soil), ``value``, ``units``, and
    any of ``zone``, ``class_name``, ``sd``, ``lower`` and ``upper`` (95 % interval; ends of a triangular
    distribution), ``distribution`` (normal, lognormal, triangular, fixed), ``depth`` [m, of c_soil],
    ``edition``, ``source``, ``common`` and ``common_sd`` (an error that rows share, relative 1 sigma). Wide:
    ``class`` (or ``lucode``, ``code``), one column for each pool (as in InVEST: C_above, C_below, C_soil,
    C_dead), perhaps ``<pool>_sd``, ``units``, ``zone``, ``depth``.

    Parameters
    ----------
    table : pandas.DataFrame or path-like
        Table, or a .csv or .parquet file with one.
    scheme : str, optional
        Legend of the class codes; needed unless the table has a column ``scheme``.
    units : str, optional
        Unit of carbon per area; needed unless the table has a column ``units`` ("t C/ha" and "t ha-1" are the
        same; dry matter and CO2 are refused).
    depth : float, optional
        Depth of c_soil [m]; needed with c_soil unless the table has a column ``depth``.
    edition : str, optional
        Edition of the guidelines, where the table has no column ``edition``.

    Returns
    -------
    PoolTable
        Densities in kg m-2.

    Raises
    ------
    SchemaError
        Scheme, depth or a needed column is missing, rows are doubled, editions or depths are mixed, a value
        is negative.
    UnitsError
        The unit is missing, is none of carbon per area, or makes the densities implausible
        (``catalogs/factors/density_limit.yaml``).

    Examples
    --------
    >>> table = pd.DataFrame({"lucode": [1, 2], "C_above": [60.0, 2.0], "C_soil": [120.0, 80.0]})
    >>> pools = open_pools(table, scheme="own", units="t ha-1", depth=1.0)
    >>> pools.frame[["class", "pool", "value"]].values.tolist()
    [[1, 'c_above', 6.0], [2, 'c_above', 0.2], [1, 'c_soil', 12.0], [2, 'c_soil', 8.0]]
    """
    where = "pool table"
    if not isinstance(table, pd.DataFrame):
        where = str(table)
        suffix = Path(table).suffix.lower()
        table = read_parquet(table) if suffix in (".parquet", ".pq") else _read_text(table)
    frame = long_pools(table, units=units, depth=depth, edition=edition, scheme=scheme, where=where)
    schemes, editions = set(frame["scheme"]) - {""}, set(frame["edition"]) - {""}
    if not schemes:
        raise SchemaError(
            "does not say of which legend its class codes are",
            where=where,
            expected="scheme=, or a column scheme (codes 11 to 13 mean other classes in each legend)",
            fix="scheme='cnlucc', or whatever the codes are of",
        )
    check_one("schemes", schemes, where)
    check_one("editions", editions, where)
    depths = set(frame.loc[frame["pool"] == "c_soil", "depth"])
    check_one("soil depths [m]", {d for d in depths if not math.isnan(d)}, where)
    doubled = frame.duplicated(["zone", "class", "pool"])
    if doubled.any():
        first = frame.loc[doubled, ["zone", "class", "pool"]].iloc[0].tolist()
        raise SchemaError(f"has two rows for zone, class, pool {first}", where=where, fix="keep one of them")
    return PoolTable(
        frame[list(LONG)].reset_index(drop=True),
        schemes.pop(),
        editions.pop() if editions else "",
        float(next(iter(depths))) if depths else None,
    )


def as_pools(pools: Pools | None) -> PoolTable | None:
    """Give a pool table as it is; read what is none yet (it must then say scheme, units and depth itself)."""
    return pools if pools is None or isinstance(pools, PoolTable) else open_pools(pools)


def check_one(what: str, values: Iterable[object], where: str = "pool table") -> None:
    """Refuse to mix.

    Raises
    ------
    SchemaError
        There is more than one value.
    """
    several = sorted({str(value) for value in values})
    if len(several) > 1:
        raise SchemaError(
            f"{what} are mixed: {', '.join(several)}",
            where=where,
            expected="one of them throughout",
            fix="use one table; numbers of other editions or depths neither add nor compare",
        )


def choose_pools(wanted: Sequence[str] | None, offered: Sequence[str]) -> tuple[str, ...]:
    """Choose the pools to account for: those named, else all that are offered.

    Raises
    ------
    SchemaError
        A name is no pool, or nobody has a density of it.
    """
    names = tuple(offered) if wanted is None else tuple(wanted)
    unknown = [name for name in names if name not in POOLS]
    absent = [name for name in names if name not in offered]
    if unknown or absent or not names:
        raise SchemaError(
            f"there is no pool {unknown[0]!r}"
            if unknown
            else f"nobody gives densities of {absent or 'any pool'}",
            where="pools",
            expected=f"some of {', '.join(POOLS)}; given are {', '.join(offered) or 'none'}",
        )
    return tuple(pool for pool in POOLS if pool in names)


def _read_text(path: PathLike) -> pd.DataFrame:
    if not Path(path).is_file():
        raise SchemaError("there is no such file", where=path, expected="a .csv or .parquet table of pools")
    return read_table(path)
