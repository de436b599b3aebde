"""Conversion of text to ids: tokenizers, word counts, vocabularies, encoded corpora."""
