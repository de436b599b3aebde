"""The language model: P(w<t> | w<1> ... w<t-1>), its text, training, perplexity, export, and n-grams beside it."""
