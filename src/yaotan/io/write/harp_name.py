"""Names, units and dimensions of the HARP data format conventions for what the schema knows.

Source: documentation of HARP 1.16 (stcorp/harp), sections "Variable names", "Dimensions", "Axis variables";
names that the conventions lack but HARP's own readers use are marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from yaotan.catalog import gases
from yaotan.io.write.dataset import COMPANION

#: unit of the schema -> spelling of HARP's own readers (UDUNITS both)
_UNITS: Final = {
    "ppm": "ppmv",
    "ppb": "ppbv",
    "mol m-2": "mol/m^2",
    "degrees_north": "degree_north",
    "degrees_east": "degree_east",
    "m s-1": "m/s",
    "1": "",
}
#: variable of the schema that keeps its values -> name
_SOUNDING: Final = {
    "latitude": "latitude",
    "longitude": "longitude",
    "latitude_corner": "latitude_bounds",
    "longitude_corner": "longitude_bounds",
    "pressure_level": "pressure",
    "altitude_level": "altitude",
    "solar_zenith_angle": "solar_zenith_angle",
    "sensor_zenith_angle": "sensor_zenith_angle",
    "surface_pressure": "surface_pressure",
    "surface_altitude": "surface_altitude",
    "sampling_altitude": "altitude",
    "wind_u": "surface_zonal_wind_velocity",
    "wind_v": "surface_meridional_wind_velocity",
    "aerosol_optical_depth": "aerosol_optical_depth",
    # further variables of products, under HARP's own names
    "solar_azimuth_angle": "solar_azimuth_angle",
    "sensor_azimuth_angle": "sensor_azimuth_angle",
    "cloud_fraction": "cloud_fraction",
}
#: whole numbers that HARP keeps as int32
WHOLE: Final = ("index", "orbit_index", "scan_subindex")
#: companion of a column -> ending of the name; `_apriori` of a column-averaged mole fraction is no name of
#: the conventions, but HARP's reader of OCO-2 gives it
_COLUMN: Final = {"_uncertainty": "_uncertainty_random", "_prior": "_apriori"}
#: companion of a gridded column -> ending of the name
_GRID: Final = {
    "": "",
    "_uncertainty": "_uncertainty",
    "_uncertainty_random": "_uncertainty_random",
    "_uncertainty_systematic": "_uncertainty_systematic",
    "_spread": "_stddev",
    "_count": "_count",
    "_sum_weight": "_weight",
}
#: dimension of the schema -> dimension of HARP
DIMS: Final = {
    "sounding": "time",
    "level": "vertical",
    "layer": "vertical",
    "corner": "independent_4",
    "lat": "latitude",
    "lon": "longitude",
}


@dataclass(frozen=True)
class Target:
    """What a variable is called in HARP, and what it says of itself."""

    name: str
    description: str


def harp_units(units: str) -> str:
    """Spell a unit as HARP's own readers do.

    Examples
    --------
    >>> harp_units("ppm"), harp_units("hPa")
    ('ppmv', 'hPa')
    """
    return _UNITS.get(units, units)


def sounding_targets() -> dict[str, Target]:
    """Give the HARP name of every variable of a sounding table that has one and keeps its values.

    Examples
    --------
    >>> sounding_targets()["xch4_averaging_kernel"].name
    'CH4_column_number_density_avk'
    """
    targets = {ours: Target(theirs, ours.replace("_", " ")) for ours, theirs in _SOUNDING.items()}
    for column, gas in gases().items():
        if gas.harp is None:
            continue
        words, species = gas.name["en"], gas.gas.upper()
        targets[column] = Target(gas.harp, words)
        targets[f"{column}_uncertainty"] = Target(
            gas.harp + _COLUMN["_uncertainty"], f"random 1 sigma uncertainty of the {words}"
        )
        targets[f"{column}_prior"] = Target(gas.harp + _COLUMN["_prior"], f"prior {words}")
        # the conventions know kernels of columns by number density only (change of the column per change of a
        # partial one): HARP's readers of S5P CH4 and TCCON give that of a mean mole fraction under this name
        where = gas.harp.partition(species)[0]
        targets[f"{column}_averaging_kernel"] = Target(
            f"{where}{species}_column_number_density_avk", f"column averaging kernel of the {words}"
        )
        profile = "volume_mixing_ratio_dry_air" if gas.units != "mol m-2" else "column_number_density"
        targets.setdefault(
            f"{gas.gas}_prior_profile",
            Target(f"{where}{species}_{profile}_apriori", f"prior profile of {species}"),
        )
    return targets


def _words(suffix: str) -> str:
    text = COMPANION[suffix][1] if suffix in COMPANION else "sum of weights" if suffix else ""
    return f": {text}" if text else ""


def grid_targets() -> dict[str, Target]:
    """Give the HARP name of every variable of a grid that has one.

    Examples
    --------
    >>> grid_targets()["xco2_spread"].name
    'CO2_column_volume_mixing_ratio_dry_air_stddev'
    """
    return {
        column + ours: Target(gas.harp + theirs, f"{gas.name['en']}{_words(ours)}")
        for column, gas in gases().items()
        if gas.harp is not None
        for ours, theirs in _GRID.items()
    }
