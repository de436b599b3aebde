"""Word vectors in a spaCy pipeline, as spaCy itself makes one."""

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.character_ngrams import FLORET_SEED
from embeddings.vectors.embedding_matrix import EmbeddingMatrix
from vecmill.extras import needs
from vecmill.files import write_json

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.vectors import Vectors
    from spacy.vocab import Vocab

_ROWS = 1 << 16  # of a table of n-grams that are copied at a time


def spacy_pipeline(vectors: EmbeddingMatrix, language: str) -> "Language":
    """Return a blank pipeline of a language whose vocabulary has these vectors; see `WordVectors.to_spacy`.

    Parameters
    ----------
    vectors : EmbeddingMatrix
    language : str
        As spaCy names it: ``"en"``, ``"de"``, ``"xx"`` for any.

    Returns
    -------
    spacy.language.Language

    Raises
    ------
    EmbeddingsError
        spaCy has no such language, or needs another package for it.
    MissingExtraError
        spaCy is not installed.
    """
    with needs("spacy", "a spaCy pipeline"):
        import spacy
    try:
        pipeline = spacy.blank(language)
    except ImportError as error:
        reason = " ".join(str(error).split())[:200]
        raise EmbeddingsError(f"spaCy has no tokenizer for the language {language!r} ({reason})") from error
    pipeline.vocab.vectors = _table(vectors, pipeline.vocab)
    pipeline.meta["name"], pipeline.meta["description"] = "vectors", "Word vectors trained by vecmill"
    return pipeline


def write_pipeline(pipeline: "Language", folder: Path) -> None:
    """Write a pipeline so that `spacy.load` opens it; spaCy itself forgets whether words are looked up in lower case.

    Parameters
    ----------
    pipeline : spacy.language.Language
    folder : Path
        Made if it is missing.

    Raises
    ------
    OSError
        The disk is full, or a file cannot be read again.
    """
    try:
        pipeline.to_disk(folder)
    except OSError as error:
        if error.errno is None:  # of NumPy, which only says how many items it has written
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
        raise
    _require_whole(folder / "vocab" / "vectors")
    settings = folder / "vocab" / "vectors.cfg"
    write_json(settings, {**json.loads(settings.read_bytes()), "attr": pipeline.vocab.vectors.attr})


def _require_whole(array: Path) -> None:
    """Raise an OSError for an array that was cut short: NumPy's C code hides an error of its last write."""
    try:
        np.load(array, mmap_mode="r")
    except ValueError:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(array)) from None


def _table(vectors: EmbeddingMatrix, vocabulary: "Vocab") -> "Vectors":
    """Return the vectors of words, or of n-grams if these are floret's: then every word has a vector."""
    from spacy.vectors import Vectors

    lowercase = vectors.tokenizer_settings.get("lowercase", False)
    common = {"strings": vocabulary.strings, "name": "vecmill", "attr": "LOWER" if lowercase else "ORTH"}
    subwords = vectors.subwords
    if subwords is None or not subwords.ngrams.floret_hashes:
        rows = np.array(vectors.matrix, np.float32)
        return Vectors(data=rows, keys=[vocabulary.strings.add(word) for word in vectors.words], **common)
    ngrams = subwords.ngrams
    return Vectors(
        mode="floret",
        data=np.concatenate(list(subwords.blocks(_ROWS))),
        minn=ngrams.min_length,
        maxn=ngrams.max_length,
        hash_count=ngrams.floret_hashes,
        hash_seed=FLORET_SEED,
        **common,
    )
