"""Text in: named corpora, readers and downloads. Yields blocks of UTF-8 bytes."""

from corpora.catalog import CatalogEntry, CorpusInfo, catalog, evaluation_sets, fetch, info
from corpora.corpus import Corpus, open_corpus
from corpora.errors import CorpusError

__all__ = [
    "CatalogEntry",
    "Corpus",
    "CorpusError",
    "CorpusInfo",
    "catalog",
    "evaluation_sets",
    "fetch",
    "info",
    "open_corpus",
]
