"""Text in: named corpora, readers and downloads. Yields blocks of UTF-8 bytes."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
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

# The same at run time: a module is imported when one of its names is asked for
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalog": ["CatalogEntry", "CorpusInfo", "catalog", "evaluation_sets", "fetch", "info"],
        "corpus": ["Corpus", "open_corpus"],
        "errors": ["CorpusError"],
    },
)
