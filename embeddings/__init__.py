"""The library: tokenization, vocabularies, word2vec, word vectors and recurrent networks."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from embeddings.errors import EmbeddingsError
    from embeddings.text.encoded_corpus import EncodedCorpus, encode_corpus
    from embeddings.text.tokenization import Tokenizer, make_tokenizer
    from embeddings.text.tokenized_corpus import TokenizedCorpus, build_vocabulary, tokenize_corpus
    from embeddings.text.vocabulary import Vocabulary
    from embeddings.training import train
    from embeddings.word2vec import Checkpointing, TrainingDiverged, TrainingProgress, Word2Vec, Word2VecConfig
    from embeddings.word_vectors import WordVectors

__all__ = [
    "Checkpointing",
    "EmbeddingsError",
    "EncodedCorpus",
    "TokenizedCorpus",
    "Tokenizer",
    "TrainingDiverged",
    "TrainingProgress",
    "Vocabulary",
    "Word2Vec",
    "Word2VecConfig",
    "WordVectors",
    "build_vocabulary",
    "encode_corpus",
    "make_tokenizer",
    "tokenize_corpus",
    "train",
]

# The same at run time: a module is imported when one of its names is asked for, as Numba and SciPy take half a second
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["EmbeddingsError"],
        "text.encoded_corpus": ["EncodedCorpus", "encode_corpus"],
        "text.tokenization": ["Tokenizer", "make_tokenizer"],
        "text.tokenized_corpus": ["TokenizedCorpus", "build_vocabulary", "tokenize_corpus"],
        "text.vocabulary": ["Vocabulary"],
        "training": ["train"],
        "word2vec.config": ["Word2VecConfig"],
        "word2vec.model": ["Word2Vec"],
        "word2vec.trainer": ["Checkpointing", "TrainingDiverged", "TrainingProgress"],
        "word_vectors": ["WordVectors"],
    },
)
