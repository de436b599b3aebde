"""Log-probabilities of a text under a language model, optionally interpolated with an n-gram model."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.lines import encode_lines
from embeddings.language_model.ngram_files import NgramModel
from embeddings.language_model.perplexity import Perplexity, log_likelihoods, sentence_log_likelihoods
from embeddings.text.tokenizer.token_lists import NotTextError
from vecmill.arguments import described, is_sequence

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel


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
        ln P of each id; empty for a line without words that was read as part of a stream.
    eos, unk : int
        Ids of ``<eos>`` and ``<unk>``.
    """

    lines: list[list[str]]
    ids: list[np.ndarray]
    log_likelihoods: list[np.ndarray]
    eos: int
    unk: int

    @property
    def perplexity(self) -> Perplexity:
        """The perplexity of all lines that have words; an `EmbeddingsError` if no line has any."""
        kept = [place for place, line in enumerate(self.lines) if line]
        if not kept:
            raise EmbeddingsError("the text holds no words: expected at least one line of text")
        ids, log_p = (np.concatenate([parts[i] for i in kept]) for parts in (self.ids, self.log_likelihoods))
        return Perplexity.of(ids, log_p, self.eos, self.unk)


def score_text(
    model: "LanguageModel",
    text: str,
    *,
    independent: bool = False,
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
        Read every line on its own, as n-gram models do; otherwise the state continues from line to line, and lines
        without words are left out.
    ngrams : NgramModel, optional
        A model to interpolate with (`load_ngram_model`): P = (1 - weight) P_model + weight P_ngrams.
    weight : float
        Weight of the n-gram model, from 0 to 1.

    Returns
    -------
    ScoredText
    """
    lines, ids = encode_lines(text, model.vocabulary, model.make_tokenizer())
    if independent:
        log_p = sentence_log_likelihoods(model, ids)
    elif not any(lines):
        log_p = [np.empty(0)] * len(lines)
    else:
        ends = np.cumsum([len(line_ids) if line else 0 for line, line_ids in zip(lines, ids, strict=True)])
        stream = np.concatenate([line_ids for line, line_ids in zip(lines, ids, strict=True) if line])
        log_p = np.split(log_likelihoods(model, stream), ends[:-1])
    if ngrams is not None and weight > 0:
        with np.errstate(divide="ignore"):
            shares = np.log([1 - weight, weight])
        log_p = [
            np.logaddexp(shares[0] + own, shares[1] + ngrams.log_likelihoods(line)) if len(own) else own
            for own, line in zip(log_p, lines, strict=True)
        ]
    return ScoredText(lines=lines, ids=ids, log_likelihoods=log_p, eos=model.eos, unk=model.unk)


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
