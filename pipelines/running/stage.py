"""The interface of a stage: name, settings, inputs, and one directory of outputs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.backends.backend import Backend
from pipelines.backends.local import LOCAL
from pipelines.console.progress import Progress
from pipelines.running.manifest import digest_of

NOT_FETCHED = "not fetched yet"
"""In place of the hash of a text of the catalog that was not downloaded."""


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """The environment in which a stage runs.

    Attributes
    ----------
    inputs : mapping of str to Path
        Directory of every input stage by name; read-only.
    checkpoint : Path
        Directory that survives an interruption: it is passed again when the stage is started with the same settings
        and inputs. It is removed when the stage has finished.
    progress : Progress
        Receives the progress of the stage.
    backend : Backend
        Runs its tasks and the workers of its training.
    """

    inputs: Mapping[str, Path]
    checkpoint: Path
    progress: Progress
    backend: Backend = LOCAL


class Stage(ABC):
    """One step from inputs to a directory of outputs.

    Modules of stages do slow imports inside `check` and `run`, so that a skipped stage takes no time.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the stage and of its directory."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """The settings that affect the result, as JSON values, and no others; after a change the stage runs again."""

    @property
    def inputs(self) -> Sequence[str]:
        """The names of the earlier stages that it reads."""
        return ()

    @property
    def trained_model(self) -> str | None:
        """The architecture or cell whose kernels are compiled while earlier stages run; None for none."""
        return None

    def sources(self) -> Mapping[str, str]:
        """Return the hashes of its inputs from outside the pipeline, by name."""
        return {}

    def check(self) -> None:  # noqa: B027 - most stages have nothing to check
        """Raise an error for settings that cannot work; uses no network; called before the first stage runs."""

    def prepare(self) -> None:  # noqa: B027 - most stages need nothing
        """Download what the stage reads beside its inputs; called after all checks, before the first stage runs."""

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the hash that later stages depend on.

        Parameters
        ----------
        fingerprint : str
            Of the settings, inputs, code and libraries of the stage.
        outputs : mapping of str to mapping of str to Any
            ``{relative path: {"bytes": size, "sha256": hex}}``.

        Returns
        -------
        str
        """
        return digest_of(outputs)

    @abstractmethod
    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the outputs into an empty directory and return a summary of counts, as JSON values."""
