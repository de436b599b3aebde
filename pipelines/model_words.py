"""Words as users type them, found in the vocabulary of a model with the model's own tokenizer."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embeddings import Tokenizer, WordVectors

logger = logging.getLogger(__name__)


class ModelWords:
    """Finds words in a vocabulary: as they are typed, or as the tokenizer of the model would write them.

    Parameters
    ----------
    vectors : WordVectors
    """

    def __init__(self, vectors: "WordVectors") -> None:
        self._vectors = vectors
        self._tokenizer: Tokenizer | None = None
        self._told = False

    def find(self, word: str) -> str:
        """Return a word of the vocabulary, or one that has a vector by its n-grams.

        Parameters
        ----------
        word : str
            As a user types it: ``"King"``.

        Returns
        -------
        str
            ``"king"``, if the model knows only that and its text was lower-cased.

        Raises
        ------
        KeyError
            The vocabulary has neither; the message suggests the closest spellings.
        """
        written = self.known(word)
        if written is None:
            self._vectors.places([word])  # raises, with the closest spellings
            return word
        if written != word and not self._told:
            logger.info("%s is looked up as %s, as the tokenizer of the model writes it", word, written)
            self._told = True
        return written

    def known(self, word: str) -> str | None:
        """Return what `find` does; None if the vocabulary has neither."""
        if word in self._vectors:
            return word
        return self._tokenized(word) or (word if self._vectors.has_vector(word) else None)

    def split(self, line: str) -> list[str]:
        """Return the words of a line that a user types; join the phrases of the model, if it has some.

        Parameters
        ----------
        line : str
            ``"New York London"``.

        Returns
        -------
        list of str
            ``["new_york", "london"]``.
        """
        words = line.split()
        if self._vectors.phrases is None or len(words) < 2:
            return words
        return self._vectors.phrases.join(map(self._written, words))

    def _written(self, word: str) -> str:
        """Return a word as the tokenizer of the model writes it; unchanged if that is not one word."""
        self._tokenizer = self._tokenizer or self._vectors.make_tokenizer()
        tokens = [token for sentence in self._tokenizer.tokenize(f"{word}\n") for token in sentence]
        return tokens[0] if len(tokens) == 1 else word

    def _tokenized(self, word: str) -> str | None:
        """Return the only token of a word if it has a vector."""
        if not (self._vectors.tokenizer_settings or self._vectors.phrases):
            return None
        written = self._written(word)
        return written if self._vectors.has_vector(written) else None
