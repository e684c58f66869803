"""Level 2 of the OCO-2 retrieval before the Lite files: HDF5 groups, ``Units`` in arrays, Pa and mol/mol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from contract.netcdf import Item, store, write_hdf5
from contract.truth import Case, Expected, Truth

FILL = -999999.0
LEVELS = 20


def described(shape: str, kind: str, units: str = "") -> dict[str, Any]:
    """Attributes of a dataset: arrays of one text, as the ground system writes them."""
    text = h5py.string_dtype()
    own = {"Shape": np.array([shape.encode()]), "Type": np.array([kind], dtype=object)}
    own |= {"Units": np.array([units], dtype=object)} if units else {}
    return {key: value.astype(text) if value.dtype.kind == "O" else value for key, value in own.items()}


def real(name: str, values: Any, shape: str = "Retrieval_Array", units: str = "") -> Item:
    """A dataset of float32 with the fill of the ground system."""
    return (name, store(values, "f4", FILL), (), described(shape, "Float32", units))


def whole(name: str, values: Any, dtype: str, shape: str = "Retrieval_Array") -> Item:
    """A dataset of integers."""
    return (name, np.asarray(values).astype(dtype), (), described(shape, "Signed"))


def text(name: str, values: Any, shape: str = "Retrieval_Array") -> Item:
    """A dataset of fixed text."""
    return (name, np.asarray(values).astype("S"), (), described(shape, "FixLenStr"))


def make_id(truth: Truth, digits: int = 16) -> np.ndarray:
    """YYYYMMDDhhmmss, and with 16 digits tenth of a second and footprint; each sounding has its own."""
    stamps = [str(time)[:21].translate({ord(c): None for c in "-T:."}) for time in truth.time]
    if digits == 14:
        return np.array([int(stamp[:14]) for stamp in stamps])
    return np.array([int(stamp) * 10 + place % 8 + 1 for place, stamp in enumerate(stamps)])


def full_physics(truth: Truth, expected: Expected) -> list[Item]:
    """The group RetrievalResults: levels from the top down, Pa, mol/mol; 1 passed, 2 to 4 did not."""
    down = {"shape": "Retrieval_Level_Array"}
    column, profile = "Moles Mole^{-1}", expected["co2_prior_profile"][:, ::-1] * 1e-6
    return [
        real("RetrievalResults/xco2", expected["xco2"] * 1e-6, units=column),
        real("RetrievalResults/xco2_uncert", expected["xco2_uncertainty"] * 1e-6, units=column),
        real("RetrievalResults/xco2_apriori", expected["xco2_prior"] * 1e-6, units=column),
        real("RetrievalResults/co2_profile_apriori", profile, units=column, **down),
        real("RetrievalResults/xco2_avg_kernel_norm", expected["xco2_averaging_kernel"][:, ::-1], **down),
        real(
            "RetrievalResults/xco2_avg_kernel",
            (expected["xco2_averaging_kernel"] * expected["pressure_weight"])[:, ::-1],
            **down,
        ),
        real(
            "RetrievalResults/xco2_pressure_weighting_function", expected["pressure_weight"][:, ::-1], **down
        ),
        real(
            "RetrievalResults/vector_pressure_levels",
            expected["pressure_level"][:, ::-1] * 100.0,
            units="Pascals",
            **down,
        ),
        real("RetrievalResults/surface_pressure_fph", expected["surface_pressure"] * 100.0, units="Pascals"),
        whole("RetrievalResults/outcome_flag", np.where(truth.good, 1, 2 + np.arange(truth.count) % 3), "i1"),
    ]


def column_values(truth: Truth) -> Expected:
    """What every writer here plants, beside place and time."""
    return {
        **truth.place(),
        "xco2": truth.column("xco2"),
        "xco2_uncertainty": truth.uncertainty("xco2"),
        "xco2_prior": np.linspace(395.0, 405.0, truth.count),
        "co2_prior_profile": truth.profile("xco2", LEVELS),
        "xco2_averaging_kernel": truth.kernel("xco2", LEVELS),
        "pressure_level": truth.level_pressure(LEVELS),
        "pressure_weight": truth.level_weight(LEVELS),
        "surface_pressure": truth.surface_pressure,
    }


def geometry(truth: Truth) -> Expected:
    """Angles, ground and corners."""
    return {
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface_altitude": truth.surface_altitude,
        "surface": truth.surface(),
        "latitude_corner": truth.latitude_corner,
        "longitude_corner": truth.longitude_corner,
    }


def write_l2std(path: Path, truth: Truth) -> Expected:
    """As build 6: corners (R, 3, 4) of the O2 A, weak and strong CO2 band; longitudes within -180 and 180."""
    expected = {
        **column_values(truth),
        **geometry(truth),
        "sounding_id": make_id(truth).astype(np.uint64),
        "mode": np.full(truth.count, 1, np.uint8),
    }
    utc = [f"{str(time)[:23]}Z" for time in truth.time]
    # TAI93 starts at UTC 1993-01-01; ten leap seconds were put in from then to 2019
    tai93 = (truth.time - np.datetime64("1993-01-01", "ns")) / np.timedelta64(1, "s") + 10.0
    corners = [
        np.stack([c, c + 0.01, c - 0.01], axis=1) for c in (truth.latitude_corner, truth.longitude_corner)
    ]
    band = "Retrieval_Spectrum_Vertex_Array"
    place = "RetrievalGeometry/retrieval_"
    items = [
        *full_physics(truth, expected),
        whole("RetrievalHeader/sounding_id", make_id(truth), "i8"),
        text("RetrievalHeader/retrieval_time_string", utc),
        (
            "RetrievalHeader/retrieval_time_tai93",
            tai93,
            (),
            described("Retrieval_Array", "Float64", "Seconds"),
        ),
        real(place + "latitude", truth.latitude, units="Degrees"),
        real(place + "longitude", truth.longitude, units="Degrees"),
        real(place + "vertex_latitude", corners[0], band, "Degrees"),
        real(place + "vertex_longitude", corners[1], band, "Degrees"),
        real(place + "solar_zenith", truth.solar_zenith_angle, units="Degrees"),
        real(place + "zenith", truth.sensor_zenith_angle, units="Degrees"),
        real(place + "altitude", truth.surface_altitude, units="Meters"),
        whole(place + "land_water_indicator", truth.surface(), "i1"),
        whole("L1bScSoundingReference/sounding_id_l1b", np.zeros((30, 8)), "i8", "Frame_Sounding_Array"),
        text("Metadata/BuildId", ["B6.0.00"], "Scalar"),
        text("Metadata/ProjectId", ["OCO-2"], "Scalar"),
        text("Metadata/OperationMode", ["GL"], "Scalar"),
    ]
    write_hdf5(path, items)
    return expected


CASES = [
    Case("oco2_l2std", write_l2std, "oco2_L2StdGL_25260a_190331_B6000r_190929105747.h5", "6.0"),
]
