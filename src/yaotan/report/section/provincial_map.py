"""The map of emissions of regions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.report.context import PageContext
from yaotan.report.figure import Figure
from yaotan.report.map import draw_map
from yaotan.report.number import fixed, unit_text, whole
from yaotan.report.palette import make_scale
from yaotan.report.provincial import EmissionResult
from yaotan.report.table import make_download, rows_of

#: cells along the longer side of the map that regions are painted on
_CELLS: Final = 360


def emission_map(page: PageContext, one: EmissionResult, key: str = "provincial-map") -> Figure | None:
    """Paint the regions of the study that the panel knows; None where there is none."""
    known = one.of_year().dropna(subset=["estimate"])
    known = known[known["region"].astype(str).isin(page.results.regions["region_id"].astype(str))]
    if known.empty:
        return None
    text, unit = page.text, unit_text(str(one.facts["unit"]))
    grid = page.once("provincial-grid", lambda: _paint(page, known))
    most = rows_of(known)[0]  # the largest comes first
    name = page.names.get(str(most["region"]), str(most["region"]))
    rest = one.of_year()["region"].nunique() - len(known)
    slots = {"year": one.year, "first": name, "value": fixed(float(most["estimate"]), 0), "unit": unit}
    svg = draw_map(
        key,
        page.frame,
        page.corners("provincial", grid),
        np.asarray(grid["value"].values, float),
        make_scale([known["estimate"].to_numpy(float)]),
        alt=text("provincial.map.alt", **slots),
        label=text("quantity", symbol=text("provincial.axis"), unit=unit),
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
    )
    caption = text("provincial.map.caption", n=len(known), shown=whole(len(known)), **slots)
    if rest:
        caption += text("space") + text("provincial.map.rest", n=rest, shown=whole(rest))
    columns = ["region", "region_name", "region_name_zh", "period", "estimate", "lower", "upper"]
    download = make_download("emission_map", pd.DataFrame(known[columns]))
    return Figure(key, svg, text("provincial.map.title", **slots), caption, download)


def _paint(page: PageContext, known: pd.DataFrame) -> xr.Dataset:
    """Cells in degrees with the value of the region that holds their centre."""
    from rasterio.features import rasterize
    from rasterio.transform import from_bounds

    regions = page.results.regions.to_crs("EPSG:4326")
    value = dict(zip(known["region"].astype(str), known["estimate"].astype(float), strict=True))
    shapes: list[tuple[Any, float]] = [
        (shape, value[str(name)])
        for shape, name in zip(regions.geometry, regions["region_id"], strict=True)
        if str(name) in value and shape is not None and not shape.is_empty
    ]
    west, south, east, north = regions[regions["region_id"].astype(str).isin(value)].total_bounds
    step = max(east - west, north - south) / _CELLS
    width, height = (max(int(np.ceil(span / step)), 1) for span in (east - west, north - south))
    painted = rasterize(
        shapes, (height, width), fill=np.nan, transform=from_bounds(west, south, east, north, width, height),
        dtype="float64",
    )  # fmt: skip
    lon, lat = np.linspace(west, east, width + 1), np.linspace(north, south, height + 1)
    return xr.Dataset(
        {"value": (("lat", "lon"), painted)},
        {"lat": (lat[1:] + lat[:-1]) / 2, "lon": (lon[1:] + lon[:-1]) / 2},
    )
