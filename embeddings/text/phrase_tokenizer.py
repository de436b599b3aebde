"""A tokenizer whose words are joined to phrases."""

from dataclasses import dataclass
from typing import Any

from embeddings.text.phrase_table import PhraseTable
from embeddings.text.tokenizer.tokenizers import Tokenizer
from embeddings.text.tokenizer.word_counters import PythonCounter


@dataclass(frozen=True)
class PhraseTokenizer:
    """Joins the words of another tokenizer, line by line.

    Attributes
    ----------
    tokenizer : Tokenizer
    phrases : PhraseTable
    """

    tokenizer: Tokenizer
    phrases: PhraseTable
    uses_threads = False

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the other tokenizer, and the number of phrases."""
        return {**self.tokenizer.settings, "phrases": len(self.phrases)}

    def tokenize(self, text: str) -> list[list[str]]:
        """Return the words of each line."""
        return [self.phrases.join(words) for words in self.tokenizer.tokenize(text)]

    def counter(self, table_bytes: int | None = None) -> PythonCounter:
        """Return a new word counter that takes at most about `table_bytes` of memory (None: no limit)."""
        return PythonCounter(lambda line: [word for words in self.tokenize(line) for word in words], table_bytes)
