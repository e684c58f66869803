"""A field drawn from the family of models that kriging fits, seen along tracks with correlated errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from yaotan.column.fill.basis import make_basis
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.observation import Observations
from yaotan.geodesy import sphere_point

START = np.datetime64("2018-01-01", "ns")


@dataclass(frozen=True)
class Planted:
    """Observations, and the noise-free field at other places and moments."""

    observations: Observations
    latitude: np.ndarray
    longitude: np.ndarray
    time: np.ndarray
    truth: np.ndarray


def plant(
    seed: int, model: ProductSum, tracks: int = 60, along: int = 20, targets: int = 500, days: float = 400.0
) -> Planted:
    """Draw exactly, by one dense factor; errors: half of the variance common along 100 km of a track."""
    rng = np.random.default_rng(seed)
    begin = np.sort(np.r_[0.0, days, rng.uniform(0, days, tracks - 2)])
    lat = np.sort(rng.uniform(20, 50, (tracks, along)), axis=1)
    lon = (rng.uniform(80, 130, tracks)[:, None] - 0.25 * (lat - 35)).ravel()
    day = (begin[:, None] + (lat - 20) / 30 * 0.004).ravel()
    lat, overpass = lat.ravel(), np.repeat(np.arange(tracks), along)
    order = np.argsort(day, kind="stable")
    lat, lon, day, overpass = lat[order], lon[order], day[order], overpass[order]
    n = lat.size
    to_lat, to_lon = rng.uniform(20, 50, targets), rng.uniform(80, 130, targets)
    to_day = rng.uniform(0, days, targets)
    place = sphere_point(np.r_[lat, to_lat], np.r_[lon, to_lon])
    when = np.r_[day, to_day]
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    covariance = model.covariance(apart, when[:, None] - when) + 1e-9 * np.eye(when.size)
    field = np.linalg.cholesky(covariance) @ rng.normal(size=when.size)
    field += np.sqrt(model.micro) * rng.normal(size=when.size)
    field += 400 + 0.03 * np.r_[lat, to_lat] - 0.01 * np.r_[lon, to_lon]
    field += 2.4 * when / 365.25 + 2 * np.sin(2 * np.pi * when / 365.25)
    sigma = rng.uniform(0.4, 0.8, n)
    common = 0.5 * np.exp(-apart[:n, :n] / 100e3) * (overpass[:, None] == overpass)
    np.fill_diagonal(common, 1.0)
    error = sigma * (np.linalg.cholesky(common) @ rng.normal(size=n))
    observations = Observations(
        lat, lon, moment(day), field[:n] + error, sigma, np.sqrt(0.5) * sigma, overpass,
        np.ones(n, np.int64), "xco2", "ppm",
    )  # fmt: skip
    return Planted(observations, to_lat, to_lon, moment(to_day), field[n:])


def planted_scale(latitude: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Twice as lively in winter as in summer, and at 50 N as at 20 N."""
    days = (time - START) / np.timedelta64(1, "D")
    return np.exp(0.35 * (latitude - 35.0) / 15.0 + 0.35 * np.cos(2 * np.pi * (days - 15.0) / 365.25))


def plant_scaled(seed: int, model: ProductSum) -> Planted:
    """Plant three years and multiply departures from the mean and errors by `planted_scale`."""
    made = plant(seed, model, tracks=240, along=6, targets=1000, days=1100.0)

    def stretch(value: np.ndarray, lat: np.ndarray, lon: np.ndarray, time: np.ndarray) -> np.ndarray:
        days = (time - START) / np.timedelta64(1, "D")
        mean = 400 + 0.03 * lat - 0.01 * lon + 2.4 * days / 365.25 + 2 * np.sin(2 * np.pi * days / 365.25)
        return mean + planted_scale(lat, time) * (value - mean)

    known = made.observations
    value = stretch(known.value, known.latitude, known.longitude, known.time)
    scale = planted_scale(known.latitude, known.time)
    return replace(
        made,
        observations=replace(known, value=value, sigma=known.sigma * scale, shared=known.shared * scale),
        truth=stretch(made.truth, made.latitude, made.longitude, made.time),
    )


def moment(day: np.ndarray) -> np.ndarray:
    """Days since the start as datetime64."""
    return START + (np.asarray(day) * 86400e9).astype("m8[ns]")


def plant_rank(
    seed: int,
    tracks: int = 60,
    along: int = 20,
    targets: int = 500,
    days: float = 200.0,
    carry: tuple[float, float] = (0.766, 0.527),
    fade: ProductSum | None = None,
) -> Planted:
    """Draw a field of fixed rank at two levels, with nodes every 16 days, a fine part and shared errors.

    `carry`: correlation of both levels from node to node; `fade`: covariance of the fine part, which is
    otherwise of variance 0.5, correlated over 200 km along an overpass and independent between overpasses.
    """
    rng = np.random.default_rng(seed)
    begin = np.sort(np.r_[0.0, days - 0.1, rng.uniform(0, days - 0.1, tracks - 2)])
    lat = np.sort(rng.uniform(20, 50, (tracks, along)), axis=1)
    lon = (rng.uniform(80, 130, tracks)[:, None] - 0.25 * (lat - 35)).ravel()
    day = (begin[:, None] + (lat - 20) / 30 * 0.004).ravel()
    lat, overpass = lat.ravel(), np.repeat(np.arange(tracks), along)
    to_lat, to_lon = rng.uniform(20, 50, targets), rng.uniform(80, 130, targets)
    to_day = rng.uniform(0, days, targets)
    basis = make_basis((35.0, 105.0), (15.0, 25.0), functions=60, levels=2)
    variance, hold = np.array([0.8, 0.7])[basis.level], np.array(carry)[basis.level]
    nodes = [np.sqrt(variance) * rng.normal(size=basis.size)]
    for _ in range(int(days / 16.0) + 1):
        new = np.sqrt(variance * (1.0 - hold**2)) * rng.normal(size=basis.size)
        nodes.append(hold * nodes[-1] + new)
    when, where = np.r_[day, to_day], sphere_point(np.r_[lat, to_lat], np.r_[lon, to_lon])
    place, rows = when / 16.0, basis.rows(where).toarray()
    node = np.floor(place).astype(int)
    eta = np.array(nodes)
    part = (place - node)[:, None]
    field = (rows * ((1.0 - part) * eta[node] + part * eta[node + 1])).sum(axis=1)
    field += 400 + 0.03 * np.r_[lat, to_lat] - 0.01 * np.r_[lon, to_lon] + 2.4 * when / 365.25
    n = lat.size
    same = overpass[:, None] == overpass
    apart = np.linalg.norm(where[:n, None] - where[:n], axis=-1)
    fine = 0.5 * np.exp(-apart / 200e3) * same
    if fade is not None:
        fine = fade.covariance(apart, day[:, None] - day)
    sigma = rng.uniform(0.4, 0.8, n)
    shared = 0.5 * np.outer(sigma, sigma) * np.exp(-apart / 100e3) * same
    np.fill_diagonal(shared, sigma**2)
    field[:n] += np.linalg.cholesky(fine + 1e-9 * np.eye(n)) @ rng.normal(size=n)
    field[n:] += np.sqrt(0.5) * rng.normal(size=targets)
    error = np.linalg.cholesky(shared) @ rng.normal(size=n)
    observations = Observations(
        lat, lon, moment(day), field[:n] + error, sigma, np.sqrt(0.5) * sigma, overpass,
        np.ones(n, np.int64), "xco2", "ppm",
    )  # fmt: skip
    return Planted(observations, to_lat, to_lon, moment(to_day), field[n:])
