"""Networks that read or write sequences of words: classifier, tagger, decoder, encoder–decoder."""
