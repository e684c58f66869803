"""What plumes hand to the report: estimates of point sources by scene, members, outlines, what draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from yaotan.report.shape import check_columns

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

#: columns that the tables have at least; terms of the error are ``emission_uncertainty_<term>``
SOURCE_COLUMNS: Final = ("source", "name", "kind")
ESTIMATE_COLUMNS: Final = (
    *("scene", "source", "name", "time", "emission", "emission_uncertainty", "status", "cautions", "reason"),
    *("wind_speed", "wind_direction", "member_count", "chi_square", "degrees_of_freedom", "i_squared"),
)
MEMBER_COLUMNS: Final = (
    *("scene", "source", "method", "wind", "background", "emission", "emission_uncertainty", "status"),
    *("cautions", "reason", "weight"),
)


@dataclass(frozen=True)
class PointSourceResult:
    """Emissions of point sources over the scenes and overpasses of a study; all of them in kg s-1.

    Parameters
    ----------
    substance : str
        Gas, as in ``catalogs/gases.yaml``.
    sources : geopandas.GeoDataFrame
        source, name, kind, and points.
    estimates : pandas.DataFrame
        A row for each scene and source in it: `ESTIMATE_COLUMNS`, ``emission_uncertainty_<term>``,
        ``spread_method``, ``spread_wind``; ``status`` is a word, ``cautions`` words by comma.
    members : pandas.DataFrame
        A row for each of the ways to an estimate: `MEMBER_COLUMNS`.
    plumes, lines : geopandas.GeoDataFrame
        Outlines of plumes and centre lines (``kind`` centre_line, wind), with the column scene.
    views : mapping of (scene, source) to xarray.Dataset
        What draws a source (`yaotan.plume.view.draw_view`), the clearest plumes first.
    annual : xarray.Dataset, optional
        Of `yaotan.annual_emission`.
    observability : geopandas.GeoDataFrame, optional
        Of `yaotan.plume.observable_sources`.
    failures : pandas.DataFrame, optional
        scene, reason: scenes that could not be used.
    seasons : tuple of (estimate, drawn)
        Many scenes averaged first: the estimate of `flux_divergence` with the field of `mean_flux`, or that
        of `emg` with its `fitted_curve`; None in the place of these for an estimate that is in the table
        alone (CO2 by the ratio to NOx, sources beyond those that are drawn).
    facts : mapping
        ``scenes`` (number), ``variable``, ``mask_variable``, ``methods``, ``winds``, ``outside`` (pairs of
        scene and source that do not meet), ``left_out`` (views that were not kept), ``profile``;
        ``season``: of scenes that are averaged ``scenes``, ``failed``, ``status`` (looks by outcome).
    """

    substance: str
    sources: gpd.GeoDataFrame
    estimates: pd.DataFrame
    members: pd.DataFrame
    plumes: gpd.GeoDataFrame
    lines: gpd.GeoDataFrame
    views: Mapping[tuple[str, str], xr.Dataset] = field(default_factory=dict)
    annual: xr.Dataset | None = None
    observability: gpd.GeoDataFrame | None = None
    failures: pd.DataFrame | None = None
    seasons: tuple[tuple[xr.Dataset, xr.Dataset | None], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, columns in (
            ("sources", SOURCE_COLUMNS),
            ("estimates", ESTIMATE_COLUMNS),
            ("members", MEMBER_COLUMNS),
            ("plumes", ("scene", "plume", "sources")),
            ("lines", ("scene", "source", "method", "kind")),
        ):
            check_columns(getattr(self, kind), columns, kind, "PointSourceResult")
