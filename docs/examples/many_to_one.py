"""Many to one: is a review for or against?  Words are not enough: there is "not", and what counts comes after "but".

The network sees 600 made-up reviews and is asked 400 others.  Run with::

    python docs/examples/many_to_one.py
"""

import numpy as np

from embeddings.sequences import SequenceClassifier, SequenceNetworkConfig, SequenceTrainingConfig

THINGS = "film plot music cast story camera".split()
GOOD, BAD = "good great moving funny fresh".split(), "bad dull poor weak flat".split()


def clause(rng: np.random.Generator) -> tuple[list[str], bool]:
    """Return the words of a judgement, and whether it is a good one."""
    good, negated = rng.random(2) < [0.5, 0.4]
    word = str(rng.choice(GOOD if good else BAD))
    words = ["the", str(rng.choice(THINGS)), "is", *["not"] * int(negated), *["very"] * int(rng.random() < 0.3), word]
    return words, bool(good != negated)


def review(rng: np.random.Generator) -> tuple[list[str], str]:
    """Return words, and "for" or "against": the judgement after the last "but"."""
    words, good = clause(rng)
    while rng.random() < 0.5:
        more, good = clause(rng)
        words = [*words, "but", *more]
    return words, "for" if good else "against"


def main() -> float:
    """Train, show some reviews, and return the share that is right."""
    rng = np.random.default_rng(0)
    texts, labels = zip(*[review(rng) for _ in range(1000)], strict=True)
    network = SequenceNetworkConfig(layer_sizes=(32,))
    training = SequenceTrainingConfig(epochs=30, batch_words=256, learning_rate=0.01, patience=30)
    model = SequenceClassifier(network, training, seed=0).fit(texts[:600], labels[:600])

    found = model.predict(texts[600:])
    for text, label in list(zip(texts[600:], found, strict=True))[:4]:
        print(f"{label:8} {' '.join(text)}")
    right = float(np.mean([label == truth for label, truth in zip(found, labels[600:], strict=True)]))
    print(f"{right:.1%} of 400 reviews it has never seen are right")
    return right


if __name__ == "__main__":
    main()
