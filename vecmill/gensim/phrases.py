"""`Phrases` and `FrozenPhrases` with the parameters and methods of ``gensim.models.phrases``.

gensim scores strings by a dictionary of counts that anybody may read and change, with any function, so that this is a
layer of its own; `vecmill.Phrases` counts by threads, in bounded memory.
"""

import inspect
import json
import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Self, TypeAlias

from embeddings.text.phrase_table import ENGLISH_CONNECTOR_WORDS
from vecmill.arguments import require_place
from vecmill.files import atomic_file
from vecmill.gensim import saved
from vecmill.gensim.numbers import real, whole

__all__ = ["ENGLISH_CONNECTOR_WORDS", "FrozenPhrases", "Phraser", "Phrases", "npmi_scorer", "original_scorer"]

logger = logging.getLogger("gensim.models.phrases")

Scorer: TypeAlias = Callable[[float, float, float, int, int, int], float]
"""Takes the counts of two words and of their phrase, the size of `vocab`, `min_count` and the words of the text."""

_CONVERT = "json.dump(getattr(model, 'vocab', None) or model.phrasegrams, open('phrases.json', 'w'))"
_NO_PHRASE = (None, None)
_SETTINGS = ("min_count", "threshold", "delimiter")


def original_scorer(
    worda_count: float, wordb_count: float, bigram_count: float, len_vocab: int, min_count: int, corpus_word_count: int
) -> float:
    """Return the score of Mikolov et al. (2013), "Distributed representations of words and phrases", equation 6.

    Parameters
    ----------
    worda_count, wordb_count, bigram_count : number
        Counts of the two words and of their phrase.
    len_vocab : int
        Distinct words and phrases.
    min_count : int
    corpus_word_count : int
        Not used.

    Returns
    -------
    float
        -infinity for a word that does not occur.
    """
    if not worda_count * wordb_count:
        return -math.inf
    return (bigram_count - min_count) / worda_count / wordb_count * len_vocab


def npmi_scorer(
    worda_count: float, wordb_count: float, bigram_count: float, len_vocab: int, min_count: int, corpus_word_count: int
) -> float:
    """Return normalized pointwise mutual information (Bouma 2009), from -1 to 1.

    Parameters
    ----------
    worda_count, wordb_count, bigram_count : number
        Counts of the two words and of their phrase.
    len_vocab : int
        Not used.
    min_count : int
    corpus_word_count : int
        Words of the text.

    Returns
    -------
    float
        -infinity for a phrase that occurs less often than `min_count`.
    """
    if bigram_count < min_count or not worda_count * wordb_count * bigram_count:
        return -math.inf
    share_a, share_b = worda_count / corpus_word_count, wordb_count / corpus_word_count
    share = bigram_count / corpus_word_count
    return -math.log(share / (share_a * share_b)) / math.log(share) if share < 1 else 1.0


_SCORERS: dict[str, Scorer] = {"default": original_scorer, "npmi": npmi_scorer}
_SCORER_PARAMETERS = tuple(inspect.signature(original_scorer).parameters)


class _PhrasesTransformation:
    """Joins the phrases of sentences; `score_candidate` says which they are.

    Parameters
    ----------
    connector_words : collection of str
        Words that may stand inside a phrase.
    """

    def __init__(self, connector_words: Iterable[str]) -> None:
        self.connector_words = frozenset(connector_words)

    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str, float] | tuple[None, None]:
        """Return the phrase of two words and the connector words between them with its score, or (None, None)."""
        raise NotImplementedError

    def analyze_sentence(self, sentence: Iterable[str]) -> Iterator[tuple[str, float | None]]:
        """Yield the words of a sentence and its phrases, with the scores of the phrases; None for words."""
        first: str | None = None  # a word that may begin a phrase, and the connector words after it
        in_between: list[str] = []
        for word in sentence:
            if word in self.connector_words:
                if first is None:
                    yield word, None
                else:
                    in_between.append(word)
                continue
            if first is not None:
                phrase, score = self.score_candidate(first, word, in_between)
                if phrase is not None:
                    yield phrase, score
                    first, in_between = None, []
                    continue
                yield from ((token, None) for token in (first, *in_between))
            first, in_between = word, []
        if first is not None:
            yield from ((token, None) for token in (first, *in_between))

    def __getitem__(self, sentence: Any) -> Any:
        """Return a sentence with its phrases joined; of an iterable of sentences, an iterable of those."""
        if isinstance(sentence, Iterator):
            head = list(_first(sentence))
            if not head or not isinstance(head[0], str):
                return _JoinedSentences(self, chain(head, sentence))
            sentence = [*head, *sentence]
        elif any(not isinstance(item, str) for item in _first(iter(sentence))):
            return _JoinedSentences(self, sentence)
        return self._joined(sentence)

    def _joined(self, sentence: Iterable[str]) -> list[str]:
        return [token for token, _ in self.analyze_sentence(sentence)]

    def find_phrases(self, sentences: Iterable[Iterable[str]]) -> dict[str, float]:
        """Return the phrases that are joined in some sentences, with their scores."""
        found = (pair for sentence in sentences for pair in self.analyze_sentence(sentence))
        return {token: score for token, score in found if score is not None}


