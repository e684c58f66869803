"""A layout known from documents only is said once by every command, until the user confirms it."""

from __future__ import annotations

import inspect
import json
import warnings
from functools import reduce
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import yaotan
from contract.cases import all_cases
from contract.truth import make_truth
from yaotan.catalog.product import load_products
from yaotan.cli.command import COMMANDS
from yaotan.cli.main import main
from yaotan.errors import UncheckedLayoutWarning
from yaotan.io.trust import forget_warnings
from yaotan.simulate.layout import Retrieval, gmi_name, oco2_lite_name, write_gmi, write_oco2_lite

#: commands that read granules or products of others
OPENING = {"info", "grid", "zonal", "catalog", "run"}
WORDS = "never run on a real file"


def resolve(text):
    module, _, name = text.partition(":")
    return reduce(getattr, name.split("."), import_module(module))


@pytest.fixture(autouse=True)
def fresh():
    forget_warnings()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three granules of an unchecked product, and one of a checked one beside."""
    base = tmp_path_factory.mktemp("trust")
    (base / "data").mkdir()
    (base / "other").mkdir()
    for day in (14, 15, 16):
        time = np.datetime64(f"2020-01-{day}T05:30:00", "ns") + np.arange(20).astype("timedelta64[s]")
        write_gmi(base / "data" / gmi_name(f"2020-01-{day}", 30.0, 114.0, day), Retrieval.make(20, time=time))
    write_oco2_lite(base / "other" / oco2_lite_name("2020-01-15"), Retrieval.make(20))
    square = [[[110, 25], [120, 25], [120, 35], [110, 35], [110, 25]]]
    feature = {
        "type": "Feature",
        "properties": {"id": "a", "name": "A"},
        "geometry": {"type": "Polygon", "coordinates": square},
    }
    (base / "regions.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    for name in ("file", "note"):
        (base / f"{name}.yaml").write_text(f"extends: gf5b_gmi\nchecked: {name}\n")
    return base


def write_study(folder: Path, target: Path, product: str | None = None) -> Path:
    own = f", product: {folder / product}" if product else ""
    study = target / "study.yaml"
    study.write_text(
        f"title: trust\nperiod: [2020-01-01, 2020-01-31]\ninputs: [{{path: {folder / 'data'}{own}}}]\n"
        f"regions: {{path: {folder / 'regions.geojson'}}}\n"
    )
    return study


def command(name: str, folder: Path, target: Path, product: str | None = None) -> list[str]:
    """Write a command line that opens the unchecked granules."""
    files = sorted(str(path) for path in (folder / "data").glob("*.h5"))
    assert len(files) == 3
    words = {
        "info": ["info", *files],
        "grid": ["grid", *files, str(target / "grid.nc"), "--bounds", "110", "25", "120", "35"],
        "catalog": ["catalog", str(folder / "data"), "--target", str(target / "index.parquet")],
    }
    if name == "run":
        return ["run", "--check", str(write_study(folder, target, product))]
    return [*words[name], *(["--product", str(folder / product)] if product else [])]


def say(arguments: list[str], capsys) -> str:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr()
    assert not stop.value.code, said.err
    return said.err


def test_every_command_that_can_be_told_is_told():
    able = {
        item.name
        for item in COMMANDS
        if any("trust_layout" in inspect.signature(resolve(text)).parameters for text in item.functions)
    }
    shown = {item.name for item in COMMANDS if any(option.name == "trust_layout" for option in item.options)}
    assert able == shown >= OPENING


@pytest.mark.parametrize("name", sorted(OPENING - {"zonal"}))
def test_a_command_says_it_once(folder, tmp_path, capsys, name):
    said = say(command(name, folder, tmp_path), capsys)
    assert said.count(WORDS) == 1
    assert "--trust-layout" in said


@pytest.mark.parametrize("name", sorted(OPENING - {"zonal"}))
def test_the_option_confirms_it(folder, tmp_path, capsys, name):
    assert WORDS not in say([*command(name, folder, tmp_path), "--trust-layout"], capsys)


@pytest.mark.parametrize("name", sorted(OPENING - {"zonal"}))
def test_a_product_file_of_the_user_confirms_it(folder, tmp_path, capsys, name):
    assert WORDS not in say(command(name, folder, tmp_path, "file.yaml"), capsys)


@pytest.mark.parametrize("name", sorted(OPENING - {"zonal"}))
def test_a_product_file_that_does_not_confirm_it_is_no_pass(folder, tmp_path, capsys, name):
    assert say(command(name, folder, tmp_path, "note.yaml"), capsys).count(WORDS) == 1


def test_a_checked_product_is_never_spoken_of(folder, tmp_path, capsys):
    assert load_products()["oco2_lite"].checked == "file"
    assert WORDS not in say(
        ["catalog", str(folder / "other"), "--target", str(tmp_path / "i.parquet")], capsys
    )


def test_confirming_it_reads_no_granule_of_a_finished_run_again(folder, tmp_path):
    study = write_study(folder, tmp_path)
    with pytest.warns(UncheckedLayoutWarning):
        yaotan.run(study)
    # the report shows the study as it was run, so it is drawn anew
    assert set(yaotan.run(study, trust_layout=True).executed) <= {"report", "stac"}


def test_an_index_speaks_of_what_is_read_now(folder, tmp_path):
    with pytest.warns(UncheckedLayoutWarning) as said:
        yaotan.index_granules(folder / "data", target=tmp_path / "i.parquet", workers=2)
    assert Path(said[0].filename).name == Path(__file__).name
    forget_warnings()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yaotan.index_granules(folder / "data", target=tmp_path / "i.parquet")


def open_with_engine(path, **how):
    return xr.open_dataset(path, engine="yaotan", **how)


@pytest.mark.parametrize(
    ("opened", "product"),
    [
        (yaotan.identify, "gf5b_gmi"),
        (open_with_engine, "gf5b_gmi"),
        (yaotan.open_wind, "oco3_lite"),
        (yaotan.open_stations, "tccon_ggg2014"),
    ],
)
def test_each_way_of_opening_says_it_too(opened, product, tmp_path):
    case = next(case for case in all_cases() if case.product == product)
    path = tmp_path / case.file_name
    case.write(path, make_truth(case.shape))
    with pytest.warns(UncheckedLayoutWarning, match=product):
        opened(path)
    forget_warnings()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UncheckedLayoutWarning)
        opened(path, trust_layout=True)
