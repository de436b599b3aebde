"""Text from a language model: sampled (temperature, top-k, nucleus) or the most probable (beam search)."""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.language_model.neural_cache import CacheSettings, NeuralCache, mixed
from embeddings.language_model.sampling import RoundedSoftmax, SamplingConfig, drawn, probabilities
from embeddings.networks.batching import pad_sequences
from embeddings.networks.losses import SoftmaxCrossEntropy
from embeddings.parallel import own_threads, using_threads
from embeddings.text.vocabulary import EOS

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

logger = logging.getLogger(__name__)

MOST_BEAMS = 1000
"""Widest beam search: each beam scores the whole vocabulary at each step."""
_FEW_TEXTS = 4
_SHOWN_WORDS = 20
_WORDS_BEFORE_ROUNDING = 8  # of a text: to round the weights takes as long as to draw 3 to 15 words exactly
_NO_SPACE_BEFORE = frozenset(".,:;!?)]}%")
_NO_SPACE_AFTER = frozenset("([{")


def generate(
    model: "LanguageModel",
    prompt: Iterable[int],
    length: int,
    *,
    rng: np.random.Generator,
    config: SamplingConfig | None = None,
    cache: CacheSettings | None = None,
    stop_at_eos: bool = True,
) -> list[int]:
    """Continue a text word by word.

    Parameters
    ----------
    model : LanguageModel
    prompt : iterable of int
        Ids of the text to continue; ``<eos>`` is put before them.
    length : int
        Largest number of words.
    rng : Generator
        Draws the words.
    config : SamplingConfig, optional
        Default: that of `SamplingConfig`.
    cache : CacheSettings, optional
        Make the words of the prompt and of the text more probable with a neural cache.
    stop_at_eos : bool
        End the text at the first ``<eos>``, which is not returned; otherwise ``<eos>`` is a word like the others.

    Returns
    -------
    list of int
        The ids that follow the prompt.
    """
    config = config or SamplingConfig()
    words: list[int] = []
    with _threads_for(1):
        texts = _Texts(model, prompt, cache)
        rounded: RoundedSoftmax | None = None
        while len(words) < length:
            if len(words) == _WORDS_BEFORE_ROUNDING:
                rounded = texts.rounded_softmax(config)
            if rounded is not None:
                word = rounded.draw(texts.hidden[0], rng)
            else:
                scores = texts.scores(allow_unknown=config.allow_unknown)
                word = drawn(probabilities(scores[0], config), rng)
            if stop_at_eos and word == model.eos:
                break
            words.append(word)
            texts.extend(np.zeros(1, np.int64), np.array([word]))
    return words


def beam_search(
    model: "LanguageModel",
    prompt: Iterable[int],
    length: int,
    *,
    width: int = 8,
    allow_unknown: bool = False,
    cache: CacheSettings | None = None,
) -> list[tuple[list[int], float]]:
    """Find the most probable ends of a sentence.

    Parameters
    ----------
    model : LanguageModel
    prompt : iterable of int
        Ids of the text to continue; ``<eos>`` is put before them.
    length : int
        Largest number of words.
    width : int
        Number of beams.
    allow_unknown : bool
        Allow ``<unk>`` in the output.
    cache : CacheSettings, optional
        As in `generate`.

    Returns
    -------
    list of (ids, log_probability)
        Up to `width` sentences without their ``<eos>``, ordered by mean ln P per word, the highest first; unlike the
        sum, the mean does not favour short sentences. Sentences without an end after `length` words are included.

    Raises
    ------
    ValueError
        `width` is not from 1 to `MOST_BEAMS`.
    """
    if not 1 <= width <= MOST_BEAMS:
        raise ValueError(f"a beam of width {width}: expected 1 to {MOST_BEAMS:,}")
    texts = _Texts(model, prompt, cache)
    beams: list[tuple[list[int], float]] = [([], 0.0)]
    ended: list[tuple[list[int], float]] = []
    for _ in range(length):
        scores = np.array([score for _, score in beams])[:, None] + texts.log_probabilities(allow_unknown=allow_unknown)
        best = np.argsort(-scores, axis=None, kind="stable")[: 2 * width]
        rows, words = np.divmod(best, scores.shape[1])
        found = [(beams[r][0], int(w), float(scores[r, w]), int(r)) for r, w in zip(rows, words, strict=True)]
        found = [candidate for candidate in found if np.isfinite(candidate[2])]
        ended += [(words, score) for words, word, score, _ in found[:width] if word == model.eos]
        going_on = [candidate for candidate in found if candidate[1] != model.eos][:width]
        beams = [([*words, word], score) for words, word, score, _ in going_on]
        if not beams or len(ended) >= width:
            break
        texts.extend(np.array([row for *_, row in going_on]), np.array([words[-1] for words, _ in beams]))
    if len(ended) < width:
        ended += beams
    return sorted(ended, key=lambda sentence: -sentence[1] / (len(sentence[0]) + 1))[:width]


