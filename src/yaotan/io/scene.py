"""Open one granule of a swath product as an image: scan lines by ground pixels, cut to a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from yaotan.catalog.product import find_product
from yaotan.errors import NotAGranuleError, RegionError, YaotanError
from yaotan.io.attribute import dataset_attributes, variable_attributes
from yaotan.io.bound import Box, Polygons, parse_region
from yaotan.io.container import MEMBER, Container, open_container
from yaotan.io.granule import CORNERS, Granule
from yaotan.io.identify import identify_container, only_file
from yaotan.io.package import is_package
from yaotan.io.selection import require_flag
from yaotan.io.trust import warn_unchecked
from yaotan.schema import QUALITY, gas_variable
from yaotan.typing import PathLike

_ALWAYS: Final = ("time", "latitude", "longitude", "quality")


@dataclass(frozen=True)
class Window:
    """A rectangle of an image: scan lines ``y[0]:y[1]`` and pixels ``x[0]:x[1]`` of `width` in each line.

    Examples
    --------
    >>> import numpy as np
    >>> window = Window(y=(1, 3), x=(0, 2), width=3)
    >>> window.cut(np.arange(9)[window.rows])
    array([[3, 4],
           [6, 7]])
    """

    y: tuple[int, int]
    x: tuple[int, int]
    width: int

    @property
    def rows(self) -> slice:
        """Soundings of the lines, whole lines long."""
        return slice(self.y[0] * self.width, self.y[1] * self.width)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of lines and of pixels."""
        return self.y[1] - self.y[0], self.x[1] - self.x[0]

    def cut(self, values: NDArray[Any]) -> NDArray[Any]:
        """Turn soundings of whole lines into the image."""
        lines = values.reshape((self.y[1] - self.y[0], self.width, *values.shape[1:]))
        return np.ascontiguousarray(lines[:, self.x[0] : self.x[1]])

    def lines(self, first: int, last: int) -> Window:
        """Give some of the lines, counted within the window."""
        return Window((self.y[0] + first, self.y[0] + last), self.x, self.width)


def open_scene(
    path: PathLike,
    *,
    product: str | None = None,
    region: Any = None,
    variables: Sequence[str] | None = None,
    quality: Literal["all", "good"] = "all",
    chunks: int | None = None,
    trust_layout: bool = False,
) -> xr.Dataset:
    """Open a granule of a swath product as an image.

    Parameters
    ----------
    path : path-like
        File, or folder or tar package that holds one.
    product : str, optional
        Name of a product, or path of a product file.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, west > east crosses the dateline; or polygons. The scene is
        the smallest rectangle of lines and pixels that holds every pixel whose footprint touches it (for a
        box: whose bounding box does); pixels of the rectangle outside the region stay.
    variables : sequence of str, optional
        Names wanted beside time, latitude, longitude, their corners and quality. Default: all.
    quality : {"all", "good"}
        With "good", columns of pixels that the product does not call good become NaN, with all that
        belongs to the gas (uncertainty, prior, kernel); place, pressure, wind and flags stay, and
        ``attrs["reading"]`` counts the values lost. The default masks nothing: use ``quality``.
    chunks : int, optional
        Scan lines per dask chunk. Default: one chunk.
    trust_layout : bool
        Whether a layout that the catalog has from documents only is taken as known.

    Returns
    -------
    xarray.Dataset
        Dims ``y`` (scan line), ``x`` (ground pixel), with ``corner`` and ``level`` or ``layer`` where a
        variable has them; names, units and dtypes as in `open_soundings`, ``time`` (y) or (y, x). The
        coordinates ``y`` and ``x`` are the product's own numbers of line and pixel where the file has
        them, else they count from 0 in the file. ``attrs["reading"]`` (JSON) has the file, its ``read``
        and ``kept`` pixels, the lines and pixels of the rectangle, ``no_value`` and ``masked``.

    Raises
    ------
    NotAGranuleError
        The file is damaged or unknown, or holds a list of soundings and no image.
    RegionError
        The region cannot be read, or no pixel touches it.
    YaotanError
        Another argument cannot be read.

    Warns
    -----
    UncheckedLayoutWarning
        The reader of this product was never run on a real file.

    Notes
    -----
    Opening reads quality, the column and, with a region, the corners; all else is read when computed.
    """
    if quality not in ("all", "good"):
        raise YaotanError(f"{quality!r} is no quality of a scene", where="quality", expected="all or good")
    if chunks is not None and (not isinstance(chunks, int) or chunks < 1):
        raise YaotanError(f"{chunks!r} is no chunk size", where="chunks", expected="lines, a number from 1")
    area = parse_region(region)
    text = only_file(str(path)) if Path(path).is_dir() or is_package(str(path)) else str(path)
    wanted = find_product(product) if product is not None else None
    with open_container(text) as container:
        granule = identify_container(container, product=wanted)
        entry = granule.product
        if entry.checked == "note":
            warn_unchecked(entry.product, entry.title["en"], trust_layout)
        require_flag(granule, quality)
        window = _find_window(granule, container, area)
        names = _choose(granule, variables)
        single = all(granule.frame.repeats(container, rule.path) for rule in granule.times)
        record = _count(granule, container, window, quality)
        axes = _read_axes(granule, container, window)
    data = {
        name: _variable(granule, name, window, chunks, mask=quality == "good", single=single)
        for name in names
    }
    scene = xr.Dataset(data, coords=axes, attrs=dataset_attributes([granule], [record]))
    return scene.set_coords([name for name in ("time", "latitude", "longitude", *CORNERS) if name in scene])


