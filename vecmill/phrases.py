"""Phrases of sentences that are lists of tokens."""

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from embeddings.setting_types import require_type
from embeddings.text.phrase_table import PhraseSettings, PhraseTable
from embeddings.text.tokenizer.token_lists import NotTextError, TokenLists
from vecmill.arguments import described, is_sequence, python_values, require_path, require_place
from vecmill.files import temporary_directory
from vecmill.plurals import counted
from vecmill.text_input import TextInput

if TYPE_CHECKING:
    import pandas as pd


class Phrases:
    """Phrases of sentences, such as new_york: found by the counts of adjacent tokens, joined in any sentence.

    Phrases and scores are those of gensim's ``Phrases`` for the same sentences (Mikolov et al. 2013).

    Parameters
    ----------
    sentences : iterable of lists of str
        Tokens; read once.
    min_count : int
        Leave out phrases that occur less often.
    threshold : float, optional
        Join tokens whose score is above it. Default: 10 for the scorer "original", 0.5 for "npmi".
    scorer : {"original", "npmi"}
        (count(a b) - min_count) / (count(a) count(b)) V of Mikolov et al. (2013), V being the number of distinct tokens
        and pairs; or normalized pointwise mutual information, from -1 to 1.
    connector_words : iterable of str
        Tokens that may stand inside a phrase, such as "of" in bank_of_america; "english" for the English articles,
        prepositions and conjunctions.
    delimiter : str
        What stands between the tokens of a phrase.
    passes : int
        Each pass joins what the one before has joined: two make phrases of up to four tokens.
    threads : int, optional
        Default: all processors that this process may use.

    Attributes
    ----------
    table : PhraseTable
        The phrases of each pass with their parts, counts and scores.

    Raises
    ------
    NotTextError
        `sentences` are no lists of tokens. A TypeError.
    ValueError, TypeError
        A setting is out of range or of another type.
    VecmillError
        There is no token.

    Examples
    --------
    >>> sentences = [["new", "york", "is", "large"], ["i", "love", "new", "york"]] * 5
    >>> phrases = Phrases(sentences, min_count=1, threshold=0.5)
    >>> phrases[["in", "new", "york"]]
    ['in', 'new_york']
    """

    def __init__(
        self,
        sentences: Iterable[Iterable[str]],
        *,
        min_count: int = 5,
        threshold: float | None = None,
        scorer: str = "original",
        connector_words: str | Iterable[str] = (),
        delimiter: str = "_",
        passes: int = 1,
        threads: int | None = None,
    ) -> None:
        from embeddings.text.phrases import find_phrases  # slow to import: Numba
        from embeddings.text.tokenized_corpus import tokenize_corpus

        settings = phrase_settings(passes, min_count, threshold, scorer, connector_words, delimiter)
        if settings.passes < 1:
            raise ValueError("passes is 0; expected at least 1")
        given = TextInput(sentences)
        if not given.is_tokenized:
            raise NotTextError(
                "the sentences are text; expected lists of tokens, such as "
                "vecmill.make_tokenizer().tokenize(text) returns"
            )
        with temporary_directory() as folder:
            tokenized = tokenize_corpus(given.blocks(), TokenLists(name_of=given.name_of), Path(folder, "tokenized"))
            self.table = find_phrases(tokenized, settings, threads)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Phrases":
        """Read a table of phrases that `save`, training or ``vecmill phrases`` has written.

        Parameters
        ----------
        path : path

        Returns
        -------
        Phrases

        Raises
        ------
        VecmillError
            The file cannot be read, or is no table of phrases.
        """
        require_path("path", path)
        phrases = cls.__new__(cls)
        phrases.table = PhraseTable.load(path)
        return phrases

    def save(self, path: str | PathLike[str]) -> None:
        """Write the phrases as a readable table: a line of settings, a header, and a line for each phrase.

        Parameters
        ----------
        path : path

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        require_place("path", path)
        self.table.save(path)

    @overload
    def __getitem__(self, tokens: list[str] | tuple[str, ...]) -> list[str]: ...  # type: ignore[overload-overlap]
    @overload
    def __getitem__(self, tokens: Iterable[Iterable[str]]) -> "JoinedSentences": ...
    def __getitem__(self, tokens: Any) -> Any:
        """Return a sentence with its phrases joined; of an iterable of sentences, an iterable of those."""
        if isinstance(tokens, (str, bytes)) or not is_sequence(tokens):
            raise NotTextError(f"{described(tokens)} is no list of tokens; expected one, or an iterable of such lists")
        if isinstance(tokens, (list, tuple)) and all(isinstance(token, str) for token in tokens):
            return self.table.join(tokens)
        return JoinedSentences(self.table, tokens)

    def find_phrases(self, sentences: Iterable[Iterable[str]]) -> dict[str, float]:
        """Return the phrases that are joined in some sentences, with their scores."""
        if isinstance(sentences, (str, bytes)) or not is_sequence(sentences):
            raise NotTextError(f"{described(sentences)} is no iterable of lists of tokens")
        found = (phrase for tokens in _token_lists(sentences) for phrase in self.table.found_in(tokens))
        return {phrase: self.table.scores[phrase] for phrase in found}

    def export(self) -> dict[str, float]:
        """Return all phrases with their scores, pass by pass and by falling score."""
        return dict(self.table.scores)

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with the columns ``pass``, ``phrase``, ``count``, ``score`` and ``parts``."""
        return self.table.to_frame()

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, phrase: object) -> bool:
        return phrase in self.table.scores

    def __repr__(self) -> str:
        some = ", ".join(list(self.table.scores)[:3])
        return f"<{counted(len(self), 'phrase')}{': ' if some else ''}{some}{', ...' if len(self) > 3 else ''}>"


class JoinedSentences:
    """Sentences with their phrases joined; they are joined anew each time they are read.

    Parameters
    ----------
    table : PhraseTable
    sentences : iterable of lists of str
    """

    def __init__(self, table: PhraseTable, sentences: Iterable[Iterable[str]]) -> None:
        self._table, self._sentences = table, sentences

    def __iter__(self) -> Iterator[list[str]]:
        return map(self._table.join, _token_lists(self._sentences))


def _token_lists(sentences: Iterable[Iterable[str]]) -> Iterator[list[str]]:
    """Yield sentences; raise a `NotTextError` for one that is no list of str: the letters of a str would be tokens."""
    for number, sentence in enumerate(python_values(sentences)):
        tokens = None if isinstance(sentence, (str, bytes)) or not is_sequence(sentence) else list(sentence)
        if tokens is None or not all(isinstance(token, str) for token in tokens):
            raise NotTextError(f"sentence {number} is {described(sentence)}; expected a list of tokens")
        yield tokens


def phrase_settings(
    passes: int,
    min_count: int,
    threshold: float | None,
    scorer: str,
    connector_words: str | Iterable[str],
    delimiter: str,
) -> PhraseSettings:
    """Return settings whose types were checked; a str of connector words is "english", or one word after the other."""
    if isinstance(connector_words, bytes) or not isinstance(connector_words, Iterable):
        raise TypeError(f"connector_words is {described(connector_words)}; expected a list of str, or 'english'")
    words = connector_words if isinstance(connector_words, str) else list(connector_words)
    return PhraseSettings(
        passes=require_type("passes", passes, int),
        min_count=require_type("min_count", min_count, int),
        threshold=require_type("threshold", threshold, float | None),
        scorer=require_type("scorer", scorer, str),
        connector_words=words if isinstance(words, str) else require_type("connector_words", words, tuple[str, ...]),
        delimiter=require_type("delimiter", delimiter, str),
    )
