"""A fitted model as parts that can be saved without running code: plain values, estimators, booster texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd

#: every class of ours that a saved model may hold -> its module; nothing else is ever made from a file
CLASSES: Final = {
    "Calibration": "yaotan.emission.calibration",
    "Configuration": "yaotan.emission.candidate",
    "Design": "yaotan.emission.transform",
    "Domain": "yaotan.emission.domain",
    "FeatureRule": "yaotan.emission.schema",
    "FeatureSchema": "yaotan.emission.schema",
    "GroupedConformal": "yaotan.emission.interval",
    "GrowthModel": "yaotan.emission.growth",
    "History": "yaotan.emission.history",
    "InfillModel": "yaotan.emission.infill",
    "Law": "yaotan.emission.growth",
    "Learner": "yaotan.emission.candidate",
    "LevelModel": "yaotan.emission.level",
    "NeighbourField": "yaotan.emission.neighbour",
    "PanelColumn": "yaotan.emission.panel_column",
    "ProvincialEmission": "yaotan.emission.model",
    "QuantileBand": "yaotan.emission.quantile",
    "ShareModel": "yaotan.emission.share",
}
#: types inside scikit-learn's estimators that skops does not know by itself
TRUSTED: Final = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)


@dataclass
class PackedModel:
    """Parts of a model: a tree of plain values, estimators and boosters that the tree refers to."""

    tree: Any = None
    estimators: list[Any] = field(default_factory=list)
    boosters: dict[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, Any]:
        """Parts by name, as `yaotan.io.model.write_model` takes them."""
        made: dict[str, Any] = {"model": {"tree": self.tree}}
        if self.estimators:
            made["estimators"] = self.estimators
        return made | self.boosters

    @classmethod
    def of_parts(cls, parts: Mapping[str, Any]) -> PackedModel:
        """Make it of what `yaotan.io.model.read_model` gives."""
        try:
            tree = parts["model"]["tree"]
        except (KeyError, TypeError) as error:
            raise ModelError("is no model of emissions", where="model") from error
        boosters = {name: part for name, part in parts.items() if name.startswith("booster")}
        return cls(tree, list(parts.get("estimators", [])), boosters)


@dataclass
class TextBooster:
    """A LightGBM model read from its text, where a regressor is asked for."""

    booster_: Any

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Estimate rows."""
        return np.asarray(self.booster_.predict(x, num_threads=1), dtype=float)


