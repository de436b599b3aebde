"""Runs stages in order: skips what is unchanged, resumes what was interrupted, renames into place what is finished."""

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from pipelines.interruption import raise_if_interrupted
from pipelines.manifest import (
    Basis,
    Manifest,
    ManifestError,
    Stopwatch,
    code_version,
    library_versions,
    list_outputs,
    machine,
)
from pipelines.progress import Progress
from pipelines.stage import Stage, StageContext

logger = logging.getLogger(__name__)


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
    """

    def __init__(self, root: Path, stages: Sequence[Stage], progress: Progress) -> None:
        self._root = root
        self._stages = {stage.name: stage for stage in stages}
        self._progress = progress
        self._manifests: dict[str, Manifest] = {}
        self._unverified: set[str] = set()

    def run(self) -> dict[str, Manifest]:
        """Bring every stage up to date and return the manifests by stage."""
        for stage in self._stages.values():
            raise_if_interrupted()
            basis = self._basis(stage)
            manifest = self._kept(stage, basis)
            if manifest:
                logger.info("%s: unchanged, skipped", stage.name)
                self._manifests[stage.name] = manifest
                self._unverified.add(stage.name)
            else:
                self._make(stage)
        return self._manifests

    def _basis(self, stage: Stage) -> Basis:
        inputs = {name: self._manifests[name].digest for name in stage.inputs}
        return Basis(
            stage=stage.name,
            settings=json.loads(json.dumps(stage.settings)),
            inputs={**inputs, **stage.sources()},
            code=code_version(),
            libraries=library_versions(),
        )

    def _kept(self, stage: Stage, basis: Basis) -> Manifest | None:
        """Return the manifest of an earlier run's directory if that is what would be made now."""
        directory = self._root / stage.name
        if not directory.exists():
            return None
        try:
            manifest = Manifest.read(directory)
        except ManifestError as error:
            logger.warning("%s: made again: %s", stage.name, error)
            return None
        reason = basis.change_since(manifest.basis)
        if reason is None and (missing := manifest.missing(directory)):
            reason = f"{missing[0]} is missing or cut short"
        if reason:
            logger.info("%s: made again: %s", stage.name, reason)
        return None if reason else manifest

    def _make(self, stage: Stage) -> None:
        """Run a stage, after a check that its inputs from earlier runs are undamaged."""
        for name in stage.inputs:
            if name in self._unverified and (reason := self._unsound(name)):
                logger.warning("%s: made again: %s", name, reason)
                self._make(self._stages[name])
            self._unverified.discard(name)
        basis = self._basis(stage)
        stopwatch = Stopwatch()
        partial = self._root / f".{stage.name}.partial"
        checkpoint = self._checkpoint(stage, basis)
        _remove(partial)
        partial.mkdir()
        try:
            context = StageContext(
                inputs={name: self._root / name for name in stage.inputs},
                checkpoint=checkpoint,
                progress=self._progress,
            )
            summary = stage.run(partial, context)
            manifest = Manifest(
                # the sources once more: what standard input held is known only now
                basis=self._basis(stage),
                outputs=list_outputs(partial),
                summary=summary,
                cost=stopwatch.cost(),
                machine=machine(),
                history=self._history(stage),
            )
            manifest.write(partial)
        except BaseException:
            _remove(partial)
            raise
        _remove(self._root / stage.name)
        partial.rename(self._root / stage.name)
        _remove(checkpoint)
        self._manifests[stage.name] = manifest
        self._unverified.discard(stage.name)
        logger.info("%s: done in %.1f s", stage.name, manifest.cost["wall_seconds"])

    def _unsound(self, name: str) -> str | None:
        """Return what is wrong with a stage kept from an earlier run: its content, or the inputs it was made from."""
        manifest = self._manifests[name]
        damaged = manifest.damaged(self._root / name)
        return f"{damaged[0]} is damaged" if damaged else self._basis(self._stages[name]).change_since(manifest.basis)

    def _checkpoint(self, stage: Stage, basis: Basis) -> Path:
        """Return the checkpoint directory of exactly this basis; those of any other are removed."""
        wanted = self._root / f".{stage.name}.checkpoint-{basis.fingerprint[:16]}"
        for path in self._root.glob(f".{stage.name}.checkpoint-*"):
            if path != wanted:
                _remove(path)
        wanted.mkdir(exist_ok=True)
        return wanted

    def _history(self, stage: Stage) -> dict[str, dict]:
        history: dict[str, dict] = {}
        for name in stage.inputs:
            manifest = self._manifests[name]
            record = manifest.to_dict()
            history |= record.pop("history") | {name: record}
        return history


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
