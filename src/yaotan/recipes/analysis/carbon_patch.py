"""Patches of change of a study, for checks in the field."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from yaotan.carbon.patch import FIELD, change_patches, write_patches
from yaotan.errors import SchemaError, YaotanError
from yaotan.io.write import write
from yaotan.recipes.analysis.carbon_source import CarbonSources
from yaotan.recipes.analysis.skip import skip
from yaotan.recipes.step import Made, Step

#: columns of patches that the page shows
PATCH_COLUMNS: Final = (
    *("patch_id", "before", "before_name", "before_name_zh", "after", "after_name", "after_name_zh"),
    *("area", "carbon_change", "longitude", "latitude"),
)


def class_densities(sources: CarbonSources) -> dict[int, float]:
    """Give the carbon of each class over all pools of the table [kg m-2]; a class with a blank has none.

    Raises
    ------
    SchemaError
        Densities come from rasters or differ by zone: a class has no one density then.
    """
    pools = sources.pools
    if pools is None or sources.options.rasters or pools.zones:
        raise SchemaError("densities come from rasters or differ by zone, so a class has no one density")
    wanted = [str(pool) for pool in sources.options.accounted or pools.pools]
    frame = pools.frame[pools.frame["pool"].isin(wanted)]
    found = {}
    for code, rows in frame.groupby("class"):
        values = rows["value"].to_numpy(float)
        if len(rows) == len(wanted) and np.isfinite(values).all():
            found[int(str(code))] = float(values.sum())
    return found


def patch_step(sources: CarbonSources) -> Step:
    """Make the step that finds patches of change for checks in the field.

    Outputs ``carbon/patches.gpkg``, pictures in ``carbon/patches_pictures``, ``carbon/patches.csv``.
    """
    options = sources.options.patches
    assert options is not None
    folder = sources.context.folder / "carbon"

    def work() -> Made:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            densities: dict[int, float] | None = class_densities(sources)
        except SchemaError:
            densities = None  # ranked by area alone, which the summary says
        try:
            made = change_patches(
                sources.land(0),
                sources.land(len(sources.options.years) - 1),
                densities=densities,
                **options.model_dump(),
            )
        except YaotanError as error:
            return [], {"skipped": [skip("patches", error)]}
        path = write_patches(made, folder / "patches.gpkg")
        plain = pd.DataFrame(made.drop(columns=[made.geometry.name, "picture_png", *FIELD], errors="ignore"))
        table = write(plain[[name for name in PATCH_COLUMNS if name in plain]], folder / "patches.csv")
        pictures = [folder / "patches_pictures" / f"patch_{number:04d}.png" for number in made["patch_id"]]
        facts = {"found": made.attrs["found"], "found_area": made.attrs["found_area"]}
        facts |= {"ranked": "area" if densities is None else "carbon", "least_area": options.least_area}
        drawn = [one for one in pictures if one.is_file()] if options.pictures else []
        return [path, table, *drawn], {"facts": facts}

    left = ("change", "uncertainty", "published", "maps")
    return Step(
        "carbon-patches", sources.digests("c_", "accuracy", "published"), sources.parameters(*left), work
    )
