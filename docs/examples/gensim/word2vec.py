"""Word2Vec, step by step, written for gensim; with ``vecmill.gensim`` in the imports it runs on vecmill.

The text is Python's own help.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

from gensim.models import Word2Vec
from gensim.utils import simple_preprocess


class HelpTexts:
    """The lines of Python's help as lists of words; they can be read again and again."""

    def __iter__(self) -> Iterator[list[str]]:
        for text in topics.values():
            for line in text.split("\n\n"):
                yield simple_preprocess(line)


def main() -> Word2Vec:
    """Train, look things up, save, evaluate, and train on."""
    model = Word2Vec(sentences=HelpTexts(), vector_size=50, window=5, min_count=5, epochs=10, compute_loss=True, seed=3)
    print(f"{len(model.wv)} words of {model.corpus_total_words} in {model.corpus_count} paragraphs")
    print("loss:", round(model.get_latest_training_loss()))

    vector = model.wv["class"]
    print("vector of 'class':", vector.shape, vector.dtype)
    for index, word in enumerate(model.wv.index_to_key[:5]):
        print(f"word {index} of {len(model.wv.index_to_key)}: {word}, {model.wv.get_vecattr(word, 'count')} times")
    try:
        model.wv["quagga"]
    except KeyError:
        print("'quagga' is not in the vocabulary")

    for first, second in (("class", "classes"), ("class", "function"), ("class", "byte")):
        print(f"{first} and {second}: {model.wv.similarity(first, second):.2f}")
    print("like 'class':", model.wv.most_similar("class", topn=5))
    print("like 'list' and 'tuple', unlike 'string':", model.wv.most_similar(["list", "tuple"], ["string"], topn=3))
    print("the odd one out:", model.wv.doesnt_match(["list", "tuple", "dictionary", "import"]))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save(str(folder / "help.model"))
        model.wv.save_word2vec_format(str(folder / "help.bin"), binary=True)
        loaded = Word2Vec.load(str(folder / "help.model"))
        evaluate(loaded, folder)

    more = [["the", "quagga", "is", "a", "class", "of", "its", "own"]] * 20
    loaded.build_vocab(more, update=True)
    loaded.train(more, total_examples=len(more), epochs=loaded.epochs)
    print("after more text:", "quagga" in loaded.wv, loaded.wv.most_similar("quagga", topn=2))
    return loaded


def evaluate(model: Word2Vec, folder: Path) -> None:
    """Print the accuracy on analogies and the correlation with scores of pairs."""
    analogies, pairs = folder / "analogies.txt", folder / "pairs.tsv"
    analogies.write_text(": plural\nclass classes function functions\nfunction functions module modules\n")
    pairs.write_text("class\tclasses\t9\nlist\ttuple\t8\nclass\tbyte\t2\nmodule\tbit\t1\n")
    accuracy, sections = model.wv.evaluate_word_analogies(str(analogies))
    print(f"analogies: {accuracy:.0%}, sections {[section['section'] for section in sections]}")
    pearson, spearman, unknown = model.wv.evaluate_word_pairs(str(pairs))
    print(f"pairs: Pearson {pearson[0]:.2f}, Spearman {spearman[0]:.2f}, {unknown:.0f} % unknown")


if __name__ == "__main__":
    main()
