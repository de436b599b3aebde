"""Film reviews, good or bad: means of word vectors beside TF-IDF, after few and after many labelled reviews.

The word vectors are trained on all reviews, without their labels. Needs scikit-learn; NLTK fetches the reviews (Pang
and Lee 2004) once. Run with::

    python docs/examples/classify_reviews.py
"""

import nltk

import vecmill

try:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from vecmill.sklearn import WordEmbeddingVectorizer
except ImportError as error:
    raise SystemExit(f"{error}; run: pip install 'vecmill[sklearn]'") from None


def reviews() -> tuple[list[str], list[str]]:
    """Return 2,000 texts and their labels, "neg" or "pos"."""
    try:
        names = nltk.corpus.movie_reviews.fileids()
    except LookupError:
        nltk.download("movie_reviews")
        names = nltk.corpus.movie_reviews.fileids()
    return [nltk.corpus.movie_reviews.raw(name) for name in names], [name.split("/")[0] for name in names]


def main(labelled: tuple[int, ...] = (50, 200, 1600), splits: int = 10, epochs: int = 10) -> dict[str, list[float]]:
    """Print the mean accuracy on 400 other reviews, over random splits, for each number of labelled ones."""
    texts, labels = reviews()
    vectors = vecmill.train(texts, dimension=200, window=10, learning_rate=0.05, epochs=epochs)
    sif = WordEmbeddingVectorizer(vectors, weighting="sif")
    sides = {
        "TF-IDF": make_pipeline(TfidfVectorizer(min_df=2), LogisticRegression(C=10, max_iter=1000)),
        "word vectors": make_pipeline(sif, StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)),
    }
    print("labelled reviews".ljust(20), *(f"{number:>6,}" for number in labelled))
    found: dict[str, list[float]] = {}
    for name, side in sides.items():
        found[name] = []
        for size in labelled:
            parts = StratifiedShuffleSplit(splits, train_size=size, test_size=400, random_state=0)
            found[name].append(cross_val_score(side, texts, labels, cv=parts).mean())
        print(name.ljust(20), *(f"{accuracy:6.1%}" for accuracy in found[name]))
    return found


if __name__ == "__main__":
    main()
