"""One contract for every product: a case writes a tiny granule with known truth in the product's own layout."""
