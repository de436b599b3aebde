"""Reading a text with a model that adapts to it: plain, with a cache, with dynamic evaluation, with both.

Each way of reading gives ln P of every word; they never mix, so that each can stand beside the plain figure.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from embeddings.language_model.adaptation import CACHE, DYNAMIC, DYNAMIC_CACHE, PLAIN
from embeddings.language_model.dynamic_evaluation import (
    DynamicEvaluation,
    DynamicEvaluationDiverged,
    Passage,
)
from embeddings.language_model.neural_cache import CacheSettings, NeuralCache, mixed
from embeddings.language_model.perplexity import WORDS_OF_WINDOW, windows_read
from embeddings.networks.batching import Columns, windows
from embeddings.parallel import using_threads
from embeddings.text.id_stream import Ids

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

LogLikelihoods = list[np.ndarray]
"""ln P of the words of each sequence."""

_WORDS_OF_PASSAGE = 64


class AdaptedReader:
    """Reads texts in order; caches and the weights of dynamic evaluation go on from one to the next.

    Parameters
    ----------
    model : LanguageModel
        Does not change.
    cache : CacheSettings, optional
        Also read with a neural cache.
    dynamic : DynamicEvaluation, optional
        Also read with dynamic evaluation.
    dynamic_cache : CacheSettings, optional
        Also read with a cache on top of dynamic evaluation.

    Attributes
    ----------
    columns : tuple of str
        The ways in which it reads, of `adaptation.BASES`.
    diverged : DynamicEvaluationDiverged or None
        Why there is no result of dynamic evaluation any more.
    """

    def __init__(
        self,
        model: "LanguageModel",
        *,
        cache: CacheSettings | None = None,
        dynamic: DynamicEvaluation | None = None,
        dynamic_cache: CacheSettings | None = None,
    ):
        self._model, self._dynamic, self._caches = model, dynamic, (cache, dynamic_cache)
        self._plain_cache = _CacheReader(cache) if cache else None
        self._dynamic_cache = _CacheReader(dynamic_cache) if dynamic and dynamic_cache else None
        there = {
            PLAIN: True,
            CACHE: self._plain_cache,
            DYNAMIC: dynamic,
            DYNAMIC_CACHE: self._dynamic_cache,
        }
        self.columns = tuple(name for name, part in there.items() if part)
        self.diverged: DynamicEvaluationDiverged | None = None

    def anew(self) -> "AdaptedReader":
        """Return a reader with the same settings that has read nothing yet."""
        dynamic = None if self._dynamic is None else self._dynamic.anew()
        return AdaptedReader(self._model, cache=self._caches[0], dynamic=dynamic, dynamic_cache=self._caches[1])

    def read(self, sequences: Sequence[Ids]) -> dict[str, LogLikelihoods]:
        """Read sequences of words, each from a zero state.

        Parameters
        ----------
        sequences : sequence of (n,)
            Texts with ``<eos>`` at the end of each line.

        Returns
        -------
        dict of str to list of (n,) float64
            ln P of each word, by the names of `columns`; without those of dynamic evaluation once it has diverged.
        """
        found = _read(sequences, lambda ids: plain_passages(self._model, ids), self._plain_cache, (PLAIN, CACHE))
        if self._dynamic is not None and self.diverged is None:
            try:
                names = DYNAMIC, DYNAMIC_CACHE
                found |= _read(sequences, self._dynamic.passages, self._dynamic_cache, names)
            except DynamicEvaluationDiverged as error:
                self.diverged = error
        return found


class _CacheReader:
    """A cache that goes on from passage to passage."""

    def __init__(self, settings: CacheSettings):
        self._settings, self._cache = settings, NeuralCache(settings.size)

    def read(self, passage: Passage) -> np.ndarray:
        """Return ln P of the words of a passage in the mixture, (T,)."""
        [p] = self._cache.read(passage.hidden, passage.words, [self._settings.theta])
        self._cache = self._cache.after(passage.hidden, passage.words)
        return mixed(passage.log_p, p, self._settings.weight)


def plain_passages(model: "LanguageModel", ids: Ids) -> Iterator[Passage]:
    """Read a text from a zero state, with the products of `perplexity.log_likelihoods`: BLAS rounds others otherwise.

    Parameters
    ----------
    model : LanguageModel
    ids : (N,)

    Yields
    ------
    Passage
        Words, whose hidden states the next passage may overwrite.
    """
    windows_of_text = windows_read(model, Columns(ids, 1, model.eos), WORDS_OF_WINDOW)
    while True:
        with using_threads(1):  # more would share each product
            if (read := next(windows_of_text, None)) is None:
                return
            log_p = model.output.log_likelihood(read.hidden, read.targets)
        for words in windows(len(log_p), _WORDS_OF_PASSAGE):
            yield Passage(read.hidden[words], read.targets[words], log_p[words])


def _read(
    sequences: Sequence[Ids],
    passages_of: Callable[[Ids], Iterator[Passage]],
    cache: _CacheReader | None,
    names: tuple[str, str],
) -> dict[str, LogLikelihoods]:
    """Return ln P under the first name, and with the cache, if there is one, under the second."""
    found: dict[str, LogLikelihoods] = {name: [] for name in names[: 1 if cache is None else 2]}
    for ids in sequences:
        read: dict[str, list[np.ndarray]] = {name: [] for name in found}
        for passage in passages_of(ids):
            read[names[0]].append(passage.log_p)
            if cache is not None:
                read[names[1]].append(cache.read(passage))
        for name, pieces in read.items():
            found[name].append(np.concatenate(pieces))
    return found
