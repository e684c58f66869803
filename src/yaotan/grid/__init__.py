"""Soundings to grid, grid to regions."""
