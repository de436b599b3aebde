"""The streams of the command line: results on stdout, messages on stderr; `pipelines.console.logs` writes these."""

import shutil
import sys

from rich.console import Console

# Text is printed verbatim: no markup, no emoji codes, no wrapping.
results = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def program() -> str:
    """Return how the command line can be called: ``vecmill`` if it is on the PATH, else as it was called."""
    return "vecmill" if shutil.which("vecmill") else sys.argv[0]
