"""Draw docs/image/validation.png from the real pairs of examples/06_real_validation.py."""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Scatter of satellite against station, and the bias of each station with its interval."""
    made = runpy.run_path(str(ROOT / "examples" / "06_real_validation.py"))
    pairs, scores = made["pairs"], made["scores"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 4.0), layout="constrained")
    names = scores["station"].values
    for k, name in enumerate(names):
        one = pairs.isel(pair=pairs["station"].values == name)
        left.plot(one["reference"], one["value"], "o", ms=4, color=f"C{k}", label=name)
        low, high = (abs(float(scores[f"bias_{end}"][k] - scores["bias"][k])) for end in ("lower", "upper"))
        right.errorbar(k, float(scores["bias"][k]), [[low], [high]], fmt="o", color=f"C{k}", capsize=4)
    ends = [float(np.floor(pairs["reference"].min())), float(np.ceil(pairs["reference"].max()))]
    left.plot(ends, ends, color="0.5", lw=1)
    left.set(xlabel="TCCON XCO₂ [ppm]", ylabel="OCO-2 Lite XCO₂, overpass mean [ppm]")
    left.legend(frameon=False, fontsize=8)
    right.axhline(0.0, color="0.5", lw=1)
    right.axhspan(float(scores["mean_bias_lower"]), float(scores["mean_bias_upper"]), color="0.9")
    right.axhline(float(scores["mean_bias"]), color="0.3", lw=1, ls="--")
    right.set_xticks(range(len(names)), names, rotation=20)
    right.set(ylabel="bias and 95 % interval [ppm]")
    figure.savefig(ROOT / "docs" / "image" / "validation.png", dpi=110)


if __name__ == "__main__":
    main()
