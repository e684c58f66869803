"""Trains the model in this folder anew: python models/simulated_province/train.py [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from yaotan import ProvincialEmission, evaluate, save_model
from yaotan.emission import Panel, splits
from yaotan.simulate.province import simulate_provinces

SEED = 20260


def fit() -> tuple[ProvincialEmission, Panel]:
    """Fit ridge to simulated provinces that all report honestly."""
    panel = simulate_provinces(SEED, regions=40, honest=True).panel()
    return ProvincialEmission(families=("ridge",)).fit(panel), panel


def train(folder: Path) -> str:
    """Fit the model, score it, save it; give the digest."""
    model, panel = fit()
    scored = {
        "leave province out": evaluate(model, panel, splits(panel, "no_inventory")),
        "random rows": evaluate(model, panel, splits(panel, "random")),
    }
    return save_model(
        model, folder, panel=panel, evaluations=scored,
        title="Simulated provinces: emission from lights, people, towns and power plants",
        licence="Apache-2.0 (model and simulated data)",
        limits=("Learned from simulated provinces: it says nothing of any real one.",),
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(f"{train(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)}\n")
