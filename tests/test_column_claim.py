"""Claims about two regions: right verdicts at the stated rate, missed months, sentences, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from yaotan.cli.main import main
from yaotan.column.claim import Claim, check_claim
from yaotan.column.claim_text import write_sentences
from yaotan.errors import RegionError, TooFewSoundingsError, YaotanError


def table(difference: np.ndarray, *, sigma: float = 0.3, start: str = "2020-01-01", **more) -> pd.DataFrame:
    """Region a differs from b by so much in each month; NaN is a month that the satellite missed in a."""
    months = pd.date_range(start, periods=len(difference), freq="MS")
    base = 410.0 + 2.0 * np.sin(np.arange(len(difference)))
    sides = [
        pd.DataFrame({"region_id": side, "name": name, "name_zh": name_zh, "time": months, "value": values})
        for side, name, name_zh, values in (
            ("37", "Shandong", "山东", base + difference),
            ("65", "Xinjiang", "新疆", base),
        )
    ]
    return pd.concat(sides).assign(uncertainty_random=sigma, variable="xco2", units="ppm", **more)


def simulate(seed: int, *, season: float, correlation: float, missed: str) -> tuple[pd.DataFrame, float]:
    """A year of differences with a season, serial errors and missed months; and the true mean."""
    rng, n, s = np.random.default_rng(seed), 12, 0.4
    error = np.empty(n)
    error[0] = rng.normal(0, s)
    for k in range(1, n):
        error[k] = correlation * error[k - 1] + np.sqrt(1 - correlation**2) * rng.normal(0, s)
    true = 1.0 + season * np.sin(2 * np.pi * (np.arange(n) - rng.uniform(0, 12)) / 12)
    first = rng.integers(0, 12)
    lost = np.zeros(n, bool)
    if missed == "three":
        lost[(first + np.arange(3)) % 12] = True
    return table(np.where(lost, np.nan, true + error), sigma=0.25), float(true.mean())


def judged(seeds: int, **how) -> tuple[float, float, float]:
    """Share of intervals that hold the truth; of false 'supported' and of false 'not supported'."""
    hits, wrong, denied = 0, 0, 0
    for seed in range(seeds):
        data, truth = simulate(seed, **how)
        claim = check_claim(data, a="37", b="65", at_least=truth, period=("2020-01-01", "2020-12-31"))
        hits += claim.lower <= truth <= claim.upper
        wrong += claim.verdict == "supported"
        denied += claim.verdict == "not_supported"
    return hits / seeds, wrong / seeds, denied / seeds


@pytest.mark.parametrize("missed", ["none", "three"])
def test_few_false_verdicts_of_claims_that_are_just_not_true(missed: str) -> None:
    """120 years at the boundary: each wrong verdict below 5 % + 3 binomial sigma (2 %)."""
    cover, wrong, denied = judged(120, season=0.8, correlation=0.0, missed=missed)
    assert cover > 0.89
    assert wrong < 0.11
    assert denied < 0.11


@pytest.mark.truth
@pytest.mark.parametrize("correlation", [0.0, 0.4])
@pytest.mark.parametrize("season", [0.0, 1.0])
@pytest.mark.parametrize("missed", ["none", "three"])
def test_verdicts_hold_at_their_rate(season: float, correlation: float, missed: str) -> None:
    cover, wrong, denied = judged(1000, season=season, correlation=correlation, missed=missed)
    assert cover > (0.93 if correlation == 0 else 0.88)
    assert max(wrong, denied) < (0.04 if correlation == 0 else 0.07)


def test_the_bias_of_missed_months_is_found_from_the_season() -> None:
    """Summers missed, when the difference is largest: three years tell the season."""
    angle = 2 * np.pi * (np.arange(36) % 12 - 3.5) / 12
    true = 1.0 + 0.9 * np.sin(angle)
    lost = np.isin(np.arange(36), [29, 30, 31])  # of the third year only
    data = table(np.where(lost, np.nan, true + np.random.default_rng(1).normal(0, 0.05, 36)), sigma=0.05)
    claim = check_claim(data, a="37", b="65", period=("2022-01", "2022-12"))
    seen = true[24:][~lost[24:]].mean()
    assert claim.season_fitted
    assert claim.months == 9
    assert claim.period_months == 12
    assert claim.missed_bias == pytest.approx(true[24:].mean() - seen, abs=0.06)
    assert claim.difference == pytest.approx(1.0, abs=0.08)
    assert abs(seen - 1.0) > 0.15
    short = check_claim(data[data.time >= "2022-06"], a="37", b="65", period=("2022-06", "2022-12"))
    assert not short.season_fitted
    assert short.missed_bias == 0.0
    assert short.missed_bias_uncertainty > 0.05


def test_verdicts_and_sentences() -> None:
    data = table(np.full(12, 1.2) + np.random.default_rng(2).normal(0, 0.2, 12))
    assert check_claim(data, a="37", b="65", at_least=0.5).verdict == "supported"
    assert check_claim(data, a="37", b="65", at_least=2.5).verdict == "not_supported"
    assert check_claim(data, a="37", b="65", at_least=1.2).verdict == "not_detectable"
    assert check_claim(data, a="65", b="37").verdict == "not_supported"
    claim = check_claim(data, a="Shandong", b="新疆", at_least=0.5)
    assert "Shandong is higher than Xinjiang by at least 0.5 ppm, 2020-01 to 2020-12" in claim.sentences["en"]
    assert "The claim is supported." in claim.sentences["en"]
    assert "山东高于新疆至少 0.5 ppm" in claim.sentences["zh"]
    assert "该说法成立" in claim.sentences["zh"]
    assert {"verdict", "sentence_en", "sentence_zh", "effective_months"} <= set(claim.as_row())


def test_sentences_write_a_true_minus_and_no_sign_of_a_rounded_zero() -> None:
    data = table(np.full(12, 1.2) + np.random.default_rng(2).normal(0, 0.2, 12))
    for said in check_claim(data, a="65", b="37", at_least=-0.5).sentences.values():
        assert "\N{MINUS SIGN}0.5 ppm" in said
        assert "\N{MINUS SIGN}1.2" in said
        assert re.findall(r"-\d+", said) == ["-01", "-12"]  # months alone have a hyphen
    names, period = ("West", "西部"), ("2020-01", "2020-12")
    claim = check_claim(data, a="65", b="37").as_row() | {"difference": -0.0004, "lower": -0.3, "upper": 0.3}
    zero = write_sentences(claim, "XCO2", names, names, period)
    assert "a difference of 0.00 ppm" in zero["en"]
    assert "差值为 0.00 ppm" in zero["zh"]


def test_months_that_follow_one_another_count_less() -> None:
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.normal(0, 0.3, 24))
    independent = check_claim(table(rng.normal(1, 0.3, 24)), a="37", b="65")
    serial = check_claim(table(1 + walk - walk.mean()), a="37", b="65")
    assert serial.effective_months < 8 < independent.effective_months


def test_a_table_and_an_estimate_say_the_same() -> None:
    data = table(np.linspace(0.5, 1.5, 12))
    values = data.pivot(index="region_id", columns="time", values="value")
    estimate = xr.Dataset(
        {
            "xco2": (("region", "time"), values.to_numpy(), {"units": "ppm"}),
            "xco2_uncertainty_random": (("region", "time"), np.full(values.shape, 0.3)),
        },
        coords={"region": list(values.index), "time": values.columns.to_numpy()},
    ).assign_coords(region_name=("region", ["Shandong", "Xinjiang"]))
    by_table, by_estimate = (check_claim(item, a="37", b="65") for item in (data, estimate))
    assert isinstance(by_table, Claim)
    assert by_table.difference == by_estimate.difference
    assert by_table.upper == by_estimate.upper
    assert by_table.units == "ppm"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"a": "Atlantis"}, RegionError, "'Atlantis' is no region.*37, 65"),
        ({"variable": "xch4"}, YaotanError, "no 'xch4'.*xco2"),
        ({"period": ("2031-01", "2031-12")}, TooFewSoundingsError, "0 of the 12 months.*at least 2"),
        ({"period": ("2020-05", "2020-01")}, YaotanError, "ends before it begins"),
        ({"period": ("spring", "autumn")}, YaotanError, "is no period"),
        ({"level": 95}, YaotanError, "level is 95"),
    ],
)
def test_refused(change: dict, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        check_claim(table(np.ones(12)), **{"a": "37", "b": "65", **change})


def test_mixed_units_and_daily_tables_are_refused() -> None:
    data = table(np.ones(12))
    data.loc[data.region_id == "65", "units"] = "mol/mol"
    with pytest.raises(YaotanError, match="several units: mol/mol, ppm"):
        check_claim(data, a="37", b="65")
    twice = pd.concat([table(np.ones(12)), table(np.ones(12))])
    with pytest.raises(YaotanError, match="several values in one month"):
        check_claim(twice, a="37", b="65")


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "oco2_lite_xco2_regions.csv"
    yaotan.write(table(np.full(12, 1.2) + np.random.default_rng(2).normal(0, 0.2, 12)), path)
    with pytest.raises(SystemExit) as ended:
        main(["check-claim", str(path), "--a", "Shandong", "--b", "65", "--at-least", "0.5"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "The claim is supported." in said
    assert "该说法成立" in said
    with pytest.raises(SystemExit) as stopped:
        main(["check-claim", str(path), "--a", "Atlantis", "--b", "65"])
    assert stopped.value.code == 2
    assert "no region of the table" in capsys.readouterr().err
