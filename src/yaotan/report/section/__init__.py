"""Sections of the report: each one function and one template block."""
