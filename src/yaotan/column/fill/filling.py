"""One call from observations with gaps to a filled map and what leaving out says of it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any, Final

import xarray as xr

from yaotan.column.fill.crossvalidation import CrossValidation, Scheme, cross_validate
from yaotan.column.fill.dineof import Dineof
from yaotan.column.fill.filler import Data, GapFiller
from yaotan.column.fill.fixed_rank import FixedRankKriging
from yaotan.column.fill.kriging import SpaceTimeKriging
from yaotan.column.fill.step import Times
from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.grid.spec import GridSpec

#: Name of a method -> its filler.
METHODS: Final[dict[str, Callable[..., GapFiller]]] = {
    "kriging": SpaceTimeKriging,
    "fixed-rank": FixedRankKriging,
    "dineof": Dineof,
}
#: What is left out, the honest figure last.
_SCHEMES: Final[tuple[Scheme, ...]] = ("observation", "overpass", "block")


def fill_gaps(
    data: Data,
    spec: GridSpec,
    times: Times = "month",
    *,
    method: str = "kriging",
    variable: str | None = None,
    region: Any = None,
    validation: bool = True,
    **options: Any,
) -> xr.Dataset:
    """Fit a gap filler, fill a grid, and say how good it is where there are no data.

    Parameters
    ----------
    data : xarray.Dataset, sequence of them, or Observations
        Soundings or gridded soundings.
    spec : GridSpec
        The cells.
    times : str, sequence or Periods
        See `yaotan.column.fill.step.resolve_times`.
    method : str
        ``"kriging"``: `yaotan.column.fill.kriging.SpaceTimeKriging`, ``"fixed-rank"``:
        `yaotan.column.fill.fixed_rank.FixedRankKriging`, ``"dineof"``: `yaotan.column.fill.dineof.Dineof`.
    variable : str, optional
        Column variable; may be left out where there is one only.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        Cells with their centre elsewhere (sea, say) are left out.
    validation : bool
        Leave out observations, overpasses and blocks in turn, and predict them.
    **options
        Of the filler; one that it does not take is refused.

    Returns
    -------
    xarray.Dataset
        As `GapFiller.predict`; ``attrs["validation"]`` is a JSON list with one entry for each scheme of
        leaving out (`CrossValidation.summary`): the figure of ``block`` is what the map is worth in a gap.

    Raises
    ------
    YaotanError
        Unknown method, an option that is not the method's, and what the filler raises.

    Examples
    --------
    >>> from yaotan import fill_gaps
    >>> from yaotan.column import MeanModel
    >>> from yaotan.simulate.record import simulate_record
    >>> record = simulate_record(1, days=40)
    >>> filled = fill_gaps(
    ...     record.soundings,
    ...     GridSpec.regular(5.0, (90, 25, 120, 45)),
    ...     "month",
    ...     mean=MeanModel(harmonics=0),
    ...     refine=False,
    ... )
    >>> filled["xco2"].shape
    (2, 4, 6)
    """
    if method not in METHODS:
        raise YaotanError(f"method {method!r} is unknown", expected=", ".join(METHODS))
    taken = options_of(method)
    strange = sorted(set(options) - set(taken))
    if strange:
        raise YaotanError(
            f"method {method} has no option {', '.join(strange)}", expected=f"of {', '.join(sorted(taken))}"
        )
    filler = METHODS[method](**options).fit(data, variable=variable)
    filled = filler.predict(spec, times, region=region)
    if not validation:
        return filled
    summaries = [entry.summary() for entry in validate_filler(filler)]
    return filled.assign_attrs(validation=json.dumps(summaries))


def options_of(method: str) -> dict[str, Any]:
    """Give the options of a method and their defaults.

    Examples
    --------
    >>> options_of("kriging")["maximum"], options_of("dineof")["cell"]
    (64, 2.0)
    """
    parameters = inspect.signature(METHODS[method]).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def validate_filler(filler: GapFiller) -> list[CrossValidation]:
    """Leave out by every scheme; one that leaves nothing to predict from (a single overpass) is not in it."""
    found = []
    for scheme in _SCHEMES:
        try:
            found.append(cross_validate(filler, scheme=scheme))
        except TooFewSoundingsError:
            continue
    return found
