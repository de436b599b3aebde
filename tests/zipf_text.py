"""Text for the tokenizer: words by Zipf's law in blocks, and tables that are soon full."""

import numpy as np

from embeddings.text.tokenizer.character_tables import character_tables
from embeddings.text.tokenizer.tokenizers import FastTokenizer
from embeddings.text.tokenizer.word_counters import KernelCounter


class SmallPieces(FastTokenizer):
    """The fast tokenizer with tables that are soon full."""

    def counter(self, table_bytes=None):
        return KernelCounter(character_tables(False, True, False, False), table_bytes, piece=16)


def random_text(seed: int, words: int = 300) -> bytes:
    """Text of Zipf's law with short and long, ASCII and other words, and some bytes that are none."""
    generator = np.random.default_rng(seed)
    spellings = [f"w{i}" + "é" * (i % 3 == 0) + "long" * (i % 7) for i in range(200)] + [
        "don't",
        "x" * 1001,
        "\x00",
        "Ω",
    ]
    chosen = generator.zipf(1.3, words) % len(spellings)
    ends = generator.choice([" ", ", ", "\n", "\r\n", "\n\n"], words, p=[0.6, 0.2, 0.1, 0.05, 0.05])
    text = "".join(spellings[i] + end for i, end in zip(chosen, ends, strict=True)).encode()
    return text.replace(b"w7 ", b"w7\xff ") + b"the end"


def blocks(text: bytes, size: int) -> list[bytes]:
    """Cut after the first white space beyond each `size` bytes."""
    result, start = [], 0
    while start < len(text):
        end = next((i + 1 for i in range(start + size, len(text)) if text[i] in b" \n\r"), len(text))
        result.append(text[start:end])
        start = end
    return result
