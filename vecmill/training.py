"""Training of word vectors on a text in one call."""

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path

from embeddings.compile_ahead import compile_ahead
from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_type
from embeddings.text.phrase_table import PHRASES_FILE, PhraseTable
from embeddings.text.text_to_ids import text_to_ids
from embeddings.text.tokenizer.normalization import NFC, NONE
from embeddings.text.tokenizer.token_lists import TokenLists
from embeddings.text.tokenizer.tokenizers import FAST, HasTokenize, Tokenizer, make_tokenizer
from embeddings.training import Checkpointing, ProgressCallback
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec import Word2Vec, Word2VecConfig
from embeddings.word2vec.names_elsewhere import explains_names
from vecmill.arguments import described, require_place
from vecmill.files import temporary_directory
from vecmill.phrases import phrase_settings
from vecmill.progress_line import reporting
from vecmill.text_input import Text, TextInput


@explains_names
def train(
    text: Text,
    *,
    architecture: str = "skip-gram",
    dimension: int = 100,
    window: int = 5,
    dynamic_window: bool = True,
    negative: int | None = None,
    hierarchical_softmax: bool = False,
    noise_exponent: float = 0.75,
    sample: float | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    min_learning_rate: float = 1e-4,
    negative_sharing: str = "window",
    subwords: str | None = None,
    buckets: int = 2_000_000,
    floret_hashes: int = 0,
    position_weights: int = 0,
    cbow_mean: bool = True,
    held_out: float = 0.01,
    patience: int | None = None,
    seed: int = 1,
    deterministic: bool = False,
    threads: int | None = None,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    phrases: int = 0,
    phrase_threshold: float | None = None,
    phrase_scorer: str = "original",
    phrase_min_count: int = 5,
    connector_words: str | Iterable[str] = (),
    phrase_delimiter: str = "_",
    tokenizer: str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer | None = None,
    lowercase: bool | None = None,
    punctuation: bool = False,
    fold_digits: bool = False,
    normalize: str | None = None,
    field: str = "text",
    column: str = "text",
    checkpoints: str | PathLike[str] | None = None,
    progress: ProgressCallback | bool | None = None,
) -> WordVectors:
    """Train word vectors on a text.

    Parameters
    ----------
    text : path, open file, Corpus, iterable of str, or iterable of lists of str
        - A str or path has the same meaning as on the command line: a name of the catalog, a file, a directory, a glob
          or a URL; plain UTF-8 text, ``.jsonl``, ``.csv``, ``.tsv`` or ``.parquet``, compressed or not. A file opened
          in binary mode and the result of `corpora.open_corpus` are read in the same way, and so are several path
          objects (a list, ``folder.glob("*.txt")``), one after the other, each file once.
        - An iterable of str (a list, a generator, a file opened in text mode) holds lines of text; each line is a
          sentence or a paragraph. So does a column of pandas, Polars, Arrow or Hugging Face datasets, whose missing
          values are left out and counted in ``dropped``; large columns are read piece by piece.
        - An iterable of lists of str holds sentences of tokens: words, items, nodes, products. A token may hold any
          character; tokens are neither split nor converted to lower case.

        A source that can be read only once is read only once.
    architecture : {"skip-gram", "cbow"}
        Skip-gram predicts a word from each of its neighbours; CBOW predicts it from their mean.
    dimension : int
        Length of a word vector.
    window : int
        Largest distance between a word and its context words.
    dynamic_window : bool
        Draw each window from 1..`window`.
    negative : int, optional
        Noise words per example. Default: 5, or 0 with hierarchical softmax.
    hierarchical_softmax : bool
        Predict words by their paths through a Huffman tree instead of by noise words.
    noise_exponent : float
        Noise words are drawn from count^`noise_exponent`.
    sample : float, optional
        Subsampling threshold of frequent words; 0 switches it off. Default: 1e-4, or 1 / V with fewer than 10,000
        words.
    epochs : int, optional
        Passes over the text. Default: 15 for less than a million tokens, 10 for less than ten millions, 5 for more;
        CBOW takes twice as many.
    learning_rate : float, optional
        Initial learning rate. Default: 0.04 for skip-gram, 0.1 for CBOW; 0.05 and 0.15 with subwords.
    min_learning_rate : float
        The learning rate falls linearly to this one.
    negative_sharing : {"window", "pair"}
        Share noise words among the examples of a window, or draw them for every example.
    subwords : str, optional
        Lengths of the character n-grams whose vectors are a part of the vectors of words, such as "3-6": words that
        the text does not have get vectors too. Default: none.
    buckets : int
        Number of hash values of the n-grams.
    floret_hashes : int
        0 for fastText's n-grams; 1 to 4 for those of floret's small tables, which spaCy loads.
    position_weights : int
        CBOW: number of components of context vectors that are multiplied by a learned weight of their position.
    cbow_mean : bool
        CBOW: take the mean of the context vectors, not their sum.
    held_out : float
        Share of the text, at most 50,000 tokens, that is not trained on but measured after every epoch.
    patience : int, optional
        End training after so many epochs in a row without a lower loss of the held-out text, and keep the vectors of
        the best epoch. Default: train all epochs and keep the last.
    seed : int
        Of the initial vectors and of all draws.
    deterministic : bool
        The same vectors for any number of threads; takes longer.
    threads : int, optional
        Default: all processors that this process may use.
    min_count : int
        Omit words that occur less often.
    max_vocabulary : int, optional
        Keep only this many of the most frequent words.
    phrases : int
        Passes over the text that join phrases to one word, such as new_york; see `vecmill.Phrases` for this setting and
        the next. ``vectors.phrases`` is then their table.
    phrase_threshold : float, optional
        Join words whose score is above it. Default: 10 for the scorer "original", 0.5 for "npmi".
    phrase_scorer : {"original", "npmi"}
        The scorer of phrases.
    phrase_min_count : int
        Leave out phrases that occur less often.
    connector_words : str or iterable of str
        Words that may stand inside a phrase, or "english".
    phrase_delimiter : str
        What stands between the words of a phrase.
    tokenizer : str, callable, object with a method ``tokenize``, or Tokenizer, optional
        "fast" (the default), "whitespace", "nltk:NAME", or a function that takes a line and returns its words; see
        `make_tokenizer`. Not allowed for lists of tokens.
    lowercase : bool, optional
        Convert words to lower case; by default True for lines, False for lists of tokens.
    punctuation : bool
        Make words of punctuation marks.
    fold_digits : bool
        Replace every digit by 0.
    normalize : {"nfc", "none"}, optional
        Unicode normalization: "nfc", the default for lines, makes é as one character and é as two the same word;
        "none", the default for lists of tokens, keeps them apart.
    field : str
        Field of ``.jsonl`` records that holds the text.
    column : str
        Column of ``.csv``, ``.tsv`` and ``.parquet`` files that holds the text.
    checkpoints : path, optional
        Directory in which the training is saved every minute and when it is interrupted; the same call then resumes it.
        Once it is finished, the call returns its result. Default: nothing is saved.
    progress : bool or callable, optional
        True shows a line with epoch, speed, losses and remaining time. A function is called several times a second, and
        at the end of every epoch, with a `TrainingProgress`.

    Returns
    -------
    WordVectors
        ``metrics`` holds the losses of every epoch, ``dropped`` the counts of skipped text, ``tokenizer_settings`` how
        lines were split.

    Raises
    ------
    VecmillError
        The text cannot be read, or has no word that occurs `min_count` times.
    NotTextError
        `text` or one of its items is not text; the message states the position of the first such item. A TypeError.
    ValueError, TypeError
        A setting is out of range, of another type, or unknown.

    Examples
    --------
    >>> lines = ["the cat sat on the mat", "the dog sat on the rug"] * 100
    >>> vectors = train(lines, dimension=16, threads=1)
    >>> sorted(vectors.words)
    ['cat', 'dog', 'mat', 'on', 'rug', 'sat', 'the']
    >>> baskets = [["oat milk", "tea"], ["tea", "sugar"], ["oat milk", "sugar", "tea"]] * 100
    >>> sorted(train(baskets, dimension=16, threads=1).words)
    ['oat milk', 'sugar', 'tea']
    """
    config = Word2VecConfig(
        architecture=architecture,
        dimension=dimension,
        window=window,
        dynamic_window=dynamic_window,
        negative=negative,
        hierarchical_softmax=hierarchical_softmax,
        noise_exponent=noise_exponent,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        negative_sharing=negative_sharing,
        subwords=subwords,
        buckets=buckets,
        floret_hashes=floret_hashes,
        position_weights=position_weights,
        cbow_mean=cbow_mean,
        held_out=held_out,
        patience=patience,
        seed=seed,
        deterministic=deterministic,
        threads=threads,
    )
    min_count = require_type("min_count", min_count, int)
    max_vocabulary = require_type("max_vocabulary", max_vocabulary, int | None)
    if subwords is None and buckets != Word2VecConfig.buckets:
        raise ValueError(f"buckets is {buckets}, which has no effect without subwords; give subwords='3-6' too")
    joined = phrase_settings(
        phrases, phrase_min_count, phrase_threshold, phrase_scorer, connector_words, phrase_delimiter
    )
    if joined.passes == 0 and phrase_threshold is not None:
        raise ValueError(f"phrase_threshold is {phrase_threshold}, which has no effect without phrases; give phrases=2")
    checkpointing = checkpointing_in(checkpoints)
    given = TextInput(text, field=field, column=column)
    compile_ahead(config.architecture)
    splitter = tokenizer_for(given, tokenizer, lowercase, normalize, punctuation=punctuation, fold_digits=fold_digits)
    with reporting(progress) as report, temporary_directory() as folder:
        vocabulary, corpus = text_to_ids(
            given.blocks(),
            splitter,
            folder,
            min_count=min_count,
            max_vocabulary=max_vocabulary,
            phrases=joined,
            threads=config.thread_count,
        )
        given.log_warnings()
        if corpus.token_count == corpus.sentence_count:
            raise EmbeddingsError(
                f"each of the {corpus.sentence_count:,} sentences has one word of the vocabulary: there is no context "
                "to learn from; for the tokens of one text give [tokens]"
            )
        model = Word2Vec(config).fit(corpus, vocabulary, progress=report, checkpointing=checkpointing)
        table = PhraseTable.load(Path(folder, "phrases", PHRASES_FILE)) if joined.passes else None
    vectors = model.vectors_
    vectors.phrases = table
    vectors.metrics, vectors.dropped = model.metrics_, {**given.warnings, **corpus.dropped}
    vectors.tokenizer_settings = splitter.settings
    return vectors


