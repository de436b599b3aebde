"""The library: tokenization, vocabularies, word2vec, word vectors and recurrent networks."""

from typing import TYPE_CHECKING

from embeddings.lazy_exports import lazy_exports

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

# What type checkers and editors read above, at run time: each module with the public names that it defines.
__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "embeddings.errors": ["EmbeddingsError"],
        "embeddings.text.encoded_corpus": ["EncodedCorpus", "encode_corpus"],
        "embeddings.text.tokenization": ["Tokenizer", "make_tokenizer"],
        "embeddings.text.tokenized_corpus": ["TokenizedCorpus", "build_vocabulary", "tokenize_corpus"],
        "embeddings.text.vocabulary": ["Vocabulary"],
        "embeddings.training": ["train"],
        "embeddings.word2vec.config": ["Word2VecConfig"],
        "embeddings.word2vec.model": ["Word2Vec"],
        "embeddings.word2vec.trainer": ["Checkpointing", "TrainingDiverged", "TrainingProgress"],
        "embeddings.word_vectors": ["WordVectors"],
    },
)
