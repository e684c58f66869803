"""Clusters of high and low cells, how lasting they are, and modes of variation."""
