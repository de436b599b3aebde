"""The texts of the tasks, through NLTK's corpus readers, divided into training and test by document."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import CorpusError

logger = logging.getLogger(__name__)

NO_WORD = "-NONE-"
"""Tag of the treebank's traces, which are no words: they are left out."""
RARE_LABEL = 50
"""Constituents of labels that come less often in the training part are "other"."""
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class TaskData:
    """Examples with their labels, those of a document all in one part.

    Attributes
    ----------
    train, test : list
        Sequences of words, or ``nltk.Tree`` objects.
    train_labels, test_labels : list[list[str]]
        All labels of each example, in order: one for each word, or constituent, or only one.
    unit : str
        What an example is: "sentence", "review".
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
    """Read NLTK's sample of the Penn Treebank; every fifth file is test. Tags are universal."""
    require_packages(folder, "corpora/treebank", "taggers/universal_tagset")
    from nltk.corpus import treebank
    from nltk.tag import map_tag

    documents = [
        [
            [(word, map_tag("en-ptb", "universal", tag)) for word, tag in sentence if tag != NO_WORD]
            for sentence in treebank.tagged_sents(fileids=[name])
        ]
        for name in treebank.fileids()
    ]
    return _tagged(documents, every=5)


def read_pos_brown(folder: Path | None) -> TaskData:
    """Read the Brown corpus; every tenth file, and so a tenth of each genre, is test. Tags are universal."""
    require_packages(folder, "corpora/brown", "taggers/universal_tagset")
    from nltk.corpus import brown

    documents = [list(brown.tagged_sents(fileids=[name], tagset="universal")) for name in brown.fileids()]
    return _tagged(documents, every=10)


def read_sentiment(folder: Path | None) -> TaskData:
    """Read the 2,000 movie reviews (Pang & Lee 2004); every fourth one of each kind is test."""
    require_packages(folder, "corpora/movie_reviews")
    from nltk.corpus import movie_reviews

    reviews = [(list(movie_reviews.words(name)), name.split("/")[0]) for name in movie_reviews.fileids()]
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

    Traces go, and constituents that are empty without them; of NP-SBJ-1 the NP is kept, and of a chain of constituents
    over the same words the topmost.
    """
    require_packages(folder, "corpora/treebank")
    from nltk.corpus import treebank

    from pipelines.probe.constituents import cleaned, constituent_labels

    documents = [
        [tree for tree in map(cleaned, treebank.parsed_sents(name)) if tree is not None] for name in treebank.fileids()
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


def require_packages(folder: Path | None, *packages: str) -> None:
    """Make sure that NLTK finds its packages, packed or unpacked: in ``folder``, where it looks itself, or fetched.

    Raises
    ------
    CorpusError
        A package is neither there nor can be fetched.
    """
    import nltk

    if folder is not None:
        if not folder.is_dir():
            raise CorpusError(
                f"--data: there is no folder {folder}; expected one with corpora/ in it, as nltk_data has"
            )
        if str(folder) not in nltk.data.path:
            nltk.data.path.insert(0, str(folder))
    for package in packages:
        if _is_there(package):
            continue
        name = package.rpartition("/")[2]
        if folder is not None:
            raise CorpusError(f"{folder} has no {package} or {package}.zip; fetch it: python -m nltk.downloader {name}")
        logger.info("fetching NLTK's package %s", name)
        if not (nltk.download(name, quiet=True) and _is_there(package)):
            raise CorpusError(
                f"NLTK's package {name} is missing and could not be fetched; with a network: python -m nltk.downloader "
                f"{name}; without: name a folder that holds {package}.zip with --data or {_VARIABLE}"
            )


_VARIABLE = "NLTK_DATA"


def _is_there(package: str) -> bool:
    import nltk

    for name in (package, f"{package}.zip"):
        try:
            nltk.data.find(name)
        except LookupError:
            continue
        return True
    return False


def _tagged(documents: Sequence[Sequence[Sequence[tuple[str, str]]]], every: int) -> TaskData:
    train, test = _every(every, [[sentence for sentence in document if sentence] for document in documents])
    return TaskData(
        train=[[word for word, _ in sentence] for sentence in train],
        train_labels=[[tag for _, tag in sentence] for sentence in train],
        test=[[word for word, _ in sentence] for sentence in test],
        test_labels=[[tag for _, tag in sentence] for sentence in test],
        unit="sentence",
    )


def _every(number: int, documents: Iterable[Sequence[Any]]) -> tuple[list[Any], list[Any]]:
    """Divide documents: every so many-th is test."""
    train: list[Any] = []
    test: list[Any] = []
    for place, document in enumerate(documents, 1):
        (train if place % number else test).extend(document)
    return train, test


def _frequent(labels: Sequence[Sequence[str]]) -> set[str]:
    from collections import Counter

    counts = Counter(label for one in labels for label in one)
    return {label for label, count in counts.items() if count >= RARE_LABEL}
