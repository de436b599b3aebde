"""Vectors of documents from text in one call."""

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings.setting_types import require_type
from embeddings.text.tokenizer.tokenizers import HasTokenize, Tokenizer
from embeddings.training import ProgressCallback
from vecmill.files import temporary_directory
from vecmill.progress_line import reporting
from vecmill.text_input import Text, TextInput
from vecmill.training import checkpointing_in, tokenizer_for

if TYPE_CHECKING:
    from embeddings.documents import DocumentVectors


def train_documents(
    text: Text,
    names: Iterable[str] | None = None,
    *,
    architecture: str = "pv-dbow",
    train_words: bool = False,
    dimension: int = 100,
    window: int = 5,
    negative: int | None = None,
    hierarchical_softmax: bool = False,
    noise_exponent: float = 0.75,
    sample: float = 1e-3,
    epochs: int = 10,
    learning_rate: float | None = None,
    min_learning_rate: float = 1e-4,
    seed: int = 1,
    threads: int | None = None,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    tokenizer: str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer | None = None,
    lowercase: bool | None = None,
    punctuation: bool = False,
    normalize: str | None = None,
    field: str = "text",
    column: str = "text",
    checkpoints: str | PathLike[str] | None = None,
    progress: ProgressCallback | bool | None = None,
) -> "DocumentVectors":
    """Train a vector for every document: every line of a text, or every list of tokens.

    Parameters
    ----------
    text : Text
        See `train`; a line of a file, a record of a table, a str of a list or a list of tokens is a document. A record
        without text and a missing value are documents without words, so that the others keep their numbers.
    names : iterable of str, optional
        Names of the documents, all different; by default their numbers from 1.
    architecture : {"pv-dbow", "pv-dm"}
        See `ParagraphVectorsConfig`, as of the settings up to `threads`.
    train_words : bool
        With "pv-dbow", train the words' vectors in the same space.
    dimension : int
        Numbers in a vector.
    window : int
        Largest distance of context words.
    negative : int, optional
        Noise words per example. Default: 5, or 0 with hierarchical softmax.
    hierarchical_softmax : bool
        Predict words by a Huffman tree instead of negative sampling.
    noise_exponent : float
        Noise words are drawn in proportion to their count to this power.
    sample : float
        Frequent words are skipped more often the smaller this is; 0 skips none.
    epochs : int
        Passes over the text.
    learning_rate : float, optional
        At the start: by default 0.05 for PV-DBOW, 0.1 for PV-DM.
    min_learning_rate : float
        At the end.
    seed : int
        Of all draws.
    threads : int, optional
        By default all processors; with one, training is reproducible.
    min_count : int
        Omit words that occur less often.
    max_vocabulary : int, optional
        Keep only so many words.
    tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional
        See `train`, as of the rest.
    lowercase : bool, optional
        Default: yes for lines.
    punctuation : bool
        Keep punctuation marks as words.
    normalize : str, optional
        Unicode normalization.
    field, column : str
        Where the text is in JSON Lines and tables.
    checkpoints : path, optional
        Directory in which the training is saved, so that the same call resumes it; see `train`.
    progress : callable or bool, optional
        Called with the progress; False: no line on the screen.

    Returns
    -------
    DocumentVectors

    Raises
    ------
    NotTextError
        `text` is not text, or a name is no str. A TypeError.
    ValueError, TypeError
        A setting is out of range or of another type.
    VecmillError
        The text has too few words, or there is not one name for each document, or two have the same.

    Examples
    --------
    >>> model = train_documents(["the cat sat on the mat", "the dog sat on the rug"] * 50, dimension=16, threads=1)
    >>> len(model), model.infer(["a cat on a rug"]).shape
    (100, (1, 16))
    """
    from embeddings.documents import DocumentVectors, ParagraphVectors, ParagraphVectorsConfig, lines_with_words
    from embeddings.documents.names import checked_names, names_or_numbers
    from embeddings.text.build_vocabulary import build_vocabulary
    from embeddings.text.encoded_corpus import encode_corpus
    from embeddings.text.tokenized_corpus import tokenize_corpus

    config = ParagraphVectorsConfig(
        architecture=architecture,
        train_words=train_words,
        dimension=dimension,
        window=window,
        negative=negative,
        hierarchical_softmax=hierarchical_softmax,
        noise_exponent=noise_exponent,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        seed=seed,
        threads=threads,
    )
    min_count = require_type("min_count", min_count, int)
    max_vocabulary = require_type("max_vocabulary", max_vocabulary, int | None)
    given_names = None if names is None else checked_names(names)
    checkpointing = checkpointing_in(checkpoints)
    given = TextInput(text, field=field, column=column)
    splitter = tokenizer_for(given, tokenizer, lowercase, normalize, punctuation=punctuation, fold_digits=False)
    with reporting(progress) as report, temporary_directory() as folder:
        tokenized = tokenize_corpus(
            given.blocks(line_per_item=True), splitter, Path(folder, "tokenized"), threads=config.thread_count
        )
        vocabulary = build_vocabulary(tokenized, min_count=min_count, max_vocabulary=max_vocabulary)
        corpus = encode_corpus(tokenized, vocabulary, Path(folder, "encoded"), threads=config.thread_count)
        given.log_warnings()
        lines, count = lines_with_words(tokenized, vocabulary)
        labels = names_or_numbers(given_names, count)
        model = ParagraphVectors(config).fit(corpus, vocabulary, progress=report, checkpointing=checkpointing)
    words = model.vectors_
    words.metrics, words.dropped = model.metrics_, {**given.warnings, **corpus.dropped}
    words.tokenizer_settings = splitter.settings
    return DocumentVectors.of_lines(words, lines, model.documents_, labels)