def continue_text(
    model: "LanguageModel",
    prompt: str,
    length: int,
    *,
    number: int = 1,
    config: SamplingConfig | None = None,
    beam: int | None = None,
    cache: CacheSettings | None = None,
    seed: int | None = None,
    stop_at_eos: bool = True,
) -> list[list[str]]:
    """Continue a text; words of the prompt that are not in the vocabulary are read as ``<unk>``, with a warning.

    Parameters
    ----------
    model : LanguageModel
    prompt : str
    length : int
        Largest number of words.
    number : int
        Number of texts.
    config : SamplingConfig, optional
        Sampling of the words. Default: that of `SamplingConfig`.
    beam : int, optional
        Search for the most probable texts with this number of beams (`beam_search`). Default: sample.
    cache : CacheSettings, optional
        As in `generate`.
    seed : int, optional
        Seed of the sampling. Default: random.
    stop_at_eos : bool
        End the text at the end of a line.

    Returns
    -------
    list of list of str
        The tokens of each text, the prompt's included; see `write_out`.
    """
    config = config or SamplingConfig()
    begun, ids = _encoded(model, prompt)
    if beam is not None:
        width, allow_unknown = max(beam, number), config.allow_unknown
        found = beam_search(model, ids, length, width=width, allow_unknown=allow_unknown, cache=cache)
        texts = [words for words, _ in found[:number]]
    else:
        rng = np.random.default_rng(seed)
        how: dict[str, Any] = {"rng": rng, "config": config, "cache": cache, "stop_at_eos": stop_at_eos}
        texts = [generate(model, ids, length, **how) for _ in range(number)]
    return [begun + [model.vocabulary.words[word] for word in text] for text in texts]


def write_out(tokens: Iterable[str]) -> str:
    """Write tokens as text: one line up to every ``<eos>``, words joined by `join`."""
    return "\n".join(join(line) for line in _lines(tokens))


def _lines(tokens: Iterable[str]) -> Iterator[list[str]]:
    line: list[str] = []
    for token in tokens:
        if token == EOS:
            yield line
            line = []
        else:
            line.append(token)
    yield line


def join(words: Iterable[str]) -> str:
    """Join tokens to a line of text, without a space before or after punctuation marks that have none."""
    text = ""
    for word in words:
        space = "" if not text or word in _NO_SPACE_BEFORE or text[-1] in _NO_SPACE_AFTER else " "
        text += space + word
    return text


