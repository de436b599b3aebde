"""Runs the stages of a settings file in one directory, which later runs update."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from pipelines.backends.backend import Backend
from pipelines.backends.local import LOCAL
from pipelines.console.progress import LogProgress, Progress
from pipelines.running.hash_cache import HASHES_FILE, HashCache
from pipelines.running.manifest import Manifest
from pipelines.running.run_directory import RunDirectory, refuse_foreign
from pipelines.running.runner import PlannedStage, Runner
from pipelines.running.watching import Watching
from pipelines.settings.config import ConfigError
from pipelines.settings.run_config import RunConfig
from pipelines.stage_lists import STAGES, run_stages
from vecmill.errors import OutputError
from vecmill.hints import did_you_mean


class Selection(NamedTuple):
    """The stages that a run includes.

    Attributes
    ----------
    until : str or None
        The last stage to run; None for all stages.
    force : collection of str
        Stages that run again, with all stages that depend on them, even if they are unchanged.
    """

    until: str | None = None
    force: Collection[str] = ()


ALL = Selection()


class Outcome(NamedTuple):
    """The result of a run.

    Attributes
    ----------
    manifests : dict of str to Manifest
        Manifests of all stages, by name.
    made : list of str
        Names of the stages that ran.
    """

    manifests: dict[str, Manifest]
    made: list[str]


def plan(
    config: RunConfig,
    directory: Path,
    selection: Selection = ALL,
    backend: Backend = LOCAL,
    *,
    check: bool = False,
) -> list[PlannedStage]:
    """Return the plan of `run`; runs nothing.

    Parameters
    ----------
    config : RunConfig
    directory : Path
    selection : Selection
    backend : Backend
    check : bool
        Check the settings of the stages that would run, as `run` does before the first of them.

    Returns
    -------
    list of PlannedStage

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError, OutputError
        As `run`, as far as errors are known in advance.
    """
    refuse_foreign(directory)
    runner = _runner(config, directory, selection, LogProgress(), backend)
    steps = runner.plan()
    if check:
        runner.check(steps)
    return steps


def run(
    config: RunConfig,
    directory: Path,
    progress: Progress,
    selection: Selection = ALL,
    backend: Backend = LOCAL,
    watching: Watching | None = None,
) -> Outcome:
    """Update a directory to a configuration.

    Parameters
    ----------
    config : RunConfig
    directory : Path
    progress : Progress
    selection : Selection
    backend : Backend
        Where the stages run.
    watching : Watching, optional
        The history that the training of word vectors keeps.

    Returns
    -------
    Outcome

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError, OutputError
        A setting, the text, the training or the directory is at fault; finished stages are kept.
    """
    with RunDirectory(directory) as output:
        runner = _runner(config, directory, selection, progress, backend, watching)
        _refuse_to_lose_models(runner.plan(), directory)
        return Outcome(runner.run(lambda: output.begin(config.to_dict())), runner.made)


def _refuse_to_lose_models(steps: list[PlannedStage], directory: Path) -> None:
    """Raise an error if a model that another version trained would be replaced, though nothing was changed."""
    for step in steps:
        if step.loses_model:
            raise OutputError(
                f"{directory / step.stage} is finished, but another version of vecmill or of its libraries made it "
                f"({step.reason}); choose another --out to keep it, or add --force {step.stage} to train again"
            )


def _runner(
    config: RunConfig,
    directory: Path,
    selection: Selection,
    progress: Progress,
    backend: Backend,
    watching: Watching | None = None,
) -> Runner:
    """Return the runner of the selected stages."""
    hashes = HashCache(directory / HASHES_FILE if directory.exists() else None)
    stages = run_stages(config, hashes, backend.workers, watching)
    names = [stage.name for stage in stages]
    for name in (*selection.force, *([] if selection.until is None else [selection.until])):
        if name not in STAGES:
            raise ConfigError(f"there is no stage {name!r}{did_you_mean(name, STAGES)} (stages: {', '.join(STAGES)})")
        if name not in names:
            raise ConfigError(f"the stage {name} is not part of this run (stages: {', '.join(names)})")
    last = len(names) if selection.until is None else names.index(selection.until)
    return Runner(directory, stages[: last + 1], progress, forced=selection.force, hashes=hashes, backend=backend)
