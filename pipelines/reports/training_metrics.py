"""The record of a training in its model directory."""

import json
import math
from pathlib import Path
from typing import Any

from embeddings.errors import EmbeddingsError
from embeddings.vectors.model_directory import require_unchanged
from pipelines.settings.file_names import LANGUAGE_MODEL_FILE, METRICS_FILE


def read_metrics(model: Path) -> list[dict[str, Any]]:
    """Read ``metrics.jsonl`` of a model directory.

    Parameters
    ----------
    model : Path

    Returns
    -------
    list of dict of str to Any

    Raises
    ------
    EmbeddingsError
        The file is missing, empty or damaged, or that of another training or of a language model.
    """
    if (model / LANGUAGE_MODEL_FILE).is_file():
        raise EmbeddingsError(
            f"{model} is a language model; its losses are in {METRICS_FILE} and in the report of a run"
        )
    path = model / METRICS_FILE
    require_unchanged(model, [METRICS_FILE])
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        wrong = f"{model} has no {METRICS_FILE}" if model.exists() else f"there is no {model}"
        raise EmbeddingsError(f"{wrong}; expected a directory that train-embeddings wrote") from None
    metrics = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            metrics.append({key: _number(record[key]) for key in ("epoch", "learning_rate", "loss", "held_out_loss")})
        except (ValueError, KeyError, TypeError, RecursionError):
            raise EmbeddingsError(
                f"{path}: line {number} is not the record of an epoch; train the model again"
            ) from None
    if not metrics:
        raise EmbeddingsError(f"{path} is empty; expected one line per epoch")
    return metrics


def _number(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    raise TypeError