class _JoinedSentences:
    """Sentences with their phrases joined, each time they are read."""

    def __init__(self, phrases: _PhrasesTransformation, sentences: Iterable[Iterable[str]]) -> None:
        self._phrases, self._sentences = phrases, sentences

    def __iter__(self) -> Iterator[list[str]]:
        return map(self._phrases._joined, self._sentences)


class Phrases(_PhrasesTransformation):
    """Phrases of a text, found by the counts of adjacent words.

    Parameters
    ----------
    sentences : iterable of lists of str, optional
        Count these at once; read once.
    min_count : int
        Leave out words and phrases that occur less often.
    threshold : float
        Join words whose score is above it.
    max_vocab_size : int
        Keep only so many words and phrases in `vocab`, the most frequent.
    delimiter : str
        What stands between the words of a phrase.
    progress_per : int
        Not used.
    scoring : {"default", "npmi"} or callable
        See `original_scorer`, `npmi_scorer`; a function with their parameters.
    connector_words : iterable of str
        Words that may stand inside a phrase and neither begin nor end one, such as `ENGLISH_CONNECTOR_WORDS`.

    Attributes
    ----------
    vocab : dict of str to int
        Counts of words and of phrases, joined by `delimiter`.
    corpus_word_count : int

    Raises
    ------
    ValueError
        A setting is out of range.

    Examples
    --------
    >>> sentences = [["new", "york", "is", "large"], ["i", "love", "new", "york"]] * 5
    >>> Phrases(sentences, min_count=1, threshold=0.5)[["in", "new", "york"]]
    ['in', 'new_york']
    """

    def __init__(
        self,
        sentences: Iterable[Any] | None = None,
        min_count: int = 5,
        threshold: float = 10.0,
        max_vocab_size: int = 40_000_000,
        delimiter: str = "_",
        progress_per: int = 10_000,
        scoring: str | Scorer = "default",
        connector_words: Iterable[str] = frozenset(),
    ) -> None:
        super().__init__(connector_words)
        min_count, threshold = whole("min_count", min_count, 1), real("threshold", threshold)
        max_vocab_size = whole("max_vocab_size", max_vocab_size, 1)
        if scoring == "default" and threshold <= 0:
            raise ValueError(f"threshold is {threshold}; expected a number above 0 with scoring='default'")
        if scoring == "npmi" and not -1 <= threshold <= 1:
            raise ValueError(f"threshold is {threshold}; expected a number from -1 to 1 with scoring='npmi'")
        self.min_count, self.threshold, self.max_vocab_size = min_count, threshold, max_vocab_size
        self.delimiter, self.progress_per = delimiter, progress_per
        self.scoring = _scorer(scoring)
        self.vocab: dict[str, int] = {}
        self.corpus_word_count = 0
        if sentences is not None:
            self.add_vocab(sentences)

    def add_vocab(self, sentences: Iterable[Any]) -> None:
        """Count the words and the phrases of some more sentences.

        Parameters
        ----------
        sentences : iterable of lists of str
            Read once.
        """
        words: Counter[str] = Counter()
        spans: Counter[tuple[str, ...]] = Counter()
        for sentence in sentences:
            tokens = list(sentence)
            self.corpus_word_count += len(tokens)
            if self.connector_words:
                words.update(token for token in tokens if token not in self.connector_words)
                spans.update(self._spans(tokens))
            else:
                words.update(tokens)
                spans.update(pairwise(tokens))
        for token, count in chain(words.items(), ((self.delimiter.join(span), n) for span, n in spans.items())):
            self.vocab[token] = self.vocab.get(token, 0) + count
        if len(self.vocab) > self.max_vocab_size:
            kept = sorted(self.vocab.items(), key=lambda item: -item[1])[: self.max_vocab_size]
            self.vocab = dict(kept)
        logger.info("collected %i token types from %i words", len(self.vocab), self.corpus_word_count)

    def _spans(self, tokens: list[str]) -> Iterator[tuple[str, ...]]:
        """Yield every two adjacent words with the connector words between them."""
        span: list[str] = []
        for token in tokens:
            if token not in self.connector_words:
                if span:
                    yield (*span, token)
                span = [token]
            elif span:
                span.append(token)

    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str, float] | tuple[None, None]:
        """Return the phrase of two words and the connector words between them with its score, or (None, None).

        Parameters
        ----------
        word_a, word_b : str
        in_between : list of str

        Returns
        -------
        phrase : str or None
        score : float or None
            None where it is not above `threshold`.
        """
        phrase = self.delimiter.join([word_a, *in_between, word_b])
        counts = [self.vocab.get(token, 0) for token in (word_a, word_b, phrase)]
        if not all(counts):
            return _NO_PHRASE
        word_a_count, word_b_count, count = counts
        size, words = len(self.vocab), self.corpus_word_count
        score = self.scoring(word_a_count, word_b_count, count, size, self.min_count, words)
        return (phrase, score) if score > self.threshold else _NO_PHRASE

    def export_phrases(self) -> dict[str, float]:
        """Return all phrases of `vocab` with their scores, those of earlier phrases as well."""
        found: dict[str, float] = {}
        for token in self.vocab:
            first, *between = token.split(self.delimiter)
            if between:
                phrase, score = self.score_candidate(first, between.pop(), between)
                if phrase is not None and score is not None:
                    found[phrase] = score
        return found

    def freeze(self) -> "FrozenPhrases":
        """Return the phrases alone, without the counts of all words."""
        return FrozenPhrases(self)

    def save(self, fname: str | os.PathLike[str], **kwargs: Any) -> None:
        """Write a JSON file; of another scorer than those of this module its name.

        Parameters
        ----------
        fname : path
        **kwargs : Any
            Ignored.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        own = {"max_vocab_size": self.max_vocab_size, "corpus_word_count": self.corpus_word_count, "vocab": self.vocab}
        _save(self, fname, own)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], scoring: Scorer | None = None, **kwargs: Any) -> Self:
        """Open a file of `save`.

        Parameters
        ----------
        fname : path
        scoring : callable, optional
            The scorer of phrases that were found with one that is not of this module.
        **kwargs : Any
            Ignored.

        Returns
        -------
        Phrases

        Raises
        ------
        SavedFormatError
            It is no such file, a pickle of gensim, or needs `scoring`. (Also an AttributeError.)
        NothingThereError
            There is no file. (Also a FileNotFoundError.)
        """
        about = _load(cls, fname)
        phrases = cls(
            scoring=_saved_scorer(about, scoring, fname),
            connector_words=about["connector_words"],
            **{name: about[name] for name in (*_SETTINGS, "max_vocab_size")},
        )
        phrases.vocab, phrases.corpus_word_count = about["vocab"], about["corpus_word_count"]
        return phrases

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}<{len(self.vocab)} vocab, min_count={self.min_count}, threshold={self.threshold}, "
            f"max_vocab_size={self.max_vocab_size}>"
        )


class FrozenPhrases(_PhrasesTransformation):
    """The phrases of `Phrases` with their scores, in little memory.

    Parameters
    ----------
    phrases_model : Phrases

    Attributes
    ----------
    phrasegrams : dict of str to float
        Phrases and their scores.
    """

    def __init__(self, phrases_model: Phrases) -> None:
        super().__init__(phrases_model.connector_words)
        self.min_count, self.threshold = phrases_model.min_count, phrases_model.threshold
        self.delimiter, self.scoring = phrases_model.delimiter, phrases_model.scoring
        self.phrasegrams = phrases_model.export_phrases()
        logger.info("exported %i phrases", len(self.phrasegrams))

    def score_candidate(self, word_a: str, word_b: str, in_between: list[str]) -> tuple[str, float] | tuple[None, None]:
        """Return the phrase of two words and the connector words between them with its score, or (None, None)."""
        phrase = self.delimiter.join([word_a, *in_between, word_b])
        score = self.phrasegrams.get(phrase)
        return _NO_PHRASE if score is None else (phrase, score)

    def save(self, fname: str | os.PathLike[str], **kwargs: Any) -> None:
        """Write a JSON file; see `Phrases.save`."""
        _save(self, fname, {"phrasegrams": self.phrasegrams})

    @classmethod
    def load(cls, fname: str | os.PathLike[str], scoring: Scorer | None = None, **kwargs: Any) -> Self:
        """Open a file of `save`; see `Phrases.load`."""
        about = _load(cls, fname)
        phrases = cls.__new__(cls)
        _PhrasesTransformation.__init__(phrases, about["connector_words"])
        phrases.scoring = _scorer(_saved_scorer(about, scoring, fname))
        phrases.phrasegrams = about["phrasegrams"]
        for name in _SETTINGS:
            setattr(phrases, name, about[name])
        return phrases

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}<{len(self.phrasegrams)} phrases, min_count={self.min_count}, "
            f"threshold={self.threshold}>"
        )


Phraser = FrozenPhrases


def _first(items: Iterator[Any]) -> Iterator[Any]:
    """Yield the first item, if there is one."""
    for item in items:
        yield item
        return


def _scorer(scoring: str | Scorer) -> Scorer:
    """Return the function of a name, or a function that takes what scorers take."""
    if isinstance(scoring, str):
        if scoring not in _SCORERS:
            raise ValueError(f"scoring is {scoring!r}; expected one of {', '.join(_SCORERS)}, or a function")
        return _SCORERS[scoring]
    missing = [name for name in _SCORER_PARAMETERS if name not in inspect.signature(scoring).parameters]
    if missing:
        raise ValueError(f"the scorer has no parameters {', '.join(missing)}; expected those of original_scorer")
    return scoring


def _save(phrases: Phrases | FrozenPhrases, path: str | os.PathLike[str], own: dict[str, Any]) -> None:
    require_place("fname", path)
    names = {scorer: name for name, scorer in _SCORERS.items()}
    about = {
        "kind": type(phrases).__name__,
        **{name: getattr(phrases, name) for name in _SETTINGS},
        "connector_words": sorted(phrases.connector_words),
        "scoring": names.get(phrases.scoring),
        "scorer": getattr(phrases.scoring, "__qualname__", repr(phrases.scoring)),
        **own,
    }
    with atomic_file(path) as file:
        file.write(json.dumps(about).encode())


def _load(cls: type, path: str | os.PathLike[str]) -> dict[str, Any]:
    saved.require_no_pickle(path, _CONVERT)
    try:
        about: dict[str, Any] = json.loads(Path(path).read_bytes())
        found = about.pop("kind")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise saved.SavedFormatError(f"{path} is no file of {cls.__name__}.save") from error
    if found != cls.__name__:
        raise saved.SavedFormatError(f"{path} holds {found}; open it with {found}.load")
    return about


def _saved_scorer(about: dict[str, Any], given: Scorer | None, path: str | os.PathLike[str]) -> str | Scorer:
    """Return the scorer of a file; a function, which a file does not hold, must be given again."""
    found: str | Scorer | None = given or about["scoring"]
    if found is None:
        raise saved.SavedFormatError(
            f"the phrases of {path} were found with the scorer {about['scorer']}, which a file does not hold; give it: "
            f"load(path, scoring={about['scorer']})"
        )
    return found
