"""The results of a sweep as a table: settings, losses, scores, perplexities and times, one row per job."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.batch.jobs import FINISHED, JobState
from pipelines.running.manifest import Manifest, ManifestError
from pipelines.settings.file_names import METRICS_FILE, PERPLEXITY_FILE, SCORES_FILE
from vecmill.files import atomic_file

if TYPE_CHECKING:
    import pandas as pd

SUMMARY_FILES = ("summary.csv", "summary.parquet")


def summarize(states: Sequence[JobState]) -> "pd.DataFrame":
    """Return the table of a sweep.

    Parameters
    ----------
    states : sequence of JobState

    Returns
    -------
    DataFrame
        ``job``; ``status``; the settings that vary; ``words``; ``loss`` and ``held_out_loss`` (nats per example in the
        last epoch); a column for each evaluation set; ``perplexity`` (test text) and ``kneser_ney`` (its 5-gram
        baseline) if a language model was trained; ``seconds`` of all stages, shared ones included; ``train_seconds``
        of word2vec alone, without compilation; ``peak_mb``; ``error``, the reason of a failure.
    """
    import pandas as pd

    rows = [_row(state) for state in states]
    table = pd.DataFrame(rows)
    kinds = {name: {type(row[name]) for row in rows if row.get(name) is not None} for name in table.columns}
    return table.astype({name: "Int64" for name, found in kinds.items() if found == {int}})  # also if a job has none


def _row(state: JobState) -> dict[str, Any]:
    varied = {
        name: value if isinstance(value, int | float | str) else json.dumps(value) for name, value in _varied(state)
    }
    row: dict[str, Any] = {"job": state.job.name, "status": state.status, **varied}
    if state.status == FINISHED:
        row |= results_of(state.directory) | _costs(state)
    return row | {"error": state.reason}


def _varied(state: JobState) -> list[tuple[str, Any]]:
    return list(state.job.varied.items())


def results_of(directory: Path) -> dict[str, Any]:
    """Return the results of a finished job, by the names of their columns in the table of a sweep.

    Parameters
    ----------
    directory : Path
        Directory of the job.

    Returns
    -------
    dict of str to Any
        Losses of word2vec, a score for every evaluation set, perplexities; None for a score that there is not.
    """
    found: dict[str, Any] = {}
    if last := _last_epoch(directory):
        found |= {name: last[name] for name in ("loss", "held_out_loss")}
    if scores := _text(directory / "evaluate" / SCORES_FILE):
        found |= {entry["set"]: entry["score"] for entry in json.loads(scores)}
    if evaluation := _text(directory / "train-lm" / PERPLEXITY_FILE):
        perplexities = json.loads(evaluation)
        found |= {
            "perplexity": perplexities["test"]["perplexity"],
            "kneser_ney": perplexities["kneser_ney"]["perplexity"],
        }
    return found


def _last_epoch(directory: Path) -> dict[str, Any]:
    """Return the metrics of the last epoch of word2vec; empty if there are none."""
    lines = _text(directory / "train-embeddings" / METRICS_FILE).splitlines()
    return dict(json.loads(lines[-1])) if lines else {}


def _costs(state: JobState) -> dict[str, Any]:
    manifests = {}
    for stage in state.recipes:
        try:
            manifests[stage] = Manifest.read(state.directory / stage)
        except ManifestError:
            continue
    seconds = {stage: manifest.cost["wall_seconds"] for stage, manifest in manifests.items()}
    return {
        "words": manifests["vocabulary"].summary["words"],
        "seconds": sum(seconds.values()),
        "train_seconds": _last_epoch(state.directory).get("seconds"),
        "peak_mb": max(manifest.cost["peak_memory_bytes"] for manifest in manifests.values()) / 1e6,
    }


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def write_summary(summary: "pd.DataFrame", directory: Path) -> None:
    """Write ``summary.csv`` and ``summary.parquet``.

    Parameters
    ----------
    summary : pd.DataFrame
    directory : Path

    Raises
    ------
    EmbeddingsError
        A file cannot be written.
    """
    parquet = io.BytesIO()
    mixed = [
        name for name in summary.columns if summary[name].map(type).nunique() > 1 and summary[name].dtype == object
    ]
    summary.astype(dict.fromkeys(mixed, str)).to_parquet(parquet, index=False)
    for name, content in zip(SUMMARY_FILES, (summary.to_csv(index=False).encode(), parquet.getvalue()), strict=True):
        with atomic_file(directory / name) as file:
            file.write(content)


def print_summary(summary: "pd.DataFrame") -> None:
    """Print the table, without the settings that are in the names of the jobs."""
    import pandas as pd

    from pipelines.console.tables import print_columns

    shown = [name for name in summary.columns if "." not in name and not (summary[name].isin(["", None])).all()]
    rows = [["" if pd.isna(value) else _shown(value) for value in record] for record in summary[shown].to_numpy(object)]
    print_columns([shown, *rows], left=2)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
    return str(value)
