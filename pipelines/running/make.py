"""One directory from a list of stages: made whole, or found finished and made from the same."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.console.progress import Progress
from pipelines.running.manifest import Manifest
from pipelines.running.output_directory import OutputDirectory, finished, require_unchanged
from pipelines.running.runner import Runner
from pipelines.running.stage import Stage
from pipelines.settings.config import differences

_MODELS = {"start": "the model that training starts from", "embeddings": "the model of word vectors"}


def make(
    out: Path, stages: Sequence[Stage], settings: Mapping[str, Any], *, force: bool, progress: Progress
) -> Manifest:
    """Make the result of the last stage, continuing an interrupted run with the same settings.

    Parameters
    ----------
    out : Path
        The directory; it appears when all is finished.
    stages : sequence of Stage
        In order.
    settings : mapping
        That decide the result; an unfinished run with other settings is refused.
    force : bool
        Replace a finished directory, and drop unfinished work of other settings.
    progress : Progress

    Raises
    ------
    VecmillError
        A stage failed, or `out` cannot be written; `out` is then as it was before.
    """
    with OutputDirectory(out, force=force) as output:
        output.begin(settings)
        manifests = Runner(output.work, stages, progress).run()
        output.publish(stages[-1].name)
    return manifests[stages[-1].name]


def is_made(out: Path, stages: Sequence[Stage], settings: Mapping[str, Any]) -> bool:
    """Return whether `out` is finished and was made from the same text and models with the same settings.

    Raises
    ------
    OutputError
        It is finished, but was made from something else, which the message names.
    """
    made = finished(out)
    if made is None:
        return False
    manifest, before = made
    wanted = json.loads(json.dumps(settings))
    changed = differences({name: _only(before.get(name), wanted[name]) for name in wanted}, wanted)
    text = stages[0].sources().get("corpus")  # None: it is elsewhere, and not fetched again to compare
    if text not in (None, manifest.corpus):
        changed.append("the text has changed")
    inputs = manifest.basis.inputs
    sources = stages[-1].sources()
    changed += [f"{_MODELS.get(name, name)} has changed" for name in sources if sources[name] != inputs.get(name)]
    require_unchanged(out, changed)
    return True


def _only(before: Any, wanted: Any) -> Any:
    """Leave out settings that do not decide the result, such as the number of threads."""
    return {key: value for key, value in before.items() if key in wanted} if isinstance(before, dict) else before
