"""The command line: one table over public functions; one message and exit status 2 for a user's error."""

from __future__ import annotations

import inspect
import subprocess
import sys
from functools import reduce
from importlib import import_module

import numpy as np
import pytest

import yaotan
from yaotan.cli.command import COMMANDS
from yaotan.cli.main import main
from yaotan.simulate.layout import Retrieval, oco2_lite_name, write_oco2_lite

PARAMETERS = [(command, option) for command in COMMANDS for option in command.options]


def resolve(text):
    module, _, name = text.partition(":")
    return reduce(getattr, name.split("."), import_module(module))


@pytest.mark.parametrize(("command", "option"), PARAMETERS, ids=lambda item: getattr(item, "name", ""))
def test_option_is_a_parameter_with_the_same_default(command, option):
    found = [
        parameter
        for text in command.functions
        for parameter in [inspect.signature(resolve(text)).parameters.get(option.name)]
        if parameter is not None
    ]
    assert found, f"{command.name} --{option.name} is no parameter of {command.functions}"
    defaults = [parameter.default for parameter in found if parameter.default is not inspect.Parameter.empty]
    # a required parameter of a library function may have a default on the command line only
    assert all(default == option.default for default in defaults)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_function_is_public(command):
    for text in command.functions:
        name = text.partition(":")[2].split(".")[0]
        assert any(
            name in place.__all__
            for place in (
                yaotan,
                yaotan.carbon,
                yaotan.column,
                yaotan.emission,
                yaotan.io,
                yaotan.plume,
            )
        )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.name.split(), "--help"])
    assert stop.value.code == 0
    assert command.help.split(":")[0] in " ".join(capsys.readouterr().out.split())


def test_error_is_one_message(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["info", str(tmp_path / "nothing.nc")])
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("yaotan: error: ")
    assert "nothing.nc" in captured.err
    assert "Traceback" not in captured.err
    assert not captured.out


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(yaotan.YaotanError):
        main(["--debug", "info", str(tmp_path / "nothing.nc")])


def test_unknown_option_is_status_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", "--nonsense"])
    assert stop.value.code == 2


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"yaotan {yaotan.__version__}"


def test_help_loads_nothing_heavy():
    code = "import sys, yaotan.cli.main; print(sorted(m for m in sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'xarray'", "'pandas'", "'numpy'", "'matplotlib'", "'rich'"):
        assert heavy not in modules


def test_info_says_what_was_matched_by_aliases(tmp_path, capsys):
    from yaotan.simulate.layout import Retrieval, write_gmi

    write_gmi(tmp_path / "GF5B_GMI.h5", Retrieval.make(3), layout="grouped")
    with pytest.raises(SystemExit) as stop:
        main(["info", str(tmp_path / "GF5B_GMI.h5")])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "xco2 <- /Result/CO2_Dry_Air_Mole_Fraction: found by alias, unit" in shown
    assert "assumed: 0 is good" in shown
    assert "version   not stated" in shown


@pytest.fixture
def granule(tmp_path):
    path = tmp_path / oco2_lite_name("2020-01-15")
    write_oco2_lite(path, Retrieval.make(40, quality=np.repeat([0, 1], 20)))
    return path


