"""The text that the benchmarks run on, and the same tokens for both sides."""

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from corpora import open_corpus
from embeddings import EncodedCorpus, Vocabulary, build_vocabulary, encode_corpus, make_tokenizer, tokenize_corpus

SHARED = Path(os.environ.get("VECMILL_SHARED", Path(__file__).parents[2] / "shared"))
WIKIPEDIA = SHARED / "corpora" / "wiki-en-100mb.txt.xz"


def default_source() -> str:
    """Real English text where it is at hand, else the embedded corpus."""
    return str(WIKIPEDIA) if WIKIPEDIA.is_file() else "pydocs"


def write_text(source: str, path: Path, megabytes: float | None = None) -> Path:
    """Write a corpus, or its first megabytes, to a plain text file."""
    left = None if megabytes is None else int(megabytes * 1e6)
    with path.open("wb") as file:
        for block in open_corpus(source).blocks():
            if left is not None and len(block) >= left:
                file.write(block[: block.rfind(b"\n", 0, left) + 1])
                break
            file.write(block)
            left = None if left is None else left - len(block)
    return path


def encode(text: Path, folder: Path, min_count: int = 5) -> tuple[Vocabulary, EncodedCorpus]:
    """Run the three steps from text to ids."""
    blocks = open_corpus(str(text)).blocks()
    tokenized = tokenize_corpus(blocks, make_tokenizer("fast"), folder / "tokenized")
    vocabulary = build_vocabulary(tokenized, min_count=min_count)
    return vocabulary, encode_corpus(tokenized, vocabulary, folder / "encoded")


def repeated(corpus: EncodedCorpus, tokens: float) -> EncodedCorpus:
    """The same shards again and again, about so many tokens together: a long text that needs no room."""
    part = corpus.parts["train"]
    times = max(1, round(tokens / part.token_count))
    part = replace(
        part,
        token_count=times * part.token_count,
        sentence_count=times * part.sentence_count,
        files=times * part.files,
    )
    return replace(corpus, parts={"train": part})


def write_tokens(vocabulary: Vocabulary, corpus: EncodedCorpus, path: Path) -> Path:
    """Write the encoded corpus as words, a sentence a line: what gensim's `corpus_file` reads."""
    words = np.array(vocabulary.words, dtype=object)
    with path.open("w", encoding="utf-8") as file:
        for ids, offsets in corpus.shards:
            for first, last in pairwise(offsets):
                file.write(" ".join(words[np.asarray(ids[first:last])]) + "\n")
    return path
