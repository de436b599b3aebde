"""Classes of documents from their vectors: word vectors of much text without labels, and few texts with labels.

Each cell, after ``# %%``, is one of a notebook. Scikit-learn classifies if it is installed, else the nearest mean of a
class. Run with::

    python docs/examples/documents.py
"""

# %%
import numpy as np

import vecmill

WORDS = {
    "cooking": "oven bake flour butter salt dough pan stir onion garlic boil taste recipe spoon plate".split(),
    "sailing": "wind sail mast deck harbour knot tide anchor helm crew rope hull coast wave compass".split(),
    "chess": "king queen rook pawn knight bishop board opening endgame clock check castle gambit draw piece".split(),
}
COMMON = "the a of and to in it was then with for on we they very".split()
LABELLED = 3  # texts of each class


def text(rng: np.random.Generator, topic: str, words: int) -> str:
    """Return a text on a topic, half of it words of every topic."""
    return " ".join(str(rng.choice(WORDS[topic] if rng.random() < 0.5 else COMMON)) for _ in range(words))


# %%
def train(rng: np.random.Generator) -> vecmill.WordVectors:
    """Train word vectors on texts without labels; `progress=True` shows a line, `metrics` has the losses."""
    lines = [text(rng, topic, 12) for _ in range(2000) for topic in WORDS]
    vectors = vecmill.train(lines, dimension=20, epochs=5, progress=True, threads=1)
    for epoch in vectors.metrics:
        print("epoch {epoch}: loss {loss:.3f}, held out {held_out_loss:.3f}".format(**epoch))
    return vectors


# %%
def classify(known: np.ndarray, labels: list[str], unknown: np.ndarray) -> list[str]:
    """Return the classes of vectors after learning from others with labels."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        means = {label: known[[other == label for other in labels]].mean(axis=0) for label in dict.fromkeys(labels)}
        nearest = (unknown @ np.array(list(means.values())).T).argmax(axis=1)
        return [list(means)[place] for place in nearest]
    return LogisticRegression(C=100.0).fit(known, labels).predict(unknown).tolist()


# %%
def main() -> float:
    """Train, classify texts that are not among the labelled ones, and return the share that is right."""
    rng = np.random.default_rng(0)
    vectors = train(rng)
    labels = [topic for topic in WORDS for _ in range(LABELLED)]
    truth = [topic for topic in WORDS for _ in range(100)]
    known = vecmill.sentence_vectors(vectors, [text(rng, topic, 8) for topic in labels], weighting="sif")
    unknown = vecmill.sentence_vectors(vectors, [text(rng, topic, 8) for topic in truth], weighting="sif")
    found = classify(known, labels, unknown)
    right = float(np.mean([label == topic for label, topic in zip(found, truth, strict=True)]))
    print(f"{right:.1%} of {len(truth)} texts are right, after {LABELLED} labelled texts of each class")
    return right


# %%
if __name__ == "__main__":
    main()
