"""Ecosystem carbon: areas and transitions of land classes, stocks and their change."""