def _find_window(granule: Granule, container: Container, area: Box | Polygons | None) -> Window:
    shape = granule.frame.shape
    if len(shape) < 2 or any(size != 1 for size in shape[:-2]):
        raise NotAGranuleError(
            f"{granule.product.product} holds a list of soundings, no scan lines",
            where=granule.path,
            fix="use open_soundings",
        )
    lines, width = shape[-2:]
    whole = Window((0, lines), (0, width), width)
    if area is None:
        return whole
    corners = [whole.cut(granule.read_from(container, name)) for name in CORNERS]
    touched = area.touches(*(item.reshape(-1, 4) for item in corners)).reshape(lines, width)
    if not touched.any():
        raise RegionError("no pixel of the swath touches the region", where=granule.path)
    y, x = (np.flatnonzero(touched.any(axis=axis)) for axis in (1, 0))
    return Window((int(y[0]), int(y[-1]) + 1), (int(x[0]), int(x[-1]) + 1), width)


def _choose(granule: Granule, variables: Sequence[str] | None) -> list[str]:
    offered = granule.names()
    if variables is None:
        return offered
    wanted = [variables] if isinstance(variables, str) else list(variables)
    unknown = [name for name in wanted if name not in offered]
    if unknown:
        raise YaotanError(
            f"{', '.join(unknown)} is not in this file",
            where="variables",
            expected=f"among {', '.join(offered)}",
        )
    return [name for name in offered if name in (*_ALWAYS, *CORNERS) or name in wanted]


def _count(granule: Granule, container: Container, window: Window, quality: str) -> dict[str, Any]:
    """Record what the scene holds, and what masking takes from it."""
    bad = granule.read_from(container, "quality", window.rows) != QUALITY["good"]
    gases = [name for name in granule.product.gases if name in granule.sources]
    valued = [np.isfinite(granule.read_from(container, name, window.rows)) for name in gases]
    having = window.cut(np.logical_or.reduce(valued) if valued else np.zeros_like(bad))
    lost = int((having & window.cut(bad)).sum()) if quality == "good" else 0
    return {
        "file": granule.path,
        "product": granule.product.product,
        "version": granule.version,
        "read": granule.count,
        "kept": having.size,
        "lines": list(window.y),
        "pixels": list(window.x),
        "no_value": int((~having).sum()),
        "masked": {"quality_flag": lost} if lost else {},
    }


def _read_axes(granule: Granule, container: Container, window: Window) -> dict[str, xr.Variable]:
    paths = granule.product.scan or ("", "")
    words = ("scan line", "ground pixel across the track")
    axes = {}
    for dim, path, ends, size, word in zip(
        ("y", "x"), paths, (window.y, window.x), granule.frame.shape[-2:], words, strict=True
    ):
        numbers = container.read(path) if path in container else np.zeros(0)
        # an axis that the file only names reads as zeros
        native = numbers.shape == (size,) and bool((np.diff(numbers) > 0).all())
        numbers = numbers if native else np.arange(size)
        comment = f"number in the product ({path})" if native else "counted from 0 in the file"
        described = {"long_name": word, "units": "1", "comment": comment}
        axes[dim] = xr.Variable(dim, numbers[slice(*ends)].astype(np.int64), described)
    return axes


def read_image(granule: Granule, name: str, window: Window, mask: bool) -> NDArray[Any]:
    """Read the image of one variable, with `mask` NaN where the product does not call the pixel good.

    Parameters
    ----------
    granule : Granule
        File.
    name : str
        One of its variables.
    window : Window
        Lines and pixels.
    mask : bool
        Whether to mask.

    Returns
    -------
    numpy.ndarray
        Shape (y, x, ...).
    """
    with open_container(granule.path) as container:
        values = window.cut(granule.read_from(container, name, window.rows))
        if mask:
            bad = window.cut(granule.read_from(container, "quality", window.rows)) != QUALITY["good"]
            values[bad] = np.nan
    return values


def read_line_times(granule: Granule, window: Window) -> NDArray[Any]:
    """Read the time of each scan line, shape (y,)."""
    return np.ascontiguousarray(window.cut(granule.read("time", window.rows))[:, 0])


def _variable(
    granule: Granule, name: str, window: Window, chunks: int | None, *, mask: bool, single: bool
) -> xr.Variable:
    """Put one variable together: one task per block of lines."""
    lines = window.shape[0]
    size = chunks or max(lines, 1)
    parts = [window.lines(first, min(first + size, lines)) for first in range(0, lines, size)]
    masked = mask and gas_variable(name) is not None
    by_line = single and name == "time"
    dims = ("y",) if by_line else ("y", "x", *granule.dims_of(name)[1:])
    rest = () if by_line else (window.shape[1], *granule.shape_of(name, 0)[1:])
    stamp = Path(granule.path.partition(MEMBER)[0]).stat()
    state = (granule.path, stamp.st_mtime_ns, stamp.st_size, str(granule.sources))
    label = f"{name}-{tokenize(name, window, chunks, masked, *state)}"
    zeros = (0,) * len(rest)
    graph: dict[Any, Any] = {
        (label, place, *zeros): (read_line_times, granule, part)
        if by_line
        else (read_image, granule, name, part, masked)
        for place, part in enumerate(parts)
    }
    array = da.Array(
        HighLevelGraph.from_collections(label, graph),
        label,
        chunks=(tuple(part.shape[0] for part in parts), *((n,) for n in rest)),
        dtype=granule.dtype_of(name),
    )
    return xr.Variable(dims, array, variable_attributes(name, granule))
