"""Skip-gram and CBOW with negative sampling."""

from typing import TYPE_CHECKING

from embeddings.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from embeddings.word2vec.config import Word2VecConfig
    from embeddings.word2vec.model import Word2Vec
    from embeddings.word2vec.trainer import Checkpointing, TrainingDiverged, TrainingProgress

__all__ = ["Checkpointing", "TrainingDiverged", "TrainingProgress", "Word2Vec", "Word2VecConfig"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "embeddings.word2vec.config": ["Word2VecConfig"],
        "embeddings.word2vec.model": ["Word2Vec"],
        "embeddings.word2vec.trainer": ["Checkpointing", "TrainingDiverged", "TrainingProgress"],
    },
)
