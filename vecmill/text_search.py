"""Search among texts by the directions of their vectors."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from embeddings.documents.sentence_index import SentenceIndex
from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_number, require_one_of, require_type
from embeddings.text.tokenizer.token_lists import require_documents
from embeddings.text.tokenizer.tokenizers import HasTokenize, Tokenizer
from embeddings.vectors.embedding_matrix import BLOCK, require_vectors
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import python_values, quoted, require_kind, require_path, require_place
from vecmill.document_vectors import WEIGHTINGS, document_words
from vecmill.surrogates import encoded

MANY = 200_000
"""Texts from which on a graph is worth being built for an index that is kept: a search of all takes some 10 ms then."""

TokenizerOf = str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer


class FoundText(NamedTuple):
    """A text that was found.

    Attributes
    ----------
    number : int
        Its place among the texts, from 0.
    text : str or list of str
    similarity : float
        Cosine of its vector and that of the query.
    """

    number: int
    text: Any
    similarity: float


class TextIndex:
    """Texts, and the vectors by which they are found.

    Parameters
    ----------
    vectors : WordVectors
    texts : iterable of str, or iterable of lists of str
        Text, which is split into words, or words. They stay in memory.
    weighting : {"mean", "sif"}
        As of `sentence_vectors`.
    approximate : bool
        Search a graph (HNSW; extra `ann`) instead of all vectors: for millions of texts and many searches. Some of the
        nearest may be missed.
    tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional
        Splits texts and queries; see `sentence_vectors`.

    Raises
    ------
    NotTextError
        An item is neither text nor a list of words. A TypeError.
    VecmillError
        No text has a known word, "sif" is asked of vectors without counts of words, or usearch is missing.

    Examples
    --------
    >>> import vecmill
    >>> vectors = vecmill.train(["the cat sat on the mat", "the dog sat on the rug"] * 100, dimension=16, threads=1)
    >>> texts = vecmill.TextIndex(vectors, ["A mat, a cat.", "Dog on the rug!", "?"])
    >>> [found.text for found in texts.search("the dog on a rug", topn=1)]
    ['Dog on the rug!']
    """

    def __init__(
        self,
        vectors: WordVectors,
        texts: Iterable[str] | Iterable[Sequence[str]],
        *,
        weighting: str = "mean",
        approximate: bool = False,
        tokenizer: TokenizerOf | None = None,
    ) -> None:
        self._prepare(vectors, texts, weighting, tokenizer)
        require_type("approximate", approximate, bool)
        words = document_words(vectors, self.texts, tokenizer)
        self.index = SentenceIndex.build(vectors, words, weighting=weighting, approximate=approximate)

    def _prepare(
        self, vectors: WordVectors, texts: Iterable[Any], weighting: str, tokenizer: TokenizerOf | None
    ) -> None:
        require_vectors(vectors)
        require_one_of("weighting", weighting, WEIGHTINGS)
        require_documents(texts)
        self.texts = list(python_values(texts))
        self._vectors, self._tokenizer = vectors, tokenizer

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        vectors: WordVectors,
        texts: Iterable[str] | Iterable[Sequence[str]],
        *,
        weighting: str = "mean",
        tokenizer: TokenizerOf | None = None,
    ) -> "TextIndex":
        """Open an index that `save` wrote, without computing vectors; it is compared with vectors and texts.

        Parameters
        ----------
        path : path
        vectors : WordVectors
        texts : iterable of str, or iterable of lists of str
        weighting : {"mean", "sif"}
        tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional
            The one that the index was made with.

        Returns
        -------
        TextIndex

        Raises
        ------
        VecmillError
            The file is damaged, or belongs to another model, other texts or another weighting.
        """
        require_path("path", path)
        found = cls.__new__(cls)
        found._prepare(vectors, texts, weighting, tokenizer)
        found.index = SentenceIndex.load(path, vectors, weighting, found._belongs_to())
        if len(found.index) != len(found):
            raise EmbeddingsError(
                f"{path} is damaged: it is of {len(found.index):,} texts, not {len(found):,}; build it anew"
            )
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vectors to a file, with digests of the model and the texts; the texts stay where they are.

        Parameters
        ----------
        path : path

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        require_place("path", path)
        self.index.save(path, self._belongs_to())

    def __len__(self) -> int:
        return len(self.texts)

    def search(self, query: str | Sequence[str], topn: int = 10) -> list[FoundText]:
        """Find the texts whose vectors have the direction most like that of a query.

        Parameters
        ----------
        query : str or list of str
            Text, or words.
        topn : int
            Number of texts, at least 1.

        Returns
        -------
        list of FoundText
            Best first. Texts without a known word are never found.

        Raises
        ------
        KeyError
            No word of the query is known.
        ValueError
            `topn` is below 1.
        """
        require_kind("query", query, (str, list, tuple), "a str or a list of str (words)")
        return self.search_many([query], topn)[0]

    def search_many(self, queries: Iterable[str] | Iterable[Sequence[str]], topn: int = 10) -> list[list[FoundText]]:
        """Answer many queries at once; see `search`.

        Parameters
        ----------
        queries : iterable of str, or iterable of lists of str
        topn : int

        Returns
        -------
        list of list of FoundText

        Raises
        ------
        NotTextError
            `queries` is one query, or has no order. A TypeError.
        """
        require_documents(queries, "queries", "query")
        topn, asked = require_number("topn", topn, 1), list(python_values(queries))
        words = [words for batch in document_words(self._vectors, asked, self._tokenizer) for words in batch]
        numbers, similarities = self.index.search(words, topn)
        unknown = np.flatnonzero(np.isnan(similarities[:, 0]))
        if len(unknown):
            raise KeyError(f"no word of the query is known: {quoted(asked[unknown[0]])}")
        return [
            [FoundText(n, self.texts[n], s) for n, s in zip(of_one, cosines, strict=True) if n >= 0]
            for of_one, cosines in zip(numbers.tolist(), similarities.tolist(), strict=True)
        ]

    def _belongs_to(self) -> dict[str, str]:
        return {"model": vectors_digest(self._vectors), "text": _digest_of_texts(self.texts)}


def search(
    vectors: WordVectors,
    texts: Iterable[str] | Iterable[Sequence[str]],
    query: str | Sequence[str],
    topn: int = 10,
    *,
    weighting: str = "mean",
    tokenizer: TokenizerOf | None = None,
) -> list[FoundText]:
    """Find the texts that are most similar to a query; for several queries make a `TextIndex`.

    Parameters
    ----------
    vectors : WordVectors
    texts : iterable of str, or iterable of lists of str
        Text, which is split into words, or words.
    query : str or list of str
        Text, or words.
    topn : int
        Number of texts, at least 1.
    weighting : {"mean", "sif"}
        As of `sentence_vectors`.
    tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional
        Splits texts and query; see `sentence_vectors`.

    Returns
    -------
    list of FoundText
        Number, text and cosine of each, best first.

    Raises
    ------
    KeyError
        No word of the query is known.
    ValueError
        `topn` is below 1.
    NotTextError
        An item is neither text nor a list of words. A TypeError.
    VecmillError
        No text has a known word, or "sif" is asked of vectors without counts of words.

    Examples
    --------
    >>> import vecmill
    >>> vectors = vecmill.train(["the cat sat on the mat", "the dog sat on the rug"] * 100, dimension=16, threads=1)
    >>> vecmill.search(vectors, ["A mat, a cat.", "Dog on the rug!"], "the dog on a rug", topn=1)[0].number
    1
    """
    topn = require_number("topn", topn, 1)
    return TextIndex(vectors, texts, weighting=weighting, tokenizer=tokenizer).search(query, topn)


def vectors_digest(vectors: WordVectors) -> str:
    """Return a hash of all that the vectors of sentences follow from.

    Parameters
    ----------
    vectors : WordVectors

    Returns
    -------
    str
    """
    digest = hashlib.sha256()
    settings = (vectors.matrix.shape, vectors.tokenizer_settings)
    digest.update(repr(settings).encode())
    digest.update("\0".join(vectors.words).encode("utf-8", "surrogatepass"))
    digest.update(vectors.vocabulary.counts.tobytes())
    for matrix in (vectors.matrix, *([vectors.subwords.matrix] if vectors.subwords else [])):
        for start in range(0, len(matrix), BLOCK):
            digest.update(np.ascontiguousarray(matrix[start : start + BLOCK]).data)
    return digest.hexdigest()


def _digest_of_texts(texts: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        words = [text] if isinstance(text, str) else text
        parts = [encoded(word) for word in words]
        # lengths, because a text may hold whatever stands between texts
        digest.update(repr((isinstance(text, str), *map(len, parts))).encode() + b"".join(parts))
    return digest.hexdigest()
