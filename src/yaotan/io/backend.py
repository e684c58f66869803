"""The xarray engine: ``xr.open_dataset(path, engine="yaotan")``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import xarray as xr
from xarray.backends import BackendEntrypoint

from yaotan.io.soundings import open_soundings


class YaotanBackend(BackendEntrypoint):
    """Opens one granule of any known product as soundings, all qualities included.

    It never claims a file by itself: xarray's own netCDF engines would win anyway.
    """

    description = "Soundings of greenhouse-gas products (yaotan)"
    open_dataset_parameters: ClassVar[tuple[str, ...]] = (
        "filename_or_obj",
        "drop_variables",
        "product",
        "trust_layout",
    )

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        product: str | None = None,
        trust_layout: bool = False,
    ) -> xr.Dataset:
        """Open one granule.

        Parameters
        ----------
        filename_or_obj : path-like
            File.
        drop_variables : str or iterable of str, optional
            Names to leave out.
        product : str, optional
        trust_layout : bool
            As in `yaotan.open_soundings`.

        Returns
        -------
        xarray.Dataset
            Soundings of every quality, lazily.

        Raises
        ------
        NotAGranuleError
            The file is damaged or unknown.
        """
        soundings = open_soundings(filename_or_obj, product=product, quality="all", trust_layout=trust_layout)
        unwanted = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        return soundings.drop_vars(unwanted, errors="ignore")

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Say no: this engine is chosen by name."""
        return False
