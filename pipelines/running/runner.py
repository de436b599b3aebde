"""Runs stages in order: skips unchanged stages, resumes interrupted ones, publishes finished ones."""

import json
import logging
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.backends.backend import Backend
from pipelines.backends.local import LOCAL
from pipelines.console.interruption import raise_if_interrupted
from pipelines.console.progress import Progress
from pipelines.running.code_version import code_version
from pipelines.running.hash_cache import HashCache
from pipelines.running.manifest import (
    Manifest,
    ManifestError,
    Provenance,
    Stopwatch,
    library_versions,
    list_outputs,
    machine,
)
from pipelines.running.recorded_progress import RecordedProgress
from pipelines.running.stage import Stage, StageContext
from pipelines.running.unfinished_work import has_checkpoint
from vecmill.files import atomic_directory, recover_directory

logger = logging.getLogger(__name__)


class PlannedStage(NamedTuple):
    """The plan for a stage.

    Attributes
    ----------
    stage : str
        Its name.
    reason : str or None
        Why it would run; None if it would be skipped.
    waits_for : tuple of str
        Input stages that run first; the stage runs only if the output of one of them changes.
    loses_model : bool
        Whether a finished model would be trained again though neither the text nor a setting has changed since: the
        code, a library or a default is another one.
    """

    stage: str
    reason: str | None
    waits_for: tuple[str, ...] = ()
    loses_model: bool = False


