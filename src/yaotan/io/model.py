"""Saved models: a folder of parts in safe formats, with a card that says what they are and hashes them."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

from yaotan.errors import ModelError, ModelVersionWarning, OutputError
from yaotan.io.atomic import replacing
from yaotan.io.model_part import KINDS, decode_part, encode_part, kind_of, versions_of
from yaotan.typing import PathLike

CARD: Final = "card.json"
#: the script that makes a model may lie in its folder before the model does
SCRIPT: Final = "train.py"
FORMAT: Final = "yaotan model 1"
#: a card or a part beyond this is no model of ours [bytes]
_LARGEST_CARD, _LARGEST_PART = 16 << 20, 1 << 30


@dataclass(frozen=True)
class SavedParts:
    """What a folder holds: parts by name, the card, versions it was made with, the digest of it all."""

    parts: dict[str, Any]
    card: dict[str, Any]
    software: dict[str, str]
    digest: str


def write_model(
    parts: Mapping[str, Any], card: Mapping[str, Any], folder: PathLike, *, trusted: Collection[str] = ()
) -> str:
    """Save the parts of a model and its card in a folder, all at once or not at all.

    Parameters
    ----------
    parts : mapping of str to object
        Estimators of scikit-learn (skops), LightGBM boosters (their own text) and mappings of arrays (JSON).
        Nothing is pickled.
    card : mapping
        What the model is: texts, numbers, lists and mappings.
    folder : path-like
        Made, or replaced where it holds a model; files in it that are none of the model's stay.
    trusted : collection of str
        Full names of the types, beyond those that skops knows, that estimators of this kind hold.

    Returns
    -------
    str
        Digest of the card, which holds the SHA-256 of every part: who keeps it apart can tell this model from
        any other (``read_model(digest=...)``).

    Raises
    ------
    ModelError
        A part or the card has no place in the formats, or holds a type that is not in `trusted`.
    OutputError
        The folder cannot be written, or holds something else.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = Path(tempfile.mkdtemp()) / "line"
    >>> digest = write_model({"line": {"slope": np.array([1.0, 2.0])}}, {"title": "a line"}, folder)
    >>> read_model(folder, digest=digest).parts["line"]["slope"]
    array([1., 2.])
    """
    folder = Path(folder)
    contents = {name: encode_part(name, part, trusted) for name, part in parts.items()}
    kinds = {name: kind_of(part) for name, part in parts.items()}
    files = {name: f"{name}{KINDS[kinds[name]][0]}" for name in parts}
    if not parts or any(PurePath(file).name != file or file == CARD for file in files.values()):
        raise ModelError("parts have no names that are file names", where=folder)
    text: dict[str, Any] = {
        "format": FORMAT,
        "card": json.loads(_canonical(dict(card), folder)),
        "software": versions_of(set(kinds.values())),
        "parts": {
            name: {
                "file": files[name],
                "kind": kinds[name],
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in contents.items()
        },
    }
    text["digest"] = hashlib.sha256(_canonical(text, folder)).hexdigest()
    others = _other_files(folder)
    with replacing(folder) as temporary:
        temporary.mkdir()
        for other in others:
            shutil.copy2(other, temporary / other.name)
        for name, content in contents.items():
            (temporary / files[name]).write_bytes(content)
        readable = json.dumps(text, indent=1, ensure_ascii=False, allow_nan=False)
        (temporary / CARD).write_text(readable + "\n", encoding="utf-8")
    return str(text["digest"])


def read_model(folder: PathLike, *, trusted: Collection[str] = (), digest: str | None = None) -> SavedParts:
    """Read a saved model; what changed since it was saved is refused before anything of it is built.

    Parameters
    ----------
    folder : path-like
        As `write_model` left it.
    trusted : collection of str
        Types that the kind of model may hold, from the code that knows the kind, never from the folder.
    digest : str, optional
        What `write_model` returned. The hashes inside a folder find damage and careless edits; only a digest
        kept elsewhere finds a folder that was made anew as a whole.

    Returns
    -------
    SavedParts
        Parts, card, versions.

    Raises
    ------
    ModelError
        Missing, damaged, changed, of another format, or with a type that is not allowed.

    Warns
    -----
    ModelVersionWarning
        A package that decides how the parts are read has another version.
    """
    folder = Path(folder)
    text = read_card(folder)
    if digest is not None and text["digest"] != digest:
        raise ModelError(f"is another model (digest {text['digest'][:12]}...)", where=folder,
                         expected=f"{digest[:12]}...")  # fmt: skip
    contents = {name: _read_part(folder, entry) for name, entry in text["parts"].items()}
    _warn_versions(folder, text["software"], {entry["kind"] for entry in text["parts"].values()})
    parts = {
        name: decode_part(
            str(folder / text["parts"][name]["file"]), text["parts"][name]["kind"], content, trusted
        )
        for name, content in contents.items()
    }
    return SavedParts(parts, text["card"], text["software"], text["digest"])


def _canonical(value: dict[str, Any], where: Path) -> bytes:
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the card holds what JSON cannot ({error})", where=where, expected="texts, finite numbers, lists"
        ) from error


def _other_files(folder: Path) -> list[Path]:
    """Files of an older folder that are not the model's; a folder that holds no model is left alone."""
    if not folder.exists():
        return []
    there = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    if folder.is_dir() and {path.name for path in there} <= {SCRIPT}:
        return there
    if not (folder / CARD).is_file():
        raise OutputError("holds something that is no model", where=folder, fix="choose another folder")
    own = {CARD, *(entry["file"] for entry in read_card(folder)["parts"].values())}
    others = [path for path in there if path.name not in own]
    if any(path.is_dir() and path.name != "__pycache__" for path in others):
        raise OutputError("holds folders beside the model", where=folder, fix="choose another folder")
    return [path for path in others if path.is_file()]


