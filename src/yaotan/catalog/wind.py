"""Sources of winds as data: the names under which each variable is delivered."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from yaotan.catalog.problem import name_problem
from yaotan.catalog.source import load_yaml, root
from yaotan.typing import PathLike


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WindVariable(_Entry):
    """One variable: native names, what it becomes, and how to ask the archive for it.

    Parameters
    ----------
    names : tuple of str
        Under which files deliver it, the usual one first.
    on_levels : bool
        Whether it stands on pressure levels.
    units : str
        Delivered. `native_units`, after division by `divide`, is turned into it where a file says so.
    height : float, optional
        Above ground [m].
    partner : str, optional
        The other component of the wind.
    request : str
        What the archive calls it in a request.
    """

    names: tuple[str, ...]
    on_levels: bool = False
    units: str
    native_units: str | None = None
    divide: float = 1.0
    standard_name: str
    long_name: str
    height: float | None = None
    partner: str | None = None
    request: str


class WindAxes(_Entry):
    """Names of the axes; the first one present is taken."""

    time: tuple[str, ...]
    level: tuple[str, ...]
    latitude: tuple[str, ...]
    longitude: tuple[str, ...]
    member: tuple[str, ...] = ()
    version: tuple[str, ...] = ()


class WindSource(_Entry):
    """One source of winds, such as ERA5."""

    title: dict[str, str]
    checked: Literal["file", "note"]
    references: tuple[str, ...]
    licence: str
    single_levels: str
    pressure_levels: str
    axes: WindAxes
    #: values of the version axis that mean data which may still change
    preliminary: tuple[str, ...] = ()
    variables: dict[str, WindVariable]

    @model_validator(mode="after")
    def _paired(self) -> WindSource:
        for name, variable in self.variables.items():
            partner = variable.partner
            if partner is not None and (
                partner not in self.variables or self.variables[partner].partner != name
            ):
                raise ValueError(f"{name}: partner {partner!r} does not name it in turn")
        return self

    def archive_of(self, name: str) -> str:
        """Say which data set of the archive holds a variable, and under which name."""
        variable = self.variables[name]
        return f"{variable.request} of {self.pressure_levels if variable.on_levels else self.single_levels}"


def read_winds(path: PathLike) -> dict[str, WindSource]:
    """Read and check a file of wind sources.

    Parameters
    ----------
    path : path-like
        YAML as ``catalogs/winds.yaml``.

    Returns
    -------
    dict
        Name to `WindSource`.

    Raises
    ------
    CatalogError
        Names the file, the key and what is wrong with it.
    """
    with name_problem(path):
        return {name: WindSource.model_validate(entry) for name, entry in load_yaml(path).items()}


@cache
def winds() -> dict[str, WindSource]:
    """Give every known source of winds by name.

    Examples
    --------
    >>> winds()["era5"].archive_of("wind_u_10m")
    '10m_u_component_of_wind of reanalysis-era5-single-levels'
    """
    return read_winds(root() / "winds.yaml")
