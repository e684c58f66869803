"""Column analyses that a study asks for: their steps, and their results read back for the report."""
