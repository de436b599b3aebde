"""A language model of seven words, in float64 for comparisons with central differences."""

import numpy as np

from embeddings import Vocabulary
from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.model import LanguageModel
from embeddings.text.vocabulary import EOS, UNK

WORDS = [EOS, "the", "cat", "dog", UNK, "sat", "mat"]


def make_vocabulary(words=WORDS):
    return Vocabulary.from_words(words, range(len(words), 0, -1))


def make_model(seed=0, dtype=np.float64, words=WORDS, **settings):
    config = LanguageModelConfig(**{"hidden_size": 4, **settings})
    return LanguageModel(config, make_vocabulary(words), rng=np.random.default_rng(seed), dtype=dtype)
