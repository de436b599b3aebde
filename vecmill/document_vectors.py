"""One vector for each document: the mean of its word vectors."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_one_of
from embeddings.text.tokenizer.token_lists import require_documents, words_of_document
from embeddings.text.tokenizer.tokenizers import HasTokenize, Tokenizer, make_tokenizer
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.postprocessing import (
    common_component,
    mean_sentence_vectors,
    remove_component,
    weighted_sentence_vectors,
)
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import python_values

WEIGHTINGS = ("mean", "sif")
_AT_ONCE = 4096


def sentence_vectors(
    vectors: WordVectors,
    documents: Iterable[str] | Iterable[Iterable[str]],
    *,
    weighting: str = "mean",
    tokenizer: str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer | None = None,
) -> np.ndarray:
    """Compute a vector for each document: a sentence, a paragraph, a whole text.

    Parameters
    ----------
    vectors : WordVectors
    documents : iterable of str, or iterable of lists of str
        Text, which is split into words, or words; for example a column of a data frame. Unknown words are skipped.
    weighting : {"mean", "sif"}
        Mean of the unit vectors of the words; or smooth inverse frequency (Arora, Liang & Ma 2017), in which frequent
        words have smaller weights, and the direction that all documents share is removed.
    tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional
        Splits text into words, see `make_tokenizer`. Default: the tokenizer that the vectors were trained with, or the
        fast one if they do not record it.

    Returns
    -------
    (n, d) float32
        Zeros for a document without a known word.

    Raises
    ------
    NotTextError
        An item is neither text nor a list of words; the message states its position. A TypeError.
    VecmillError
        There is no tokenizer of this name, or "sif" is asked of vectors without counts of words.

    Examples
    --------
    >>> import vecmill
    >>> vectors = vecmill.train(["the cat sat on the mat", "the dog sat on the rug"] * 100, dimension=16)
    >>> vecmill.sentence_vectors(vectors, ["The cat sat!", "A dog.", "Hello?"]).shape
    (3, 16)
    """
    require_vectors(vectors)
    require_one_of("weighting", weighting, WEIGHTINGS)
    if weighting == "sif" and not vectors.vocabulary.counts.any():
        raise EmbeddingsError("these vectors have no counts of words, which sif needs; take weighting='mean'")
    mean = weighted_sentence_vectors if weighting == "sif" else mean_sentence_vectors
    found = [mean(vectors, words) for words in document_words(vectors, documents, tokenizer)]
    matrix = np.concatenate(found) if found else np.zeros((0, vectors.dimension), np.float32)
    return remove_component(matrix, common_component(matrix)) if weighting == "sif" and len(matrix) else matrix


def document_words(
    vectors: WordVectors,
    documents: Iterable[Any],
    tokenizer: str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer | None = None,
) -> Iterator[list[list[str]]]:
    """Yield the words of some documents at a time; `sentence_vectors` has the parameters and errors.

    Parameters
    ----------
    vectors : WordVectors
    documents : iterable of str, or iterable of lists of str
    tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional

    Yields
    ------
    list of list of str
    """
    require_documents(documents)
    documents = python_values(documents)

    def split(text: str) -> list[list[str]]:
        return (vectors.make_tokenizer() if tokenizer is None else make_tokenizer(tokenizer)).tokenize(text)

    numbered = enumerate(documents)
    while some := list(islice(numbered, _AT_ONCE)):
        texts = {place: " ".join(document.splitlines()) for place, document in some if isinstance(document, str)}
        lines = iter(split("".join(f"{text}\n" for text in texts.values())) if texts else [])
        yield [next(lines) if place in texts else words_of_document(place, document) for place, document in some]
