"""The shape of a stage: named settings and inputs, one directory of outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipelines.progress import Progress


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


class Stage(Protocol):
    """One step from inputs to a directory of outputs."""

    @property
    def name(self) -> str:
        """Name of the stage and of its directory."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that change the result, as JSON values; a change of any of them makes the stage anew."""
        ...

    @property
    def inputs(self) -> Sequence[str]:
        """Names of the earlier stages that are read."""
        ...

    def sources(self) -> Mapping[str, str]:
        """Return a hash of everything that is read from outside the pipeline, by name."""
        ...

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Fill an empty directory and return a summary of what was counted, as JSON values."""
        ...
