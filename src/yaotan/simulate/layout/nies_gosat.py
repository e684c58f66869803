"""NIES GOSAT TANSO-FTS SWIR L2 (HDF5), CO2 and CH4, V02.x.

Typed from the full variable list of original V02.80 CO2 files. The 15 layers run from the top to the
surface, the 21 reference levels from the surface to the top; attributes are arrays of length 1, strings are
bytes. The CH4 tree has XCH4 names (so public readers have it); V02.97 and later add the bias-corrected
column. V03 is written as the same tree with the bias-corrected column: no original V03 file was at hand.
"""

from __future__ import annotations

import os
from typing import Any, Final

import h5py
import numpy as np

from yaotan.errors import SchemaError
from yaotan.simulate.layout.nies_item import Item, list_items
from yaotan.simulate.layout.retrieval import Retrieval, day_stamp

_BIAS_CORRECTED_FROM: Final = (2, 97)


def nies_gosat_name(day: object, *, gas: str = "co2", version: str = "V02.80") -> str:
    """Name a daily file.

    Examples
    --------
    >>> nies_gosat_name("2018-11-02")
    'GOSATTFTS20181102_02C01SV0280R181102GU000.h5'
    """
    stamp = day_stamp(day)
    return f"GOSATTFTS{stamp}_02{_code(gas)}{version.replace('.', '')}R{stamp[2:]}GU000.h5"


def write_nies_gosat(
    path: str | os.PathLike[str], soundings: Retrieval, *, gas: str = "co2", version: str = "V02.80"
) -> None:
    """Write one granule as NIES does; the column comes out in ppmv, for CH4 too.

    Parameters
    ----------
    path : path
        File to be written.
    soundings : Retrieval
        Soundings (CO2 in ppm, CH4 in ppb); none at all is allowed.
    gas : str
        "co2" or "ch4".
    version : str
        "V02.80" and the like; from V02.97 on the bias-corrected column is added and `XCO2` is the raw one.
        Before that the file holds `XCO2` = `Retrieval.xgas_raw` only.

    Raises
    ------
    SchemaError
        Unknown gas, or a profile has another number of layers than 15.
    """
    code, formula = _code(gas), gas.upper()
    metadata = {
        "operationLevel": "L2",
        "productCode": code,
        "productName": f"L2 {formula} column amount (SWIR)",
        "productVersion": version,
        "satelliteName": "GOSAT",
        "sensorName": "TANSO-FTS",
    }
    with h5py.File(path, "w") as file:
        for name, value in metadata.items():
            file[f"Global/metadata/{name}"] = np.array([value.encode()])
        # the mission's own files carry no such note; a simulated one must say what it is
        file["Global/MD_Metadata/identificationInfo/MD_DataIdentification/abstract"] = np.array(
            [b"simulated; not a product of the mission"], "S256"
        )
        for item in list_items(soundings, formula, _has_correction(version)):
            _write(file, item)


def _code(gas: str) -> str:
    try:
        return {"co2": "C01S", "ch4": "C02S"}[gas]
    except KeyError:
        raise SchemaError(f"no NIES product of {gas!r}", where="layout", expected="co2 or ch4") from None


def _has_correction(version: str) -> bool:
    major, minor = version.removeprefix("V").split(".")
    return (int(major), int(minor)) >= _BIAS_CORRECTED_FROM


def _write(file: h5py.File, item: Item) -> None:
    values = np.asarray(item.values)
    if values.dtype.kind == "f" and item.dtype[0] in "fi":
        values = np.where(np.isnan(values), np.nan if item.invalid is None else item.invalid, values)
    values = values.astype(item.dtype)
    # one chunk per dataset, gzip 1; the files leave 1-byte and 2-byte integers uncompressed
    packed = (
        values.size > 0 and values.shape[0] > 1 and values.dtype.itemsize > 2 and "FTSL2Data" not in item.path
    )
    options: dict[str, Any] = (
        {"compression": "gzip", "compression_opts": 1, "chunks": values.shape} if packed else {}
    )
    dataset = file.create_dataset(item.path, data=values, **options)
    if item.invalid is not None:
        dataset.attrs["invalidValue"] = np.array([item.invalid]).astype(item.dtype)
    if item.name:
        dataset.attrs["longName"] = np.array([item.name.encode()])
    if item.unit:
        dataset.attrs["unit"] = np.array([item.unit.encode()])
    if item.valid is not None:
        dataset.attrs["validRange"] = np.array(item.valid).astype(item.dtype)
