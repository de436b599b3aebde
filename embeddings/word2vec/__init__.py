"""Skip-gram and CBOW with negative sampling."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from embeddings.word2vec.config import Word2VecConfig
    from embeddings.word2vec.model import Word2Vec
    from embeddings.word2vec.trainer import Checkpointing, TrainingDiverged, TrainingProgress

__all__ = ["Checkpointing", "TrainingDiverged", "TrainingProgress", "Word2Vec", "Word2VecConfig"]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Word2VecConfig"],
        "model": ["Word2Vec"],
        "trainer": ["Checkpointing", "TrainingDiverged", "TrainingProgress"],
    },
)
