"""Phrases, step by step, written for gensim; with ``vecmill.gensim`` in the imports it runs on vecmill.

The text is Python's own help.
"""

import tempfile
from pathlib import Path
from pydoc_data.topics import topics

from gensim.models import Phrases, Word2Vec
from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, FrozenPhrases
from gensim.utils import simple_preprocess


def main() -> Word2Vec:
    """Find phrases, join them, freeze and save them, join longer ones, and train on the joined text."""
    sentences = [simple_preprocess(line) for text in topics.values() for line in text.split("\n\n")]
    bigrams = Phrases(sentences[:-100], min_count=5, threshold=10.0, connector_words=ENGLISH_CONNECTOR_WORDS)
    bigrams.add_vocab(sentences[-100:])
    found = sorted(bigrams.export_phrases().items(), key=lambda item: -item[1])
    print(f"{len(found)} phrases:", [phrase for phrase, _ in found[:5]])
    print("one sentence:", bigrams[["an", "instance", "method", "object", "of", "the", "special", "method"]])
    print("in some sentences:", list(bigrams.find_phrases(sentences[:20]))[:5])

    frozen = bigrams.freeze()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "phrases.model"
        frozen.save(str(path))
        loaded = FrozenPhrases.load(str(path))
    print("the same after saving:", list(loaded[sentences]) == list(bigrams[sentences]))

    trigrams = Phrases(loaded[sentences], min_count=5, threshold=10.0)
    longer = [phrase for phrase in trigrams.export_phrases() if phrase.count("_") > 1]
    print("longer ones:", longer[:5])

    npmi = Phrases(sentences, min_count=5, threshold=0.8, scoring="npmi")
    print(f"{len(npmi.export_phrases())} phrases by normalized pointwise mutual information")

    model = Word2Vec(trigrams[loaded[sentences]], vector_size=50, min_count=5, epochs=10, seed=3)
    phrase = next(word for word in model.wv.index_to_key if "_" in word)
    print(f"like {phrase!r}:", model.wv.most_similar(phrase, topn=3))
    return model


if __name__ == "__main__":
    main()
