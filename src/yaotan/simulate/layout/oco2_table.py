"""The variables of OCO-2, OCO-3 and ACOS Lite files, as rows: path, dtype, unit, missing value, long_name."""

from __future__ import annotations

from typing import Final

import numpy as np

from yaotan.simulate.layout.netcdf4 import Row

F, B, H, W = -999999.0, 127, -9999, 0
LEVELS: Final = 20
#: level pressure / surface pressure, top first: 1e-4, 1/19, 2/19 ... 1
SIGMA_B: Final = np.concatenate([[1e-4], np.arange(1, LEVELS) / (LEVELS - 1)])
#: tests behind bit 0, 1, 2 ... of the bit flag, as in the attribute qf_variables
QF_VARIABLES: Final = ("co2_ratio", "h2o_ratio", "dp_abp", "aod_total", "co2_grad_del", "albedo_sco2")

_L = ("levels",)
_TIME_UNITS: Final = "seconds since 1970-01-01 00:00:00"

ROOT: Final = (
    Row("date", "i2", "none", H, "Observation date and time matching sounding_id", ("epoch_dimension",)),
    Row("latitude", "f4", "degrees_north", F, "latitude"),
    Row("longitude", "f4", "degrees_east", F, "longitude"),
    Row("time", "f8", _TIME_UNITS, F, "time"),
    Row("solar_zenith_angle", "f4", "degrees", F, "sounding_solar_zenith"),
    Row("sensor_zenith_angle", "f4", "degrees", F, "sounding_zenith"),
    Row("xco2", "f4", "ppm", F, "XCO2"),
    Row("xco2_uncertainty", "f4", "ppm", F, "XCO2_Posterior_Error"),
    Row("xco2_apriori", "f4", "ppm", F, "A priori XCO2 Value"),
    Row("xco2_quality_flag", "i1", "none", B, "XCO2_Quality_Flag"),
    Row("file_index", "u1", "none", -1, "L2 File Index"),
    Row("pressure_levels", "f4", "hPa", F, "Pressure_Levels", _L),
    Row("pressure_weight", "f4", "none", F, "Pressure Weighting Function", _L),
    Row("co2_profile_apriori", "f4", "ppm", F, "CO2 Apriori Profile", _L),
    Row("xco2_averaging_kernel", "f4", "none", F, "XCO2 Column Averaging Kernel", _L),
)
VERTEX: Final = (
    Row("vertex_latitude", "f4", "degrees_north", F, "vertex_latitude", ("vertices",)),
    Row("vertex_longitude", "f4", "degrees_east", F, "vertex_longitude", ("vertices",)),
)
RETRIEVAL: Final = (
    Row("Retrieval/surface_type", "i1", "0=ocean;1=land", B, "Surface Type"),
    Row("Retrieval/psurf", "f4", "hPa", F, "Retrieved Surface Pressure"),
    Row("Retrieval/xco2_raw", "f4", "ppm", F, "Raw value of Retrieved XCO2"),
    Row("Retrieval/albedo_o2a", "f4", "none", F, "Band 1 Albedo"),
    Row("Retrieval/albedo_wco2", "f4", "none", F, "Band 2 Albedo"),
    Row("Retrieval/albedo_sco2", "f4", "none", F, "Band 3 Albedo"),
    Row("Retrieval/aod_total", "f4", "dimensionless", F, "Total Cloud+Aerosol Optical Depth"),
    Row("Retrieval/co2_grad_del", "f4", "ppm", F, "CO2_Gradient_Delta"),
    Row("Retrieval/windspeed", "f4", "m/s", F, "Retrieved Surface Wind Speed"),
    Row("Retrieval/iterations", "i1", "none", B, "Iterations"),
)
PREPROCESSORS: Final = (
    Row("Preprocessors/co2_ratio", "f4", "dimensionless", F, "CO2 Ratio"),
    Row("Preprocessors/h2o_ratio", "f4", "dimensionless", F, "H2O Ratio"),
    Row("Preprocessors/dp_abp", "f4", "hPa", F, "delta_surface_pressure_abp"),
)
SOUNDING: Final = (
    Row("Sounding/airmass", "f4", "degrees", F, "relative_airmass"),
    Row("Sounding/altitude", "f4", "meters", F, "Altitude"),
    Row("Sounding/glint_angle", "f4", "degrees", F, "sounding_glint_angle"),
    Row("Sounding/land_fraction", "i1", "percent", B, "Land Fraction"),
    Row("Sounding/l1b_type", "i4", "none", H, "JPL Processing Version"),
    Row("Sounding/sensor_azimuth_angle", "f4", "degrees East of North", F, "sounding_azimuth"),
    Row("Sounding/solar_azimuth_angle", "f4", "degrees East of North", F, "sounding_solar_azimuth"),
)
OCO_SOUNDING: Final = (
    Row("Sounding/footprint", "i1", "none", B, "Footprint Number"),
    Row("Sounding/land_water_indicator", "i1", "none", B, "Land_Water_Indicator"),
    Row("Sounding/operation_mode", "i1", "none", B, "Operation_Mode"),
    Row("Sounding/orbit", "i4", "none", H, "orbit number"),
)
PATH: Final = Row("Sounding/path", "u1", "none", -1, "orbit path number")
SIGMA_ROW: Final = Row("Retrieval/SigmaB", "f4", "dimensionless", F, "SigmaB_Coefficient")
WIND: Final = (
    Row("Meteorology/windspeed_u_met", "f4", "m/s", F, "Surface Wind Speed, U Component"),
    Row("Meteorology/windspeed_v_met", "f4", "m/s", F, "Surface Wind Speed, V Component"),
)
OCO3: Final = (
    Row("Sounding/target_id", "str", "none", None, "Target ID"),
    Row("Sounding/target_name", "str", "none", None, "Target Name"),
    Row("Sounding/pma_azimuth_angle", "f4", "degrees", F, "pma_azimuth_angle"),
    Row("Sounding/pma_elevation_angle", "f4", "degrees", F, "pma_elevation_angle"),
)
