"""The whole way from a study file to a report."""
