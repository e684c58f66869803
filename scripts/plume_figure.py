"""Draw docs/image/plume_smartcarb.png: a tracer against the wind, and methods on draws of its scene."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from plume_smartcarb_truth import CASES, Scene, run_scenes  # noqa: E402


def main() -> None:
    """Exact line densities times winds over the emission; errors of single estimates."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--draws", type=int, default=120)
    options = parser.parse_args()
    scene = Scene(options.data / "plume")
    edges = np.arange(0.0, 91e3, 5e3)
    middle = (edges[1:] + edges[:-1]) / 2e3
    density = scene.line_density(edges)
    figure, panes = plt.subplots(1, 2, figsize=(11.0, 4.0), layout="constrained")
    for speed, words in (
        (np.full(middle.size, scene.truth["wind_speed"]), "wind at the source"),
        (scene.wind_along(edges), "wind along the plume"),
    ):
        panes[0].plot(middle, density * speed / scene.emission, "o-", ms=4, label=f"tracer × {words}")
    panes[0].axhline(1.0, color="0.4", lw=0.8)
    panes[0].set(xlabel="distance from the source [km]", ylabel="flux / emission")
    panes[0].legend(fontsize=8)
    rows = run_scenes(scene, range(options.draws))
    errors = [100.0 * rows.loc[rows.method == name, "error"].dropna() for name in CASES]
    panes[1].boxplot(errors, orientation="horizontal", whis=(5, 95), showfliers=False)
    panes[1].set_yticklabels([name.replace(" no2", ", shape from NO₂") for name in CASES], fontsize=8)
    panes[1].axvline(0.0, color="0.4", lw=0.8)
    panes[1].set(xlabel="error of one estimate [%]: median, quartiles, 5 and 95 %")
    figure.savefig(ROOT / "docs" / "image" / "plume_smartcarb.png", dpi=100)


if __name__ == "__main__":
    main()
