"""Skip-gram and CBOW with negative sampling."""

from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.model import Word2Vec
from embeddings.word2vec.trainer import Checkpointing, TrainingDiverged, TrainingProgress

__all__ = ["Checkpointing", "TrainingDiverged", "TrainingProgress", "Word2Vec", "Word2VecConfig"]
