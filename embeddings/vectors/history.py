"""The history of a training: where the vectors of its most frequent words pointed, from the first moment to the last.

Layout of ``history.safetensors``, beside the vectors::

    directions   (m, n, d) int8   the vectors of the n most frequent words at m moments
    trained      (m,) int64       words of the text trained by then, over all epochs
    losses       (m,) float64     mean loss per example in nats since the moment before; NaN where none was measured

A direction is a vector whose largest entry, up to its sign, became 127: a byte an entry keeps the cosines of a hundred
dimensions to about 0.002, and lengths are no matter of maps and neighbours.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from embeddings.errors import EmbeddingsError
from embeddings.vectors.model_directory import require_unchanged
from vecmill.files import atomic_file

HISTORY_FILE = "history.safetensors"
_LARGEST = 127


@dataclass(frozen=True, kw_only=True)
class TrainingHistory:
    """Vectors of the n most frequent words of a training, at m moments.

    Attributes
    ----------
    directions : (m, n, d) int8
        See `directions_of`.
    trained : (m,) int64
        Words of the text trained by then, over all epochs; ascending.
    losses : (m,) float64
        Mean loss per example since the moment before; NaN where none was measured.

    Raises
    ------
    EmbeddingsError
        The arrays do not fit each other.
    """

    directions: np.ndarray
    trained: np.ndarray
    losses: np.ndarray

    def __post_init__(self) -> None:
        kinds = [(array.dtype.kind, array.ndim) for array in (self.directions, self.trained, self.losses)]
        lengths = {len(array) for array in (self.directions, self.trained, self.losses) if array.ndim}
        if kinds != [("i", 3), ("i", 1), ("f", 1)] or self.directions.itemsize != 1 or len(lengths) != 1:
            found = ", ".join(f"{array.dtype} {array.shape}" for array in (self.directions, self.trained, self.losses))
            raise EmbeddingsError(f"a history has {found}; expected int8 (m, n, d), int64 (m,) and float64 (m,)")
        if not (np.diff(self.trained) >= 0).all():
            raise EmbeddingsError("the moments of a history are not in the order of the training")

    def __len__(self) -> int:
        return len(self.trained)

    @property
    def words(self) -> int:
        """Number of words n."""
        return self.directions.shape[1]

    def units(self, moment: int, words: int | None = None) -> np.ndarray:
        """Return the unit vectors of the first words at a moment.

        Parameters
        ----------
        moment : int
        words : int, optional
            By default all.

        Returns
        -------
        (words, d) float32
            Rows of length 1; a vector of zeros stays one.
        """
        vectors = self.directions[moment, :words].astype(np.float32)
        units: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return units

    def write(self, directory: Path) -> None:
        """Write the history into a model directory."""
        tensors = {"directions": self.directions, "trained": self.trained, "losses": self.losses}
        with atomic_file(directory / HISTORY_FILE) as file:
            file.write(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))

    @classmethod
    def read(cls, directory: Path) -> "TrainingHistory":
        """Read the history of a model directory.

        Parameters
        ----------
        directory : Path

        Returns
        -------
        TrainingHistory

        Raises
        ------
        EmbeddingsError
            There is none, or it is damaged or that of another training.
        """
        path = directory / HISTORY_FILE
        if not path.is_file():
            raise EmbeddingsError(
                f"{directory} has no {HISTORY_FILE}; train it with --history or --watch, which keep one"
            )
        require_unchanged(directory, [HISTORY_FILE])
        try:
            tensors = load(path.read_bytes())
            return cls(**{name: tensors[name] for name in ("directions", "trained", "losses")})
        except (SafetensorError, KeyError, ValueError, TypeError, EmbeddingsError) as error:
            reason = " ".join(str(error).split())
            raise EmbeddingsError(f"{path} is damaged ({reason}); expected the file that training wrote") from error


def directions_of(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of one byte an entry that point where the given ones do.

    Parameters
    ----------
    vectors : (n, d) float32
        What is not finite counts as zero.

    Returns
    -------
    (n, d) int8
        The largest entry of a row, up to its sign, is 127; a row of zeros stays one.
    """
    finite = np.nan_to_num(vectors.astype(np.float64), posinf=0.0, neginf=0.0)
    largest = np.abs(finite).max(axis=1, keepdims=True, initial=np.finfo(np.float32).smallest_subnormal)
    directions: np.ndarray = np.round(finite * (_LARGEST / largest)).astype(np.int8)
    return directions
