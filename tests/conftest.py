"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# One set of examples, drawn from the text of each test: what passed here passes in every other run.
# `HYPOTHESIS_PROFILE=explore make unit` looks for new ones.
settings.register_profile("repeatable", derandomize=True, print_blob=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

REPOSITORY = Path(__file__).resolve().parents[1]


def find_data_root() -> Path:
    """Give the folder of real data: YAOTAN_TEST_DATA, else ../shared/data beside the repository."""
    return Path(os.environ.get("YAOTAN_TEST_DATA") or REPOSITORY.parent / "shared" / "data").resolve()


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of real data; the test is skipped, with the reason, where there is none."""
    folder = find_data_root()
    if not folder.is_dir():
        pytest.skip(f"real data folder {folder} is absent (set YAOTAN_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def satellite(data_root: Path) -> Path:
    """Folder of real satellite granules."""
    return data_root / "satellite"


@pytest.fixture(scope="session")
def provinces(data_root: Path) -> Path:
    """GeoJSON of the 34 provinces of China (Tianditu, WGS84)."""
    return data_root / "geo" / "boundaries" / "cn_province_tianditu_wgs84.geojson"
