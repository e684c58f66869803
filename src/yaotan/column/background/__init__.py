"""Backgrounds of columns and what stands out from them."""
