"""Copernicus Data Space by Sentinel Hub: days by the Catalog, rasters by Process, tables by Statistical."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from yaotan.catalog.archive import CopernicusHolding
from yaotan.errors import FetchError
from yaotan.io.fetch.patience import TransferError
from yaotan.io.fetch.place import Asked
from yaotan.io.fetch.task import Task
from yaotan.io.fetch.transport import Request, Transport
from yaotan.optional import require

#: greatest width and height of one Process request (documentation of the Process API, limits)
_MOST_PIXELS: Final = 2500


class _Client:
    """The part of sentinelhub's client that its Catalog uses, over our own transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get_json_dict(self, url: str, post_values: Mapping[str, Any], use_session: bool) -> dict[str, Any]:
        del use_session  # the transport logs in
        body, _ = self._transport.ask(_json_request(url, post_values, "application/json"))
        try:
            answer = json.loads(body)
        except ValueError:
            what = "a web page" if body.lstrip()[:1] == b"<" else "something else"
            raise TransferError(
                f"the catalog sent {what} instead of JSON", fix="check the base address", lasting=True
            ) from None
        if not isinstance(answer, dict) or not isinstance(answer.get("features"), list):
            raise TransferError(
                "the catalog sent no list of scenes", fix="check the base address", lasting=True
            )
        answer.setdefault("context", {})
        return answer


def _json_request(url: str, payload: Mapping[str, Any], wanted: str) -> Request:
    body = json.dumps(payload, sort_keys=True).encode()
    return Request(url, "POST", {"Content-Type": "application/json", "Accept": wanted}, body)


def find_days(asked: Asked, holding: CopernicusHolding, config: Any, transport: Transport) -> list[dt.date]:
    """Ask the Catalog on which days there is anything in period and region.

    Raises
    ------
    TransferError
        The search fails.
    """
    sentinelhub = require("sentinelhub")
    catalog = sentinelhub.SentinelHubCatalog(config=config)
    catalog.client = _Client(transport)
    found = catalog.search(
        holding.collection,
        time=(asked.iso(asked.start), asked.iso_last(asked.end)),
        bbox=sentinelhub.BBox(_box(asked), crs=sentinelhub.CRS.WGS84),
        fields={"include": ["properties.datetime"], "exclude": []},
    )
    try:
        days = {dt.date.fromisoformat(scene["properties"]["datetime"][:10]) for scene in found}
    except (KeyError, TypeError, ValueError):
        raise TransferError("the catalog sent a scene without date", lasting=True) from None
    return sorted(day for day in days if asked.holds(day))


def _box(asked: Asked) -> tuple[float, float, float, float]:
    if asked.box is None:
        raise FetchError(
            "a region is needed: this service cuts rasters and tables to it",
            where="region",
            expected="(west, south, east, north) or polygons",
            fix="give --region W S E N",
        )
    if asked.box[0] > asked.box[2]:
        raise FetchError(
            "crosses the dateline, which this service cannot do",
            where="region",
            expected="west < east",
            fix="fetch the two sides one after the other",
        )
    return asked.box


def _input(holding: CopernicusHolding, start: str, end: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "type": holding.collection,
        "dataFilter": {"timeRange": {"from": start, "to": end}},
    }
    if holding.least_quality is not None:
        data["processing"] = {"minQa": holding.least_quality}
    return data


def _script(holding: CopernicusHolding, *, table: bool) -> str:
    """Write the evaluation script: bands as they are, missing where the service has no data."""
    bands = [*holding.bands, "dataMask"]
    values = ", ".join(f"s.{band}" for band in holding.bands)
    size = len(holding.bands)
    if table:
        output = f'[{{id: "default", bands: {size}, sampleType: "FLOAT32"}}, {{id: "dataMask", bands: 1}}]'
        result = f"{{default: [{values}], dataMask: [s.dataMask]}}"
    else:
        missing = "NaN" if holding.sample_type == "FLOAT32" else "0"
        output = f'{{bands: {size}, sampleType: "{holding.sample_type}"}}'
        result = f"s.dataMask === 1 ? [{values}] : Array({size}).fill({missing})"
    return (
        "//VERSION=3\n"
        f"function setup() {{ return {{input: [{{bands: {json.dumps(bands)}}}], output: {output}}}; }}\n"
        f"function evaluatePixel(s) {{ return {result}; }}\n"
    )


