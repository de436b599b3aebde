"""The two streams of the command line: results on stdout, progress, logs and errors on stderr."""

import logging

from rich.console import Console

# Text is printed as it is: no markup, no emoji codes, no wrapping.
results = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


class MessageHandler(logging.Handler):
    """Writes log records to stderr, above a progress bar if one is shown; with the time where nobody looks on."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        text = record.getMessage() if messages.is_terminal else self.format(record)
        if record.exc_info:
            text = self.format(record)
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        messages.print(text, style=style)


def configure_logging(level: int) -> None:
    """Send what vecmill's own modules log, from `level` on, to stderr."""
    for package in ("corpora", "embeddings", "pipelines"):
        logger = logging.getLogger(package)
        logger.setLevel(level)
        if not any(isinstance(handler, MessageHandler) for handler in logger.handlers):
            logger.addHandler(MessageHandler())
