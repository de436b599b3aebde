"""The texts of the tasks, read with NLTK's corpus readers and split into training and test by document."""

import contextlib
import hashlib
import io
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from embeddings.errors import EmbeddingsError

logger = logging.getLogger(__name__)

NO_WORD = "-NONE-"
"""Tag of the treebank's traces, which are not words and are omitted."""
MIN_LABEL_COUNT = 50
"""Labels of constituents that occur less often in the training part become `OTHER`."""
OTHER = "other"
_TREEBANK = ("treebank", "corpora/treebank/combined/")
_TREEBANK_FILES = r"wsj_.*\.mrg"


@dataclass(frozen=True, kw_only=True)
class TaskData:
    """Examples with their labels; the examples of a document are all in one part.

    Attributes
    ----------
    train, test : list
        Sequences of words, or ``nltk.Tree`` objects.
    train_labels, test_labels : list of list of str
        The labels of each example, in order: one per word, one per constituent, or one in all.
    unit : str
        Kind of the examples: "sentence", "review".
    """

    train: list[Any]
    train_labels: list[list[str]]
    test: list[Any]
    test_labels: list[list[str]]
    unit: str

    @property
    def digest(self) -> str:
        """SHA-256 over all examples and labels."""
        parts = (self.train, self.train_labels, self.test, self.test_labels)
        return hashlib.sha256("\n".join(str(example) for part in parts for example in part).encode()).hexdigest()


def read_pos_treebank(folder: Path | None) -> TaskData:
    """Read NLTK's sample of the Penn Treebank with universal tags; every fifth file is test."""
    from nltk.corpus.reader import BracketParseCorpusReader

    reader = BracketParseCorpusReader(_find(folder, *_TREEBANK), _TREEBANK_FILES)
    tags = _universal_tags(folder, "en-ptb.map")
    return _tagged([reader.tagged_sents(name) for name in reader.fileids()], tags, every=5)


def read_pos_brown(folder: Path | None) -> TaskData:
    """Read the Brown corpus with universal tags; every tenth file, and so a tenth of each genre, is test."""
    from nltk.corpus.reader import TaggedCorpusReader

    reader = TaggedCorpusReader(_find(folder, "brown", "corpora/brown/"), r"c[a-z]\d\d", encoding="ascii")
    tags = _universal_tags(folder, "en-brown.map")
    return _tagged([reader.tagged_sents(name) for name in reader.fileids()], tags, every=10)


def read_sentiment(folder: Path | None) -> TaskData:
    """Read the 2,000 movie reviews (Pang & Lee 2004); every fourth review is test, in each class."""
    from nltk.corpus.reader import PlaintextCorpusReader

    reader = PlaintextCorpusReader(_find(folder, "movie_reviews", "corpora/movie_reviews/"), r"(neg|pos)/.*\.txt")
    reviews = [(list(reader.words(name)), name.split("/")[0]) for name in reader.fileids()]
    train, test = _every(4, [[review] for review in reviews])
    return TaskData(
        train=[words for words, _ in train],
        train_labels=[[label] for _, label in train],
        test=[words for words, _ in test],
        test_labels=[[label] for _, label in test],
        unit="review",
    )


def read_constituents(folder: Path | None) -> TaskData:
    """Read the treebank's trees; every fifth file is test.

    Traces are removed, and constituents that are empty without them. NP-SBJ-1 is read as NP; a chain of constituents
    over the same words keeps the label of the topmost.
    """
    from nltk.corpus.reader import BracketParseCorpusReader

    from embeddings.evaluation.probing.constituents import cleaned, constituent_labels

    reader = BracketParseCorpusReader(_find(folder, *_TREEBANK), _TREEBANK_FILES)
    documents = [
        [tree for tree in map(cleaned, reader.parsed_sents(name)) if tree is not None] for name in reader.fileids()
    ]
    train, test = _every(5, documents)
    labels = [constituent_labels(tree) for tree in train], [constituent_labels(tree) for tree in test]
    frequent = _frequent(labels[0])
    merged = [[[label if label in frequent else OTHER for label in one] for one in part] for part in labels]
    kept = [[i for i, one in enumerate(part) if one] for part in merged]
    return TaskData(
        train=[train[i] for i in kept[0]],
        train_labels=[merged[0][i] for i in kept[0]],
        test=[test[i] for i in kept[1]],
        test_labels=[merged[1][i] for i in kept[1]],
        unit="sentence",
    )


