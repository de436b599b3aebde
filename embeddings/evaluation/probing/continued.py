"""Continued pretraining: train E further on the words of all training examples of a task, without their labels.

A few labelled texts often come with many unlabelled ones (Gururangan et al. 2020, "Don't Stop Pretraining", for larger
models).
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from embeddings import Word2Vec, Word2VecConfig, WordVectors, encode_corpus, make_tokenizer, tokenize_corpus
from embeddings.networks.initial_embedding import Spelling
from embeddings.word2vec.warm_start import extend_vocabulary

EPOCHS = 20
"""Passes over the text, which is much shorter than the one that E was trained on."""
MIN_COUNT = 2
"""New words that occur less often in the text are omitted."""


def continued(
    vectors: WordVectors, texts: Iterable[Sequence[str]], *, window: int, seed: int, directory: Path
) -> WordVectors:
    """Return E after further skip-gram training on the texts; deterministic.

    Parameters
    ----------
    vectors : WordVectors
        E. A word of the texts that E does not have is spelled as `Spelling` says.
    texts : iterable of sequence of str
        The words of each text.
    window : int
        Words to each side that a word predicts. A narrow window favours grammatical similarity, a wide one topical
        similarity (Levy & Goldberg 2014).
    seed : int
        Seed of all random numbers.
    directory : Path
        Existing directory for temporary files.

    Returns
    -------
    WordVectors
        The words of E and the new words of the texts.

    Raises
    ------
    TrainingDiverged
        See `Word2Vec.fit`.
    """
    spelling = Spelling(vectors)
    lines = (" ".join(map(spelling, text)).encode() + b"\n" for text in texts)
    config = Word2VecConfig(dimension=vectors.dimension, window=window, epochs=EPOCHS, seed=seed, deterministic=True)
    with tempfile.TemporaryDirectory(dir=directory) as name:
        tokenized = tokenize_corpus(lines, make_tokenizer("whitespace", lowercase=False), Path(name) / "tokenized")
        vocabulary = extend_vocabulary(vectors.vocabulary, tokenized, min_count=MIN_COUNT)
        corpus = encode_corpus(tokenized, vocabulary, Path(name) / "encoded")
        return Word2Vec(config).fit(corpus, vocabulary, initial_vectors=vectors).vectors_
