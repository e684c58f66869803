"""Analysis of column mole fractions: screening, contrasts, comparison, reasons for missing data."""