def raster_tasks(
    asked: Asked, holding: CopernicusHolding, config: Any, days: list[dt.date], resolution: float
) -> list[Task]:
    """Ask Process for one GeoTIFF per day, in degrees.

    Parameters
    ----------
    asked : Asked
        Product and region.
    holding : CopernicusHolding
        Collection and bands.
    config : sentinelhub.SHConfig
        Addresses.
    days : list of datetime.date
        Days with data.
    resolution : float
        Cell size [degrees].

    Raises
    ------
    FetchError
        More pixels than one request may have.
    """
    sentinelhub = require("sentinelhub")
    west, south, east, north = _box(asked)
    size = (max(1, round((east - west) / resolution)), max(1, round((north - south) / resolution)))
    if max(size) > _MOST_PIXELS:
        raise FetchError(
            f"{size[0]} x {size[1]} pixels are more than one request may have",
            where="resolution",
            expected=f"at most {_MOST_PIXELS} pixels a side",
            fix="choose a larger resolution or a smaller region",
        )
    tasks = []
    for day in days:
        request = sentinelhub.SentinelHubRequest(
            evalscript=_script(holding, table=False),
            input_data=[_input(holding, f"{day}T00:00:00Z", f"{day}T23:59:59Z")],
            responses=[sentinelhub.SentinelHubRequest.output_response("default", "tiff")],
            bbox=sentinelhub.BBox((west, south, east, north), crs=sentinelhub.CRS.WGS84),
            size=size,
            config=config,
        ).download_list[0]
        asking = _json_request(request.url, request.post_values, "image/tiff")
        about = {"collection": holding.collection, "day": str(day), "bands": list(holding.bands)}
        about |= {"units": holding.units, "request_sha256": _digest(asking)}
        name = f"{asked.product}_{day:%Y%m%d}_{_digest(asking)[:8]}.tif"
        judge = partial(_judge_raster, size=size, bands=len(holding.bands))
        tasks.append(Task(name, asking, about=about, judge=judge))
    return tasks


def _judge_raster(path: Path, size: tuple[int, int], bands: int) -> None:
    """Refuse a raster of another shape, or one whose values cannot all be read: no checksum comes with it."""
    import rasterio

    try:
        with rasterio.open(path) as raster:
            found = (raster.width, raster.height, raster.count)
            for band in range(1, raster.count + 1):
                raster.read(band)
    except (rasterio.errors.RasterioError, ValueError, MemoryError):
        raise TransferError("it is a damaged raster", fix="run it again") from None
    if found != (*size, bands):
        raise TransferError(
            f"it is a raster of {found[0]} x {found[1]} pixels and {found[2]} bands, "
            f"{size[0]} x {size[1]} and {bands} were asked for",
            fix="check the base address and the bands",
            lasting=True,
        )


def table_tasks(asked: Asked, holding: CopernicusHolding, config: Any, resolution: float) -> list[Task]:
    """Ask Statistical for one JSON table per region: daily mean, spread and count over the period."""
    if holding.is_class:
        raise FetchError(
            f"{asked.product} holds codes of classes, of which means and spreads say nothing",
            where="form",
            expected="raster",
            fix="fetch rasters and count their classes",
        )
    sentinelhub = require("sentinelhub")
    _box(asked)
    aggregation = sentinelhub.SentinelHubStatistical.aggregation(
        evalscript=_script(holding, table=True),
        time_interval=(asked.start, asked.end),
        aggregation_interval="P1D",
        resolution=(resolution, resolution),
    )
    data = [_input(holding, asked.iso(asked.start), asked.iso(asked.end))]
    tasks = []
    for identifier, place in _places(asked, sentinelhub):
        request = sentinelhub.SentinelHubStatistical(
            aggregation=aggregation, input_data=data, config=config, **place
        ).download_list[0]
        asking = _json_request(request.url, request.post_values, "application/json")
        about = {"collection": holding.collection, "region": identifier, "bands": list(holding.bands)}
        about |= {"units": holding.units, "request_sha256": _digest(asking)}
        safe = re.sub(r"[^\w-]+", "_", identifier)
        name = f"{asked.product}_{safe}_{asked.days()}_{_digest(asking)[:8]}.json"
        tasks.append(Task(name, asking, about=about, judge=_judge_table))
    return tasks


def _places(asked: Asked, sentinelhub: Any) -> list[tuple[str, dict[str, Any]]]:
    crs = sentinelhub.CRS.WGS84
    if asked.regions is None:
        return [("box", {"bbox": sentinelhub.BBox(_box(asked), crs=crs)})]
    table = asked.regions.to_crs(4326)
    names = table["region_id"] if "region_id" in table.columns else table.index
    return [
        (str(name), {"geometry": sentinelhub.Geometry(shape, crs=crs)})
        for name, shape in zip(names, table.geometry, strict=True)
    ]


def _judge_table(path: Path) -> None:
    """Refuse an answer whose intervals are missing or failed."""
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        raise TransferError("the service sent no statistics", fix="check the request", lasting=True)
    failed = [entry for entry in content["data"] if "error" in entry]
    if failed or content.get("status") not in ("OK", None):
        raise TransferError(f"the statistics of {len(failed)} intervals failed", fix="run it again")


def _digest(request: Request) -> str:
    return hashlib.sha256(request.url.encode() + b"\n" + (request.body or b"")).hexdigest()
