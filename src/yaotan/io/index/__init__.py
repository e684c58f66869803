"""Index of a folder of granules: one row per data file, kept as GeoParquet."""
