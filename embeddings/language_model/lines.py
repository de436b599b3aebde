"""Lines of a text for a language model: words, and their ids with ``<eos>`` at the end."""

import re

import numpy as np

from embeddings.text.tokenizer.tokenizers import Tokenizer
from embeddings.text.vocabulary import EOS, UNK, Vocabulary


def looks_tokenized(text: str) -> bool:
    """Return whether words and punctuation marks are already separate: almost no comma or full stop ends a word."""
    apart = len(re.findall(r"(?<=\s)[.,](?=\s)", text))
    attached = len(re.findall(r"(?<=\w)[.,](?=\s)", text))
    return UNK in text or apart > 20 * attached


def encode_lines(text: str, vocabulary: Vocabulary, tokenizer: Tokenizer) -> tuple[list[list[str]], list[np.ndarray]]:
    """Tokenize and encode a text line by line.

    Parameters
    ----------
    text : str
    vocabulary : Vocabulary
        With ``<unk>`` and ``<eos>``.
    tokenizer : Tokenizer

    Returns
    -------
    lines : list of list of str
        The words of each line, also of empty lines.
    ids : list of (n + 1,) int32
        Their ids with ``<eos>`` at the end.
    """
    lines = tokenizer.tokenize(text)
    unk, eos = vocabulary.id(UNK), vocabulary.id(EOS)
    return lines, [np.append(vocabulary.ids(line, missing=unk), np.int32(eos)) for line in lines]
