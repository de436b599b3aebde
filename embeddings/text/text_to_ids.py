"""The whole road from text to ids in one call: tokenize, split, vocabulary, encode."""

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path

from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.encoded_corpus import EncodedCorpus, encode_corpus
from embeddings.text.split import split_text
from embeddings.text.tokenized_corpus import tokenize_corpus
from embeddings.text.tokenizer.tokenizers import Tokenizer
from embeddings.text.vocabulary import Vocabulary


def text_to_ids(
    blocks: Iterable[bytes] | Mapping[str, Iterable[bytes]],
    tokenizer: Tokenizer,
    directory: str | PathLike[str],
    *,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    split: bool = False,
    valid: float = 0.05,
    test: float = 0.05,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Vocabulary, EncodedCorpus]:
    """Encode a text with its own vocabulary.

    Parameters
    ----------
    blocks : iterable of bytes, or mapping of str to iterable of bytes
        UTF-8 text; a mapping holds the parts ``train``, ``valid`` and ``test`` and asks for `split`.
    tokenizer : Tokenizer
    directory : path
        Existing; the folders of the steps are made in it. They must be there as long as the corpus is read.
    min_count : int
        Words seen less often are not in the vocabulary.
    max_vocabulary : int, optional
        Keep this many words at most, the most frequent.
    split : bool
        Make the parts train, valid and test; the vocabulary is then that of train, with ``<unk>`` and ``<eos>``.
        Otherwise all is train, and other words are left out.
    valid, test : float
        Shares of the lines that go to these parts.
    threads : int, optional
        Default: one a processor core.
    progress : callable, optional
        Called with the number of bytes tokenized so far.

    Returns
    -------
    vocabulary : Vocabulary
    corpus : EncodedCorpus

    Raises
    ------
    EmbeddingsError
        The text has too few words or lines, or `directory` cannot be written.
    """
    directory = Path(directory)
    tokenized = tokenize_corpus(blocks, tokenizer, directory / "tokenized", threads=threads, progress=progress)
    parts = split_text(tokenized, directory / "split", valid=valid, test=test, threads=threads) if split else None
    vocabulary = build_vocabulary(tokenized, min_count=min_count, max_vocabulary=max_vocabulary, split=parts)
    return vocabulary, encode_corpus(tokenized, vocabulary, directory / "encoded", threads=threads, split=parts)
