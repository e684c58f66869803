"""Tables of a user: CSV, Parquet or a sheet of a workbook, codes kept as text."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.text_table import decode_text
from yaotan.io.workbook import Workbook, cell_text
from yaotan.typing import PathLike

if TYPE_CHECKING:
    import pandas as pd


def read_user_table(path: PathLike, *, sheet: str | None = None, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a table whose first row names its columns.

    Parameters
    ----------
    path : path-like
        ``.csv`` (UTF-8), ``.parquet`` or ``.xlsx``.
    sheet : str, optional
        Of a workbook with several sheets, the one to read.
    text : collection of str
        Columns that hold codes or words: ``010000`` stays as it is written, ``110000.0`` of a workbook
        becomes ``110000``.

    Returns
    -------
    pandas.DataFrame
        Only an empty field is missing ("NA" is a name).

    Raises
    ------
    NotAGranuleError
        The file is missing, damaged, of another kind or encoding.
    SchemaError
        A column has no name, or two have one.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind in (".xlsx", ".xlsm"):
        table = _from_workbook(path, sheet)
    elif kind == ".parquet":
        from yaotan.io.tabular import read_parquet

        table = read_parquet(path)
    elif kind in (".csv", ".txt"):
        table = _from_csv(path, text)
    else:
        raise NotAGranuleError(f"a name with {kind!r}", where=path, expected=".csv, .parquet or .xlsx")
    names = [str(name) for name in table.columns]
    bad = sorted({name or "(no name)" for name in names if not name or names.count(name) > 1})
    if bad:
        raise SchemaError(f"columns without a name of their own: {', '.join(bad)}", where=path)
    for name in set(text) & set(names):
        table[name] = table[name].map(cell_text).replace("", None)
    return table


def _from_csv(path: Path, text: Collection[str]) -> pd.DataFrame:
    import io

    import pandas as pd

    try:
        content = decode_text(path.read_bytes(), str(path))
    except OSError as error:
        raise NotAGranuleError("cannot be read", where=path, fix="check the path") from error
    try:
        # the header is taken as a row, or pandas would give two columns of one name two names
        header = pd.read_csv(io.StringIO(content), header=None, nrows=1, dtype=str, keep_default_na=False)
        names = header.iloc[0].tolist()
        table = pd.read_csv(
            io.StringIO(content),
            header=None,
            skiprows=1,
            dtype={number: str for number, name in enumerate(names) if name in text},
            keep_default_na=False,
            na_values=[""],
        )
    except ValueError as error:  # the parser's own errors are of this kind
        raise NotAGranuleError(f"is no CSV table ({error})", where=path) from error
    if table.shape[1] != len(names):
        raise NotAGranuleError(f"{len(names)} names over {table.shape[1]} columns", where=path)
    table.columns = pd.Index(names)
    return table


def _from_workbook(path: Path, sheet: str | None) -> pd.DataFrame:
    import pandas as pd

    book = Workbook(path)
    if sheet is None and len(book.sheets) > 1:
        raise SchemaError(
            f"holds {len(book.sheets)} sheets",
            where=path,
            expected=", ".join(book.sheets[:20]),
            fix="name one of them",
        )
    rows = book.rows(sheet or book.sheets[0])
    if not rows:
        raise SchemaError(f"sheet {sheet or book.sheets[0]!r} is empty", where=path)
    frame = pd.DataFrame(rows[1:], columns=[cell_text(cell) for cell in rows[0]])
    return frame.replace("", None)
