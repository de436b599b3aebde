"""Evaluation of a language model that has been trained: perplexity on test, beside baselines, and some sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.language_model.adaptation import CACHE, PLAIN
from embeddings.language_model.adapted_reading import AdaptedReader, plain_passages
from embeddings.language_model.generation import generate, join
from embeddings.language_model.neural_cache import DEFAULT_SIZE, best_weight, mixed
from embeddings.language_model.ngram import KneserNey, unigram_log_likelihoods
from embeddings.language_model.perplexity import Perplexity
from embeddings.language_model.sampling import SamplingConfig
from embeddings.language_model.tuning import tune_cache

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel
    from embeddings.text.id_stream import IdStream

KNESER_NEY_ORDER = 5
KNESER_NEY_TOKENS = 2_500_000
"""Maximum number of training tokens for the n-gram model, which keeps its counts in memory."""
TUNED_TOKENS = 50_000
"""Maximum number of validation tokens on which cache and weights are tuned: they hardly change with more."""
SENTENCES = 5
_LONGEST = 40
_CANDIDATES = 8


def evaluation(model: "LanguageModel", streams: Mapping[str, "IdStream"], work: Path) -> dict[str, Any]:
    """Return the perplexity on test of the model and of baselines with the same vocabulary, and sentences of the model.

    The plain figure stands by itself; those of the model as it adapts to the text while reading it, with a neural cache
    and then with the n-grams of the training part as well, are tuned on validation text.

    Parameters
    ----------
    model : LanguageModel
    streams : mapping of str to IdStream
        The parts train, valid and test.
    work : Path
        Directory in which n-grams are counted.

    Returns
    -------
    dict of str to Any
        JSON values.
    """
    counted, test = streams["train"][:KNESER_NEY_TOKENS], streams["test"][:]
    unigram = unigram_log_likelihoods(model.vocabulary.counts, test)
    kneser_ney = KneserNey(counted, len(model.vocabulary), model.eos, KNESER_NEY_ORDER, work=work)
    plain, ngrams, adapted = _read(model, kneser_ney, streams["valid"][:TUNED_TOKENS], test)
    return {
        "test": Perplexity.of(test, plain, model.eos, model.unk).to_dict(),
        "unigram": {"perplexity": _perplexity(unigram)},
        "kneser_ney": {"order": KNESER_NEY_ORDER, "tokens": len(counted), "perplexity": _perplexity(ngrams)},
        "adapted": adapted,
        "sentences": list(islice(readable_sentences(model), SENTENCES)),
    }


def _read(
    model: "LanguageModel", kneser_ney: KneserNey, valid: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return ln P of the words of test by the model and by the n-grams, and the results of both together."""
    _, settings, cached = tune_cache(plain_passages(model, valid), DEFAULT_SIZE)
    weight = round(best_weight(cached, np.exp(kneser_ney.log_likelihoods(valid))), 4)
    read = AdaptedReader(model, cache=settings).read([test])
    [plain], [with_cache], ngrams = read[PLAIN], read[CACHE], kneser_ney.log_likelihoods(test)
    adapted = {
        "cache": {"perplexity": _perplexity(with_cache), **asdict(settings)},
        "interpolated": {"perplexity": _perplexity(mixed(with_cache, np.exp(ngrams), weight)), "weight": weight},
    }
    return plain, ngrams, adapted


def _perplexity(log_p: np.ndarray) -> float:
    return float(np.exp(-log_p.mean()))


def readable_sentences(model: "LanguageModel") -> Iterator[str]:
    """Sample sentences, and leave out those that cannot be read.

    Parameters
    ----------
    model : LanguageModel

    Yields
    ------
    str
        None of a model that makes none in some tries.
    """
    rng = np.random.default_rng(0)
    config = SamplingConfig(temperature=0.7, top_p=0.9)
    for _ in range(_CANDIDATES * SENTENCES):
        words = [model.vocabulary.words[word] for word in generate(model, [], _LONGEST, rng=rng, config=config)]
        if can_be_read(words):
            yield join(words)


def can_be_read(words: Sequence[str]) -> bool:
    """Return whether a sentence is whole, has six words or more, and few signs, numbers and repetitions among them."""
    letters = [word for word in words if word.isalpha()]
    distinct = set(letters)
    return 6 <= len(words) < _LONGEST and len(letters) >= 0.7 * len(words) and len(distinct) >= 0.6 * len(letters)
