"""Warnings about text whose tokens are not words: text of another encoding, or of a script without spaces."""

import logging
from collections import Counter
from collections.abc import Mapping

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.word_counters import CONTROL_CHARACTERS, INVALID_SEQUENCES
from vecmill.plurals import counted

logger = logging.getLogger(__name__)

IF_OTHER_ENCODING = (
    "if the text is Latin-1 or Windows-1252, convert it: iconv -f CP1252 -t UTF-8 text.txt > converted.txt"
)
"""What to do about invalid UTF-8."""

_IF_ESCAPES = (
    r"if they begin colours of a terminal, remove these: sed 's/\x1b\[[0-9;]*[A-Za-z]//g' text.txt > plain.txt"
)
_CONTROLS_SHARE = 0.01  # control characters for every token
_INVALID_SHARE = 0.002  # invalid sequences for every token
_RUNS_SHARE = 0.05  # of all tokens; segmented text has hardly any
_LONGEST_EAST_ASIAN_WORD, _LONGEST_SOUTH_EAST_ASIAN_WORD = 6, 15  # characters
# First two bytes of the characters of a script, all of which have three bytes: lead byte, first and last second byte
_LOWEST_LEAD = 0xE0
_KANA, _HIRAGANA = (0xE3, 0x81, 0x83), (0xE3, 0x81, 0x81)  # (almost all of hiragana)
_SOUTH_EAST_ASIAN = {
    "Thai": (0xE0, 0xB8, 0xB9),
    "Lao": (0xE0, 0xBA, 0xBB),
    "Burmese": (0xE1, 0x80, 0x82),
    "Khmer": (0xE1, 0x9E, 0x9F),
}
_TOKENIZERS = {"Chinese": "zh", "Japanese": "ja", "Thai": "th", "Lao": "lo", "Khmer": "km", "Burmese": "my"}


def without_words(skipped: Mapping[str, int]) -> EmbeddingsError:
    """Return the error about a text without words.

    Parameters
    ----------
    skipped : mapping of str to int
        What the tokenizer has left out, by reason.

    Returns
    -------
    EmbeddingsError
    """
    left_out = ", ".join(f"{count:,} {what}" for what, count in skipped.items())
    remedy = IF_OTHER_ENCODING if INVALID_SEQUENCES in skipped else "give it some text"
    return EmbeddingsError(f"the corpus has no words{left_out and f' (left out: {left_out})'}; {remedy}")


def unsegmented_runs(counted: CountedWords) -> Counter[str]:
    """Count the tokens that are long runs of a script without spaces between words, by language.

    Parameters
    ----------
    counted : CountedWords
        Words whose letters follow each other, with their counts.

    Returns
    -------
    Counter of str
    """
    runs: Counter[str] = Counter()
    high = np.flatnonzero(counted.words.letters >= _LOWEST_LEAD)
    if not high.size:
        return runs
    rows = np.unique(np.searchsorted(counted.words.starts, high, side="right") - 1)  # few words of most texts
    (letters, starts, _), counts = counted.words.take(rows).compact(), counted.counts[rows]

    def characters(where: np.ndarray) -> np.ndarray:
        return np.add.reduceat(where, starts, dtype=np.int64)

    lead, second = letters, np.append(letters[1:], np.uint8(0))
    kana = characters(_in_script(lead, second, _KANA))
    han = characters(((lead == 0xE3) & (second >= 0x90)) | ((lead >= 0xE4) & (lead <= 0xE9)))
    hiragana = characters(_in_script(lead, second, _HIRAGANA))
    long = (kana + han > _LONGEST_EAST_ASIAN_WORD) & (hiragana + han > 0)  # words of katakana alone may be long
    runs["Japanese"] = int(counts[long & (kana > 0)].sum())
    runs["Chinese"] = int(counts[long & (kana == 0)].sum())
    for language, script in _SOUTH_EAST_ASIAN.items():
        found = characters(_in_script(lead, second, script))
        runs[language] = int(counts[found > _LONGEST_SOUTH_EAST_ASIAN_WORD].sum())
    return runs


def warn_if_misread(token_count: int, skipped: dict[str, int], runs: Counter[str]) -> None:
    """Warn if a considerable share of a text is not valid UTF-8, control characters, or not split into words.

    Parameters
    ----------
    token_count : int
        Number of tokens of the text.
    skipped : dict of str to int
        Counts of text that gave no token.
    runs : Counter of str
        Counts of `unsegmented_runs`.
    """
    invalid = skipped.get(INVALID_SEQUENCES, 0)
    if invalid > _INVALID_SHARE * token_count:
        logger.warning(
            "%s beside %s; %s",
            counted(invalid, "invalid UTF-8 sequence"),
            counted(token_count, "token"),
            IF_OTHER_ENCODING,
        )
    controls = skipped.get(CONTROL_CHARACTERS, 0)
    if controls > _CONTROLS_SHARE * token_count:
        logger.warning(
            "%s beside %s; %s", counted(controls, "control character"), counted(token_count, "token"), _IF_ESCAPES
        )
    if runs.total() > _RUNS_SHARE * token_count:
        language = runs.most_common(1)[0][0]
        logger.warning(
            "%s of %s tokens are long runs of %s characters, which have no spaces between words; segment the words: "
            "--tokenizer icu:%s (pip install 'vecmill[cjk]')",
            f"{runs.total():,}",
            f"{token_count:,}",
            language,
            _TOKENIZERS[language],
        )


def _in_script(lead: np.ndarray, second: np.ndarray, script: tuple[int, int, int]) -> np.ndarray:
    first_byte, lowest, highest = script
    return (lead == first_byte) & (second >= lowest) & (second <= highest)
