"""Runs stages in order: skips what is unchanged, resumes what was interrupted, renames into place what is finished."""

import json
import logging
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipelines.console.interruption import raise_if_interrupted
from pipelines.console.progress import Progress
from pipelines.running.code_version import code_version
from pipelines.running.known_hashes import KnownHashes
from pipelines.running.manifest import (
    Basis,
    Manifest,
    ManifestError,
    Stopwatch,
    library_versions,
    list_outputs,
    machine,
)
from pipelines.running.recorded_progress import RecordedProgress
from pipelines.running.stage import Stage, StageContext

logger = logging.getLogger(__name__)


class Step(NamedTuple):
    """What a run would do about a stage.

    Attributes
    ----------
    stage
        Its name.
    reason
        Why it would be made; None if it would be skipped.
    waits_for
        If it would be made only because of inputs that come out otherwise: their names.
    """

    stage: str
    reason: str | None
    waits_for: tuple[str, ...] = ()


class Runner:
    """Keeps one directory a stage under `root`, each complete or not there at all.

    The caller holds the lock on `root`: two runners on one root would disturb each other.

    Parameters
    ----------
    root
        Directory of the stages' directories.
    stages
        In an order in which every stage comes after its inputs.
    progress
        Where stages report their progress to.
    forced
        Names of stages that are made again, and all that depends on them, whether they are unchanged or not.
    hashes
        Of outputs that were hashed before; by default those of earlier processes are all read.

    Attributes
    ----------
    made
        Names of the stages that were not skipped, in the order in which they were finished.
    """

    def __init__(
        self,
        root: Path,
        stages: Sequence[Stage],
        progress: Progress,
        *,
        forced: Collection[str] = (),
        hashes: KnownHashes | None = None,
    ) -> None:
        self._root = root
        self._stages = {stage.name: stage for stage in stages}
        self._progress = progress
        self._forced = self._dependents(forced)
        self.made: list[str] = []
        self._manifests: dict[str, Manifest] = {}
        self._hashes = hashes or KnownHashes()

    def plan(self) -> list[Step]:
        """Return what `run` would do, as far as that can be known before; changes nothing."""
        steps: list[Step] = []
        known: dict[str, Manifest] = {}
        again: set[str] = set()
        for stage in self._stages.values():
            manifest, reason = self._assess(stage, known)
            if manifest:
                known[stage.name] = manifest
            waits_for = tuple(name for name in stage.inputs if name in again) if reason is None else ()
            if waits_for:
                reason = f"if {' or '.join(waits_for)} comes out otherwise"
            if reason:
                again.add(stage.name)
            steps.append(Step(stage.name, reason, waits_for))
        return steps

    def run(self) -> dict[str, Manifest]:
        """Bring every stage up to date and return the manifests by stage."""
        for step in self.plan():
            if step.reason:
                self._stages[step.stage].check()
        for stage in self._stages.values():
            raise_if_interrupted()
            manifest, reason = self._assess(stage, self._manifests)
            if manifest and reason is None:
                logger.info("%s: unchanged, skipped", stage.name)
                self._manifests[stage.name] = manifest
                self._drop_checkpoints(stage)
                self._record_of_progress(stage).unlink(missing_ok=True)  # of a run that was killed at its very end
            else:
                if (self._root / stage.name).exists():
                    level = logging.INFO if manifest else logging.WARNING
                    logger.log(level, "%s: made again: %s", stage.name, reason)
                self._make(stage)
        self._hashes.save()
        return self._manifests

    def _assess(self, stage: Stage, known: Mapping[str, Manifest]) -> tuple[Manifest | None, str | None]:
        """Return what an earlier run left of a stage, and why that will not do (None: it will).

        `known` holds the manifests of its inputs; one that is missing there has never been made.
        """
        directory = self._root / stage.name
        if not directory.exists():
            return None, "not made yet"
        try:
            manifest = Manifest.read(directory)
        except ManifestError as error:
            return None, str(error)
        reason = self._basis(stage, known).change_since(manifest.basis)
        if reason is None and (missing := manifest.missing(directory)):
            reason = f"{missing[0]} is missing or cut short"
        if reason is None and (damaged := self._hashes.damaged(directory, manifest.outputs)):
            reason = f"{damaged} is damaged"
        if reason is None and stage.name in self._forced:
            reason = "forced"
        return manifest, reason

    def _basis(self, stage: Stage, known: Mapping[str, Manifest]) -> Basis:
        inputs = {name: known[name].digest if name in known else "not made yet" for name in stage.inputs}
        return Basis(
            stage=stage.name,
            settings=json.loads(json.dumps(stage.settings)),
            inputs={**inputs, **stage.sources()},
            code=code_version(type(stage).__module__),
            libraries=library_versions(),
        )

    def _make(self, stage: Stage) -> None:
        """Run a stage whose inputs are there and undamaged."""
        stopwatch = Stopwatch()
        partial = self._root / f".{stage.name}.partial"
        checkpoint = self._checkpoint(stage)
        progress = RecordedProgress(self._progress, self._record_of_progress(stage), checkpoint)
        _remove(partial)
        partial.mkdir()
        try:
            context = StageContext(
                inputs={name: self._root / name for name in stage.inputs}, checkpoint=checkpoint, progress=progress
            )
            summary = stage.run(partial, context)
            basis = self._basis(stage, self._manifests)  # now: what standard input held was not known before
            outputs = list_outputs(partial)
            manifest = Manifest(
                basis=basis,
                outputs=outputs,
                summary=summary,
                cost=stopwatch.cost(),
                machine=machine(),
                history=self._history(stage),
                digest=stage.digest(basis.fingerprint, outputs),
            )
            manifest.write(partial)
        except BaseException:
            _remove(partial)
            raise
        _flush(partial)
        _remove(self._root / stage.name)
        partial.rename(self._root / stage.name)
        self._hashes.remember(self._root / stage.name, outputs)
        self._hashes.save()
        _remove(checkpoint)
        progress.forget()
        self.made.append(stage.name)
        self._manifests[stage.name] = manifest
        logger.info("%s: done in %.1f s", stage.name, manifest.cost["wall_seconds"])

    def _checkpoint(self, stage: Stage) -> Path:
        """Return the checkpoint directory of exactly this basis; those of any other are removed."""
        fingerprint = self._basis(stage, self._manifests).fingerprint
        wanted = self._root / f".{stage.name}.checkpoint-{fingerprint[:16]}"
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
        """Return some stages and all that depend on them."""
        found = set(names)
        for stage in self._stages.values():
            if found & set(stage.inputs):
                found.add(stage.name)
        return found

    def _history(self, stage: Stage) -> dict[str, dict]:
        history: dict[str, dict] = {}
        for name in stage.inputs:
            manifest = self._manifests[name]
            record = manifest.to_dict()
            history |= record.pop("history") | {name: record}
        return history


def _flush(directory: Path) -> None:
    """Write every file to the disk before the directory is put in its place.

    Windows flushes only what is open for writing, and no directories.
    """
    on_windows = os.name == "nt"
    for path in [*directory.rglob("*"), directory]:
        if on_windows and path.is_dir():
            continue
        descriptor = os.open(path, os.O_RDWR if on_windows else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
