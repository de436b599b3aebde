"""Items of sessions: vectors of what is bought, heard or read together, and the next item of a session.

A session is a sentence, an item a word. Vectors of items are judged by the last item of sessions that were kept apart:
is it among the ten nearest of the items before it? Beside that stands the share that the ten most popular items reach.
Settings that suit text do not suit items (Caselles-Dupré, Lesaint & Royo-Letelier 2018, "Word2vec applied to
recommendation: hyperparameters matter"): sessions have no order worth a small window, popular items are not to be
skipped, and which exponent of the noise is best depends on the sessions. Run with::

    python docs/examples/items.py
"""

import numpy as np

import vecmill

ITEMS, SECTIONS, SESSIONS, KEPT_APART = 2000, 100, 15_000, 2000
TOP = 10
WINDOW = {"window": 20, "dynamic_window": False}
SETTINGS = {
    "settings for text": {},
    "window over the session": WINDOW,
    "and no item skipped": WINDOW | {"sample": 0},
    "and noise exponent 1": WINDOW | {"sample": 0, "noise_exponent": 1},
    "and noise exponent -0.5": WINDOW | {"sample": 0, "noise_exponent": -0.5},
}


def sessions(rng: np.random.Generator, count: int) -> list[list[str]]:
    """Return sessions of 4 to 12 items: most from one section of the shop, some of what everyone buys."""
    everyone = 1 / np.arange(1, ITEMS + 1) ** 1.1  # popularity of items, by rank
    everyone /= everyone.sum()
    made = []
    for _ in range(count):
        length = rng.integers(4, 13)
        own = rng.integers(SECTIONS) + SECTIONS * rng.geometric(0.12, length) % ITEMS  # within a section some sell best
        items = np.where(rng.random(length) < 0.75, own, rng.choice(ITEMS, length, p=everyone))
        made.append([f"item{item}" for item in items])
    return made


def hit_rate(recommended: list[list[str]], last: list[str]) -> float:
    """Return the share of sessions whose last item was recommended."""
    return float(np.mean([item in found for found, item in zip(recommended, last, strict=True)]))


def recommend(vectors: vecmill.WordVectors, before: list[list[str]]) -> list[list[str]]:
    """Return the items nearest to the mean of a session's items, without these."""
    known = [[item for item in session if item in vectors] for session in before]
    return [[item for item, _ in vectors.most_similar(items, topn=TOP)] if items else [] for items in known]


def most_popular(trained: list[list[str]], before: list[list[str]]) -> list[list[str]]:
    """Return the items that occur most often, without those of the session."""
    items, counts = np.unique([item for session in trained for item in session], return_counts=True)
    ranked = items[np.argsort(-counts, kind="stable")].tolist()
    return [[item for item in ranked[: TOP + len(session)] if item not in session][:TOP] for session in before]


def main(epochs: int = 10) -> dict[str, float]:
    """Print the hit rate at 10 of each way; return them."""
    rng = np.random.default_rng(1)
    trained, kept = sessions(rng, SESSIONS), sessions(rng, KEPT_APART)
    before, last = [session[:-1] for session in kept], [session[-1] for session in kept]
    found = {"the most popular": hit_rate(most_popular(trained, before), last)}
    for name, settings in SETTINGS.items():
        vectors = vecmill.train(trained, dimension=50, epochs=epochs, min_count=3, **settings)
        found[name] = hit_rate(recommend(vectors, before), last)
    for name, rate in found.items():
        print(f"{name:<26} hit rate @ {TOP} {rate:6.1%}")
    return found


if __name__ == "__main__":
    main()
