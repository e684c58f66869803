"""Levels that add up year by year: by hand, in written tables, with what cannot be balanced said by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yaotan.cli.main import main
from yaotan.emission import balance_levels, open_estimates, open_hierarchy
from yaotan.errors import PanelError, SchemaError

TREE = {"A": "CN", "B": "CN", "a1": "A", "a2": "A"}


def table(**changes: float | None) -> pd.DataFrame:
    """One year of estimates, each with a sigma of 1, and some changed."""
    values = {"CN": 12.0, "A": 6.0, "B": 3.0, "a1": 4.0, "a2": 5.0} | changes
    rows = [(name, 2015, value, 1.0) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["region", "period", "estimate", "uncertainty"])


def test_movement_is_that_of_least_squares_by_hand() -> None:
    # b = (a1, a2, B): the normal equations of CN = a1 + a2 + B, A = a1 + a2 and of the three leaves are
    # 3 a1 + 2 a2 + B = 22, 2 a1 + 3 a2 + B = 23, a1 + a2 + 2 B = 15, solved on paper: 13/4, 17/4, 15/4
    done = balance_levels(table(), TREE, unit="Mt yr-1")
    nodes = done.nodes.set_index("region")
    assert nodes["estimate"].to_dict() == pytest.approx(
        {"CN": 45 / 4, "A": 30 / 4, "B": 15 / 4, "a1": 13 / 4, "a2": 17 / 4}
    )
    np.testing.assert_allclose(nodes["moved"], nodes["estimate"] - nodes["before"])
    assert nodes["level"].to_dict() == {"CN": 0, "A": 1, "B": 1, "a1": 2, "a2": 2}
    year = done.years.iloc[0]
    # movements are -3/4, 6/4, 3/4, -3/4, -3/4
    assert year["chi_square"] == pytest.approx((4 * 9 + 36) / 16)
    assert (year["degrees"], year["regions"], year["moved_most"]) == (2, 5, "A")
    assert year["probability"] == pytest.approx(np.exp(-year["chi_square"] / 2))  # chi square of 2 degrees
    assert year["gap"] < 1e-12


def test_nodes_without_an_estimate_are_sums_or_remainders() -> None:
    tree = TREE | {"rest of A": "A"}
    done = balance_levels(table(A=20.0, CN=None), tree, unit="Mt yr-1")
    nodes = done.nodes.set_index("region")
    assert nodes["origin"].to_dict() == {
        "CN": "sum", "A": "estimate", "B": "estimate", "a1": "estimate", "a2": "estimate",
        "rest of A": "remainder",
    }  # fmt: skip
    assert nodes.loc["rest of A", "estimate"] == pytest.approx(11.0)
    assert nodes.loc["CN", "estimate"] == pytest.approx(23.0)
    assert np.isnan(nodes.loc["CN", "moved"])


def test_a_year_that_is_open_is_said_and_the_others_are_done() -> None:
    later = table(a1=None, a2=None, B=None).assign(period=2016)
    done = balance_levels(pd.concat([table(), later]), TREE, unit="Mt yr-1")
    assert set(done.nodes["period"]) == {2015}
    assert "a1" in done.skipped[2016]
    with pytest.raises(PanelError, match="none of 1 years can be balanced; the first: 2 regions"):
        balance_levels(later, TREE, unit="Mt yr-1")


def medians() -> pd.DataFrame:
    given = table()
    given.attrs["statistic"] = "median"
    return given


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (table().drop(columns="uncertainty"), PanelError, "no column uncertainty"),
        (table().assign(uncertainty=0.0), PanelError, "5 estimates have no uncertainty: CN 2015"),
        (pd.concat([table(), table()]), PanelError, "10 rows share a region and period: CN 2015"),
        (table().assign(estimate="much"), PanelError, "estimate is no number: CN 2015"),
        (table().assign(period=2015.5), PanelError, "no whole year"),
        (table(C=1.0), SchemaError, "'C'"),
        (medians(), PanelError, "a sum of medians"),
    ],
)
def test_what_cannot_be_balanced_is_refused(given, error, message) -> None:
    with pytest.raises(error, match=message):
        balance_levels(given, TREE, unit="Mt yr-1")


def reconcile(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["emission", "reconcile", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two levels in Mt and their whole in Gg, codes with zeros in front, in files as predict writes them."""
    rng = np.random.default_rng(4)
    codes = [f"0{n}0000" for n in range(1, 6)]
    rows = [
        (code, year, rng.uniform(5, 90), rng.uniform(0.5, 9), "Mt yr-1", "mean")
        for code in codes for year in (2015, 2016)
    ]  # fmt: skip
    names = ["region", "period", "estimate", "uncertainty", "unit", "statistic"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "provinces.csv", index=False)
    nation = [("CN", year, 260_000.0, 9000.0, "Gg yr-1") for year in (2015, 2016)]
    pd.DataFrame(nation, columns=names[:5]).to_csv(tmp_path / "nation.csv", index=False)
    pd.DataFrame({"region": [*codes, "CN"], "parent": ["CN"] * 5 + [""]}).to_csv(
        tmp_path / "tree.csv", index=False
    )
    return tmp_path


def test_the_written_table_adds_up_to_nine_digits(files: Path, capsys) -> None:
    status, out, _ = reconcile(
        capsys, files / "out.csv", files / "provinces.csv", files / "nation.csv",
        "--hierarchy", files / "tree.csv",
    )  # fmt: skip
    assert status == 0
    assert "2015: 6 regions, chi square" in out
    assert "wholes and sums of parts agree to" in out
    made = pd.read_csv(files / "out.csv", dtype={"region": str, "parent": str})
    for _, part in made.groupby("period"):
        whole = part.loc[part["region"] == "CN", "estimate"].item()
        parts = part.loc[part["parent"] == "CN", "estimate"]
        assert len(parts) == 5
        assert abs(parts.sum() - whole) < 1e-9 * whole
    nation = made[made["region"] == "CN"]
    assert nation["before"].tolist() == pytest.approx([260.0, 260.0])  # Gg became Mt
    assert (made["unit"] == "Mt yr-1").all()
    assert "010000" in set(made["region"])


def test_commands_and_readers_say_what_is_wrong(files: Path, capsys) -> None:
    given = (files / "out.csv", files / "provinces.csv")
    status, _, err = reconcile(capsys, *given)
    assert status == 2
    assert "which region is part of which" in err
    status, _, err = reconcile(capsys, *given, "--hierarchy", files / "none.csv")
    assert status == 2
    assert "none.csv" in err
    with pytest.raises(PanelError, match="no column parent"):
        open_hierarchy(files / "nation.csv")
    with pytest.raises(PanelError, match="no column period"):
        open_estimates([files / "tree.csv"])
    with pytest.raises(PanelError, match=r"is in 'Mt yr-1'.*what becomes 'K'"):
        open_estimates([files / "provinces.csv"], unit="K")
    text = (files / "provinces.csv").read_text(encoding="utf-8")
    (files / "provinces.csv").write_text(text.replace("mean", "median"), encoding="utf-8")
    status, _, err = reconcile(capsys, *given, "--hierarchy", files / "tree.csv")
    assert status == 2
    assert "medians" in err
    (files / "provinces.csv").write_text(text.replace("Mt", "Gg", 1), encoding="utf-8")
    with pytest.raises(PanelError, match="has 2 units: Gg yr-1, Mt yr-1"):
        open_estimates([files / "provinces.csv"])
