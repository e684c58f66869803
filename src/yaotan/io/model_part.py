"""Parts of a saved model as bytes and back: skops for estimators, LightGBM's own text, JSON for arrays."""

from __future__ import annotations

import base64
import io
import json
import math
import zipfile
import zlib
from collections.abc import Collection, Mapping
from importlib import metadata
from typing import Any, Final

import numpy as np

from yaotan.errors import ModelError
from yaotan.optional import require

#: kind of a part -> suffix of its file, distributions whose version decides whether it reads the same
KINDS: Final = {
    "estimator": (".skops", ("scikit-learn", "skops")),
    "booster": (".lightgbm.txt", ("lightgbm",)),
    "arrays": (".json", ()),
}
#: what an estimator may unpack to [bytes]: an archive that says more is refused before it is opened
LARGEST: Final = 2 << 30
#: arrays of numbers beyond this many stand packed (zlib, base64) and not as numbers that people read
LEGIBLE: Final = 64
#: keys of what JSON has no form for: an array of a dtype, a number that is not finite
_ARRAY, _NUMBER = "$array", "$number"
#: numbers that JSON has no word for
_WORDS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def kind_of(part: object) -> str:
    """Say how a part is written: a mapping as arrays, a LightGBM booster as text, all else by skops."""
    if isinstance(part, Mapping):
        return "arrays"
    return "booster" if hasattr(part, "model_to_string") else "estimator"


def encode_part(name: str, part: Any, trusted: Collection[str]) -> bytes:
    """Write a part as bytes.

    Parameters
    ----------
    name : str
        Named in errors.
    part : mapping, lightgbm.Booster or estimator
        A mapping holds texts, numbers, booleans, None, arrays of numbers, booleans or texts, and lists and
        mappings of these.
    trusted : collection of str
        Types beyond those that skops knows that an estimator may hold.

    Returns
    -------
    bytes
        Equal for equal parts, for arrays and boosters.

    Raises
    ------
    ModelError
        A value has no place in the format, or a type is not in `trusted`.
    """
    kind = kind_of(part)
    if kind == "arrays":
        return (json.dumps(_encode(part, name), allow_nan=False, indent=1) + "\n").encode()
    if kind == "booster":
        return str(part.model_to_string()).encode()
    import skops.io

    try:
        content = bytes(skops.io.dumps(part))
    except Exception as error:  # skops raises many types
        raise ModelError(
            f"{type(part).__name__} cannot be written ({error})", where=name,
            expected="an estimator of scikit-learn, a LightGBM booster, or a mapping of arrays",
        ) from error  # fmt: skip
    _check_types(name, content, trusted, "this kind of model does not allow")
    return content


def decode_part(name: str, kind: str, content: bytes, trusted: Collection[str]) -> Any:
    """Read a part from its bytes.

    Parameters
    ----------
    name : str
        Named in errors.
    kind : str
        Key of `KINDS`.
    content : bytes
        As `encode_part` made them.
    trusted : collection of str
        Types that may be made beyond those that skops knows; a file that holds another is refused before
        anything of it is built.

    Returns
    -------
    object
        The part; arrays with their dtype and shape.

    Raises
    ------
    ModelError
        Damaged, too large, of an unknown kind, or with a type that is not allowed.
    """
    if kind == "arrays":
        try:
            return _decode(json.loads(content.decode()))
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise ModelError(f"is damaged ({error})", where=name) from error
    if kind == "booster":
        lightgbm = require("lightgbm")
        try:
            return lightgbm.Booster(model_str=content.decode())
        except (UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
            raise ModelError(f"is damaged ({error})", where=name) from error
    if kind != "estimator":
        raise ModelError(f"is of the unknown kind {kind!r}", where=name, expected=", ".join(KINDS))
    return _load_estimator(name, content, trusted)


def _load_estimator(name: str, content: bytes, trusted: Collection[str]) -> Any:
    import skops.io

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ModelError(f"is damaged ({error})", where=name) from error
    if size > LARGEST:
        raise ModelError(f"would unpack to {size} bytes", where=name, expected=f"at most {LARGEST}")
    _check_types(name, content, trusted, "are not allowed")
    try:
        return skops.io.loads(content, trusted=sorted(trusted))
    except Exception as error:  # skops raises many types
        raise ModelError(f"cannot be read ({error})", where=name) from error


def _check_types(name: str, content: bytes, trusted: Collection[str], why: str) -> None:
    import skops.io

    try:
        found = skops.io.get_untrusted_types(data=content)
    except Exception as error:  # skops raises many types
        raise ModelError(f"is damaged ({error})", where=name) from error
    strange = sorted(set(found) - set(trusted))
    if strange:
        raise ModelError(
            f"holds types that {why}: {', '.join(strange)}", where=name,
            expected="types of the list that belongs to this kind of model",
            fix="use models from a source that you trust; never add a type that you do not know",
        )  # fmt: skip


def versions_of(kinds: Collection[str]) -> dict[str, str]:
    """Versions of the distributions that decide how parts of these kinds are read, yaotan's first."""
    names = ["yaotan", *(name for kind in sorted(kinds) for name in KINDS[kind][1])]
    out = {}
    for name in names:
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            out[name] = "not installed"
    return out


def _encode(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value) or {_ARRAY, _NUMBER} & set(value):
            raise ModelError(f"a mapping has a key that is no text, or {_ARRAY} or {_NUMBER}", where=where)
        return {key: _encode(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufU":
            raise ModelError(f"an array is of {value.dtype}", where=where, expected="numbers or texts")
        out = {_ARRAY: value.dtype.str, "shape": list(value.shape)}
        if value.size > LEGIBLE and value.dtype.kind != "U":
            return out | {"zlib": base64.b64encode(zlib.compress(value.tobytes(), 9)).decode()}
        return out | {"values": [_encode(item, where) for item in value.ravel().tolist()]}
    if isinstance(value, np.generic):
        return _encode(value.item(), where)
    if isinstance(value, list | tuple):
        return [_encode(item, where) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: next(w for w, v in _WORDS.items() if repr(v) == repr(value))}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ModelError(f"a {type(value).__name__} has no place in a model's file", where=where)


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _NUMBER in value:
        return _WORDS[value[_NUMBER]]
    if _ARRAY not in value:
        return {key: _decode(item) for key, item in value.items()}
    dtype = np.dtype(value[_ARRAY])
    if dtype.kind not in "biufU":
        raise ValueError(f"array of {dtype}")
    if "zlib" in value:
        size = math.prod(value["shape"]) * dtype.itemsize
        if size > LARGEST:
            raise ValueError(f"array of {size} bytes")
        unpacked = zlib.decompressobj().decompress(base64.b64decode(value["zlib"]), size + 1)
        return np.frombuffer(unpacked, dtype=dtype).reshape(value["shape"]).copy()
    return np.array(_decode(value["values"]), dtype=dtype).reshape(value["shape"])
