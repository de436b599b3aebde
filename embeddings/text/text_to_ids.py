"""Conversion of text to ids in one call: tokenize, join phrases, split, build the vocabulary, encode."""

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path

from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.encoded_corpus import EncodedCorpus, encode_corpus
from embeddings.text.phrase_table import PHRASES_FILE, PhraseSettings
from embeddings.text.phrases import join_found_phrases
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
    phrases: PhraseSettings | None = None,
    split: bool = False,
    valid: float = 0.05,
    test: float = 0.05,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Vocabulary, EncodedCorpus]:
    """Encode a text with a vocabulary built from it.

    Parameters
    ----------
    blocks : iterable of bytes, or mapping of str to iterable of bytes
        UTF-8 text; a mapping holds the parts ``train``, ``valid`` and ``test`` and requires `split`.
    tokenizer : Tokenizer
    directory : path
        Existing directory, in which each step writes a directory. They must exist as long as the corpus is read.
    min_count : int
        Omit words that occur less often from the vocabulary.
    max_vocabulary : int, optional
        Keep only this many of the most frequent words.
    phrases : PhraseSettings, optional
        Join phrases; their table is then ``phrases/phrases.tsv`` in `directory`. Default: none.
    split : bool
        Split the text into train, valid and test; the vocabulary is then that of train, with ``<unk>`` and ``<eos>``.
        Otherwise the whole text is train, and words outside of the vocabulary are omitted.
    valid, test : float
        Fractions of the lines for these parts.
    threads : int, optional
        By default one per processor core.
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
    if phrases and phrases.passes:
        table, tokenized = join_found_phrases(tokenized, directory / "phrases", phrases, threads=threads)
        table.save(directory / "phrases" / PHRASES_FILE)
    parts = split_text(tokenized, directory / "split", valid=valid, test=test, threads=threads) if split else None
    vocabulary = build_vocabulary(tokenized, min_count=min_count, max_vocabulary=max_vocabulary, split=parts)
    return vocabulary, encode_corpus(tokenized, vocabulary, directory / "encoded", threads=threads, split=parts)
