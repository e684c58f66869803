"""One contract for every product: a case writes a tiny granule with known truth in its own layout."""
