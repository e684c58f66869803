"""Time series of columns: trend, season, growth rate, and whether a trend can be told from chance."""
