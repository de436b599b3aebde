"""Running a list of stages that makes one output directory, or finding that directory up to date."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.backends.backend import Backend
from pipelines.backends.local import LOCAL
from pipelines.console.interruption import expect_output, interruptible
from pipelines.console.progress import Progress
from pipelines.running.manifest import Manifest, ManifestError
from pipelines.running.output_directory import OutputDirectory, finished, remove_leftovers, require_unchanged
from pipelines.running.runner import Runner
from pipelines.running.stage import NOT_FETCHED, Stage
from pipelines.running.unfinished_work import has_checkpoint
from pipelines.settings.config import differences
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError

_MODELS = {"start": "the model given with --start-from", "embeddings": "the model of word vectors", "names": "--names"}
_CREW = ("workers", "worker_threads")


def make(
    out: Path,
    stages: Sequence[Stage],
    settings: Mapping[str, Any],
    *,
    force: bool,
    progress: Progress,
    backend: Backend = LOCAL,
) -> Manifest:
    """Run stages and publish the output of the last one; resume an interrupted run with the same settings.

    Parameters
    ----------
    out : Path
        Output directory; it appears when all stages have finished.
    stages : sequence of Stage
        In order of execution.
    settings : mapping
        Settings that determine the result; an unfinished run with other settings is refused.
    force : bool
        Replace a finished directory; discard unfinished work with other settings.
    progress : Progress
    backend : Backend
        Where the stages run.

    Returns
    -------
    Manifest
        Of the last stage.

    Raises
    ------
    VecmillError
        A stage failed, or `out` cannot be written; `out` is then unchanged.
    """
    expect_output(out)
    with OutputDirectory(out, force=force) as output:

        def begin() -> None:
            if not force:
                _require_same_text(output.work, stages[0])
            output.begin({**settings, **_workers(stage.settings for stage in stages)})

        manifests = Runner(output.work, stages, progress, backend=backend).run(begin)
        output.publish(stages[-1].name)
    return manifests[stages[-1].name]


def _require_same_text(work: Path, fetch: Stage) -> None:
    """Raise an `OutputError` if the text is another one than that of a training that can be resumed."""
    try:
        before = Manifest.read(work / fetch.name).provenance.inputs.get("corpus") if has_checkpoint(work) else None
    except ManifestError:
        return
    now = fetch.sources().get("corpus")
    if before is not None and now not in (None, NOT_FETCHED, before):
        raise OutputError(
            f"the text has changed since the training in {work} was interrupted; restore it to resume the training, or "
            "add --force to start over"
        )


def make_unless_finished(
    out: Path,
    stages: Sequence[Stage],
    settings: Mapping[str, Any],
    *,
    skip_finished: bool,
    force: bool,
    progress: Progress,
    backend: Backend = LOCAL,
) -> bool:
    """Run stages as `make` does; with `skip_finished`, not if `out` is finished and was made from the same inputs.

    Parameters
    ----------
    out : Path
    stages : sequence of Stage
    settings : mapping of str to Any
    skip_finished : bool
    force : bool
        Run the stages in any case.
    progress : Progress
    backend : Backend
        Where the stages run.

    Returns
    -------
    bool
        Whether the stages ran.

    Raises
    ------
    VecmillError
        See `make` and `is_made`.
    """
    if skip_finished and not force and is_made(out, stages, settings):
        remove_leftovers(out)
        return False
    with interruptible("repeat the command to resume"):
        make(out, stages, settings, force=force, progress=progress, backend=backend)
    return True


def is_made(out: Path, stages: Sequence[Stage], settings: Mapping[str, Any]) -> bool:
    """Return whether `out` is finished and was made from the same text, models and settings.

    Parameters
    ----------
    out : Path
    stages : sequence of Stage
    settings : mapping of str to Any

    Returns
    -------
    bool

    Raises
    ------
    OutputError
        `out` is finished, but was made from something else, which the message names.
    """
    made = finished(out)
    if made is None:
        return False
    manifest, before = made
    wanted = json.loads(json.dumps(settings))
    changed = differences({name: _only(before.get(name), wanted[name]) for name in wanted}, wanted)
    records = [record.get("settings", {}) for record in manifest.history.values()]
    then, now = _workers([manifest.provenance.settings, *records]), _workers(stage.settings for stage in stages)
    for name in _CREW:
        changed += differences({name: then.get(name)}, {name: now.get(name)})
    text = stages[0].sources().get("corpus")  # None for a remote text, which is not fetched to compare
    if text not in (None, manifest.corpus):
        changed.append("the text has changed")
    inputs = manifest.provenance.inputs
    sources = stages[-1].sources()
    changed += [f"{_MODELS.get(name, name)} has changed" for name in sources if sources[name] != inputs.get(name)]
    require_unchanged(out, changed)
    present = {name for name in manifest.outputs if name != CONFIG_FILE and (out / name).exists()}  # of a URL, records
    if damaged := [name for name in manifest.damaged(out) if name in present]:
        raise OutputError(
            f"{out} is damaged: {damaged[0]} is not the file that was written; add --force to make it again"
        )
    return True


def _workers(settings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a model depends on beside the settings of the command: the workers that train it in rounds."""
    return {name: stage[name] for stage in settings for name in _CREW if name in stage}


def _only(before: Any, wanted: Any) -> Any:
    """Leave out settings that do not affect the result, such as the number of threads."""
    return {key: value for key, value in before.items() if key in wanted} if isinstance(before, dict) else before