class _Texts:
    """Texts that are continued side by side, each with a cache of its own if there are caches.

    Parameters
    ----------
    model : LanguageModel
    prompt : iterable of int
        Ids of the beginning of the one text that there is at first; ``<eos>`` is put before them.
    cache : CacheSettings or None

    Attributes
    ----------
    hidden : (B, H)
        Inputs of the softmax after each text.
    """

    def __init__(self, model: "LanguageModel", prompt: Iterable[int], cache: CacheSettings | None):
        self._model, self._cache = model, cache
        ids = np.array([model.eos, *prompt])
        hidden, self._states = model.hidden(ids[:, None])
        self._caches = [NeuralCache(cache.size).after(hidden[:-1, 0], ids[1:])] if cache else []
        self.hidden = hidden[-1]

    def rounded_softmax(self, config: SamplingConfig) -> RoundedSoftmax | None:
        """Return the output layer with rounded weights; None with a cache, or if it is no plain softmax of float32."""
        from embeddings.language_model.sampling_kernels import LONGEST  # slow to import: Numba

        parameters = self._model.output.parameters
        if self._cache or not isinstance(self._model.output, SoftmaxCrossEntropy):
            return None
        weight = parameters["weight"].value
        if weight.dtype != np.float32 or weight.shape[1] > LONGEST:
            return None
        bias = parameters["bias"].value.copy() if "bias" in parameters else np.zeros(len(weight), np.float32)
        if not config.allow_unknown:
            bias[self._model.unk] = -np.inf
        return RoundedSoftmax(weight, bias, config)

    def scores(self, *, allow_unknown: bool) -> np.ndarray:
        """Return ln P of all words after each text up to a constant, (B, V) float32, or float64 with a cache."""
        if self._cache:
            return self.log_probabilities(allow_unknown=allow_unknown)
        return self._allowed(self._model.output.scores(self.hidden), allow_unknown)

    def log_probabilities(self, *, allow_unknown: bool) -> np.ndarray:
        """Return ln P of all words after each text, (B, V) float64."""
        log_p = np.array(self._model.output.log_probabilities(self.hidden), np.float64)
        if self._cache:
            pairs = zip(self._caches, self.hidden, strict=True)
            theta, words = self._cache.theta, log_p.shape[1]
            found = np.array([cache.distribution(hidden, theta, words) for cache, hidden in pairs])
            log_p = mixed(log_p, found, self._cache.weight)
        return self._allowed(log_p, allow_unknown)

    def _allowed(self, scores: np.ndarray, allow_unknown: bool) -> np.ndarray:
        if not allow_unknown:
            scores[:, self._model.unk] = -np.inf
        return scores

    def extend(self, rows: np.ndarray, words: np.ndarray) -> None:
        """Go on with the texts `rows` (B,), each with one more word of `words` (B,)."""
        if self._cache:
            pairs = zip(rows, words, strict=True)
            self._caches = [self._caches[row].after(self.hidden[row][None], word[None]) for row, word in pairs]
        states = self._states
        if len(rows) > 1 or len(self.hidden) > 1:
            states = [tuple(part[rows] for part in state) for state in states]
        hidden, self._states = self._model.hidden(words[None], states)
        self.hidden = hidden[0]


def next_words(model: "LanguageModel", prompts: Sequence[str], topn: int) -> list[list[tuple[str, float]]]:
    """Find the most probable next words of texts, which are read side by side.

    Parameters
    ----------
    model : LanguageModel
    prompts : sequence of str
        The beginnings of the texts.
    topn : int
        Number of words, ``<unk>`` not among them.

    Returns
    -------
    list of list of (str, float)
        Words and their probabilities among all words, the highest first; ``<eos>`` is the end of the line.
    """
    if not prompts:
        return []
    ids, lengths = pad_sequences([np.append(model.eos, _encoded(model, prompt)[1]) for prompt in prompts])
    with _threads_for(len(prompts)):
        hidden, _ = model.hidden(ids, None, lengths)
        log_p = model.output.log_probabilities(hidden[lengths - 1, np.arange(len(prompts))])
    log_p[:, model.unk] = -np.inf
    best = np.argsort(-log_p, axis=1, kind="stable")[:, : min(topn, len(model.vocabulary) - 1)]
    words = model.vocabulary.words
    return [[(words[w], math.exp(values[w])) for w in row] for row, values in zip(best, log_p, strict=True)]


@contextmanager
def _threads_for(texts: int) -> Iterator[None]:
    """Use one thread for few texts: to wake a second one for every word takes longer than it saves."""
    if texts > _FEW_TEXTS:
        yield
        return
    with using_threads(1), own_threads:
        yield


def _encoded(model: "LanguageModel", prompt: str) -> tuple[list[str], np.ndarray]:
    """Return the tokens of a prompt and their ids; warn of words that are not in the vocabulary."""
    words = [word for line in model.make_tokenizer().tokenize(prompt) for word in line]
    ids = model.vocabulary.ids(words, missing=model.unk)
    unknown = list(dict.fromkeys(word for word, number in zip(words, ids, strict=True) if number == model.unk))
    if unknown:
        more = f" and {len(unknown) - _SHOWN_WORDS:,} more" if len(unknown) > _SHOWN_WORDS else ""
        logger.warning("not in the vocabulary, read as <unk>: %s%s", ", ".join(unknown[:_SHOWN_WORDS]), more)
    return words, ids
