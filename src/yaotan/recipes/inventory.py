"""What a study reads: every granule identified, hashed and sorted before anything is gridded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yaotan.catalog.product import Product, find_product
from yaotan.catalog.source import is_yaml
from yaotan.errors import NotAGranuleError, RecipeError, YaotanError
from yaotan.io.atomic import replacing
from yaotan.io.container import MEMBER
from yaotan.io.digest import DigestCache, sha256
from yaotan.io.identify import identify
from yaotan.io.soundings import find_files
from yaotan.recipes.study import Input, Study

#: called with (what is being done, number done, number in all)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Granule:
    """One input file, known by content."""

    path: str
    product: str
    version: str
    start: np.datetime64
    end: np.datetime64
    digest: str
    options: Input

    @property
    def entry(self) -> Product:
        """Catalog entry: the packaged one, or the user's own."""
        return find_product(self.source)

    @property
    def source(self) -> str:
        """What ``open_soundings(product=...)`` is given: the name, or the user's product file."""
        own = self.options.product
        return own if own and is_yaml(own) else self.product

    @property
    def name(self) -> str:
        """File name without its folder."""
        return Path(self.path).name

    def overlaps(self, start: np.datetime64, end: np.datetime64) -> bool:
        """Tell whether any sounding may lie in the half-open interval."""
        return bool(self.start < end and self.end >= start)


@dataclass(frozen=True)
class Inventory:
    """Granules by product, and the files that were skipped, with the reason."""

    granules: tuple[Granule, ...]
    skipped: tuple[tuple[str, str], ...]

    def products(self) -> list[str]:
        """List the products, sorted."""
        return sorted({granule.product for granule in self.granules})

    def of(self, product: str) -> list[Granule]:
        """List the granules of one product in order of time and name."""
        return [granule for granule in self.granules if granule.product == product]


def expand(path: str | Sequence[str], base: Path) -> list[str]:
    """Turn files, folders and patterns of a study into a list of files.

    Parameters
    ----------
    path : str or sequence of str
        Relative to `base` unless absolute.
    base : pathlib.Path
        Folder of the study file.

    Returns
    -------
    list of str
        As `yaotan.io.soundings.find_files` gives them.

    Raises
    ------
    RecipeError
        Nothing matches.
    """
    wanted = [path] if isinstance(path, str) else list(path)
    try:
        return find_files([str(base / text) for text in wanted])
    except NotAGranuleError as error:
        raise RecipeError(error.what, where=error.where, fix="check inputs.path in the study file") from error


class KnownDigests:
    """Hashes of input files, kept in a file between runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked: set[str] = set()
        self._cache: DigestCache = {}
        try:
            for name, size, moment, digest in json.loads(path.read_text(encoding="utf-8")):
                self._cache[str(name), int(size), int(moment)] = str(digest)
        except (OSError, ValueError, TypeError):
            self._cache.clear()  # none yet, or damaged: the files are hashed anew

    def __call__(self, path: Path) -> str:
        """Give the sha256 of one file."""
        self._asked.add(str(path.resolve()))
        return sha256(path, cache=self._cache)

    def save(self) -> None:
        """Keep the hashes of the files asked for this time."""
        rows = [[*key, digest] for key, digest in sorted(self._cache.items()) if key[0] in self._asked]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as temporary:
            Path(temporary).write_text(json.dumps(rows), encoding="utf-8")


def take_inventory(
    study: Study,
    base: Path,
    digest: Callable[[Path], str],
    progress: Progress | None = None,
    *,
    output: Path | None = None,
) -> Inventory:
    """Identify and hash every input file of a study.

    Parameters
    ----------
    study : Study
        The checked study file.
    base : pathlib.Path
        Folder that its paths are relative to.
    digest : callable
        Gives the sha256 of a file.
    output : pathlib.Path, optional
        What a former run left in this folder is no input, also where a pattern reaches into it.
    progress : callable, optional
        Told about each file.

    Returns
    -------
    Inventory
        Granules sorted by product, time and name; none in a study without soundings.

    Raises
    ------
    YaotanError
        A file cannot be read and the study says ``on_error: raise``; or no file can be read.
    """
    if not study.inputs:
        return Inventory((), ())
    todo = _without_repeats(
        [
            (path, options)
            for options in study.inputs
            for path in expand(options.path, base)
            if output is None or not Path(path).is_relative_to(output)
        ]
    )
    if not todo:
        raise RecipeError(
            "every input file lies in the output folder", where=output or "", fix="mend inputs.path or output"
        )
    granules, skipped = [], []
    for number, (path, options) in enumerate(todo):
        if progress:
            progress("identify", number, len(todo))
        try:
            granules.append(_identify_one(path, options, base, digest))
        except YaotanError as error:
            if study.on_error == "raise":
                raise
            skipped.append((path, str(error)))
    if not granules:
        raise RecipeError(
            f"none of the {len(todo)} input files can be read; the first: {skipped[0][1]}",
            fix="run `yaotan info` on one of them",
        )
    _check_options(granules)
    granules.sort(key=lambda item: (item.product, item.start, item.name))
    return Inventory(tuple(granules), tuple(skipped))


def _without_repeats(todo: Sequence[tuple[str, Input]]) -> list[tuple[str, Input]]:
    """Take a file once that two inputs with equal options name; `_check_options` judges unequal ones."""
    seen: dict[tuple[str, str], tuple[str, Input]] = {}
    for path, options in todo:
        seen.setdefault((str(Path(path).resolve()), _treatment(options)), (path, options))
    return list(seen.values())


def _treatment(options: Input) -> str:
    """Write the options that decide what becomes of a sounding."""
    product = options.product if options.product and is_yaml(options.product) else None
    return options.model_copy(update={"path": "", "product": product}).model_dump_json()


def _identify_one(path: str, options: Input, base: Path, digest: Callable[[Path], str]) -> Granule:
    aliases = str(base / options.aliases) if options.aliases else None
    product = options.product
    if product and is_yaml(product):
        product = str(base / product)
        match = identify(path, product=product, aliases=aliases, trust_layout=options.trust_layout)
    else:
        match = identify(path, aliases=aliases, trust_layout=options.trust_layout)
    if product not in (None, match.product) and not is_yaml(str(product)):
        raise RecipeError(
            f"is {match.product}, but the study says {options.product}", where=path, fix="mend inputs.product"
        )
    start, end = match.period or ("NaT", "NaT")
    return Granule(
        path,
        match.product,
        str(match.version),
        np.datetime64(start, "ns"),
        np.datetime64(end, "ns"),
        digest(Path(path.partition(MEMBER)[0])),
        options.model_copy(update={"aliases": aliases, "product": product}),
    )


def _check_options(granules: Sequence[Granule]) -> None:
    """Refuse one product in two inputs that treat it differently: the month could not say which holds."""
    for product in {granule.product for granule in granules}:
        options = {_treatment(granule.options) for granule in granules if granule.product == product}
        if len(options) > 1:
            raise RecipeError(
                f"product {product} appears in several inputs with different options",
                expected="the same quality, rules, aliases and systematic for one product",
                fix="make the options equal, or run two studies",
            )
