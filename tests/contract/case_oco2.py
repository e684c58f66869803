"""Level 2 of the OCO-2 retrieval before the Lite files: HDF5 groups, ``Units`` in arrays, Pa and mol/mol."""

from __future__ import annotations

from collections.abc import Callable
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


def acos(era: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of an ACOS file: version 2.8 keeps time in SoundingHeader, 3.3 in RetrievalHeader."""

    def write(path: Path, truth: Truth) -> Expected:
        expected = {
            **column_values(truth),
            "solar_zenith_angle": truth.solar_zenith_angle,
            "sensor_zenith_angle": truth.sensor_zenith_angle,
            "surface_altitude": truth.surface_altitude,
            "surface": truth.surface(),
            "sounding_id": make_id(truth, 14).astype(np.uint64),
        }
        header = "SoundingHeader/" if era == "2.8" else "RetrievalHeader/"
        place = "SoundingGeometry/sounding_"
        kinds = np.where(truth.land, "Lambertian", "Coxmunk,Lambertian")
        items = [
            *full_physics(truth, expected),
            whole(header + "sounding_id", make_id(truth, 14), "i8"),
            text(header + "sounding_time_string", [f"{str(time)[:23]}Z" for time in truth.time]),
            (header + "sounding_time_tai93", np.zeros(truth.count), (), {}),
            real(place + "latitude", truth.latitude, units="Degrees"),
            real(place + "longitude", truth.longitude, units="Degrees"),
            real(place + "latitude_geoid", truth.latitude + 0.001, units="Degrees"),
            real(place + "longitude_geoid", truth.longitude + 0.001, units="Degrees"),
            real(place + "solar_zenith", truth.solar_zenith_angle, units="Degrees"),
            real(place + "zenith", truth.sensor_zenith_angle, units="Degrees"),
            real(place + "altitude", truth.surface_altitude, units="Meters"),
            text("RetrievalResults/surface_type", kinds),
            text("Metadata/BuildId", [f"v{era}.00"], "Scalar"),
            text("Metadata/ProjectId", ["ACOS"], "Scalar"),
        ]
        write_hdf5(path, items)
        return expected

    return write


def write_retrieval(path: Path, truth: Truth) -> Expected:
    """As written by the retrieval itself: float64, no place, no time but the id, no attribute ``Units``."""
    values, expected = column_values(truth), column_values(truth)
    tenth = np.timedelta64(100, "ms")
    expected["time"] = truth.time - (truth.time - truth.time.astype("datetime64[s]")) % tenth
    expected["latitude"] = expected["longitude"] = np.full(truth.count, np.nan)
    expected["sounding_id"] = make_id(truth).astype(np.uint64)
    expected["co2_column"] = np.linspace(130.0, 140.0, truth.count)
    items: list[Item] = [
        (name, stored if stored.dtype.kind == "i" else stored.astype("f8"), (), {})
        for name, stored, _, _ in full_physics(truth, values)
    ]
    column = expected["co2_column"] * 6.02214076e23
    items += [
        ("RetrievalHeader/sounding_id_reference", make_id(truth), (), {}),
        ("RetrievalHeader/exposure_index", np.arange(truth.count, dtype="i4"), (), {}),
        ("RetrievalResults/retrieved_co2_column", column, (), {}),
        ("RetrievedStateVector/state_vector_result", np.zeros((truth.count, 64)), (), {}),
    ]
    write_hdf5(path, items)
    return expected


def write_idp(path: Path, truth: Truth) -> Expected:
    """As build 5: (Frame, Sounding) arrays, molecules m-2, cloud flag -2 to 3 of which 2 and 3 are clear."""
    expected = {
        **truth.place(),
        "xco2": truth.column("xco2"),
        "xco2_uncertainty": truth.uncertainty("xco2"),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface_altitude": truth.surface_altitude,
        "surface": truth.surface(),
        "mode": np.full(truth.count, 2, np.uint8),
        "sounding_id": make_id(truth).astype(np.uint64),
        "co2_ratio": np.linspace(0.99, 1.03, truth.count),
        "sif_757nm": np.linspace(-1e18, 3e18, truth.count),
    }
    dry = np.linspace(2.0e29, 2.2e29, truth.count)
    expected["co2_column_weak_band"] = expected["xco2"] * 1e-6 * dry / 6.02214076e23
    frame, column = "Frame_Sounding_Array", "Molecules Meters^{-2}"
    radiance = "Ph sec^{-1} m^{-2} sr^{-1} um^{-1}"
    place, band = "SoundingGeometry/sounding_", "DOASCO2/co2_column_weak_band_"
    cloud = np.where(truth.good, 2 + np.arange(truth.count) % 2, np.arange(truth.count) % 4 - 2)
    flat = [
        real(band + "idp", expected["xco2"] * 1e-6 * dry, frame, column),
        real(band + "uncert_idp", expected["xco2_uncertainty"] * 1e-6 * dry, frame, column),
        real("DOASCO2/dry_air_column_apriori_idp", dry, frame, column),
        whole("DOASCO2/co2_weak_band_processing_flag_idp", np.zeros(truth.count), "i1", frame),
        whole("DOASCloudScreen/cloud_flag_idp", cloud, "i1", frame),
        real("DOASCloudScreen/co2_ratio_idp", expected["co2_ratio"], frame),
        real("DOASFluorescence/fluorescence_radiance_757nm_corr_idp", expected["sif_757nm"], frame, radiance),
        whole("DOASFluorescence/fluorescence_qual_flag_idp", np.zeros(truth.count), "u1", frame),
        whole(place + "id", make_id(truth), "i8", frame),
        whole(place + "qual_flag", np.zeros(truth.count), "u8", frame),
        whole(place + "land_water_indicator", truth.surface(), "i1", frame),
        text(place + "time_string", [f"{str(time)[:23]}Z" for time in truth.time], frame),
        real(place + "latitude", truth.latitude, frame, "Degrees"),
        real(place + "longitude", truth.longitude, frame, "Degrees"),
        real(place + "solar_zenith", truth.solar_zenith_angle, frame, "Degrees"),
        real(place + "zenith", truth.sensor_zenith_angle, frame, "Degrees"),
        real(place + "altitude", truth.surface_altitude, frame, "Meters"),
    ]
    items = [(name, values.reshape(truth.shape), (), own) for name, values, _, own in flat]
    items += [
        text("Metadata/BuildId", ["B5.0.00.x4"], "Scalar"),
        text("Metadata/ProjectId", ["OCO-2"], "Scalar"),
        text("Metadata/OperationMode", ["TG"], "Scalar"),
    ]
    write_hdf5(path, items)
    return expected


CASES = [
    Case("oco2_l2std", write_l2std, "oco2_L2StdGL_25260a_190331_B6000r_190929105747.h5", "6.0"),
    Case(
        "acos_l2s",
        acos("2.8"),
        "acos_L2s_190331_02_Production_v110110_L2s2800_r01_PolB_190430192739.h5",
        "2.8",
        note="2.8",
    ),
    Case(
        "acos_l2s",
        acos("3.4"),
        "acos_L2s_190331_16_Evaluation_v150151_L2s30400_r01_PolB_190904152222c.h5",
        "3.4",
        note="3.4",
    ),
    Case("rt_retrieval", write_retrieval, "l2_2019033123595001.h5"),
    Case("oco2_l2idp", write_idp, "oco2_L2IDPTG_25260a_190331_B5000_190410002838s.h5", "5.0", shape=(3, 8)),
]
