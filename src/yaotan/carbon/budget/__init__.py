"""Budgets of uncertainty: parameters, their draws, what they do to areas and densities."""