READERS: dict[str, Callable[[Path | None], TaskData]] = {
    "pos-treebank": read_pos_treebank,
    "pos-brown": read_pos_brown,
    "sentiment": read_sentiment,
    "constituents": read_constituents,
}


def _find(folder: Path | None, package: str, resource: str) -> Any:
    """Return NLTK's pointer to a resource, packed or unpacked, in `folder` or on NLTK's path; else download it.

    Raises an EmbeddingsError if the resource is missing and cannot be downloaded, or its package is damaged.
    """
    import nltk

    if folder is not None and not folder.is_dir():
        raise EmbeddingsError(
            f"--data: there is no folder {folder}; expected one with corpora/ in it, as nltk_data has"
        )
    paths = None if folder is None else [str(folder.resolve())]
    if paths and paths[0] not in nltk.data.path:
        nltk.data.path.append(paths[0])  # NLTK opens packed files only in folders that are listed here
    try:
        return nltk.data.find(resource, paths)
    except LookupError:
        pass
    except BadZipFile as error:
        raise EmbeddingsError(f"NLTK's package {package} is damaged ({error}); fetch it again") from error
    if folder is not None:
        where = "/".join(resource.split("/")[:2])
        raise EmbeddingsError(
            f"{folder} has no {where} or {where}.zip; fetch it: python -m nltk.downloader -d {folder} {package}"
        )
    logger.info("fetching NLTK's package %s", package)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its errors
        fetched = nltk.download(package, quiet=True)
    if not fetched:
        raise EmbeddingsError(
            f"NLTK's package {package} is missing and could not be fetched; with a network, python -m nltk.downloader "
            f"{package} does it; else name a folder that has it with --data or NLTK_DATA"
        )
    return nltk.data.find(resource)


def _universal_tags(folder: Path | None, name: str) -> dict[str, str]:
    """Return the map from the tags of a corpus to universal tags (Petrov et al. 2012)."""
    pointer = _find(folder, "universal_tagset", f"taggers/universal_tagset/{name}")
    with pointer.open() as file:
        lines = file.read().decode("utf-8").splitlines()
    return dict(line.split("\t") for line in lines if line)


def _tagged(documents: Sequence[Sequence[Any]], universal: dict[str, str], every: int) -> TaskData:
    cleaned = [
        [[(word, universal.get(tag, "X")) for word, tag in sentence if tag != NO_WORD] for sentence in document]
        for document in documents
    ]
    train, test = _every(every, [[sentence for sentence in document if sentence] for document in cleaned])
    return TaskData(
        train=[[word for word, _ in sentence] for sentence in train],
        train_labels=[[tag for _, tag in sentence] for sentence in train],
        test=[[word for word, _ in sentence] for sentence in test],
        test_labels=[[tag for _, tag in sentence] for sentence in test],
        unit="sentence",
    )


def _every(number: int, documents: Iterable[Sequence[Any]]) -> tuple[list[Any], list[Any]]:
    """Split documents: the first of every `number` documents is test."""
    train: list[Any] = []
    test: list[Any] = []
    for place, document in enumerate(documents):
        (train if place % number else test).extend(document)
    return train, test


def _frequent(labels: Sequence[Sequence[str]]) -> set[str]:
    counts = Counter(label for one in labels for label in one)
    return {label for label, count in counts.items() if count >= MIN_LABEL_COUNT}
