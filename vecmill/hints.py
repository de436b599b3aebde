"""Suggestions for unknown names."""

import difflib
from collections.abc import Iterable

_CUTOFF = 0.5  # "skipgram" finds "skip-gram", "encod" finds "encode"; "x" finds nothing


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the choice most similar to `word`, or "" if none is similar.

    Parameters
    ----------
    word : str
    choices : iterable of str

    Returns
    -------
    str
        Suffix for an error message about `word`.

    Examples
    --------
    >>> did_you_mean("txt8", ["text8", "wikitext-2"])
    "; did you mean 'text8'?"
    """
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=_CUTOFF)
    return f"; did you mean {close[0]!r}?" if close else ""
