"""`yaotan fill`: granules or a grid to a filled map."""

from __future__ import annotations

import json
from typing import Any

import xarray as xr

from yaotan.column.fill.filling import METHODS, fill_gaps, options_of
from yaotan.column.fill.mean import MeanModel
from yaotan.errors import NotAGranuleError, YaotanError
from yaotan.grid.spec import GridSpec
from yaotan.io.identify import identify
from yaotan.io.netcdf import open_grid
from yaotan.io.region import open_regions
from yaotan.io.soundings import open_soundings
from yaotan.io.write import write

#: soundings are read this far around the grid [degrees]
_MARGIN = 10.0
#: options of the mean, of the grid and of reading
_MEAN = ("space", "time", "harmonics", "season_space")
_READING = ("product", "quality", "on_error", "aliases", "trust_layout")


def fill_files(files: list[str], target: str, **options: Any) -> None:
    """Read, fit, fill, write, and say what leaving out showed.

    Parameters
    ----------
    files : list of str
        Granules, folders, patterns; or one gridded file.
    target : str
        File to write.
    **options
        Of the command (`yaotan.cli.command`).
    """
    bounds = options.pop("bounds")
    spec = GridSpec.regular(options.pop("resolution"), bounds)
    reading = {name: options.pop(name) for name in _READING}
    region = options.pop("region")
    data = _open(files, bounds, reading)
    mean = MeanModel(**{name: options.pop(name) for name in _MEAN})
    filled = fill_gaps(
        data,
        spec,
        options.pop("times"),
        mean=mean,
        average=_average(options.pop("average")),
        region=None if region is None else open_regions(region),
        **_of_method(options),
    )
    write(filled, target)
    _say(filled, target)


def _of_method(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what other methods than the chosen one take, where it stands at its default."""
    every = {name: default for method in METHODS for name, default in options_of(method).items()}
    taken = options_of(options["method"]) if options["method"] in METHODS else every
    return {
        name: value
        for name, value in options.items()
        if name in taken or name not in every or value != every[name]
    }


def _open(files: list[str], bounds: tuple[float, ...], reading: dict[str, Any]) -> xr.Dataset:
    """Open soundings around the grid, or the one file as a grid when it is no granule."""
    if len(files) == 1 and reading["product"] is None:
        try:
            identify(files[0], aliases=reading["aliases"])
        except NotAGranuleError:
            try:
                return open_grid(files[0], trust_layout=reading["trust_layout"])
            except YaotanError:
                # neither: the message of the other reader is the one to show, unless that succeeds (a folder)
                pass
    return open_soundings(files, region=_around(bounds), **reading)


def _around(bounds: tuple[float, ...]) -> tuple[float, float, float, float] | None:
    west, south, east, north = bounds
    width = (east - west) % 360.0 or 360.0
    south, north = max(south - _MARGIN, -90.0), min(north + _MARGIN, 90.0)
    if width + 2.0 * _MARGIN >= 360.0:
        return (-180.0, south, 180.0, north)
    west, east = ((edge + 180.0) % 360.0 - 180.0 for edge in (west - _MARGIN, east + _MARGIN))
    return (west, south, east, north)


def _average(text: str | None) -> str | float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _say(filled: xr.Dataset, target: str) -> None:
    name = next(str(key) for key in filled.data_vars if f"{key}_measured" in filled)
    units = filled[name].attrs["units"]
    flags = filled[f"{name}_measured"]
    counts = {
        word: int((flags == value).sum())
        for value, word in zip(flags.flag_values, flags.flag_meanings.split(), strict=True)
    }
    words = ", ".join(f"{number} {word.replace('_', ' ')}" for word, number in counts.items())
    print(f"{target}: {filled.attrs['observations']} observations; cells: {words}")
    for entry in json.loads(filled.attrs["validation"]):
        print(
            f"leaving out each {entry['scheme']}: rmse {entry['rmse']:.2f} {units}, "
            f"bias {entry['bias']:+.2f}, inside 68 %: {100 * entry['coverage_68']:.0f} %, "
            f"inside 95 %: {100 * entry['coverage_95']:.0f} %"
        )
