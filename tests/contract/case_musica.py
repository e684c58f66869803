"""MUSICA IASI full retrieval product: profiles from the top down, kernels by singular vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contract.netcdf import Item, write_netcdf
from contract.truth import Case, Expected, Truth

LEVELS, RANK = 29, 4
#: molar mass of water over that of dry air; radius of the Earth [m]
WATER, RADIUS = 18.01528 / 28.96546, 6371008.8


def pack(values: np.ndarray, number: int) -> np.ndarray:
    """Surface first, padded with NaN, as it must come out, to top first, as it is stored."""
    stored = np.full(values.shape, np.nan)
    stored[..., :number] = values[..., :number][..., ::-1]
    return stored


def weigh(pressure: np.ndarray, altitude: np.ndarray, water: np.ndarray) -> np.ndarray:
    """Dry-air weights of the levels of one sounding by 500 thin slabs between each two of them."""
    bounds = np.array([0.0, *pressure[::-1]])
    edges = np.interp(
        np.linspace(0, bounds.size - 1, 500 * (bounds.size - 1) + 1), range(bounds.size), bounds
    )
    middle = (edges[1:] + edges[:-1]) / 2
    up = pressure[::-1]
    slab = np.clip(np.searchsorted(up, middle) - 1, 0, up.size - 2)
    share = np.clip((middle - up[slab]) / (up[slab + 1] - up[slab]), 0.0, 1.0)
    gravity = np.interp(middle, up, (RADIUS / (RADIUS + altitude[::-1])) ** 2)
    # the share of water is linear in its amount per dry air
    amount = np.diff(edges) / (gravity * (1.0 + WATER * np.interp(middle, up, water[::-1])))
    total = np.bincount(slab, amount * (1 - share), up.size)
    total += np.bincount(slab + 1, amount * share, up.size)
    return total[::-1] / total.sum()


def write_musica(path: Path, truth: Truth) -> Expected:
    """As version 3.3.1: ppmv, Pa, missing below the ground, kernels of ln N2O and ln CH4, padded ranks."""
    rng = np.random.default_rng(truth.seed)
    count = truth.count
    profile, prior = truth.profile("xn2o", LEVELS), truth.profile("xn2o", LEVELS) * 0.98
    profile[3] = np.nan
    pressure = truth.surface_pressure[:, None] * np.geomspace(1.0, 5e-5, LEVELS)
    altitude = -7500.0 * np.log(pressure / 1013.25)
    water = 0.01 * np.exp(-np.clip(altitude, 0, None) / 2000.0)
    left, right = rng.normal(0, 0.2, (2, count, 2, RANK, LEVELS))
    right *= (pressure / pressure[:, :1])[:, None, None, :]  # thin levels are seen little
    singular = np.sort(rng.uniform(0.1, 0.9, (count, RANK)), axis=1)[:, ::-1].copy()
    singular[::3, RANK - 1] = np.nan
    expected: Expected = {**truth.place(), "sensor_zenith_angle": truth.sensor_zenith_angle}
    made = {
        name: np.full((count, LEVELS), np.nan)
        for name in ("pressure", "altitude", "weight", "kernel", "prior")
    }
    columns = np.full((2, count), np.nan)
    stored: dict[str, np.ndarray] = {
        "musica_ghg": np.full((count, 2, LEVELS), np.nan),
        "musica_ghg_apriori": np.full((count, 2, LEVELS), np.nan),
        "musica_wv": np.full((count, 2, LEVELS), np.nan),
        "musica_pressure_levels": np.full((count, LEVELS), np.nan),
        "musica_altitude_levels": np.full((count, LEVELS), np.nan),
        "musica_ghg_avk_lvec": np.full((count, 2, RANK, LEVELS), np.nan),
        "musica_ghg_avk_rvec": np.full((count, 2, RANK, LEVELS), np.nan),
    }
    for row in range(count):
        number = LEVELS - row % 3
        keep = slice(0, number)
        weight = weigh(pressure[row, keep], altitude[row, keep], water[row, keep])
        rank = int(np.isfinite(singular[row]).sum())
        kernel = np.einsum(
            "k,ki,kj->ij", singular[row, :rank], left[row, 0, :rank, keep], right[row, 0, :rank, keep]
        )
        x = profile[row, keep]
        linear = x[:, None] * kernel / x[None, :]
        made["kernel"][row, keep] = weight @ linear / weight
        made["weight"][row, keep] = weight
        columns[:, row] = weight @ x, weight @ prior[row, keep]
        for name, values in (("pressure", pressure), ("altitude", altitude), ("prior", prior)):
            made[name][row, keep] = values[row, keep]
        stored["musica_ghg"][row, 0] = pack(profile[row], number) * 1e-3
        stored["musica_ghg"][row, 1] = pack(np.full(LEVELS, 1.85), number)
        stored["musica_ghg_apriori"][row, 0] = pack(prior[row], number) * 1e-3
        stored["musica_wv"][row, 0] = pack(water[row], number) * 1e6
        stored["musica_pressure_levels"][row] = pack(pressure[row], number) * 100.0
        stored["musica_altitude_levels"][row] = pack(altitude[row], number)
        for name, vectors in (("lvec", left), ("rvec", right)):
            stored[f"musica_ghg_avk_{name}"][row, :, :rank] = pack(vectors[row, :, :rank], number)
    expected |= {
        "xn2o": columns[0],
        "xn2o_prior": columns[1],
        "n2o_prior_profile": made["prior"],
        "pressure_level": made["pressure"],
        "altitude_level": made["altitude"],
        "pressure_weight": made["weight"],
        "xn2o_averaging_kernel": made["kernel"],
    }
    _write(path, truth, stored, singular)
    return expected


def _write(path: Path, truth: Truth, stored: dict[str, np.ndarray], singular: np.ndarray) -> None:
    n, species, z = "observation_id", "musica_species_id", "atmospheric_levels"
    units = {"musica_wv": "ppmv", "musica_pressure_levels": "Pa", "musica_altitude_levels": "m"}
    seconds = (truth.time - np.datetime64("2000-01-01", "ns")) / np.timedelta64(1, "s")
    items: list[Item] = [
        ("time", np.floor(seconds).astype("i8"), (n,), {"units": "seconds since 2000-01-01 00:00:00"}),
        ("lat", truth.latitude.astype("f4"), (n,), {"units": "degrees_north"}),
        ("lon", truth.longitude.astype("f4"), (n,), {"units": "degrees_east"}),
        ("platform_zenith_angle", truth.sensor_zenith_angle.astype("f4"), (n,), {"units": "degree"}),
        ("musica_fit_quality_flag", np.where(truth.good, 3, 2).astype("u1"), (n,), {}),
        ("musica_ghg_avk_val", singular.astype("f8"), (n, "ghg_avk_rank"), {"units": "1"}),
    ]
    for name, values in stored.items():
        dims = {2: (n, z), 3: (n, species, z), 4: (n, species, "ghg_avk_rank", z)}[values.ndim]
        unit = units.get(name, "1" if "avk" in name else "ppmv")
        items.append((name, values.astype("f8"), dims, {"units": unit, "_FillValue": np.nan}))
    attributes = {
        "title": "MUSICA IASI full retrieval product standard output",
        "data_version": "3.3.1 (MUSICA 2021)",
        "name_of_platform": "EUMETSAT Metop",
        "retrieval_in_logarithmic_parameter_space": "true",
    }
    write_netcdf(path, items, attributes)


CASES = [
    Case(
        "iasi_musica_n2o",
        write_musica,
        "IASIA_MUSICA_030301_L2_AllTargetProducts_20190331235950_64385.nc",
        "3.3.1",
        relative=1e-4,
        time_tolerance=1.0,
    ),
]
