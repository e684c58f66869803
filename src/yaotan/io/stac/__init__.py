"""Static STAC catalogs of granules and results: self-contained, equal for equal input."""
