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
#: Molar masses of the gases of columns [kg mol-1], from C 12.011, H 1.0080, N 14.007, O 15.999 of that table.
MOLAR_MASS: Final = {
    "co2": MOLAR_MASS_CO2,
    "ch4": 16.043e-3,
    "n2o": 44.013e-3,
    "co": 28.010e-3,
    "no2": 46.005e-3,
}
#: Normal gravity on the WGS84 ellipsoid [m s-2]: at the equator, and k of Somigliana's formula. NIMA TR8350.2
#: (2000), table 3.4 and eq. 4-1.
GRAVITY_EQUATOR: Final = 9.7803253359
GRAVITY_K: Final = 0.00193185265241
#: Decrease of gravity with height, free air [s-2]: 2 g / R of the same ellipsoid.
GRAVITY_GRADIENT: Final = 3.086e-6
#: Mean height of the mass of an air column above the ground [m]: scale height R T / g of 250 K, the
#: mass-weighted mean temperature of the US Standard Atmosphere 1976 (248.6 K, from its layers).
MEAN_AIR_HEIGHT: Final = 7300.0
