"""The evaluation sets of `--data`, with progress bars for downloads."""

from collections.abc import Sequence
from pathlib import Path

from corpora import evaluation_data, fetch
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.settings.config import ConfigError


def find_sets(data: Sequence[str] | None) -> dict[str, Path]:
    """Find evaluation sets; see `corpora.evaluation_data.find_sets`. An empty name is a `ConfigError`."""
    if data and "" in data:
        raise ConfigError("the name of an evaluation set is empty; expected that of a set, a file or a folder")
    return evaluation_data.find_sets(data, _fetch)


def _fetch(name: str) -> Path:
    with interruptible("repeat the command to resume"), make_progress().task(f"fetching {name}", None) as update:
        return fetch(name, lambda done, total: update(done, total=total)).text_files[0]
