"""Bring granules, rasters and tables from the services that hold them into a folder."""

from yaotan.io.fetch.batch import fetch
from yaotan.io.fetch.patience import Patience
from yaotan.io.fetch.statistic import read_statistics
from yaotan.io.fetch.task import FetchedFile, FetchResult

__all__ = ["FetchResult", "FetchedFile", "Patience", "fetch", "read_statistics"]
