"""Averaging kernels and priors: a common prior, profiles as seen, two instruments compared."""
