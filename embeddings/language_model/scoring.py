"""Log-probabilities of a text under a language model, also as it adapts to the text or mixed with an n-gram model."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.adaptation import INTERPOLATED, PLAIN
from embeddings.language_model.adapted_reading import AdaptedReader
from embeddings.language_model.backoff import NgramModel
from embeddings.language_model.lines import encode_lines
from embeddings.language_model.neural_cache import mixed
from embeddings.language_model.perplexity import Perplexity, log_likelihoods, sentence_log_likelihoods
from embeddings.text.tokenizer.token_lists import NotTextError
from vecmill.arguments import described, is_sequence

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

logger = logging.getLogger(__name__)

_UNKNOWN_SHARE, _UNKNOWN_WORDS = 0.4, 10
"""A text with a larger share of unknown words, and with this number of them, is hardly one for the model."""


@dataclass(frozen=True, kw_only=True)
class ScoredText:
    """The tokens of a text and their log-probabilities.

    Attributes
    ----------
    lines : list of list of str
        The words of every line.
    ids : list of (n + 1,) int32
        Their ids, with ``<eos>`` at the end.
    log_likelihoods : list of (n + 1,) float64
        ln P of each id by the model as it is; empty for a line without words that was read as part of a stream.
    eos, unk : int
        Ids of ``<eos>`` and ``<unk>``.
    adapted : dict of str to list of (n + 1,) float64
        The same with "cache", "dynamic", "dynamic+cache", and "interpolated", the last of them mixed with n-grams.
    """

    lines: list[list[str]]
    ids: list[np.ndarray]
    log_likelihoods: list[np.ndarray]
    eos: int
    unk: int
    adapted: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @property
    def perplexity(self) -> Perplexity:
        """The plain perplexity of all lines that have words; an `EmbeddingsError` if no line has any."""
        return self._perplexity_of(self.log_likelihoods)

    @property
    def adapted_perplexities(self) -> dict[str, Perplexity]:
        """The perplexity by the names of `adapted`."""
        return {name: self._perplexity_of(values) for name, values in self.adapted.items()}

    @property
    def asked_for(self) -> list[np.ndarray]:
        """The log-likelihoods with everything that was asked for: the last of `adapted`, or the plain ones."""
        return [self.log_likelihoods, *self.adapted.values()][-1]

    def _perplexity_of(self, log_likelihoods: list[np.ndarray]) -> Perplexity:
        kept = [place for place, line in enumerate(self.lines) if line]
        if not kept:
            raise EmbeddingsError("the text holds no words: expected at least one line of text")
        ids, log_p = (np.concatenate([parts[i] for i in kept]) for parts in (self.ids, log_likelihoods))
        return Perplexity.of(ids, log_p, self.eos, self.unk)


def score_text(
    model: "LanguageModel",
    text: str,
    *,
    independent: bool = False,
    reader: AdaptedReader | None = None,
    ngrams: NgramModel | None = None,
    weight: float = 0.5,
) -> ScoredText:
    """Compute ln P of every word of a text and of the end of every line.

    Parameters
    ----------
    model : LanguageModel
    text : str
        Each line is a sentence.
    independent : bool
        Read every line from a zero state, as n-gram models do; otherwise the state continues from line to line, and
        lines without words are left out.
    reader : AdaptedReader, optional
        Reads the text with a cache or dynamic evaluation, too; they continue from line to line (`adapted_reader`).
    ngrams : NgramModel, optional
        A model to interpolate with (`load_ngram_model`): P = (1 - weight) P_model + weight P_ngrams, where P_model is
        everything that `reader` does together.
    weight : float
        Weight of the n-gram model, from 0 to 1.

    Returns
    -------
    ScoredText
    """
    lines, ids = encode_lines(text, model.vocabulary, model.make_tokenizer())
    if independent or not any(lines):
        read = _independent(model, ids, reader) if independent else {PLAIN: [np.empty(0)] * len(lines)}
    else:
        ends = np.cumsum([len(line_ids) if line else 0 for line, line_ids in zip(lines, ids, strict=True)])
        stream = np.concatenate([line_ids for line, line_ids in zip(lines, ids, strict=True) if line])
        streams = {PLAIN: [log_likelihoods(model, stream)]} if reader is None else reader.read([stream])
        read = {name: np.split(values, ends[:-1]) for name, [values] in streams.items()}
    diverged = reader is not None and reader.diverged
    if ngrams is not None and not diverged:
        last = list(read.values())[-1]
        read[INTERPOLATED] = [
            mixed(own, np.exp(ngrams.log_likelihoods(line)), weight) if len(own) else own
            for own, line in zip(last, lines, strict=True)
        ]
    plain = read.pop(PLAIN)
    return ScoredText(lines=lines, ids=ids, log_likelihoods=plain, eos=model.eos, unk=model.unk, adapted=read)


def _independent(
    model: "LanguageModel", ids: Sequence[np.ndarray], reader: AdaptedReader | None
) -> dict[str, list[np.ndarray]]:
    return {PLAIN: sentence_log_likelihoods(model, ids)} if reader is None else reader.read(ids)


def warn_if_foreign(words: int, unknown: int) -> None:
    """Warn if a large share of the words of a text are unknown to the model.

    Parameters
    ----------
    words, unknown : int
        Number of words, and of those that are not in the vocabulary.
    """
    if unknown >= _UNKNOWN_WORDS and unknown > _UNKNOWN_SHARE * words:
        logger.warning(
            "%s of %s words are not in the vocabulary of the model and are read as <unk>: is the text in another "
            "language, or not tokenized as the training text was?",
            f"{unknown:,}",
            f"{words:,}",
        )


def score_with_ngrams(ngrams: NgramModel, lines: list[list[str]]) -> ScoredText:
    """Compute ln P of every word of a text, and of the end of every line, under an n-gram model alone.

    Parameters
    ----------
    ngrams : NgramModel
    lines : list of list of str
        The words of every line; each is a sentence.

    Returns
    -------
    ScoredText
    """
    ids = [ngrams.sentence(line) for line in lines]
    log_p = [ngrams.log_likelihoods(line) for line in lines]
    return ScoredText(lines=lines, ids=ids, log_likelihoods=log_p, eos=ngrams.eos, unk=ngrams.unk)


def as_text(lines: str | Iterable[str]) -> str:
    """Return a text, or join lines to one; a line break within a line becomes a space.

    Parameters
    ----------
    lines : str or iterable of str

    Returns
    -------
    str

    Raises
    ------
    NotTextError
        It is no text but a file, or a line is not a str; the message gives its position. A TypeError.
    """
    if isinstance(lines, PathLike) or (isinstance(lines, str) and _names_file(lines)):
        raise NotTextError(f"{described(lines)} names a file; give its text: Path({str(lines)!r}).read_text('utf-8')")
    if isinstance(lines, str):
        return lines
    if isinstance(lines, (bytes, bytearray)) or hasattr(lines, "columns") or not is_sequence(lines):
        raise NotTextError(f"{described(lines)} is not text; expected a str, or an iterable of str (lines)")
    given = list(lines)
    for place, line in enumerate(given):
        if not isinstance(line, str):
            raise NotTextError(f"line {place} is {described(line)}; expected a str")
    return "".join(" ".join(line.splitlines()) + "\n" for line in given)


def _names_file(text: str) -> bool:
    try:
        return len(text.split()) == 1 and Path(text).is_file()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False
