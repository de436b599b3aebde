"""From text to word vectors in one call."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from embeddings.errors import EmbeddingsError
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.encoded_corpus import encode_corpus
from embeddings.text.tokenized_corpus import tokenize_corpus
from embeddings.text.tokenizer.tokenizers import make_tokenizer
from embeddings.training_frame import ProgressCallback
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec import Word2Vec, Word2VecConfig

_BLOCK_BYTES = 1 << 22
_BLOCK_LINES = 10_000


def train(
    text: str | Path | Iterable[str] | Iterable[bytes],
    *,
    tokenizer: str | Callable[[str], list[str]] = "fast",
    lowercase: bool = True,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    progress: ProgressCallback | None = None,
    **settings: Any,
) -> WordVectors:
    """Train word vectors on a text.

    Parameters
    ----------
    text : path, or iterable of str or bytes
        A plain UTF-8 text file with a sentence or paragraph a line, or the lines themselves.
        (`corpora.open_corpus(...).blocks()` reads everything else: compressed files, folders, JSON Lines, URLs.)
    tokenizer : str or callable
        "fast", "whitespace", "nltk:NAME", or a function from a line to its words.
    lowercase : bool
    min_count : int
        Words that occur less often are left out.
    max_vocabulary : int, optional
        Keep only so many words, the most frequent ones.
    progress : callable, optional
        Called several times a second with a `TrainingProgress`.
    **settings
        Of `Word2VecConfig`: architecture, dimension, window, negative, epochs, learning_rate, seed, threads, ...

    Returns
    -------
    WordVectors

    Raises
    ------
    EmbeddingsError
        If the text is missing, or has no word that occurs `min_count` times.
    ValueError
        If a setting is unknown or out of range.

    Examples
    --------
    >>> lines = ["the cat sat on the mat", "the dog sat on the rug"] * 100
    >>> vectors = train(lines, dimension=16, threads=1)
    >>> sorted(vectors.words)
    ['cat', 'dog', 'mat', 'on', 'rug', 'sat', 'the']
    """
    model = Word2Vec(Word2VecConfig.from_dict(settings))
    blocks = _file_blocks(Path(text)) if isinstance(text, str | Path) else _line_blocks(text)
    with tempfile.TemporaryDirectory(prefix="vecmill-") as folder:
        directory = Path(folder)
        splitter = make_tokenizer(tokenizer, lowercase=lowercase)
        threads = model.config.thread_count
        tokenized = tokenize_corpus(blocks, splitter, directory / "tokenized", threads=threads)
        vocabulary = build_vocabulary(tokenized, min_count=min_count, max_vocabulary=max_vocabulary)
        corpus = encode_corpus(tokenized, vocabulary, directory / "encoded", threads=threads)
        return model.fit(corpus, vocabulary, progress=progress).vectors_


def _file_blocks(path: Path) -> Iterator[bytes]:
    """Read a file in blocks that end in white space."""
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                block = rest + block
                end = max(block.rfind(b"\n"), block.rfind(b" ")) + 1
                if end:
                    yield block[:end]
                rest = block[end:]
    except OSError as error:
        raise EmbeddingsError(
            f"cannot read {path}: {error.strerror}; give a text file or an iterable of lines"
        ) from error
    if rest:
        yield rest + b"\n"


def _line_blocks(lines: Iterable[str] | Iterable[bytes]) -> Iterator[bytes]:
    """Join lines to blocks; each ends its sentence."""
    encoded = (line.encode("utf-8", "replace") if isinstance(line, str) else bytes(line) for line in lines)
    while batch := list(islice(encoded, _BLOCK_LINES)):
        yield b"".join(line if line.endswith(b"\n") else line + b"\n" for line in batch)
