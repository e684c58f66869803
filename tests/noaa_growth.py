"""Annual growth of CO2 at Mauna Loa as NOAA publishes it [ppm per year].

NOAA GML, ``co2_gr_mlo.csv`` of gml.noaa.gov/ccgg/trends, "Annual CO2 mole fraction increase (ppm) from Jan
1 through Dec 31", file created 14 March 2025, uncertainty 0.11 ppm in every year. Read, not remembered:
from copies in two public repositories (yant1ngg/NTU-FYP data/co2_gr_mlo.csv with NOAA's heading,
victorialovelace/climate-data-analysis co2_gr_mlo.csv), which agree. The edition of October 2022 differs by
up to 0.04 ppm (2021: 2.38, here 2.34).
"""

from __future__ import annotations

FIRST = 1959
VALUES = """
0.94
0.50 0.96 0.65 0.71 0.31 1.06 1.28 0.69 1.06 1.35
1.00 0.80 1.74 1.18 0.96 1.10 0.79 2.15 1.30 1.83
1.68 1.43 0.86 2.36 1.51 1.21 1.47 2.06 2.24 1.24
1.20 1.05 0.49 1.36 1.95 2.01 1.24 1.91 2.97 0.92
1.62 1.62 2.51 2.26 1.59 2.57 1.69 2.31 1.54 2.00
2.30 1.92 2.65 1.99 2.17 2.95 3.03 1.90 2.85 2.49
2.30 2.34 1.83 3.36 3.33
"""
PUBLISHED = {FIRST + number: float(text) for number, text in enumerate(VALUES.split())}
