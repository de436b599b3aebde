"""FastText, step by step, written for gensim; with ``vecmill.gensim`` in the imports it runs on vecmill.

The text is Python's own help.
"""

import tempfile
from pathlib import Path
from pydoc_data.topics import topics

from gensim.models import FastText
from gensim.models.fasttext import load_facebook_model, load_facebook_vectors, save_facebook_model
from gensim.utils import simple_preprocess


def main() -> FastText:
    """Train, ask for words that the text does not have, save, exchange with fastText, and train on."""
    sentences = [simple_preprocess(line) for text in topics.values() for line in text.split("\n\n")]
    model = FastText(vector_size=50, window=3, min_count=5, min_n=3, max_n=6, bucket=20_000, epochs=10, seed=3)
    model.build_vocab(corpus_iterable=sentences)
    model.train(corpus_iterable=sentences, total_examples=len(sentences), epochs=model.epochs)
    print(model)

    for word in ("function", "functionality", "qq"):
        print(f"{word!r} is a key: {word in model.wv.key_to_index}; its vector: {model.wv[word].shape}")
    print("functions and functionality:", round(float(model.wv.similarity("functions", "functionality")), 2))
    print("like 'functionality':", model.wv.most_similar("functionality", topn=5))
    print("two lists:", round(float(model.wv.n_similarity(["class", "object"], ["classes", "objekts"])), 2))
    print("the odd one out:", model.wv.doesnt_match(["list", "tuple", "dictionary", "importing"]))
    some = model.wv.vectors_for_all(["class", "classy", "objekt"])
    print("some words alone:", some.index_to_key)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save(str(folder / "help.model"))
        loaded = FastText.load(str(folder / "help.model"))
        save_facebook_model(loaded, str(folder / "help.bin"))
        vectors = load_facebook_vectors(str(folder / "help.bin"))
        print("from fastText's file:", abs(vectors["functionality"] - model.wv["functionality"]).max() < 1e-6)
        going_on = load_facebook_model(str(folder / "help.bin"))

    more = [["the", "quagga", "is", "a", "class", "of", "its", "own"]] * 20
    going_on.build_vocab(more, update=True)
    going_on.train(more, total_examples=len(more), epochs=5)
    print("after more text:", "quagga" in going_on.wv.key_to_index, going_on.wv.most_similar("quaggas", topn=2))
    return going_on


if __name__ == "__main__":
    main()
