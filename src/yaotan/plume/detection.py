"""`detect_plumes`: pixels that stand out from their surroundings, grown from those near a source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import SchemaError, YaotanError
from yaotan.plane import local_plane
from yaotan.plume.image import read_sigma
from yaotan.plume.mass import find_column
from yaotan.plume.smooth import background_field, local_mean
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

#: error of local means that does not fall with averaging, in units of the column: the values of ddeq 1.1
#: (0.2 ppm; 0.5e15 molecules cm-2); for other gases a third of the noise of a pixel
SYSTEMATIC: Final = {"xco2": 0.2, "no2": 8.3e-6}


def detect_plumes(
    scene: xr.Dataset,
    sources: gpd.GeoDataFrame | None = None,
    *,
    variable: str | None = None,
    false_alarm: float = 0.01,
    confidence: float = 0.99,
    reach: float = 15e3,
    filter_width: float = 0.7,
    systematic: float | None = None,
    block: int = 25,
    gap: int = 1,
) -> xr.Dataset:
    r"""Find plumes in an image by a local z-test.

    .. math:: z = \frac{\bar d - b}{\sqrt{\sigma^2 \sum k^2 + \sigma_{sys}^2}}

    with the local mean of the column under a Gaussian kernel k, the background b, the noise of a pixel and
    the error of a local mean that averaging does not lower. A plume is a connected set of pixels above the
    quantile `confidence` that holds at least one pixel near a source above a second, stricter quantile: it is
    chosen so that noise alone has one within `reach` of a source in a share `false_alarm` of images. Sets
    that the same sources begin, such as a plume that a cloud cuts in two, are one plume.

    Parameters
    ----------
    scene : xarray.Dataset
        Dims ``y, x``; ``<v>_uncertainty`` is the noise of each pixel, else it is taken from neighbours.
    sources : geopandas.GeoDataFrame, optional
        Table of `make_sources`. Without it every plume of the image is looked for.
    variable : str, optional
        Column in which plumes are looked for: a second gas (``no2``) with stronger plumes makes the mask of
        the first.
    false_alarm : float
        Chance of a plume by noise alone, for each source (without sources: for the image).
    confidence : float
        Quantile of the normal distribution above which a pixel joins a plume.
    reach : float
        How far from its source a plume may begin [m].
    filter_width : float
        Standard deviation of the kernel [pixels].
    systematic : float, optional
        Error of local means in the column's unit; default `SYSTEMATIC`.
    block : int
        Size of the blocks whose medians make the background [pixels].
    gap : int
        Pixels over which a plume is followed where values are missing or too small.

    Returns
    -------
    xarray.Dataset
        The scene with ``plume`` (number of the plume, 0 for none), ``plume_z``, ``<v>_background`` of the
        test.
        Attributes ``plumes`` (JSON: for each number its sources, pixels, greatest z, and whether several
        sources share it), ``plume_detected_in``, ``plume_mask_rule``.

    Raises
    ------
    SchemaError
        The data are no image, or hold no such column.
    YaotanError
        An option is out of range.

    Notes
    -----
    The background is made of block medians without plumes, and made again without what was found, until
    nothing changes. The rate of false alarms holds for independent normal noise of the stated size; an error
    with structure of the size of plumes raises it. The mask has kept pixels whose noise was positive: a sum
    over it is biased high, and no method here sums over it unless its effective wind was fitted so.
    """
    from scipy.ndimage import binary_dilation
    from scipy.stats import norm

    name = find_column(scene, variable)
    if set(scene[name].dims) != {"y", "x"}:
        raise SchemaError(f"{name} has dims {scene[name].dims}", where="detect_plumes", expected="y, x")
    _check_options(false_alarm, confidence, reach, filter_width, block, gap)
    values = scene[name].transpose("y", "x").values.astype(float)
    sigma = read_sigma(scene.transpose("y", "x", ...), name)
    valid = np.isfinite(values) & np.isfinite(sigma)
    values = np.where(valid, values, np.nan)
    error = SYSTEMATIC.get(name, 0.33 * float(np.nanmedian(sigma))) if systematic is None else systematic
    near = _near_sources(scene, sources, reach)
    low = float(norm.ppf(confidence))
    mean, variance = local_mean(values, np.where(valid, sigma, np.nan), filter_width)
    label = np.zeros(values.shape, np.uint16)
    table: list[dict[str, Any]] = []
    field, z = values, values
    for _ in range(6):
        grown = binary_dilation(label > 0, iterations=2)
        field = background_field(np.where(grown, np.nan, values), block)
        z = (mean - field) / np.sqrt(variance + error**2)
        again, table = _label(z, valid, near, low, false_alarm, gap)
        settled = np.array_equal(again > 0, label > 0)
        label = again
        if settled:
            break
    units = scene[name].attrs.get("units", "1")
    rule = f"z above the {confidence:g} quantile, kernel {filter_width:g} px, begun within {reach / 1e3:g} km"
    added = {
        "plume": (("y", "x"), label, {"long_name": "number of the plume", "units": "1"}),
        "plume_z": (("y", "x"), z, {"long_name": "local mean above background", "units": "1"}),
        f"{name}_background": (("y", "x"), field, {"long_name": "background of the test", "units": units}),
    }
    return scene.assign(added).assign_attrs(
        plumes=json.dumps(table), plume_detected_in=name, plume_mask_rule=rule
    )


def _check_options(*options: float) -> None:
    false_alarm, confidence, reach, width, block, gap = options
    for text, good in (
        ("false_alarm is not between 0 and 0.5", 0.0 < false_alarm < 0.5),
        ("confidence is not between 0.5 and 1", 0.5 < confidence < 1.0),
        ("reach is not above 0 m", reach > 0.0),
        ("filter_width is not from 0.3 to 10 pixels", 0.3 <= width <= 10.0),
        ("block is below 5 pixels", block >= 5),
        ("gap is negative", gap >= 0),
    ):
        if not good:
            raise YaotanError(text, where="detect_plumes")


def _near_sources(scene: xr.Dataset, sources: gpd.GeoDataFrame | None, reach: float) -> dict[str, Mask]:
    """Pixels near each source; of none, the whole image under the name ""."""
    lat, lon = (scene[name].transpose("y", "x").values for name in ("latitude", "longitude"))
    if sources is None:
        return {"": np.isfinite(lat)}
    check_sources(sources)
    made = {}
    for name, point, diameter in zip(sources["source"], sources.geometry, sources["diameter"], strict=True):
        # a coarse box first: most pixels of a swath are far away
        near = np.abs(lat - point.y) < np.degrees((reach + diameter) / 6.3e6)
        rows = np.flatnonzero(near.any(axis=1))
        mask = np.zeros(lat.shape, bool)
        if rows.size:
            part = slice(int(rows[0]), int(rows[-1]) + 1)
            east, north = local_plane(lat[part], lon[part], point.y, point.x)
            mask[part] = np.hypot(east, north) <= reach + diameter / 2.0
        made[str(name)] = mask
    return made


def _label(
    z: Floats, valid: Mask, near: dict[str, Mask], low: float, false_alarm: float, gap: int
) -> tuple[NDArray[np.uint16], list[dict[str, Any]]]:
    """Number connected sets of pixels that hold a seed, those of the same sources alike; largest z first."""
    from scipy.ndimage import binary_dilation, label
    from scipy.stats import norm

    with np.errstate(invalid="ignore"):
        above = valid & (z > low)
    eight = np.ones((3, 3), bool)
    wide = binary_dilation(above, eight, iterations=gap) if gap else above
    parts, _ = label(wide, eight)
    held: dict[int, list[str]] = {}
    for name, mask in near.items():
        tested = valid & mask
        count = int(tested.sum())
        if count == 0:
            continue
        strict = float(norm.isf(1.0 - (1.0 - false_alarm) ** (1.0 / count)))
        seeds = tested & above & (z > strict)
        for number in np.unique(parts[seeds]):
            held.setdefault(int(number), []).append(name)
    out = np.zeros(z.shape, np.uint16)
    table = []
    for place, (peak, names, chosen) in enumerate(_gather(held, parts, above, z), start=1):
        out[chosen] = place
        table.append(
            {
                "plume": place,
                "sources": names,
                "overlap": len(names) > 1,
                "pixels": int(chosen.sum()),
                "greatest_z": round(peak, 2),
            }
        )
    return out, table


def _gather(
    held: dict[int, list[str]], parts: NDArray[np.int32], above: Mask, z: Floats
) -> list[tuple[float, list[str], Mask]]:
    """Peak, sources and pixels of every plume, greatest peak first; sets without a source stay alone."""
    together: dict[tuple[object, ...], list[int]] = {}
    for number, names in held.items():
        together.setdefault(tuple(names) if any(names) else (number,), []).append(number)
    found = []
    for numbers in together.values():
        chosen = above & np.isin(parts, numbers)
        names = [name for name in held[numbers[0]] if name]
        found.append((float(z[chosen].max()), names, chosen))
    return sorted(found, key=lambda one: -one[0])


def plume_of(scene: xr.Dataset, source: str) -> tuple[int, list[str]]:
    """Give the number of the plume of a source, 0 for none, and the sources that share it.

    Raises
    ------
    SchemaError
        `detect_plumes` was not run on the scene.
    """
    if "plumes" not in scene.attrs:
        raise SchemaError("plumes were not looked for", where="scene", fix="detect_plumes(scene, sources)")
    for entry in json.loads(scene.attrs["plumes"]):
        if source in entry["sources"]:
            return int(entry["plume"]), [name for name in entry["sources"] if name != source]
    return 0, []


def plume_features(scene: xr.Dataset) -> gpd.GeoDataFrame:
    """Outlines of the plumes of a scene.

    Parameters
    ----------
    scene : xarray.Dataset
        Result of `detect_plumes`; with ``latitude_corner`` the outlines follow pixels, else they are hulls of
        their centres.

    Returns
    -------
    geopandas.GeoDataFrame
        One row for each plume: ``plume``, ``sources`` (by comma), ``overlap``, ``pixels``, ``greatest_z``,
        ``detected_in``, geometry in longitude and latitude.

    Raises
    ------
    SchemaError
        `detect_plumes` was not run on the scene.
    """
    import geopandas as gpd
    import shapely

    plume_of(scene, "")
    label = scene["plume"].values
    rows, outlines = [], []
    for entry in json.loads(scene.attrs["plumes"]):
        held = label == entry["plume"]
        if "latitude_corner" in scene:
            ring = [scene[name].values[held] for name in ("longitude_corner", "latitude_corner")]
            ring[0] = _unwrapped(ring[0])
            outlines.append(shapely.union_all(shapely.polygons(np.stack(ring, -1))))
        else:
            lon = _unwrapped(scene["longitude"].values[held])
            outlines.append(
                shapely.MultiPoint(np.stack([lon, scene["latitude"].values[held]], -1)).convex_hull
            )
        rows.append({**entry, "sources": ",".join(entry["sources"])})
    columns = ["plume", "sources", "overlap", "pixels", "greatest_z"]
    table = {name: [row[name] for row in rows] for name in columns}
    table["detected_in"] = [scene.attrs["plume_detected_in"]] * len(rows)
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(outlines, crs=4326), crs=4326)


def _unwrapped(longitude: Floats) -> Floats:
    """Longitudes without a jump at the dateline (some then lie beyond 180)."""
    if np.ptp(longitude) > 180.0:
        return np.where(longitude < 0.0, longitude + 360.0, longitude)
    return longitude
