"""What is this file, and what is in it? A granule of OCO-2 Lite, made here, is identified and opened."""

import json
import tempfile
from pathlib import Path

import yaotan
from yaotan.simulate.layout import Retrieval, oco2_lite_name, write_oco2_lite

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / oco2_lite_name("2020-01-15")
    write_oco2_lite(path, Retrieval.make(80, quality=[0, 0, 0, 1] * 20))

    match = yaotan.identify(path)
    print(match.product, match.version, match.period, match.by_quality)

    # nothing but time, place, quality and the column has been read when this returns
    soundings = yaotan.open_soundings(path, region=(110, 25, 120, 35), period=("2020-01-15", "2020-01-15"))
    print(soundings["xco2"].attrs["units"], float(soundings["xco2"].mean()))

    # what was dropped, and why
    for entry in json.loads(soundings.attrs["reading"]):
        print(entry["read"], "read,", entry["kept"], "kept, dropped:", entry["dropped"])

    # the same through xarray's own door
    import xarray as xr

    print(xr.open_dataset(path, engine="yaotan").sizes)
