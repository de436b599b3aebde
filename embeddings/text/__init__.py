"""From text to ids: tokenizers, counting, the vocabulary, encoded corpora."""
