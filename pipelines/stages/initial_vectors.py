"""The word vectors that a training continues."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from corpora.sources import InputFile
from pipelines.running.external_vectors import phrases_of, read_vectors
from pipelines.running.hash_cache import HashCache

if TYPE_CHECKING:
    from embeddings import WordVectors


@dataclass(frozen=True, kw_only=True)
class InitialVectors:
    """A model directory or file of word vectors.

    Attributes
    ----------
    path : Path
        Its path.
    hashes : HashCache
        Hashes of files that were read before.
    """

    path: Path
    hashes: HashCache

    def sources(self) -> dict[str, str]:
        """Return the hash of its files, as an external input of a stage."""
        from embeddings.vectors.model_directory import ALL_FILES

        files = [self.path / name for name in ALL_FILES] if self.path.is_dir() else [self.path]
        return {"start": " ".join(self.hashes(_as_input(file)) for file in files if file.is_file())}

    @cached_property
    def phrases(self) -> Path | None:
        """The table of its phrases; None if it was trained without."""
        return phrases_of(self.path)

    def phrase_source(self) -> dict[str, str]:
        """Return the hash of its phrases, as an external input of a stage."""
        return {"start": self.hashes(_as_input(self.phrases))} if self.phrases else {}

    def open(self) -> "WordVectors":
        """Open the vectors.

        Returns
        -------
        WordVectors

        Raises
        ------
        EmbeddingsError
            The path does not exist or cannot be read.
        """
        return read_vectors(self.path)


def _as_input(file: Path) -> InputFile:
    def opened() -> BinaryIO:
        return file.open("rb")

    return InputFile(name="", path=str(file), size=None, open=opened)
