"""Errors of regions around: simple kriging by hand, chosen where it helps, never from the own province."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yaotan import ProvincialEmission, load_model, save_model
from yaotan.emission import Panel, PanelColumn
from yaotan.emission.contribution import contributions
from yaotan.emission.neighbour import NeighbourField, correct_unseen, find_places, has_place

COLUMNS = (
    PanelColumn("co2", "target", "Mt yr-1"),
    PanelColumn("people", "scale", "1"),
    PanelColumn("latitude", "feature", "degree"),
    PanelColumn("longitude", "feature", "degree"),
)
#: km in one degree of latitude on the sphere of the same area as the ellipsoid (radius 6371.007 km)
DEGREE = 111.195


def cities(*, smooth: float, own: float, seed: int = 0) -> Panel:
    """Give 90 cities of 15 provinces: emission per head times a wave of 1,500 km and an error of the city."""
    rng = np.random.default_rng(seed)
    city, year = (part.ravel() for part in np.meshgrid(np.arange(90), [2001, 2002], indexing="ij"))
    north, east = 25 + city // 10 * 2.0, 100 + city % 10 * 2.0
    wave = smooth * np.sin(2 * np.pi * (north - 25) / 13.5) * np.cos(2 * np.pi * (east - 100) / 15)
    people = np.repeat(rng.uniform(1e6, 1e7, 90), 2)
    table = pd.DataFrame({"region": [f"c{n:02}" for n in city], "period": year, "people": people})
    table["parent"] = [f"p{int(n // 6):02}" for n in city]
    table["latitude"], table["longitude"] = north, east
    table["co2"] = 8e-6 * people * np.exp(wave + np.repeat(rng.normal(0, own, 90), 2))
    return Panel(table, COLUMNS)


def model(**options: object) -> ProvincialEmission:
    return ProvincialEmission(families=("ridge",), **options)  # type: ignore[arg-type]


def test_the_field_is_that_of_simple_kriging() -> None:
    errors = pd.DataFrame({"region": ["a", "a", "b"], "residual": [0.5, 0.3, 0.0]})
    places = pd.DataFrame({"latitude": [0.0, 60.0], "longitude": [0.0, 90.0]}, index=["a", "b"])
    made = NeighbourField(length=300e3, own_share=0.5).fit(errors, places)
    # two regions that do not feel each other: K + nu I = 1, so half of 0.4 - 0.2 at the place, 1 / e of it
    # a length away; the level 0.2 that both share is not part of it
    off = 300 / DEGREE
    found = made.estimate(np.array([[0.0, 0.0], [off, 0.0], [60.0, 90.0], [-60.0, 180.0], [np.nan, 0.0]]))
    assert found == pytest.approx([0.1, 0.1 / np.e, -0.1, 0.0, 0.0], abs=1e-6)
    # neighbours share their news: (1 + rho) in the denominator of the mean of two, rho = exp(-d / L) / 2
    errors = pd.DataFrame({"region": ["a", "b", "c"], "residual": [0.3, 0.3, -0.6]})
    places = pd.DataFrame({"latitude": [0.0, off, 80.0], "longitude": [0.0, 0.0, 180.0]}, index=list("abc"))
    near = NeighbourField().fit(errors, places).estimate(np.array([[0.0, 0.0]]))[0]
    rho = 0.5 / np.e
    assert near == pytest.approx(0.3 * (0.5 + rho) / (1 + rho), rel=1e-5)


def test_a_region_hears_nothing_of_its_own_province() -> None:
    panel = cities(smooth=0.4, own=0.1)
    errors = panel.table[["region"]].assign(group=panel.group, residual=np.log(panel.values()))
    places = find_places(panel)
    before = correct_unseen(errors, places)
    own = (errors["group"] == "p03").to_numpy()
    after = correct_unseen(errors.assign(residual=errors["residual"] + np.where(own, 5.0, 0.0)), places)
    np.testing.assert_array_equal(after[own], before[own])
    assert (np.abs(after - before)[~own] > 1e-3).any()


def test_neighbours_are_asked_where_they_help_and_only_there(monkeypatch) -> None:
    panel = cities(smooth=0.5, own=0.05)
    asked = panel.group.isin(["p04", "p10"]).to_numpy()
    fitted = model().fit(panel.select(~asked))
    assert fitted.chosen_ == "ridge per people and neighbours"
    unseen = panel.select(asked)
    error = np.log(fitted.predict_values(unseen) / unseen.values())
    plain = error - fitted.engine_.correct(unseen)
    assert np.abs(error).mean() < 0.8 * np.abs(plain).mean()
    # each city on its own: nothing to be heard from others
    none = model().fit(cities(smooth=0.0, own=0.4, seed=3))
    assert none.chosen_ == "ridge per people"
    assert none.configurations_ == fitted.configurations_
    assert (none.engine_.correct(panel) == 0.0).all()
    # what is left out inside is corrected too, so intervals are of what is given out
    monkeypatch.setattr("yaotan.emission.level.has_place", lambda *given: False)
    alone, known = model().fit(panel.select(~asked)), panel.select(~asked)
    assert (alone.chosen_, alone.configurations_) == ("ridge per people", fitted.configurations_ - 1)
    before, after = alone.engine_.residuals_, fitted.engine_.residuals_
    moved = correct_unseen(before, find_places(known))
    np.testing.assert_allclose(after["estimate"], before["estimate"] + moved, rtol=1e-12)
    np.testing.assert_allclose(after["estimate"] + after["residual"], np.log(known.values()), rtol=1e-12)


def test_only_angles_of_these_names_are_places() -> None:
    panel = cities(smooth=0.5, own=0.05)
    assert has_place(panel)
    assert not has_place(panel, ("people", "latitude"))
    other = (*COLUMNS[:2], PanelColumn("latitude", "feature", "km"), COLUMNS[3])
    assert not has_place(Panel(panel.table, other))
    turned = (*COLUMNS[:2], *(PanelColumn(name, "feature", "radian") for name in ("latitude", "longitude")))
    radians = panel.table.assign(
        **{name: np.radians(panel.table[name]) for name in ("latitude", "longitude")}
    )
    pd.testing.assert_frame_equal(find_places(Panel(radians, turned)), find_places(panel))


def test_it_is_saved_and_explained(tmp_path: Path) -> None:
    panel = cities(smooth=0.5, own=0.05)
    fitted = model(folds=3).fit(panel)
    parts = contributions(fitted, panel)
    np.testing.assert_allclose(np.exp(parts["total"]), fitted.predict_values(panel), rtol=1e-10)
    assert parts["neighbours"].abs().max() > 0.05
    digest = save_model(fitted, tmp_path / "m", panel=panel)
    loaded = load_model(tmp_path / "m", digest=digest)
    np.testing.assert_allclose(loaded.predict_values(panel), fitted.predict_values(panel), rtol=1e-12)
