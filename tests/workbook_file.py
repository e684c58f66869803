"""Workbooks written by hand: the format is a zip of XML (ECMA-376, Office Open XML)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"


def letters(column: int) -> str:
    """Give the letters of a column counted from 0."""
    return (letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


def sheet_xml(rows: Sequence[Sequence[Any]]) -> str:
    """Give the XML of one sheet; None is an empty cell."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for column, value in enumerate(row):
            place = f"{letters(column)}{number}"
            if isinstance(value, str):
                text = value.replace("&", "&amp;").replace("<", "&lt;")
                cells.append(f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>')
            elif value is not None:
                cells.append(f'<c r="{place}"><v>{value!r}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write a workbook: name of a sheet to its rows."""
    content, relations, listed = [], [], []
    parts = {}
    for number, (name, rows) in enumerate(sheets.items(), 1):
        place = f"worksheets/sheet{number}.xml"
        parts[f"xl/{place}"] = sheet_xml(rows)
        content.append(f'<Override PartName="/xl/{place}" ContentType="{KIND}.worksheet+xml"/>')
        relations.append(f'<Relationship Id="r{number}" Type="{OFFICE}/worksheet" Target="{place}"/>')
        listed.append(f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>')
    parts["[Content_Types].xml"] = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="{RELATIONS}"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
        f"{''.join(content)}</Types>"
    )
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{"".join(listed)}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(relations)}</Relationships>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