def run_main(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


def test_grid_says_what_was_lost_and_skipped(tmp_path, granule, capsys):
    (tmp_path / "bad.nc4").write_text("nothing")
    target = tmp_path / "out.nc"
    assert run_main("grid", granule, tmp_path / "bad.nc4", target, "--on-error", "skip") == 0
    captured = capsys.readouterr()
    assert "40 soundings read, 20 kept" in captured.out
    assert "quality_flag 20" in captured.out
    assert captured.err.startswith("skipped ")
    assert "bad.nc4" in captured.err
    assert target.is_file()


def test_grid_with_no_sounding_in_its_bounds_is_refused(tmp_path, granule, capsys):
    target = tmp_path / "out.nc"
    assert run_main("grid", granule, target, "--bounds", "0", "0", "10", "10") == 2
    message = capsys.readouterr().err
    for word in ("no cell has a value", "outside_grid 20", "quality_flag 20", "--bounds"):
        assert word in message
    assert not target.exists()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--quality", "best", ("good", "all", "bad")),
        ("--weight", "aera", ("area", "centre", "footprint", "response")),
        ("--on-error", "ignore", ("raise", "skip")),
        ("--plane", "flat", ("geographic", "equal_area")),
        ("--period", "fortnight", ("day", "month", "season", "year")),
        ("--product", "oco2", ("oco2_lite", "nies_gosat_co2")),
        ("--resolution", "0", ("resolution", "above 0")),
        ("--overpass-correlation", "3", ("overpass_correlation", "from 0 to 1")),
    ],
)
def test_wrong_value_of_an_option_names_the_right_ones(tmp_path, granule, capsys, option, value, words):
    before = sorted(tmp_path.iterdir())
    assert run_main("grid", granule, tmp_path / "out.nc", option, value) == 2
    message = capsys.readouterr().err
    for word in words:
        assert word in message
    assert sorted(tmp_path.iterdir()) == before


def test_interruption_is_one_line_and_status_130(monkeypatch, capsys):
    def interrupted(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr("yaotan.cli.runner.run_run", interrupted)
    assert run_main("run", "study.yaml") == 130
    assert capsys.readouterr().err == "yaotan: interrupted; the same command goes on from here\n"


def test_a_closed_pipe_is_no_traceback(granule):
    arguments = [sys.executable, "-m", "yaotan", "info", *[str(granule)] * 60]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()


def test_a_full_disk_is_one_message(monkeypatch, capsys):
    def full(**options):
        raise OSError(28, "No space left on device", "results/columns")

    monkeypatch.setattr("yaotan.cli.runner.run_run", full)
    assert run_main("run", "study.yaml") == 2
    assert capsys.readouterr().err.startswith("yaotan: error: results/columns: no space left on device.")


def test_fill_says_what_leaving_out_showed(tmp_path, capsys):
    from yaotan.simulate.record import simulate_record

    record = simulate_record(1, days=40).soundings
    record["sounding_id"] = ("sounding", np.arange(record.sizes["sounding"], dtype=np.uint64))
    spec = yaotan.GridSpec.regular(2.0, (90, 24, 120, 44))
    grid = yaotan.grid_soundings(record, spec, period="8D", weight="centre")
    yaotan.write(grid, tmp_path / "grid.nc")
    place = ["--bounds", "90", "24", "120", "44", "--resolution", "5", "--times", "8D"]
    main_result = tmp_path / "filled.nc"
    with pytest.raises(SystemExit) as stop:
        main(["fill", str(tmp_path / "grid.nc"), str(main_result), *place, "--harmonics", "0"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "leaving out each block: rmse" in out
    assert "0 left out" in out
    filled = yaotan.open_grid(main_result)
    assert filled.attrs["kind"] == "interpolated"
    assert bool(filled["xco2_uncertainty"].min() > 0.0)
    with pytest.raises(SystemExit) as stop:
        main(["fill", str(tmp_path / "grid.nc"), str(main_result), *place])
    assert stop.value.code == 2
    assert "days of data cannot tell a season from a trend" in capsys.readouterr().err


def test_fill_takes_the_options_of_its_method_only(monkeypatch, tmp_path):
    from yaotan.cli import fill

    seen = {}

    def note(data, spec, times, **options):
        seen.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(fill, "fill_gaps", note)
    monkeypatch.setattr(fill, "_open", lambda *_: None)
    command = next(one for one in COMMANDS if one.name == "fill")
    options = {option.name: option.default for option in command.options}
    with pytest.raises(KeyboardInterrupt):
        fill.fill_files(["x"], "y.nc", **{**options, "method": "dineof", "cell": 3.0, "maximum": 9})
    # another method's option is passed on where the user set it, and refused there
    assert seen["cell"] == 3.0
    assert seen["maximum"] == 9
    assert "minimum" not in seen
    assert "functions" not in seen
    with pytest.raises(yaotan.YaotanError, match="method dineof has no option maximum"):
        yaotan.fill_gaps(None, None, method="dineof", maximum=9)
