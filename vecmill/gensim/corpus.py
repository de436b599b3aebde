"""Sentences of a model: token lists, or lines of a file, counted and encoded by the library."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from corpora import open_corpus
from embeddings.text.encoded_corpus import EncodedCorpus, NoKnownWordsError, encode_corpus
from embeddings.text.tokenized_corpus import TokenizedCorpus, tokenize_corpus
from embeddings.text.tokenizer.normalization import NONE
from embeddings.text.tokenizer.token_lists import TokenLists
from embeddings.text.tokenizer.tokenizers import WHITE_SPACE, make_tokenizer
from embeddings.text.vocabulary import Vocabulary
from vecmill.arguments import columns_of
from vecmill.files import temporary_directory
from vecmill.gensim.missing import require_text
from vecmill.gensim.sentences import LineSentence

logger = logging.getLogger("gensim.models.word2vec")

_SENTENCES_AT_ONCE = 10_000


class Corpus:
    """A text whose words are numbered and counted.

    Parameters
    ----------
    tokenized : TokenizedCorpus

    Attributes
    ----------
    tokenized : TokenizedCorpus
    word_count : int
        Raw words.
    sentence_count : int
    """

    def __init__(self, tokenized: TokenizedCorpus) -> None:
        self.tokenized = tokenized
        self.word_count = tokenized.token_count
        ids = map(tokenized.ids, range(len(tokenized.parts)))
        self.sentence_count = sum(len(part) - int(np.count_nonzero(part)) for part in ids)

    def counts(self) -> dict[str, int]:
        """Return the count of every word, the most frequent first."""
        from embeddings.text.build_vocabulary import count_words

        if not self.word_count:
            return {}
        words = count_words(self.tokenized)
        return dict(zip(words.words, words.counts.tolist(), strict=True))

    def encode(self, vocabulary: Vocabulary) -> EncodedCorpus | None:
        """Return the ids of the words of a vocabulary, or None without one; the files go with those of the text."""
        try:
            return encode_corpus(self.tokenized, vocabulary, self.tokenized.directory.parent / "encoded")
        except NoKnownWordsError:
            return None


@contextmanager
def open_sentences(
    corpus_iterable: Iterable[Any] | None, corpus_file: str | os.PathLike[str] | None
) -> Iterator[Corpus]:
    """Read sentences once, to temporary files.

    Parameters
    ----------
    corpus_iterable : iterable of lists of str, optional
    corpus_file : path, optional
        A sentence a line, words separated by white space.

    Yields
    ------
    Corpus

    Raises
    ------
    TypeError
        Both or none are given, or `corpus_iterable` is no iterable of sentences.
    NothingThereError
        There is no `corpus_file`. (Also a FileNotFoundError.)
    """
    if (corpus_iterable is None) == (corpus_file is None):
        raise TypeError("give either sentences (corpus_iterable) or corpus_file")
    if isinstance(corpus_iterable, LineSentence) and corpus_iterable.is_whole_file:
        corpus_file = corpus_iterable.source
    with temporary_directory() as folder:
        destination = Path(folder) / "tokenized"
        if corpus_file is not None:
            if not isinstance(corpus_file, (str, os.PathLike)):
                raise TypeError(f"corpus_file is {type(corpus_file).__name__}; expected a path")
            require_text("corpus_file", corpus_file)
            lines = make_tokenizer(WHITE_SPACE, lowercase=False, normalize=NONE)
            yield Corpus(tokenize_corpus(open_corpus(Path(corpus_file)).blocks(), lines, destination))
        elif _holds_sentences(corpus_iterable):
            yield Corpus(tokenize_corpus(_batches(corpus_iterable), TokenLists(), destination))
        else:
            raise TypeError(f"sentences are {type(corpus_iterable).__name__}; expected an iterable of lists of str")


def require_unread(sentences: Any, items: int) -> None:
    """Raise a TypeError for an iterator that had no items left."""
    if not items and isinstance(sentences, Iterator):
        raise TypeError(
            f"the {type(sentences).__name__} has nothing left: it was read before, as by build_vocab; give a list, or "
            "a new one"
        )


def _holds_sentences(given: Any) -> TypeGuard[Iterable[Any]]:
    """Whether iterating may give sentences: a str has letters, a mapping keys, and a table columns or their names."""
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)) or columns_of(given) is not None:
        return False
    return getattr(given, "ndim", 1) > 0


def _batches(sentences: Iterable[Any]) -> Iterator[Any]:
    """Yield sentences in blocks; a sentence that is a str is read as its characters, as gensim does."""
    items = iter(sentences)
    warned = False
    while batch := list(islice(items, _SENTENCES_AT_ONCE)):
        for place, sentence in enumerate(batch):
            if isinstance(sentence, str):
                if not warned:
                    logger.warning(
                        "Each 'sentences' item should be a list of words (usually unicode strings). "
                        "First item here is instead plain %s: its characters are read as words.",
                        type(sentence),
                    )
                warned, batch[place] = True, list(sentence)
            elif isinstance(sentence, Iterator):
                raise TypeError(f"a sentence is {type(sentence).__name__}; expected a list of str")
        yield batch
