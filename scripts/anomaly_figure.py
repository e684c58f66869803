"""Draw docs/image/anomaly.png: months of Mauna Loa and of the column over Hefei against other years."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import yaotan

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("YAOTAN_TEST_DATA") or ROOT.parent / "shared" / "data")
FILES = {
    "Mauna Loa CO2": ("geo/timeseries/co2_mm_mlo_noaa.csv", ("1993", "2022"), "1993"),
    "Hefei XCO2": ("satellite/tccon/TCCON_Hefei_12-14h_monthly.csv", None, None),
}


def main() -> None:
    """Anomalies with 1.96 sigma of a usual year; months that stand out are filled."""
    figure, panes = plt.subplots(2, 1, figsize=(9.0, 5.5), layout="constrained")
    for (name, (path, base, start)), pane in zip(FILES.items(), panes, strict=True):
        soundings = yaotan.open_soundings(DATA / path).load().swap_dims(sounding="time").sortby("time")
        variable = "xco2" if "xco2" in soundings else "co2_mole_fraction"
        found = yaotan.anomaly(soundings[[variable]].sel(time=slice(start, None)), base=base)
        rows = yaotan.column.anomaly_table(found)
        about = found[f"{variable}_anomaly"].attrs
        clear = int(rows.verdict.isin(["high", "low"]).sum())
        told = f"{clear} of {len(rows)} months, {about['by_chance']} by chance"
        usual = found[f"{variable}_anomaly_uncertainty"].dropna("time")
        pane.fill_between(usual.time, -1.96 * usual, 1.96 * usual, color="0.9", lw=0)
        colours = np.where(rows.verdict == "high", "C3", np.where(rows.verdict == "low", "C0", "0.6"))
        pane.bar(rows.time, rows.anomaly, width=28, color=colours)
        pane.axhline(0.0, color="0.3", lw=0.5)
        pane.set(title=f"{name}: {told}", ylabel=f"anomaly [{about['units']}]")
    figure.savefig(ROOT / "docs" / "image" / "anomaly.png", dpi=100)


if __name__ == "__main__":
    main()
