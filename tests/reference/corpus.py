"""Vocabulary and encoded sentences of tokenized lines, by the definition."""

from collections import Counter


def vocabulary(lines: list[list[str]], min_count: int, max_vocabulary: int | None = None) -> dict[str, int]:
    """Words and counts, ordered by falling count, then by code points."""
    counts = Counter(word for line in lines for word in line)
    kept = [(word, count) for word, count in counts.items() if count >= min_count]
    return dict(sorted(kept, key=lambda item: (-item[1], item[0]))[:max_vocabulary])


def encode(lines: list[list[str]], words: list[str]) -> list[list[int]]:
    """Ids of the words of each sentence that has one."""
    ids = {word: number for number, word in enumerate(words)}
    sentences = [[ids[word] for word in line if word in ids] for line in lines]
    return [sentence for sentence in sentences if sentence]


def shards(sentences: list[list[int]], shard_tokens: int) -> list[list[list[int]]]:
    """Sentences in shards, each of which ends with the sentence that makes it long enough."""
    result: list[list[list[int]]] = [[]]
    for sentence in sentences:
        if sum(map(len, result[-1])) >= shard_tokens:
            result.append([])
        result[-1].append(sentence)
    return result
