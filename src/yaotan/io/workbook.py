"""Workbooks (.xlsx): their sheets as rows, with a guard against files that swell when they are opened."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any, Final

from yaotan.errors import NotAGranuleError
from yaotan.typing import PathLike

#: largest file, and largest sum of its unpacked parts [bytes]
MOST_BYTES: Final = 256 * 2**20
MOST_UNPACKED: Final = 512 * 2**20
#: largest rectangle around the cells of one sheet; one far cell makes a reader set up all of it
MOST_CELLS: Final = 20_000_000
_BLOCK: Final = 2**20
_REFERENCE: Final = re.compile(rb"""\sr=["']([A-Z]{1,3})(\d{1,7})["']""")

Row = list[Any]


class Workbook:
    """One workbook.

    Parameters
    ----------
    path : path-like
        An .xlsx or .xlsm file.

    Raises
    ------
    NotAGranuleError
        No such file, no workbook, or larger than what is opened: see `MOST_BYTES`, `MOST_UNPACKED` and
        `MOST_CELLS`.

    Notes
    -----
    Values are those stored with the cells; no formula is worked out and no macro is run.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        _check_size(self.path)
        from python_calamine import CalamineError, CalamineWorkbook

        try:
            self._book = CalamineWorkbook.from_path(str(self.path))
        except (CalamineError, OSError, ValueError) as error:
            raise NotAGranuleError(f"cannot be opened as a workbook ({error})", where=self.path) from error

    @property
    def sheets(self) -> list[str]:
        """Names of the sheets, in their order."""
        return list(self._book.sheet_names)

    def rows(self, sheet: str) -> list[Row]:
        """Give one sheet.

        Parameters
        ----------
        sheet : str
            Its name.

        Returns
        -------
        list of list
            From cell A1, all of one length; empty cells are ``""``, numbers are float, dates are datetime.

        Raises
        ------
        NotAGranuleError
            There is no such sheet, or it is damaged.
        """
        from python_calamine import CalamineError

        if sheet not in self.sheets:
            raise NotAGranuleError(
                f"has no sheet {sheet!r}", where=self.path, expected=", ".join(self.sheets[:20])
            )
        try:
            found: list[Row] = self._book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        except (CalamineError, ValueError) as error:
            raise NotAGranuleError(f"sheet {sheet!r} cannot be read ({error})", where=self.path) from error
        return found


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise NotAGranuleError(
                f"holds {size / 2**20:.0f} MiB", where=path, expected=f"up to {MOST_BYTES // 2**20} MiB"
            )
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
            if unpacked > MOST_UNPACKED:
                raise NotAGranuleError(
                    f"would unpack to {unpacked / 2**20:.0f} MiB",
                    where=path,
                    expected=f"up to {MOST_UNPACKED // 2**20} MiB",
                )
            for part in archive.infolist():
                if part.filename.lower().startswith("xl/worksheets/"):
                    _check_extent(archive, part, path)
    except OSError as error:
        raise NotAGranuleError("cannot be read", where=path, fix="check the path") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise NotAGranuleError(
            f"is no workbook ({error})", where=path, expected="an .xlsx file", fix="save the file as .xlsx"
        ) from error


def _check_extent(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path) -> None:
    width = height = read = 0
    rest = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            read += len(block)
            for letters, digits in _REFERENCE.findall(rest + block):
                height, width = max(height, int(digits)), max(width, _column(letters))
            rest = block[-32:]
            if width * height > MOST_CELLS or read > MOST_UNPACKED:
                raise NotAGranuleError(
                    f"{part.filename} spans {height} rows and {width} columns",
                    where=path,
                    expected=f"up to {MOST_CELLS} cells in one sheet",
                    fix="delete the far cells",
                )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def cell_text(value: Any) -> str:
    """Give a cell as text: whole numbers without a point, blanks inside and around joined or cut.

    Examples
    --------
    >>> cell_text(110000.0), cell_text("  Raw   Coal "), cell_text(None)
    ('110000', 'Raw Coal', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())
