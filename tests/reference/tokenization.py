"""The rules of the fast tokenizer, character by character, from `unicodedata` alone."""

import re
import unicodedata

LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
APOSTROPHES = "'\u2019"
JOINERS = APOSTROPHES + "\u200c\u200d"
LONGEST_WORD = 1000


def tokenize(
    data: bytes, lowercase: bool = True, punctuation: bool = False, fold_digits: bool = False
) -> tuple[list[list[str]], dict[str, int]]:
    """Words of each line, and what was passed over."""
    text = data.decode("utf-8", "replace")
    invalid = text.count("\ufffd") - data.count("\ufffd".encode())
    lines = split_lines(text)
    controls = sum(is_control(c) for line in lines for c in line)
    tokens = [words_of_line(line, punctuation) for line in lines]
    tokens = [[fold(token, lowercase, fold_digits) for token in line] for line in tokens]
    return without_long_words(tokens, invalid, controls)


def split_white_space(data: bytes, lowercase: bool = True, fold_digits: bool = False):
    """What `str.split` makes of each line, control characters being spaces."""
    text = data.decode("utf-8", "replace")
    invalid = text.count("\ufffd") - data.count("\ufffd".encode())
    lines = split_lines(text)
    controls = sum(is_control(c) for line in lines for c in line)
    tokens = [
        [fold(token, lowercase, fold_digits) for token in "".join(" " if is_control(c) else c for c in line).split()]
        for line in lines
    ]
    return without_long_words(tokens, invalid, controls)


def split_lines(text: str) -> list[str]:
    lines = LINE_ENDS.split(text)
    return lines if lines[-1] else lines[:-1]


def words_of_line(line: str, punctuation: bool) -> list[str]:
    characters = [c for c in line if not is_ignored(c)]
    tokens: list[str] = []
    inside = False
    for i, c in enumerate(characters):
        before, after = inside, characters[i + 1] if i + 1 < len(characters) else " "
        joins = c in JOINERS and continues_word(characters[i - 1]) and continues_word(after)
        inside = starts_word(c) or (before and (continues_word(c) or joins))
        if not inside:
            if punctuation and is_symbol(c):
                tokens.append(c)
            continue
        if before:
            tokens[-1] += c
        else:
            tokens.append(c)
    return [token if token in APOSTROPHES else token.replace("\u2019", "'") for token in tokens]


def fold(token: str, lowercase: bool, fold_digits: bool) -> str:
    if lowercase:
        final = "ς" if len(token) > 1 and token[-1] == "Σ" else ""
        token = "".join(c.lower()[0] for c in (token[:-1] if final else token)) + final
    if fold_digits:
        token = "".join("0" if unicodedata.category(c) == "Nd" else c for c in token)
    return token


def without_long_words(lines: list[list[str]], invalid: int, controls: int):
    short = [[token for token in line if len(token.encode()) <= LONGEST_WORD] for line in lines]
    counts = {
        "invalid UTF-8 sequences": invalid,
        "control characters": controls,
        "words longer than 1000 bytes": sum(map(len, lines)) - sum(map(len, short)),
    }
    return short, {what: number for what, number in counts.items() if number}


def starts_word(c: str) -> bool:
    return unicodedata.category(c)[0] in "LN" or c == "_"


def continues_word(c: str) -> bool:
    return starts_word(c) or (unicodedata.category(c)[0] == "M" and not is_variation_selector(c))


def is_variation_selector(c: str) -> bool:
    return "VARIATION SELECTOR" in unicodedata.name(c, "")


def is_ignored(c: str) -> bool:
    return is_variation_selector(c) or (unicodedata.category(c) == "Cf" and c not in "\u200b\u200c\u200d")


def is_control(c: str) -> bool:
    return unicodedata.category(c) == "Cc" and not c.isspace()


def is_symbol(c: str) -> bool:
    return (
        c != "\ufffd"
        and not c.isspace()
        and unicodedata.category(c)[0] in "PSC"
        and (unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    )
