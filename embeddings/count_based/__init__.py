"""Count-based word vectors: positive pointwise mutual information and a truncated SVD, a baseline for word2vec."""

from embeddings.count_based.positive_pmi import CountBased, CountBasedConfig, factorize, positive_pmi

__all__ = ["CountBased", "CountBasedConfig", "factorize", "positive_pmi"]
