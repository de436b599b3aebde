"""The library: tokenization, vocabularies, word2vec, word vectors and recurrent networks."""
