"""The library: tokenization, vocabularies, word2vec, word vectors and recurrent networks."""

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
