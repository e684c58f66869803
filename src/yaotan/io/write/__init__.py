"""Write the six nouns as files other programs read: CF netCDF, Zarr, COG, GeoParquet, CSV.

`write` is the one verb; which noun goes into which format is the table in `yaotan.io.write.format`.
"""

from yaotan.io.write.output import write

__all__ = ["write"]
