"""From soundings to a monthly grid and a regional table, on a simulated study with known truth."""

import tempfile
from pathlib import Path

import xarray as xr

import yaotan

with tempfile.TemporaryDirectory() as folder:
    study = Path(yaotan.simulate_study(folder, seed=1)).parent

    soundings = yaotan.open_soundings(study / "data" / "oco2", period=("2020-03", "2020-03"))
    spec = yaotan.GridSpec.regular(1.0, bounds=(104, 22, 124, 42))
    grid = yaotan.grid_soundings(soundings, spec, period="month", systematic=0.3).compute()
    print("filled cells:", int((grid["xco2_count"] > 0).sum()))
    print("median uncertainty [ppm]:", float(grid["xco2_uncertainty"].median()))

    regions = yaotan.open_regions(study / "regions.geojson")
    table = yaotan.zonal_statistics(grid, regions)
    truth = xr.open_dataset(study / "truth.nc", engine="h5netcdf")
    for name in table["region"].values:
        mean = float(table["xco2"].sel(region=name).isel(time=0))
        sigma = float(table["xco2_uncertainty"].sel(region=name).isel(time=0))
        true = float(truth["xco2"].sel(region=name).isel(time=0))
        print(f"{name:<10} {mean:7.2f} ± {sigma:.2f} ppm, truth {true:.2f}")

    # for GIS, for Excel, for the archive
    yaotan.write(grid, study / "march.nc")
    yaotan.write(table, study / "march.csv", encoding="utf-8-sig")
