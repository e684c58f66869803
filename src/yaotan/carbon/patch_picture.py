"""Small pictures of land classes before and after, as PNG bytes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from yaotan.carbon.class_layer import ClassLayer
from yaotan.catalog.landcover import Legend

#: colours of the six classes of ecological monitoring, and of none
_SIX: Final = {
    1: (38, 115, 0),
    2: (152, 200, 80),
    3: (255, 225, 120),
    4: (70, 130, 200),
    5: (200, 50, 50),
    6: (200, 190, 170),
}
_NONE: Final = (235, 235, 235)
#: greatest side of a picture of one date [pixels of the raster]; smaller ones are enlarged to it
_SIDE: Final = 192
_LINE: Final = (20, 20, 20)


def legend_colours(legend: Legend) -> dict[int, tuple[int, int, int]]:
    """Colour of each class of a legend: its own, else that of its one of six classes, shaded by sub-class.

    Classes with neither are grey.

    Examples
    --------
    >>> from yaotan.catalog.landcover import legends
    >>> legend_colours(legends()["clcd"])[2]
    (38, 115, 0)
    """
    out = {}
    seen: dict[int, int] = {}
    for code, entry in sorted(legend.classes.items()):
        six = int(code) if legend.scheme == "six_class" else entry.to.get("six_class", 0)
        shade = 1.0 - 0.12 * (seen.get(six, 0) % 5) if six else 1.0
        seen[six] = seen.get(six, 0) + 1
        red, green, blue = (int(part * shade) for part in _SIX.get(six, _NONE))
        if entry.colour is not None:
            red, green, blue = (int(entry.colour[place : place + 2], 16) for place in (1, 3, 5))
        out[int(code)] = (red, green, blue)
    return out


def class_colours(layer: ClassLayer) -> NDArray[np.uint8]:
    """Colour of every place of the legend: that of its one of six classes, shaded by sub-class.

    Returns
    -------
    numpy.ndarray
        ``(size, 3)``; the last two (missing, unknown) are grey.
    """
    out = np.full((len(layer.codes) + 2, 3), _NONE, dtype=np.uint8)
    colours = legend_colours(layer.legend)
    for place, code in enumerate(layer.codes):
        out[place] = colours[int(code)]
    return out


def picture(before: NDArray[Any], after: NDArray[Any], inside: NDArray[np.bool_], colours: Any) -> bytes:
    """Draw two dates side by side with the outline of an area.

    Parameters
    ----------
    before, after : numpy.ndarray
        Places of classes ``(n, m)``.
    inside : numpy.ndarray
        Whether a pixel belongs to the area.
    colours : numpy.ndarray
        Of `class_colours`.

    Returns
    -------
    bytes
        PNG; before on the left.
    """
    step = max(1, -(-max(before.shape) // _SIDE))
    zoom = max(1, _SIDE // max(before[::step, ::step].shape))
    panes = []
    block = np.ones((zoom, zoom), dtype=np.uint8)
    mask = np.kron(inside[::step, ::step].astype(np.uint8), block).astype(bool)
    edge = mask & ~_shrunk(mask)
    for places in (before, after):
        pane = colours[np.kron(places[::step, ::step], block.astype(places.dtype))]
        pane[edge] = _LINE
        panes.append(pane)
    gap = np.full((panes[0].shape[0], 6, 3), 255, dtype=np.uint8)
    image = np.concatenate([panes[0], gap, panes[1]], axis=1)
    with MemoryFile() as memory:
        with memory.open(
            driver="PNG", height=image.shape[0], width=image.shape[1], count=3, dtype="uint8"
        ) as file:
            file.write(np.moveaxis(image, -1, 0))
        return bytes(memory.read())


def _shrunk(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    return padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & mask
