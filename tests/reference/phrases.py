"""Phrases as Mikolov et al. (2013) find them, with a dictionary of strings; entry by entry as gensim's `Phrases`."""

import math
from collections import Counter


def candidates(sentence, connectors):
    """Yield start and end of every pair of adjacent words, with the connector words between them."""
    start = None
    for place, word in enumerate(sentence):
        if word not in connectors:
            if start is not None:
                yield start, place + 1
            start = place


def count(sentences, delimiter, connectors):
    """Return counts of words, but connector words, and of pairs, by the string that they make."""
    counts = Counter()
    for sentence in sentences:
        counts.update(word for word in sentence if word not in connectors)
        counts.update(delimiter.join(sentence[first:end]) for first, end in candidates(sentence, connectors))
    return counts


def score(parts, counts, tokens, *, scorer, min_count, delimiter):
    """Return the score of the words of a phrase, -inf for none."""
    pair, first, last = counts[delimiter.join(parts)], counts[parts[0]], counts[parts[-1]]
    if not first or not last or pair < min_count:
        return -math.inf
    if scorer == "original":
        return (pair - min_count) / float(first * last) * len(counts)
    share = pair / tokens
    return math.log(share / (first / tokens * (last / tokens))) / -math.log(share)


def find(sentences, *, threshold, scorer, min_count, delimiter, connectors):
    """Return counts and scores of phrases by their words."""
    counts, tokens = count(sentences, delimiter, connectors), sum(map(len, sentences))
    settings = {"scorer": scorer, "min_count": min_count, "delimiter": delimiter}
    found = {}
    for sentence in sentences:
        for first, end in candidates(sentence, connectors):
            parts = tuple(sentence[first:end])
            value = score(parts, counts, tokens, **settings)
            if value > threshold:
                found[parts] = counts[delimiter.join(parts)], value
    return found


def join(sentence, phrases, *, delimiter, connectors):
    """Join phrases from left to right: a word that ended a phrase begins no other."""
    joined, done = [], 0
    for first, end in candidates(sentence, connectors):
        if first >= done and tuple(sentence[first:end]) in phrases:
            joined += [*sentence[done:first], delimiter.join(sentence[first:end])]
            done = end
    return joined + sentence[done:]
