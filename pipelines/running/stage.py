"""The shape of a stage: named settings and inputs, one directory of outputs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.console.progress import Progress
from pipelines.running.manifest import digest_of


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """What a stage is given to run with.

    Attributes
    ----------
    inputs
        Directory of every input stage, by its name; to be read only.
    checkpoint
        Directory that survives an interruption of this stage, and is there again when the same stage, made from the
        same things, is started the next time. It is removed when the stage has finished.
    progress
        Where progress is reported to.
    """

    inputs: Mapping[str, Path]
    checkpoint: Path
    progress: Progress


class Stage(ABC):
    """One step from inputs to a directory of outputs.

    Modules of stages import what is slow to import inside `check` and `run`, so that skipping a stage costs nothing.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the stage and of its directory."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Settings that change the result, as JSON values, and no others: a change of any makes the stage anew."""

    @property
    def inputs(self) -> Sequence[str]:
        """Names of the earlier stages that are read."""
        return ()

    def sources(self) -> Mapping[str, str]:
        """Return a hash of everything that is read from outside the pipeline, by name."""
        return {}

    def check(self) -> None:  # noqa: B027 - most stages have nothing to check
        """Raise an error for settings that cannot work; is called before the first stage begins."""

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return one hash of what later stages depend on.

        Parameters
        ----------
        fingerprint
            Of the settings, inputs, code and libraries that the outputs were made from.
        outputs
            ``{relative path: {"bytes": size, "sha256": hex}}``.
        """
        return digest_of(outputs)

    @abstractmethod
    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Fill an empty directory and return a summary of what was counted, as JSON values."""
