"""Perplexity: exp of the mean of -ln P(word), normalised over the whole vocabulary, with no token left out.

`log_likelihoods` reads a text as one stream: the state continues from line to line, and a word depends on nothing after
it. In several columns side by side, as in validation during training, the first words of each column follow ``<eos>``
and a zero state instead of the words before them. `sentence_log_likelihoods` reads every sentence on its own, as n-gram
models do.

`Perplexity` counts the same tokens as KenLM and SRILM, where ``<eos>`` is their ``</s>``::

    with OOVs       every word and every <eos>; words outside of the vocabulary have the probability of <unk>
    without OOVs    KenLM's "excluding OOVs" and SRILM's ppl
    ppl1            SRILM's: the log-probability as in ppl, <eos> included, over the words without OOVs and <eos>
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.networks.batching import PADDING, Columns, pad_sequences, windows
from embeddings.networks.cells import State
from embeddings.parallel import own_threads, share_items
from embeddings.text.id_stream import Ids

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

_TOKENS_AT_ONCE = 1 << 11
_SHORTEST_WINDOW = 64
_COLUMNS, _COLUMN_WORDS = 20, 500

WORDS_OF_WINDOW = 512
"""Words of all columns that are read at once."""


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """Counts and sums of log-probabilities (natural logarithms) of a text.

    Attributes
    ----------
    words : int
        Words without ``<eos>``, OOVs included.
    sentences : int
        Number of ``<eos>``.
    oov : int
        Words that are not in the vocabulary.
    log_likelihood : float
        Sum over all words and ``<eos>``.
    oov_log_likelihood, eos_log_likelihood : float
        The parts of it that are due to OOVs and to ``<eos>``.
    """

    words: int
    sentences: int
    oov: int
    log_likelihood: float
    oov_log_likelihood: float
    eos_log_likelihood: float

    @classmethod
    def of(cls, ids: np.ndarray, log_likelihoods: np.ndarray, eos: int, unk: int) -> "Perplexity":
        """Count a text of `ids` (N,) with ln P of each (N,)."""
        ends, unknown = ids == eos, ids == unk
        return cls(
            words=int(np.sum(~ends)),
            sentences=int(np.sum(ends)),
            oov=int(np.sum(unknown)),
            log_likelihood=math.fsum(log_likelihoods),
            oov_log_likelihood=math.fsum(log_likelihoods[unknown]),
            eos_log_likelihood=math.fsum(log_likelihoods[ends]),
        )

    @property
    def perplexity(self) -> float:
        """Perplexity of all tokens: words, OOVs and ``<eos>``."""
        return _perplexity(self.log_likelihood, self.words + self.sentences)

    @property
    def without_oov(self) -> float:
        """Perplexity of all tokens but OOVs: KenLM's "excluding OOVs", SRILM's ppl."""
        return _perplexity(self.log_likelihood - self.oov_log_likelihood, self.words + self.sentences - self.oov)

    @property
    def without_eos(self) -> float:
        """Perplexity of all words, OOVs included."""
        return _perplexity(self.log_likelihood - self.eos_log_likelihood, self.words)

    @property
    def without_oov_and_eos(self) -> float:
        """Perplexity of all words but OOVs."""
        left_out = self.oov_log_likelihood + self.eos_log_likelihood
        return _perplexity(self.log_likelihood - left_out, self.words - self.oov)

    @property
    def ppl1(self) -> float:
        """SRILM's ppl1: the sum includes ``<eos>``, the number of tokens does not."""
        return _perplexity(self.log_likelihood - self.oov_log_likelihood, self.words - self.oov)

    @property
    def log10(self) -> float:
        """log10 P of the text."""
        return self.log_likelihood / math.log(10)

    def to_dict(self) -> dict[str, float | int | None]:
        """Return counts, log10 and perplexities as JSON values; None for a perplexity of no token."""
        numbers: dict[str, float | int | None] = {
            "sentences": self.sentences,
            "words": self.words,
            "oov": self.oov,
            "log10": self.log10,
        }
        for name in ("perplexity", "without_oov", "without_eos", "without_oov_and_eos", "ppl1"):
            value = getattr(self, name)
            numbers[name] = value if math.isfinite(value) else None
        return numbers


def _perplexity(log_likelihood: float, tokens: int) -> float:
    if not tokens:
        return math.nan
    mean = -log_likelihood / tokens
    return math.exp(mean) if mean < 700 else math.inf


