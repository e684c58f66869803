"""What studies of plumes in the tests share: the region around their plants."""

from __future__ import annotations

REGION = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"id": "a", "name": "A"},
            "geometry": {"type": "Polygon", "coordinates": [[[13, 51], [16, 51], [16, 53], [13, 51]]]},
        }
    ],
}
