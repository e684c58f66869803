"""Made-up regions over eastern China: neighbours share their borders, one has an island."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

_Point = tuple[float, float]
#: corners (longitude, latitude) that several regions share
_NODE: Final[dict[str, _Point]] = {
    "a0": (106.0, 23.3), "a1": (111.4, 22.9), "a2": (115.4, 23.0), "a3": (118.2, 24.7),
    "b0": (105.4, 28.9), "b1": (112.2, 28.3), "b2": (116.4, 28.8), "b3": (121.0, 28.9),
    "c0": (105.9, 34.3), "c1": (111.4, 34.9), "c2": (116.1, 34.2), "c3": (119.6, 34.8),
    "d0": (106.6, 40.7), "d1": (112.4, 41.2), "d2": (118.6, 40.8),
    "e1": (121.6, 31.2), "e2": (121.8, 37.0), "e3": (118.9, 37.5), "e4": (118.0, 39.0),
}  # fmt: skip
_REGION: Final = (
    ("northwest", "Region Northwest", "西北示例区", "c0 c1 d1 d0"),
    ("north", "Region North", "北部示例区", "c1 c2 c3 e2 e3 e4 d2 d1"),
    ("west", "Region West", "西部示例区", "b0 b1 c1 c0"),
    ("centre", "Region Centre", "中部示例区", "b1 b2 c2 c1"),
    ("east", "Region East", "东部示例区", "b2 b3 e1 c3 c2"),
    ("southwest", "Region Southwest", "西南示例区", "a0 a1 b1 b0"),
    ("south", "Region South", "南部示例区", "a1 a2 a3 b3 b2 b1"),
)
_ISLAND: Final = ((121.9, 29.8), (122.3, 29.9), (122.2, 30.3), (121.9, 30.2), (121.9, 29.8))


def region_features() -> dict[str, Any]:
    """Give the regions as a GeoJSON feature collection in WGS84 (longitude, latitude).

    Examples
    --------
    >>> [f["properties"]["region_id"] for f in region_features()["features"]][:2]
    ['northwest', 'north']
    """
    features = []
    for region_id, name, name_zh, nodes in _REGION:
        ring = _ring(nodes.split())
        geometry: dict[str, Any] = {"type": "Polygon", "coordinates": [ring]}
        if region_id == "east":
            island = [list(point) for point in _ISLAND]
            geometry = {"type": "MultiPolygon", "coordinates": [[ring], [island]]}
        properties = {"region_id": region_id, "name": name, "name_zh": name_zh}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def _ring(nodes: list[str]) -> list[list[float]]:
    ring: list[list[float]] = []
    for first, second in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        ring += _border(first, second)[:-1]
    return [*ring, ring[0]]


def _border(first: str, second: str) -> list[list[float]]:
    """Draw a crooked line between two nodes, the same from either side."""
    low, high = sorted((first, second))
    rng = np.random.default_rng([ord(letter) for letter in low + high])
    share = np.linspace(0.0, 1.0, 7)[:, None]
    line = np.array(_NODE[low]) * (1 - share) + np.array(_NODE[high]) * share
    line[1:-1] += rng.uniform(-0.25, 0.25, (5, 2))
    points = [[round(float(x), 4), round(float(y), 4)] for x, y in line]
    return points if low == first else points[::-1]
