"""Network settings, dropout and checks of examples, shared by taggers, classifiers and constituent labellers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.networks.cells import CELLS
from embeddings.networks.dropout import Dropout, dropout_mask
from embeddings.networks.embedding import RepeatedVectors
from embeddings.networks.stacking import BidirectionalRNN, DeepRNN
from embeddings.setting_types import require_setting_types

PREDICTION_BATCH_WORDS = 8192
"""Words of a batch in prediction."""


@dataclass(frozen=True, kw_only=True)
class SequenceNetworkConfig:
    """The recurrent network of a tagger or classifier.

    Attributes
    ----------
    cell : str
        A name of `CELLS`: "rnn", "gru", "lstm" or "mingru".
    layer_sizes : tuple[int, ...]
        Hidden size H of each layer and direction, from the bottom up.
    bidirectional : bool
        Also read each sequence backwards.
    dropout : float
        Dropout probability of the inputs, of the outputs, and between layers.
    """

    cell: str = "lstm"
    layer_sizes: tuple[int, ...] = (64,)
    bidirectional: bool = True
    dropout: float = 0.3

    def __post_init__(self) -> None:
        require_setting_types(self)
        if self.cell not in CELLS:
            raise ValueError(f"cell {self.cell!r}: expected one of {', '.join(CELLS)}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout={self.dropout}: expected a probability in [0, 1)")

    def make(self, input_size: int, rng: np.random.Generator, dtype: type) -> BidirectionalRNN | DeepRNN:
        """Return the network with its initial weights."""
        kind = BidirectionalRNN if self.bidirectional else DeepRNN
        dropout = Dropout(hidden=self.dropout)
        return kind(CELLS[self.cell](), input_size, self.layer_sizes, rng=rng, dropout=dropout, dtype=dtype)


def require_words(sequences: Sequence[Sequence[str]]) -> None:
    """Raise a ValueError that names the first sequence without words."""
    for number, sequence in enumerate(sequences):
        if len(sequence) == 0:
            raise ValueError(f"sequence {number} has no words: expected at least one; leave it out")


def label_numbers(labels: Sequence[str], number: Mapping[str, int]) -> np.ndarray:
    """Return the numbers of labels, (n,) int64; a ValueError names an unknown label."""
    try:
        return np.array([number[label] for label in labels], np.int64)
    except KeyError as error:
        known = ", ".join(list(number)[:12])
        raise ValueError(f"unknown label {error.args[0]!r}: the network was made for {known}") from None


def apply_dropout_to_vectors(
    x: RepeatedVectors, probability: float, rng: np.random.Generator | None
) -> tuple[RepeatedVectors, np.ndarray | None]:
    """Apply dropout to the distinct vectors of a batch; return them and the mask, or None without dropout."""
    vectors, mask = apply_dropout(x.vectors, probability, rng)
    return RepeatedVectors(vectors, x.index), mask


def apply_dropout(
    rows: np.ndarray, probability: float, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Apply dropout to `rows`; return them and the mask, or None without dropout."""
    if rng is None or probability == 0.0:
        return np.ascontiguousarray(rows), None
    mask = dropout_mask(rng, rows.shape, probability, rows.dtype)
    return rows * mask, mask
