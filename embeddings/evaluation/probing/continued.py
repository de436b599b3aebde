"""E fitted to the text of a task: training goes on with the words of all its training examples, without their labels.

Whoever has a few labelled texts often has many without labels (Gururangan et al. 2020 show the same for larger
models: "Don't stop pretraining").
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from embeddings import Word2Vec, Word2VecConfig, WordVectors, encode_corpus, make_tokenizer, tokenize_corpus
from embeddings.word2vec.warm_start import extend_vocabulary

EPOCHS = 20
"""Passes over the text: it is short beside the one that E was trained on."""
MIN_COUNT = 2
"""New words that the text has less often are left out."""


def continued(
    vectors: WordVectors, texts: Iterable[Sequence[str]], *, window: int, seed: int, directory: Path
) -> WordVectors:
    """Return E after skip-gram training on the texts; the same vectors in every run.

    Parameters
    ----------
    vectors
        E. Words of the texts are read as E spells them: as they stand, else in lower case.
    texts
        The words of each.
    window
        Words on either side that a word predicts. A narrow one finds words of the same grammar, a wide one words of the
        same topics and sentiment (Levy & Goldberg 2014).
    seed
        Of all that is drawn.
    directory
        Existing; temporary files are written there.

    Raises
    ------
    TrainingDiverged
        See `Word2Vec.fit`.
    """
    known = frozenset(vectors.words)
    lines = (" ".join(word if word in known else word.lower() for word in text).encode() + b"\n" for text in texts)
    config = Word2VecConfig(dimension=vectors.dimension, window=window, epochs=EPOCHS, seed=seed, deterministic=True)
    with tempfile.TemporaryDirectory(dir=directory) as name:
        tokenized = tokenize_corpus(lines, make_tokenizer("whitespace", lowercase=False), Path(name) / "tokenized")
        vocabulary = extend_vocabulary(vectors.vocabulary, tokenized, min_count=MIN_COUNT)
        corpus = encode_corpus(tokenized, vocabulary, Path(name) / "encoded")
        return Word2Vec(config).fit(corpus, vocabulary, initial_vectors=vectors).vectors_