@dataclass
class Line:
    """A linear model read from its coefficients: it needs no scikit-learn of any version."""

    coef_: NDArray[np.float64]
    intercept_: float

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Estimate rows."""
        return np.asarray(x @ self.coef_ + self.intercept_)


def pack_model(model: Any) -> PackedModel:
    """Take a fitted model apart.

    Parameters
    ----------
    model : object
        Of `CLASSES`, holding objects of these, arrays, tables, texts, numbers, estimators of scikit-learn and
        LightGBM regressors.

    Returns
    -------
    PackedModel

    Raises
    ------
    ModelError
        Something else is in it.
    """
    packed = PackedModel()
    packed.tree = _pack(model, packed, type(model).__name__)
    return packed


def unpack_model(packed: PackedModel) -> Any:
    """Put a model together again; no class is made that `CLASSES` does not name.

    Raises
    ------
    ModelError
        The tree is damaged, or names a class or field that is not known.
    """
    try:
        return _unpack(packed.tree, packed)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"is damaged ({type(error).__name__}: {error})", where="model") from error


def _pack(value: Any, packed: PackedModel, where: str) -> Any:
    import pandas as pd

    name = type(value).__name__
    if type(value).__module__ == CLASSES.get(name):
        named = isinstance(value, tuple)
        fields = value._asdict() if named else vars(value)
        return {"class": name, "fields": {k: _pack(v, packed, f"{where}.{k}") for k, v in fields.items()}}
    if isinstance(value, pd.DataFrame):
        columns = [_pack(value[column].to_numpy(), packed, f"{where}.{column}") for column in value]
        return {"frame": columns, "names": list(map(str, value)), "index": _pack_index(value.index, packed)}
    if isinstance(value, pd.Series):
        return {"series": _pack(value.to_numpy(), packed, where), "index": _pack_index(value.index, packed)}
    if isinstance(value, np.ndarray):
        texts = value.dtype.kind == "O" and all(isinstance(item, str) for item in value.ravel())
        return {"array": value.astype(str) if texts else value}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_pack(item, packed, where) for item in value]}
    if isinstance(value, Mapping):
        pairs = [[_pack(k, packed, where), _pack(v, packed, where)] for k, v in value.items()]
        return {"dict": pairs}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return _pack_learner(value, packed, where)


def _pack_learner(value: Any, packed: PackedModel, where: str) -> Any:
    if hasattr(value, "booster_"):
        name = f"booster_{len(packed.boosters)}"
        packed.boosters[name] = value.booster_
        return {"booster": name}
    if type(value).__name__ in ("Ridge", "Line") and np.ndim(value.coef_) == 1:
        return {"line": {"coef": np.asarray(value.coef_, float), "intercept": float(value.intercept_)}}
    if type(value).__module__.startswith("sklearn."):
        packed.estimators.append(value)
        return {"estimator": len(packed.estimators) - 1}
    kind = f"{type(value).__module__}.{type(value).__name__}"
    raise ModelError(
        f"holds a {kind}, which cannot be saved",
        where=where,
        expected="classes of yaotan.emission.packing.CLASSES",
    )


def _pack_index(index: pd.Index, packed: PackedModel) -> Any:
    plain = index.equals(type(index)(range(len(index)))) if index.dtype.kind == "i" else False
    return {"range": len(index)} if plain else {"labels": [_pack(label, packed, "index") for label in index]}


def _unpack(node: Any, packed: PackedModel) -> Any:
    import pandas as pd

    if not isinstance(node, dict):
        return node
    if "class" in node:
        return _make(node["class"], {k: _unpack(v, packed) for k, v in node["fields"].items()})
    if "frame" in node:
        columns = {n: _unpack(c, packed) for n, c in zip(node["names"], node["frame"], strict=True)}
        return pd.DataFrame(columns, index=_unpack_index(node["index"], packed))
    if "series" in node:
        return pd.Series(_unpack(node["series"], packed), index=_unpack_index(node["index"], packed))
    if "array" in node:
        return node["array"]
    if "list" in node:
        return [_unpack(item, packed) for item in node["list"]]
    if "tuple" in node:
        return tuple(_unpack(item, packed) for item in node["tuple"])
    if "dict" in node:
        return {_unpack(key, packed): _unpack(value, packed) for key, value in node["dict"]}
    if "line" in node:
        return Line(np.asarray(node["line"]["coef"], float), float(node["line"]["intercept"]))
    if "estimator" in node:
        return packed.estimators[node["estimator"]]
    return TextBooster(packed.boosters[node["booster"]])


def _unpack_index(node: Any, packed: PackedModel) -> pd.Index:
    import pandas as pd

    if "range" in node:
        return pd.RangeIndex(node["range"])
    return pd.Index([_unpack(label, packed) for label in node["labels"]], tupleize_cols=False)


def _make(name: str, fields: dict[str, Any]) -> Any:
    if name not in CLASSES:
        raise ModelError(f"names the class {name!r}, which no model of emissions holds", where="model")
    kind = getattr(import_module(CLASSES[name]), name)
    if issubclass(kind, tuple):
        return kind(**fields)
    declared = getattr(kind, "__dataclass_fields__", None)
    strange = [key for key in fields if key not in declared] if declared is not None else []
    if strange:
        raise ModelError(f"{name} has no field {strange[0]!r}", where="model",
                         fix="use the version of yaotan that saved it, or train anew")  # fmt: skip
    made = object.__new__(kind)
    made.__dict__.update(fields)
    return made