class Runner:
    """Keeps one directory per stage under `root`; each is complete or absent.

    The caller holds the lock on `root`, because two runners must not write the same directory.

    Parameters
    ----------
    root : Path
        Directory that contains the directories of the stages.
    stages : sequence of Stage
        Every stage stands after its inputs.
    progress : Progress
        Receives the progress of the stages.
    forced : collection of str
        Names of stages that run again, with all stages that depend on them, even if they are unchanged.
    hashes : HashCache, optional
        Hashes of outputs that were read before. Default: all outputs of earlier processes are read.
    backend : Backend
        Where the stages run.

    Attributes
    ----------
    made : list of str
        Names of the stages that ran, in order.
    """

    def __init__(
        self,
        root: Path,
        stages: Sequence[Stage],
        progress: Progress,
        *,
        forced: Collection[str] = (),
        hashes: HashCache | None = None,
        backend: Backend = LOCAL,
    ) -> None:
        self._backend = backend
        self._root = root
        self._stages = {stage.name: stage for stage in stages}
        self._progress = progress
        self._forced = self._dependents(forced)
        self.made: list[str] = []
        self._manifests: dict[str, Manifest] = {}
        self._hashes = hashes or HashCache()

    def plan(self) -> list[PlannedStage]:
        """Return the plan of every stage, as far as it is known in advance; changes nothing."""
        steps: list[PlannedStage] = []
        known: dict[str, Manifest] = {}
        again: set[str] = set()
        for stage in self._stages.values():
            manifest, reason = self._assess(stage, known)
            if manifest:
                known[stage.name] = manifest
            waits_for = tuple(name for name in stage.inputs if name in again) if reason is None else ()
            if waits_for:
                reason = f"if {' or '.join(waits_for)} changes"
            if reason:
                again.add(stage.name)
            certain = reason is not None and not waits_for and known.keys() >= set(stage.inputs)
            loses = certain and manifest is not None and self._is_lost(stage, manifest)
            steps.append(PlannedStage(stage.name, reason, waits_for, loses))
        return steps

    def check(self, steps: Sequence[PlannedStage]) -> list[Stage]:
        """Raise the errors of planned stages that are known in advance; return those that would run."""
        waiting = [self._stages[step.stage] for step in steps if step.reason]
        for stage in waiting:
            stage.check()
        return waiting

    def _is_lost(self, stage: Stage, manifest: Manifest) -> bool:
        """Return whether a stage would replace a whole model of the same settings, as far as they were recorded."""
        if not stage.trained_model or stage.name in self._forced:
            return False
        directory = self._root / stage.name
        if manifest.missing(directory) or self._hashes.damaged(directory, manifest.outputs):
            return False
        text = next(iter(self._stages.values())).sources().get("corpus")  # None for a remote text
        if text not in (None, manifest.corpus):
            return False
        before = {name: record.get("settings") for name, record in manifest.history.items() if name in self._stages}
        before[stage.name] = manifest.provenance.settings
        now = json.loads(json.dumps({name: dict(self._stages[name].settings) for name in before}))
        return _agree(before, now)

    def run(self, begin: Callable[[], None] | None = None) -> dict[str, Manifest]:
        """Update every stage.

        Parameters
        ----------
        begin : callable, optional
            Called when all settings are checked, before anything is written.

        Returns
        -------
        dict of str to Manifest
            Manifests by stage.
        """
        for name in self._stages:
            recover_directory(self._root / name)
        waiting = self.check(self.plan())
        for stage in waiting:
            stage.prepare()
        if begin:
            begin()
        if waiting:
            self._backend.begin(self._root)
        for stage in waiting:
            _compile_ahead(stage)
        for stage in self._stages.values():
            raise_if_interrupted()
            manifest, reason = self._assess(stage, self._manifests)
            if manifest and reason is None:
                logger.info("%s: unchanged, skipped", stage.name)
                self._manifests[stage.name] = manifest
                self._drop_checkpoints(stage)
                self._record_of_progress(stage).unlink(
                    missing_ok=True
                )  # left by a run that was killed just before its end
            else:
                if (self._root / stage.name).exists():
                    level = logging.INFO if manifest else logging.WARNING
                    logger.log(level, "%s: running again: %s", stage.name, reason)
                self._make(stage)
        self._hashes.save()
        return self._manifests

    def _assess(self, stage: Stage, known: Mapping[str, Manifest]) -> tuple[Manifest | None, str | None]:
        """Return the manifest of a stage, if it has one, and the reason why the stage has to run, if there is one.

        `known` holds the manifests of its inputs; an input without a manifest has never run.
        """
        directory = self._root / stage.name
        if not directory.exists():
            return None, "never run"
        try:
            manifest = Manifest.read(directory)
        except ManifestError as error:
            return None, str(error)
        reason = self._provenance(stage, known).change_since(manifest.provenance)
        if reason is None:
            reason = manifest.problem(directory)
        if reason is None and (damaged := self._hashes.damaged(directory, manifest.outputs)):
            reason = f"{damaged} is damaged"
        if reason is None and stage.name in self._forced:
            reason = "forced"
        return manifest, reason

    def _provenance(self, stage: Stage, known: Mapping[str, Manifest]) -> Provenance:
        inputs = {name: known[name].digest if name in known else "never run" for name in stage.inputs}
        return Provenance(
            stage=stage.name,
            settings=json.loads(json.dumps(stage.settings)),
            inputs={**inputs, **stage.sources()},
            code=code_version(type(stage).__module__),
            libraries=library_versions(),
        )

    def _make(self, stage: Stage) -> None:
        """Run a stage whose inputs exist and are undamaged."""
        stopwatch = Stopwatch()
        checkpoint = self._checkpoint(stage)
        logger.debug("%s: running with the settings %s", stage.name, json.dumps(stage.settings, default=str))
        progress = RecordedProgress(self._progress, self._record_of_progress(stage), checkpoint)
        with atomic_directory(self._root / stage.name, replace=True) as partial:
            context = StageContext(
                inputs={name: self._root / name for name in stage.inputs},
                checkpoint=checkpoint,
                progress=progress,
                backend=self._backend,
            )
            with _naming(self._root / stage.name):
                summary = stage.run(partial, context)
            provenance = self._provenance(stage, self._manifests)  # again: the hash of standard input is known only now
            outputs = list_outputs(partial)
            manifest = Manifest(
                provenance=provenance,
                outputs=outputs,
                summary=summary,
                cost=stopwatch.cost(),
                machine=machine(),
                history=self._history(stage),
                digest=stage.digest(provenance.fingerprint, outputs),
            )
            manifest.write(partial)
        self._hashes.remember(self._root / stage.name, outputs)
        self._hashes.save()
        _remove(checkpoint)
        progress.forget()
        self.made.append(stage.name)
        self._manifests[stage.name] = manifest
        logger.info("%s: done in %.1f s", stage.name, manifest.cost["wall_seconds"])

    def _checkpoint(self, stage: Stage) -> Path:
        """Return the checkpoint directory of this provenance; remove those of any other."""
        fingerprint = self._provenance(stage, self._manifests).fingerprint
        wanted = self._root / f".{stage.name}.checkpoint-{fingerprint[:16]}"
        if stage.name not in self._forced and not wanted.exists() and has_checkpoint(self._root, stage.name):
            logger.warning("%s: its text, settings or code changed: the interrupted training is discarded", stage.name)
        self._drop_checkpoints(stage, but=None if stage.name in self._forced else wanted)
        wanted.mkdir(exist_ok=True)
        return wanted

    def _record_of_progress(self, stage: Stage) -> Path:
        return self._root / f".{stage.name}.progress.json"

    def _drop_checkpoints(self, stage: Stage, but: Path | None = None) -> None:
        for path in self._root.glob(f".{stage.name}.checkpoint-*"):
            if path != but:
                _remove(path)

    def _dependents(self, names: Collection[str]) -> set[str]:
        """Return stages with all stages that depend on them."""
        found = set(names)
        for stage in self._stages.values():
            if found & set(stage.inputs):
                found.add(stage.name)
        return found

    def _history(self, stage: Stage) -> dict[str, dict[str, Any]]:
        history: dict[str, dict[str, Any]] = {}
        for name in stage.inputs:
            manifest = self._manifests[name]
            record = manifest.to_dict()
            history |= record.pop("history") | {name: record}
        return history


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """Add the place where a stage writes to an OSError that names none, as that of a full disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(place)
        raise


def _agree(before: Any, now: Any) -> bool:
    """Return whether settings have the same values under all keys that both have."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return all(_agree(before[key], now[key]) for key in before.keys() & now.keys())
    return bool(before == now)


def _compile_ahead(stage: Stage) -> None:
    if stage.trained_model:
        from embeddings.compile_ahead import compile_ahead

        compile_ahead(stage.trained_model)


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
