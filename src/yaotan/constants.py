"""Physical constants, each with its source."""

from typing import Final

#: Semi-major axis of the WGS84 ellipsoid [m]. NIMA TR8350.2 (2000), table 3.1.
WGS84_A: Final = 6378137.0
#: Flattening of the WGS84 ellipsoid [1]. NIMA TR8350.2 (2000), table 3.1.
WGS84_F: Final = 1.0 / 298.257223563
#: Squared first eccentricity of the WGS84 ellipsoid [1], from the flattening.
WGS84_E2: Final = WGS84_F * (2.0 - WGS84_F)
#: Seconds in a day [s].
DAY: Final = 86400.0
#: Days in a Julian year [d]. IAU (1976) system of astronomical constants.
YEAR_DAYS: Final = 365.25
#: Molar mass of dry air [kg mol-1]. Picard et al. 2008 (CIPM-2007), doi:10.1088/0026-1394/45/2/004.
MOLAR_MASS_DRY_AIR: Final = 28.96546e-3
#: Molar mass of water [kg mol-1]. IUPAC 2013 standard atomic weights, doi:10.1515/pac-2015-0305.
MOLAR_MASS_WATER: Final = 18.01528e-3
#: Molar mass of carbon [kg mol-1]. IUPAC abridged standard atomic weights 2021, doi:10.1515/pac-2019-0603.
MOLAR_MASS_CARBON: Final = 12.011e-3
#: Molar mass of carbon dioxide [kg mol-1]: carbon, and twice oxygen (15.999) of the same table.
MOLAR_MASS_CO2: Final = 44.009e-3
