"""The tokenizer: blocks of UTF-8 bytes become provisional word ids and exact counts.

The journey of a block::

    block of bytes
      │  kernels.tokenize_block        folds case, finds words in pieces of 4 kB (character_tables classifies bytes)
      ▼
    words as bytes
      │  word_table.WordTable          a growing hash table gives each new word the next provisional id: 1, 2, 3, ...
      ▼
    provisional ids, 0 at the end of a line    words with their counts (counted_words)
      │  word_counters                 returns both to the calling worker      │
      ▼                                                                        ▼
    tokenized_corpus writes them to disk       spilled_counts writes a full table to disk; a new table begins

`tokenizers` holds the rules and `make_tokenizer`. A tokenizer written in Python takes the same path through
`word_counters.PythonCounter`, line by line.
"""
