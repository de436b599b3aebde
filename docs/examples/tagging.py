"""Many to many of equal length: parts of speech of a small language in which most words have two.

"light" may be noun, verb or adjective, "saw" noun or verb; which it is, the words on both sides tell.  The
bidirectional network sees 400 sentences and is asked 400 others.  Run with::

    python docs/examples/tagging.py
"""

from collections import Counter
from itertools import chain

import numpy as np

from embeddings.sequences import SequenceNetworkConfig, SequenceTagger, SequenceTrainingConfig

WORDS = {
    "D": "the a this".split(),
    "A": "light cold open fast old".split(),
    "N": "light saw cold walk dog man fast watch".split(),
    "V": "saw light watch walk open".split(),
    "P": "in by".split(),
}


def noun_phrase(rng: np.random.Generator) -> list[str]:
    """Return the parts of speech of a noun phrase: a determiner, adjectives, a noun."""
    return ["D", *["A"] * int(rng.integers(0, 3)), "N"]


def sentence(rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return words and their parts of speech."""
    tags = [*noun_phrase(rng), "V"]
    for joined in ([], ["P"]):
        if rng.random() < 0.6:
            tags += [*joined, *noun_phrase(rng)]
    return [str(rng.choice(WORDS[tag])) for tag in tags], tags


def main() -> float:
    """Train, show a sentence, and return the share of words that have the right tag."""
    rng = np.random.default_rng(0)
    sentences, tags = zip(*[sentence(rng) for _ in range(800)], strict=True)
    network = SequenceNetworkConfig(layer_sizes=(32,))
    training = SequenceTrainingConfig(epochs=15, batch_words=256)
    tagger = SequenceTagger(network, training, seed=0).fit(sentences[:400], tags[:400])

    counts: dict[str, Counter] = {}
    for known, truth in zip(sentences[:400], tags[:400], strict=True):
        for word, tag in zip(known, truth, strict=True):
            counts.setdefault(word, Counter())[tag] += 1
    found = tagger.predict(sentences[400:])
    print(*(f"{word}/{tag}" for word, tag in zip(sentences[400], found[0], strict=True)))
    asked = [pair for s, t in zip(sentences[400:], tags[400:], strict=True) for pair in zip(s, t, strict=True)]
    right = float(np.mean([tag == truth for tag, (_, truth) in zip(chain.from_iterable(found), asked, strict=True)]))
    usual = np.mean([counts[word].most_common(1)[0][0] == truth for word, truth in asked])
    print(f"{right:.1%} of {len(asked):,} words are right; with the most frequent tag of each word {usual:.1%}")
    return right


if __name__ == "__main__":
    main()
