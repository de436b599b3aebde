"""Tuning of what a language model adapts with, on a validation text: cache, dynamic evaluation, weight of n-grams.

Everything is chosen for the perplexity of that text alone:

- θ of the cache from `THETAS`; its weight λ, and that of an n-gram model, exactly (`neural_cache.best_weight`).
- Learning rate, ε and decay of dynamic evaluation by steps along `LEARNING_RATES`, `EPSILONS` and `DECAYS`. RMS_g is
  taken from a training text, or else from the first half of the validation text: the settings are then compared on the
  second half, whose words are as new to RMS_g as those of any other text.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.adaptation import (
    CACHE,
    DYNAMIC,
    DYNAMIC_CACHE,
    INTERPOLATED,
    PLAIN,
    Adaptation,
    NgramWeights,
)
from embeddings.language_model.adapted_reading import plain_passages
from embeddings.language_model.backoff import NgramModel
from embeddings.language_model.dynamic_evaluation import (
    DynamicEvaluation,
    DynamicEvaluationDiverged,
    DynamicSettings,
    Passage,
    gradient_rms,
    mean_of,
)
from embeddings.language_model.lines import encode_lines
from embeddings.language_model.neural_cache import CacheSettings, NeuralCache, best_weight, mixed
from embeddings.language_model.scoring import warn_if_foreign
from embeddings.text.id_stream import Ids
from vecmill.files import file_digest

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

THETAS = (0.0, *np.geomspace(0.02, 2.0, 15).round(4).tolist())
LEARNING_RATES = tuple(float(f"{rate:.2g}") for rate in np.geomspace(1e-5, 1e-2, 10))
"""η / (1 + ε / mean(RMS_g)), so that it goes on suiting when ε changes."""
EPSILONS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""ε / mean(RMS_g)."""
DECAYS = (0.0, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
_FIRST = LEARNING_RATES[4], EPSILONS[2], DECAYS[2]
SEARCHED_WORDS = 10_000
"""Words of the validation text on which the settings of dynamic evaluation are compared."""
GRADIENT_WORDS = 500_000
"""Words from which RMS_g is taken, at most."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class NgramFile:
    """An n-gram model and the file that it was read from.

    Attributes
    ----------
    model : NgramModel
    path : str or path
    """

    model: NgramModel
    path: str | PathLike[str]


def tune(
    model: "LanguageModel",
    text: str,
    *,
    name: str = "",
    cache: int | None = None,
    dynamic: bool = True,
    train: str | None = None,
    segment: int = 5,
    ngrams: NgramFile | None = None,
    report: Report = lambda _: None,
) -> Adaptation:
    """Find the settings with which a model adapts best to a validation text.

    Parameters
    ----------
    model : LanguageModel
        Does not change.
    text : str
        The validation text, each of whose lines is a sentence.
    name : str
        Its name, for the record.
    cache : int, optional
        Words that the cache holds. Default: that of `CacheSettings`.
    dynamic : bool
        Tune dynamic evaluation, too, which takes several minutes.
    train : str, optional
        Training text for RMS_g. Default: the validation text.
    segment : int
        Words between two steps of dynamic evaluation.
    ngrams : NgramFile, optional
        An n-gram model whose weight is learned.
    report : callable
        Is told what is done at present.

    Returns
    -------
    Adaptation
        Its `validation` holds the perplexities that were reached.

    Raises
    ------
    EmbeddingsError
        A text has no words.
    """
    lines, ids = _words(model, text, name or "the validation text")
    stream = np.concatenate(ids)
    warn_if_foreign(len(stream) - len(lines), int(np.count_nonzero(stream == model.unk)))
    report("reading with a cache")
    size = CacheSettings().size if cache is None else cache
    plain, settings, cached = tune_cache(plain_passages(model, stream), size)
    found = {PLAIN: plain, CACHE: cached}
    adaptation = Adaptation(cache=settings)
    if dynamic:
        half = len(stream) // 2
        source, searched = stream[:half], stream[half:]
        if train is not None:
            source, searched = np.concatenate(_words(model, train, "the training text")[1]), stream
        report("collecting gradients")
        rms = gradient_rms(model, source[:GRADIENT_WORDS], segment)
        chosen = _search(model, searched[:SEARCHED_WORDS], rms, segment, report)
        adaptation = replace(adaptation, dynamic=chosen, rms=rms)
        assert adaptation.dynamic is not None
        report("reading with dynamic evaluation")
        evaluation = DynamicEvaluation(model, adaptation.dynamic, adaptation.gradient_rms())
        found[DYNAMIC], on_top, found[DYNAMIC_CACHE] = tune_cache(evaluation.passages(stream), size)
        adaptation = replace(adaptation, dynamic_cache=on_top)
    if ngrams is not None:
        report("reading with the n-gram model")
        adaptation, found[INTERPOLATED] = _tune_ngrams(lines, found, ngrams, adaptation)
    perplexities = {column: float(np.exp(-log_p.mean())) for column, log_p in found.items()}
    return replace(adaptation, validation={"file": name, "tokens": len(stream), "perplexity": perplexities})


def _words(model: "LanguageModel", text: str, name: str) -> tuple[list[list[str]], list[np.ndarray]]:
    """Return the lines of a text that have words, and their ids."""
    lines, ids = encode_lines(text, model.vocabulary, model.make_tokenizer())
    kept = [place for place, line in enumerate(lines) if line]
    if not kept:
        raise EmbeddingsError(f"{name} contains no words; expected at least one line of text")
    return [lines[place] for place in kept], [ids[place] for place in kept]


def tune_cache(passages: Iterable[Passage], size: int) -> tuple[np.ndarray, CacheSettings, np.ndarray]:
    """Find the settings with which a cache makes a text most probable.

    Parameters
    ----------
    passages : iterable of Passage
        The text, as a model has read it (`adapted_reading.plain_passages`).
    size : int
        Words that the cache holds.

    Returns
    -------
    log_p : (N,) float64
        ln P of its words without the cache.
    settings : CacheSettings
    with_cache : (N,) float64
        ln P with it.
    """
    cache = NeuralCache(size)
    own: list[np.ndarray] = []
    of_cache: list[np.ndarray] = []
    for passage in passages:
        own.append(passage.log_p)
        of_cache.append(cache.read(passage.hidden, passage.words, THETAS))
        cache = cache.after(passage.hidden, passage.words)
    log_p = np.concatenate(own)
    best: tuple[float, CacheSettings, np.ndarray] | None = None
    for theta, p in zip(THETAS, np.concatenate(of_cache, axis=1), strict=True):
        settings = CacheSettings(size=size, theta=theta, weight=round(best_weight(log_p, p), 4))
        with_cache = mixed(log_p, p, settings.weight)
        if best is None or with_cache.mean() > best[0]:
            best = float(with_cache.mean()), settings, with_cache
    assert best is not None
    return log_p, best[1], best[2]


def _search(
    model: "LanguageModel", text: Ids, rms: Mapping[str, np.ndarray], segment: int, report: Report
) -> DynamicSettings:
    """Return the settings of dynamic evaluation that suit a text best."""
    mean = mean_of(rms)
    losses: dict[DynamicSettings, float] = {}

    def loss(rate: float, epsilon: float, decay: float) -> float:
        settings = DynamicSettings(
            learning_rate=float(f"{rate * (1 + epsilon):.3g}"),
            decay=decay,
            epsilon=float(f"{epsilon * mean:.3g}"),
            segment=segment,
        )
        if settings not in losses:
            report(f"trying learning rate {settings.learning_rate:g}, epsilon {settings.epsilon:g}, decay {decay:g}")
            losses[settings] = _mean_loss(DynamicEvaluation(model, settings, rms).passages(text))
        return losses[settings]

    rate, epsilon, decay = _FIRST
    rate = lowest(LEARNING_RATES, rate, lambda value: loss(value, epsilon, decay))
    epsilon = lowest(EPSILONS, epsilon, lambda value: loss(rate, value, decay))
    decay = lowest(DECAYS, decay, lambda value: loss(rate, epsilon, value))
    lowest(LEARNING_RATES, rate, lambda value: loss(value, epsilon, decay))
    return min(losses, key=losses.__getitem__)


def _mean_loss(passages: Iterator[Passage]) -> float:
    try:
        return -float(np.mean(np.concatenate([passage.log_p for passage in passages])))
    except DynamicEvaluationDiverged:
        return math.inf


def lowest(values: Sequence[float], start: float, loss: Callable[[float], float]) -> float:
    """Walk along a sequence from `start` as long as the loss falls.

    Parameters
    ----------
    values : sequence of float
        In order; the loss is expected to have one minimum along it.
    start : float
        One of them.
    loss : callable

    Returns
    -------
    float
        The value with the lowest loss that was met.
    """
    place = values.index(start)
    for direction in (1, -1):
        first = place
        while 0 <= place + direction < len(values) and loss(values[place + direction]) < loss(values[place]):
            place += direction
        if place != first:
            break
    return values[place]


def _tune_ngrams(
    lines: Sequence[list[str]], found: Mapping[str, np.ndarray], ngrams: NgramFile, adaptation: Adaptation
) -> tuple[Adaptation, np.ndarray]:
    """Return the adaptation with weights of the n-gram model, and ln P of the last way of reading mixed with it."""
    p = np.exp(np.concatenate([ngrams.model.log_likelihoods(line) for line in lines]))
    weights = {name: round(best_weight(log_p, p), 4) for name, log_p in found.items()}
    last, log_p = list(found.items())[-1]
    learned = NgramWeights(file=Path(ngrams.path).name, sha256=file_digest(ngrams.path), weights=weights)
    return replace(adaptation, ngrams=learned), mixed(log_p, p, weights[last])