def read_card(folder: Path) -> dict[str, Any]:
    """Read what a saved model says of itself, without building anything of it.

    Raises
    ------
    ModelError
        Missing, damaged, changed, or of another format.
    """
    path = folder / CARD
    if not path.is_file():
        raise ModelError("holds no model", where=folder, expected=f"a folder with {CARD}")
    if path.stat().st_size > _LARGEST_CARD:
        raise ModelError("is too large for a card", where=path)
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        digest = text.pop("digest")
        found = text["format"]
        same = hashlib.sha256(_canonical(text, path)).hexdigest() == digest
        entries = {name: {key: entry[key] for key in ("file", "kind", "sha256")}
                   for name, entry in text["parts"].items()}  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"is damaged ({type(error).__name__}: {error})", where=path) from error
    if found != FORMAT:
        raise ModelError(f"is of the format {found!r}", where=path, expected=FORMAT,
                         fix="use the version of yaotan that wrote it, or train anew")  # fmt: skip
    if not same:
        raise ModelError("has changed since it was saved", where=path,
                         fix="get the model again, or train it anew")  # fmt: skip
    if any(PurePath(entry["file"]).name != entry["file"] for entry in entries.values()):
        raise ModelError("names files outside its folder", where=path)
    return {**text, "digest": digest}


def _read_part(folder: Path, entry: Mapping[str, Any]) -> bytes:
    path = folder / entry["file"]
    try:
        if path.stat().st_size > _LARGEST_PART:
            raise ModelError("is too large for a part of a model", where=path)
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=path) from error
    # the bytes that were hashed are those that are read: nothing can change in between
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ModelError("has changed since it was saved", where=path,
                         expected=f"sha256 {entry['sha256'][:12]}...",
                         fix="get the model again, or train it anew")  # fmt: skip
    return content


def _warn_versions(folder: Path, then: Mapping[str, str], kinds: Collection[str]) -> None:
    now = versions_of([kind for kind in kinds if kind in KINDS])
    other = [f"{name} {then.get(name, 'unknown')} (here {version})" for name, version in now.items()
             if then.get(name) != version]  # fmt: skip
    if other:
        warnings.warn(
            f"{folder}: the model was made with {', '.join(other)}; its predictions may differ. Compare some "
            "with the ones in its card, or train it anew",
            ModelVersionWarning, stacklevel=3,
        )  # fmt: skip
