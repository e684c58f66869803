"""Draw docs/image/background.png and hotspot.png from the real data of examples 07 and 08."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def run(name: str) -> dict[str, Any]:
    """Variables of an example."""
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


def draw_background() -> None:
    """Enhancements over Los Angeles by two backgrounds, and one track of them with its significance."""
    made = run("07_real_background")
    figure, panes = plt.subplots(1, 3, figsize=(13.0, 4.2), layout="constrained")
    for (method, found), pane in zip(made["found"].items(), panes[:2], strict=True):
        order = np.argsort(np.abs(found.xco2_enhancement.values))
        part = found.isel(sounding=order[np.isfinite(found.xco2_enhancement.values[order])])
        shown = pane.scatter(
            part.longitude, part.latitude, c=part.xco2_enhancement, s=4, vmin=-4, vmax=4, cmap="RdBu_r"
        )
        pane.plot(
            [-118.7, -117.1, -117.1, -118.7, -118.7], [33.6, 33.6, 34.4, 34.4, 33.6], color="0.2", lw=0.8
        )
        pane.set(title=method, xlabel="longitude", ylabel="latitude", xlim=(-121, -114), ylim=(31.5, 37.5))
    figure.colorbar(shown, ax=panes[1], label="XCO₂ enhancement [ppm]")
    found = made["found"]["along_track"]
    track = found.isel(sounding=made["day"] == np.datetime64("2014-09-23"))
    track = track.isel(sounding=np.isfinite(track.xco2_enhancement.values))
    shown = panes[2].scatter(
        track.latitude, track.xco2_enhancement, c=track.xco2_enhancement_significance, s=8, vmin=0, vmax=5
    )
    panes[2].axvspan(33.6, 34.4, color="0.9", zorder=0)
    panes[2].axhline(0, color="0.5", lw=0.5)
    panes[2].set(title="23 September 2014, along_track", xlabel="latitude", ylabel="ppm")
    figure.colorbar(shown, ax=panes[2], label="significance of a sounding")
    figure.savefig(ROOT / "docs" / "image" / "background.png", dpi=100)


def draw_hotspot() -> None:
    """Enhancements of methane in two orbits, and the cells that each null calls hot or cold."""
    made = run("08_real_hotspot")
    figure, panes = plt.subplots(3, 1, figsize=(8.0, 10.0), layout="constrained", sharex=True, sharey=True)
    field = made["grid"].xch4_enhancement.isel(time=0)
    axes = (field.lon.values, field.lat.values)
    shown = panes[0].pcolormesh(*axes, field, vmin=-20, vmax=20, cmap="RdBu_r")
    figure.colorbar(shown, ax=panes[0], label="XCH₄ enhancement [ppb]")
    for (null, found), pane in zip(made["found"].items(), panes[1:], strict=True):
        shown = pane.pcolormesh(
            *axes, found.xch4_enhancement_gstar.isel(time=0), vmin=-5, vmax=5, cmap="RdBu_r"
        )
        for kind, colour in ((1, "C3"), (2, "C0")):
            row, column = (found.hotspot.isel(time=0).values == kind).nonzero()
            pane.plot(axes[0][column], axes[1][row], "o", mec=colour, mfc="none", ms=8)
        pane.set_title(
            f"{null}: {(found.hotspot == 1).sum().item()} hot, {(found.hotspot == 2).sum().item()} cold"
        )
        figure.colorbar(shown, ax=pane, label="Getis-Ord G*")
    for pane in panes:
        pane.set(ylabel="latitude", xlim=(72, 136), ylim=(18, 55))
    panes[2].set_xlabel("longitude")
    figure.savefig(ROOT / "docs" / "image" / "hotspot.png", dpi=80)


if __name__ == "__main__":
    draw_background()
    draw_hotspot()
