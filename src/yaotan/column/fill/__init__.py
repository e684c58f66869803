"""Filling the gaps of columns: observations, mean, covariance, three fillers, and how they are checked."""
