"""`vecmill run`: the stages that a settings file asks for, in one directory that the next run brings up to date."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from pipelines.console.progress import LogProgress, Progress
from pipelines.running.known_hashes import HASHES_FILE, KnownHashes
from pipelines.running.manifest import Manifest
from pipelines.running.run_directory import RunDirectory, refuse_other
from pipelines.running.runner import Runner, Step
from pipelines.settings.config import ConfigError
from pipelines.settings.run_config import RunConfig
from pipelines.stage_lists import STAGES, run_stages
from vecmill.hints import did_you_mean


class Selection(NamedTuple):
    """Which stages of a pipeline a run is about.

    Attributes
    ----------
    until
        The last stage; None is the last of all.
    force
        Stages that are made again, and all that depend on them, though nothing has changed.
    """

    until: str | None = None
    force: Collection[str] = ()


ALL = Selection()


class Outcome(NamedTuple):
    """What a run has done.

    Attributes
    ----------
    manifests
        Of all stages, by name.
    made
        Names of the stages that were not skipped.
    """

    manifests: dict[str, Manifest]
    made: list[str]


def plan(config: RunConfig, directory: Path, selection: Selection = ALL) -> list[Step]:
    """Return what `run` would do; makes nothing.

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError, OutputError
        As `run`, as far as they can be known.
    """
    refuse_other(directory)
    return _runner(config, directory, selection, LogProgress()).plan()


def run(config: RunConfig, directory: Path, progress: Progress, selection: Selection = ALL) -> Outcome:
    """Bring a directory up to date with a configuration.

    Raises
    ------
    ConfigError, CorpusError, EmbeddingsError, OutputError
        See there; what was finished before stays.
    """
    with RunDirectory(directory) as output:
        runner = _runner(config, directory, selection, progress)
        output.begin(config.to_dict())
        return Outcome(runner.run(), runner.made)


def _runner(config: RunConfig, directory: Path, selection: Selection, progress: Progress) -> Runner:
    """Return the runner of the stages selected."""
    hashes = KnownHashes(directory / HASHES_FILE if directory.exists() else None)
    stages = run_stages(config, hashes)
    names = [stage.name for stage in stages]
    for name in (*selection.force, *([selection.until] if selection.until else [])):
        if name not in STAGES:
            raise ConfigError(f"there is no stage {name!r}{did_you_mean(name, STAGES)} (stages: {', '.join(STAGES)})")
        if name not in names:
            raise ConfigError(f"the stage {name} is not asked for by these settings (stages: {', '.join(names)})")
    last = names.index(selection.until) if selection.until else len(names)
    return Runner(directory, stages[: last + 1], progress, forced=selection.force, hashes=hashes)
