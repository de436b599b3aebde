"""Text in: named corpora, readers and downloads. Yields blocks of UTF-8 bytes."""
