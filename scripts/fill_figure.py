"""Draw docs/image/fill.png from the real days of examples/05_real_filling.py."""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Soundings, filled field, and its 1 sigma with the measured cells."""
    made = runpy.run_path(str(ROOT / "examples" / "05_real_filling.py"))
    filled, land, known = made["filled"].isel(time=0), made["land"], made["filler"].observations_
    figure, panes = plt.subplots(1, 3, figsize=(13.0, 4.4), layout="constrained")
    field, sigma = filled["xco2"], filled["xco2_uncertainty"]
    low, high = field.quantile([0.01, 0.99]).values
    edges = [filled["lon"].values, filled["lat"].values]
    shown = panes[0].scatter(
        known.longitude, known.latitude, c=known.value, s=14, vmin=low - 2, vmax=high + 2
    )
    figure.colorbar(shown, ax=panes[0], label="XCO₂ of soundings [ppm]", shrink=0.8)
    for pane, layer, words in ((panes[1], field, "filled XCO₂ [ppm]"), (panes[2], sigma, "1 sigma [ppm]")):
        shown = pane.pcolormesh(*edges, layer, vmin=low if layer is field else None,
                                vmax=high if layer is field else None)  # fmt: skip
        figure.colorbar(shown, ax=pane, label=words, shrink=0.8)
    row, column = (filled["xco2_measured"].values == 1).nonzero()
    panes[2].plot(edges[0][column], edges[1][row], "k.", ms=2, label="measured cells")
    panes[2].legend(loc="lower left", fontsize=8)
    for pane in panes:
        land.boundary.plot(ax=pane, color="0.4", lw=0.3)
        pane.set(xlim=(72, 137), ylim=(2, 55), xlabel="longitude", ylabel="latitude")
    figure.savefig(ROOT / "docs" / "image" / "fill.png", dpi=100)


if __name__ == "__main__":
    main()
