"""Which lines of a text are the sentences of its encoded corpus, whose sentences have a word of the vocabulary."""

import numpy as np

from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import Vocabulary


def lines_with_words(tokenized: TokenizedCorpus, vocabulary: Vocabulary) -> tuple[np.ndarray, int]:
    """Return the numbers of the lines that have a word of a vocabulary.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    vocabulary : Vocabulary

    Returns
    -------
    lines : (n,) int64
        Ascending, from 0: sentence i of the encoded corpus is line ``lines[i]``.
    count : int
        Number of all lines.
    """
    table = WordTable()
    table.add(CountedWords(vocabulary.encoded_words, vocabulary.counts))
    known: dict[tuple[int, int], np.ndarray] = {}
    found, lines = [np.empty(0, np.int64)], 0
    for part, (worker, spill) in enumerate(tokenized.parts[:, :2].tolist()):
        if (worker, spill) not in known:
            words = tokenized.spilled_counts(worker, spill)
            of_words = np.zeros(words.size + 1, bool)  # number 0 is the end of a line
            of_words[words.ids()] = table.find(words.words().words) > 0
            known[worker, spill] = of_words
        ids = tokenized.ids(part)
        ends = ids == 0
        line = lines + np.cumsum(ends)
        found.append(np.unique(line[known[worker, spill][ids]]))
        lines += int(ends.sum())
    return np.unique(np.concatenate(found)), lines
