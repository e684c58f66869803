"""Soundings against stations, other satellites and models: pairs, and what they say about a product."""
