"""Three simulated products: two are brought to the level of the third, then all are fused.

Truth is known: the error of the fused boxes can be shown beside the stated one.
"""

import numpy as np
import xarray as xr

import yaotan

rng = np.random.default_rng(0)
SIZE = 3000
when = np.datetime64("2020-01-01", "ns") + np.sort(rng.uniform(0, 366 * 24 * 60, SIZE)).astype("m8[m]")
lat, lon, airmass = rng.uniform(0, 60, SIZE), rng.uniform(60, 140, SIZE), rng.uniform(2, 4, SIZE)
truth = 410 + 0.02 * lat + 2 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)


def product(name: str, bias: np.ndarray, sigma: float) -> xr.Dataset:
    """Make soundings of the truth with a bias and noise."""
    columns = {"time": when, "latitude": lat, "longitude": lon, "airmass": airmass}
    columns["xco2"] = truth + bias + rng.normal(0, sigma, SIZE)
    columns["xco2_uncertainty"] = np.full(SIZE, sigma)
    table = xr.Dataset({key: ("sounding", values) for key, values in columns.items()})
    return table.assign_attrs(product=name, platform=name)


reference = product("R", 0.0 * airmass, 0.5)
products = {"R": reference}
for name, slope, sigma in (("A", 0.8, 0.8), ("B", -0.5, 1.0)):
    biased = product(name, 0.6 + slope * (airmass - 3), sigma)
    learner = yaotan.BiasCorrection(predictors=["airmass"], pairing={"kernel": "none", "method": "radius"})
    products[name] = learner.fit_transform(biased, reference)
    scores = learner.scores_.attrs
    print(f"{name}: {learner.count_} pairs, RMS {scores['rms_before']:.2f} -> {scores['rms_after']:.2f} ppm")

real = yaotan.fuse({"T": reference.assign(xco2=("sounding", truth)), "U": reference}, excess=0.0)
for method in ("median", "inverse_variance"):
    fused = yaotan.fuse(products, method=method)
    error = (fused.xco2 - real.xco2_average.sel(product="T")).values
    stated = float(np.sqrt((fused.xco2_uncertainty**2).mean()))
    print(f"{method}: RMS of the error {np.sqrt(np.nanmean(error**2)):.2f} ppm, stated {stated:.2f} ppm")
