"""The evaluation sets of `--data`, with progress bars for downloads."""

from collections.abc import Sequence
from pathlib import Path

from corpora import evaluation_data, fetch
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress


def find_sets(data: Sequence[str] | None) -> dict[str, Path]:
    """Find evaluation sets; see `corpora.evaluation_data.find_sets`."""
    return evaluation_data.find_sets(data, _fetch)


def _fetch(name: str) -> Path:
    with interruptible("repeat the command to resume"), make_progress().task(f"fetching {name}", None) as update:
        return fetch(name, lambda done, total: update(done, total=total)).text_files[0]