def checkpointing_in(checkpoints: str | PathLike[str] | None) -> Checkpointing | None:
    """Return where a training keeps its checkpoints; a TypeError or ValueError names what is no path."""
    if checkpoints is None:
        return None
    require_place("checkpoints", checkpoints)
    return Checkpointing(Path(checkpoints))


def tokenizer_for(
    text: TextInput,
    spec: str | Callable[[str], Iterable[str]] | HasTokenize | Tokenizer | None,
    lowercase: bool | None,
    normalize: str | None,
    *,
    punctuation: bool,
    fold_digits: bool,
) -> Tokenizer:
    """Return the tokenizer for lines, or the one for lists of tokens."""
    require_type("lowercase", lowercase, bool | None)
    require_type("punctuation", punctuation, bool)
    require_type("fold_digits", fold_digits, bool)
    if not text.is_tokenized:
        lowercase = True if lowercase is None else lowercase
        options = {"lowercase": lowercase, "punctuation": punctuation, "fold_digits": fold_digits}
        return make_tokenizer(
            FAST if spec is None else spec, normalize=NFC if normalize is None else normalize, **options
        )
    if spec is not None:
        raise ValueError(
            f"tokenizer is {described(spec)}, but the text is lists of tokens; leave it out, or give lines of str"
        )
    return TokenLists(
        lowercase=bool(lowercase), fold_digits=fold_digits, normalize=normalize or NONE, name_of=text.name_of
    )
