"""Where the catalogs lie, and the one way in which YAML is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from yaotan.errors import CatalogError
from yaotan.typing import PathLike


def root(folder: str = "catalogs") -> Path:
    """Find ``catalogs/`` or ``models/``.

    Parameters
    ----------
    folder : {"catalogs", "models"}
        Which of the two.

    Returns
    -------
    pathlib.Path
        In the installed package, else at the repository root (an editable install has no copy).

    Raises
    ------
    CatalogError
        Neither place has it: the installation is incomplete.

    Examples
    --------
    >>> (root() / "gases.yaml").is_file()
    True
    """
    package = Path(__file__).resolve().parents[1]
    for place in (package / folder, package.parents[1] / folder):
        if place.is_dir():
            return place
    raise CatalogError(
        f"the folder {folder} is not part of this installation", where=package, fix="install yaotan again"
    )


#: libyaml's parser where PyYAML has it: several times faster, which every command of ours waits for
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_SafeLoader):
    """Safe loader that refuses a key given twice (plain YAML keeps the last one silently)."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} twice (line {line})")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _read_mapping(path: Path) -> Any:
    loader = _UniqueKeyLoader(path.read_text(encoding="utf-8"))
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def load_yaml(path: PathLike) -> dict[str, Any]:
    """Read one YAML file into a mapping, without running anything that it holds.

    Parameters
    ----------
    path : path-like
        UTF-8 text.

    Returns
    -------
    dict
        The mapping of the document's top level.

    Raises
    ------
    CatalogError
        The file is missing, not YAML, not a mapping, or names a key twice.
    """
    path = Path(path)
    try:
        content = _read_mapping(path)
    except OSError as error:
        raise CatalogError(f"cannot be read ({error.strerror})", where=path, fix="check the path") from error
    except (yaml.YAMLError, ValueError) as error:  # an impossible date is a ValueError
        raise CatalogError(f"is not valid YAML: {error}", where=path, fix="mend the line named") from error
    if not isinstance(content, dict):
        raise CatalogError(
            "has no keys at its top level", where=path, expected="lines of the form 'key: value'"
        )
    return content


def load_extended(path: PathLike, folder: str) -> dict[str, Any]:
    """Read a file over the packaged one that it extends, which may extend another.

    Parameters
    ----------
    path : path-like
        A key ``extends: oco2_lite`` takes over every top-level key of that entry that the file does not give
        itself.
    folder : str
        Where below the catalogs the packaged entries lie.

    Returns
    -------
    dict
        As `load_yaml`.

    Raises
    ------
    CatalogError
        As `load_yaml`, of any of the files.

    Examples
    --------
    >>> load_extended(root() / "products" / "oco2_lite.yaml", "products")["product"]
    'oco2_lite'
    """
    content = load_yaml(path)
    if "extends" not in content:
        return content
    base = root() / folder / f"{content.pop('extends')}.yaml"
    return {**load_extended(base, folder), **content}


def is_yaml(name: PathLike) -> bool:
    """Tell the path of a user's own entry from the name of a packaged one.

    Examples
    --------
    >>> is_yaml("my_product.yaml"), is_yaml("oco2_lite")
    (True, False)
    """
    return str(name).endswith((".yaml", ".yml"))
