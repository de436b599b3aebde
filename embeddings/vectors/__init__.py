"""Word vectors: the embedding matrix with its vocabulary, neighbours, post-processing."""
