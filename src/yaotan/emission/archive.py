"""Saved models of emissions: a folder with a card that says what they know, and what they do not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from yaotan.catalog.source import root
from yaotan.emission.domain import find_domain
from yaotan.emission.packing import TRUSTED, PackedModel, pack_model, unpack_model
from yaotan.emission.panel import Panel
from yaotan.errors import ModelError
from yaotan.io.model import CARD, read_model, write_model
from yaotan.typing import PathLike

if TYPE_CHECKING:
    from yaotan.emission.evaluation import Evaluation
    from yaotan.emission.model import ProvincialEmission

#: what no model of this package can do, in every card
LIMITS: Final = (
    "An estimate for a region and year, not a measurement: association, no proof of what causes emissions.",
    "Intervals hold for regions drawn like those learned from; rows outside the domain have no promise.",
    "Not to be used for another scope, level of region or unit than those stated here.",
)
#: estimates of rows learned from that stand in the card, for a comparison by hand
_SHOWN: Final = 5


def save_model(
    model: ProvincialEmission,
    folder: PathLike,
    *,
    panel: Panel | None = None,
    evaluations: Mapping[str, Evaluation] | None = None,
    title: str = "",
    licence: str = "",
    limits: tuple[str, ...] = (),
) -> str:
    """Save a fitted model as a folder that can be read without running code of its own.

    Estimators of scikit-learn are written by skops, LightGBM in its own text, all that is ours as JSON; the
    card holds feature schema, parameters, scores, versions, seed and limits, and the SHA-256 of every file.

    Parameters
    ----------
    model : ProvincialEmission
        Fitted.
    folder : path-like
        Made, or replaced where it holds a model; other files in it stay.
    panel : Panel, optional
        What it was fitted to: its rows, years and hash go into the card, and a few estimates for comparison.
    evaluations : mapping of str to Evaluation, optional
        Scores by the name of the protocol; a leaky one is labelled.
    title, licence : str
        Of the model; the licence of its training data goes with it.
    limits : tuple of str
        What it must not be used for, beyond `LIMITS`.

    Returns
    -------
    str
        Digest, to be kept apart from the folder: ``load_model(folder, digest=...)``.

    Raises
    ------
    ModelError
        The model is not fitted, or holds what cannot be saved.
    OutputError
        The folder cannot be written or holds something else.
    """
    if not hasattr(model, "schema_"):
        raise ModelError("the model is not fitted", where="save_model", fix="call fit first")
    card: dict[str, Any] = {
        "title": title or f"{model.question}: {model.target_.name}",
        "kind": type(model).__name__,
        "question": model.question,
        "parameters": {key: _plain(value) for key, value in model.get_params().items()},
        "chosen": model.chosen_,
        "configurations_tried": int(model.configurations_),
        "smearing": float(model.smearing_),
        "seed": model.seed,
        "schema": model.schema_.to_card(),
        "licence": licence or "not stated: ask whoever gave you the model and its training data",
        "limits": [*LIMITS, *limits],
        "scores": {name: _scores(evaluation) for name, evaluation in (evaluations or {}).items()},
    }
    domain = None
    if panel is not None:
        card["training"] = _training(panel)
        card["estimates"] = _estimates(model, panel)
        domain = find_domain(model, panel)
    parts = pack_model(model).parts | (
        {} if domain is None else {"domain": {"tree": pack_model(domain).tree}}
    )
    return write_model(parts, card, Path(folder), trusted=TRUSTED)


def load_model(folder: PathLike, *, digest: str | None = None) -> ProvincialEmission:
    """Read a model that `save_model` wrote.

    Parameters
    ----------
    folder : path-like
    digest : str, optional
        What `save_model` returned: only with it is a folder refused that was made anew as a whole.

    Returns
    -------
    ProvincialEmission
        Fitted; ``card_`` is its card, ``domain_`` its area of applicability (where it was saved with its
        panel). `predict` refuses panels that are not as the schema says.

    Raises
    ------
    ModelError
        Missing, damaged, changed since it was saved, of another kind, or with types that are not allowed.
    MissingDependencyError
        It holds a LightGBM booster and LightGBM is not installed.

    Warns
    -----
    ModelVersionWarning
        It was made with other versions of the packages that read it.
    """
    from yaotan.emission.model import ProvincialEmission

    saved = read_model(folder, trusted=TRUSTED, digest=digest)
    model = unpack_model(PackedModel.of_parts(saved.parts))
    if not isinstance(model, ProvincialEmission):
        raise ModelError(f"holds a {type(model).__name__}", where=folder, expected="a ProvincialEmission")
    if "domain" in saved.parts:
        model.domain_ = unpack_model(PackedModel(saved.parts["domain"]["tree"]))
    model.card_ = {**saved.card, "software": saved.software, "digest": saved.digest}
    _prepare(model)
    return model


def _prepare(model: ProvincialEmission) -> None:
    """Load what a first estimate and its interval need, so that the first call is as quick as the next."""
    if hasattr(model.engine_, "prepare"):
        model.engine_.prepare()
    model.calibration_.conformal_.prepare()


def find_model(name: PathLike, *, base: PathLike = ".") -> Path:
    """Find a saved model.

    Parameters
    ----------
    name : path-like
        Folder, relative to `base`; or the name of a model that comes with yaotan (``models/``).
    base : path-like

    Returns
    -------
    pathlib.Path
        A folder with a card.

    Raises
    ------
    ModelError
        There is none.

    Examples
    --------
    >>> find_model("simulated_province").name
    'simulated_province'
    """
    for folder in (Path(base) / name, root("models") / name):
        if (folder / CARD).is_file():
            return folder
    known = sorted(path.parent.name for path in root("models").glob(f"*/{CARD}"))
    raise ModelError(
        "is no folder of a saved model", where=name, expected=f"a folder with {CARD}, or {', '.join(known)}"
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _finite(value: Any) -> float | None:
    """Give a number for a card: JSON has no word for one that is not finite."""
    return float(value) if np.isfinite(value) else None


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    metrics, skill = evaluation.metrics.loc["model"], evaluation.skill
    out: dict[str, Any] = {
        "question": evaluation.question,
        "protocol": evaluation.protocol,
        "leaky": bool(evaluation.leaky),
        "rows": len(evaluation.predictions),
        "metrics": {str(name): _finite(value) for name, value in metrics.items()},
        "skill": [
            {"against": row["against"], "measure": row["measure"], "verdict": str(row["verdict"]),
             **{name: _finite(row[name]) for name in ("skill", "lower", "upper")}}
            for _, row in skill.iterrows()
        ],
        "not_scored": {str(reason): int(count) for reason, count in evaluation.left_out.items() if count},
    }  # fmt: skip
    if len(evaluation.intervals):
        out["intervals"] = [
            {name: _finite(row[name]) for name in ("level", "province_coverage", "factor", "interval_score")}
            for _, row in evaluation.intervals.iterrows()
        ]
    return out


def training_hash(panel: Panel) -> str:
    """SHA-256 of the rows with a target, as text with twelve digits: by it a table is known again."""
    text = panel.observed().table.to_csv(index=False, float_format="%.12g", lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def row_marks(panel: Panel) -> list[str]:
    """Give a mark of each row with a target: 40 bits of the SHA-256 of region, year and target (12 digits).

    A card holds those that a model learned from, so that a panel that shares rows with them is known again.
    """
    known = panel.observed()
    rows = zip(known.table["region"], known.table["period"], known.values(), strict=True)
    return [hashlib.sha256(f"{r} {p} {v:.12g}".encode()).hexdigest()[:10] for r, p, v in rows]


def _training(panel: Panel) -> dict[str, Any]:
    """What was learned from: counts, years, sources, and hashes by which table and rows are known again."""
    known = panel.observed()
    years = known.table["period"]
    return {
        "rows": len(known),
        "regions": int(known.table["region"].nunique()),
        "groups": int(known.group.nunique()),
        "years": [int(years.min()), int(years.max())],
        "sha256": training_hash(panel),
        "row_marks": " ".join(row_marks(panel)),
        "sources": {c.name: " ".join(filter(None, (c.source, c.version))) for c in known.columns if c.source},
    }


def _estimates(model: ProvincialEmission, panel: Panel) -> list[dict[str, Any]]:
    table = model.predict_table(panel)
    table = table[np.isfinite(table["estimate"])]
    rows = np.unique(np.linspace(0, len(table) - 1, min(_SHOWN, len(table))).astype(int))
    return [
        {"region": str(row["region"]), "period": int(row["period"]), "estimate": float(row["estimate"])}
        for _, row in table.iloc[rows].iterrows()
    ]