@own_threads
def log_likelihoods(model: "LanguageModel", ids: Ids, *, batch_size: int = 1, window: int | None = None) -> np.ndarray:
    """Compute ln P of every word of a stream, given all words before it in its column.

    Parameters
    ----------
    model : LanguageModel
    ids : (N,)
        A text with ``<eos>`` at the end of each line.
    batch_size : int
        Columns that are read side by side, each from a zero state.
    window : int, optional
        Time steps that are read at once; the result does not depend on it. Default: as many as are read fastest.

    Returns
    -------
    (N,) float64
        In the order of `ids`.

    Raises
    ------
    EmbeddingsError
        The text is empty.
    """
    if len(ids) == 0:
        raise EmbeddingsError("perplexity of an empty text: expected at least one word")
    columns = Columns(ids, batch_size, model.eos)
    found = np.empty((columns.columns, columns.steps))

    def score(read: ReadWindow) -> None:
        found[:, read.rows] = model.output.log_likelihood(read.hidden, read.targets).reshape(-1, columns.columns).T

    read = windows_read(model, columns, window or max(_SHORTEST_WINDOW, WORDS_OF_WINDOW // columns.columns))
    if columns.columns == 1:
        share_items(score, read)
    else:
        for one in read:
            score(one)
    return found[np.arange(columns.steps) < columns.lengths[:, None]]


class ReadWindow(NamedTuple):
    """Time steps that the recurrent network has read.

    Attributes
    ----------
    rows : slice
        The time steps.
    hidden : (T·B, H or d)
        Inputs of the softmax.
    targets : (T·B,)
        Word ids; negative ones do not count.
    """

    rows: slice
    hidden: np.ndarray
    targets: np.ndarray


def windows_read(model: "LanguageModel", columns: Columns, window: int) -> Iterator[ReadWindow]:
    """Read columns of a text from zero states.

    Parameters
    ----------
    model : LanguageModel
    columns : Columns
    window : int
        Time steps that are read at once.

    Yields
    ------
    ReadWindow
    """
    states: list[State] | None = None
    for rows in windows(columns.steps, window):
        inputs, targets = columns.window(rows)
        hidden, states = model.hidden(inputs, states)
        yield ReadWindow(
            rows, hidden.reshape(targets.size, -1).copy(), targets.ravel()
        )  # the next window overwrites it


def evaluate(model: "LanguageModel", ids: Ids, *, batch_size: int = 1) -> Perplexity:
    """Return the perplexity of a stream; see `log_likelihoods`."""
    return Perplexity.of(ids[:], log_likelihoods(model, ids, batch_size=batch_size), model.eos, model.unk)


def evaluate_side_by_side(model: "LanguageModel", ids: Ids) -> Perplexity:
    """Return the perplexity of a stream in columns, each from a zero state: less exact than `evaluate`, but faster."""
    return evaluate(model, ids, batch_size=min(_COLUMNS, 1 + len(ids) // _COLUMN_WORDS))


def sentence_log_likelihoods(model: "LanguageModel", sentences: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Compute ln P of every word of each sentence, read on its own after ``<eos>``.

    Parameters
    ----------
    model : LanguageModel
    sentences : sequence of (n,)
        Ids with ``<eos>`` at the end; sentences of similar length are read side by side.

    Returns
    -------
    list of (n,) float64
        In the order of `sentences`.
    """
    found: list[np.ndarray] = [np.empty(0)] * len(sentences)
    for group in _groups([len(sentence) for sentence in sentences]):
        targets, lengths = pad_sequences([sentences[i] for i in group], PADDING)
        inputs = np.vstack([np.full((1, len(group)), model.eos), np.maximum(targets[:-1], 0)])
        values, _ = model.log_likelihood(inputs, targets, None, lengths)
        for column, number in enumerate(group):
            found[number] = values[: lengths[column], column].copy()
    return found


def hidden_states(model: "LanguageModel", sentences: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Compute the states of the last layer after each word of sentences, each read on its own after ``<eos>``.

    Parameters
    ----------
    model : LanguageModel
    sentences : sequence of (n,)
        Ids; sentences of similar length are read side by side.

    Returns
    -------
    list of (n, H) float32
        In the order of `sentences`.
    """
    found = [np.empty((0, model.network.output_size), np.float32)] * len(sentences)
    for group in _groups([len(sentence) for sentence in sentences]):
        words, lengths = pad_sequences([sentences[i] for i in group])
        outputs = model.outputs(np.vstack([np.full((1, len(group)), model.eos), words]), lengths + 1)
        for column, number in enumerate(group):
            found[number] = outputs[1 : lengths[column] + 1, column].copy()
    return found


def _groups(lengths: list[int]) -> Iterator[list[int]]:
    """Yield the numbers of sentences to be read together, from the shortest to the longest."""
    group: list[int] = []
    for number in sorted((i for i, length in enumerate(lengths) if length), key=lengths.__getitem__):
        if group and (len(group) + 1) * lengths[number] > _TOKENS_AT_ONCE:
            yield group
            group = []
        group.append(number)
    if group:
        yield group
