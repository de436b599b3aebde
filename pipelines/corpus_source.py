"""The text that a pipeline reads, opened with its settings and with progress while it is fetched."""

from corpora import Corpus, open_corpus
from pipelines.config import CorpusSettings
from pipelines.progress import Progress


def open_source(settings: CorpusSettings, progress: Progress) -> Corpus:
    """Open a corpus; text that is elsewhere is fetched.

    Raises
    ------
    CorpusError
        For a corpus that does not exist.
    """
    with progress.task(f"getting {settings.source}", None) as update:
        return open_corpus(
            settings.source,
            field=settings.field,
            column=settings.column,
            progress=lambda done, total: update(done, total=total),
        )
