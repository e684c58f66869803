"""Months against the same calendar month of other years."""
