"""gensim's package of models: ``from vecmill.gensim.models.word2vec import LineSentence`` is understood, too.

Its modules are those of `vecmill.gensim`, so that a class is the same by either name.
"""

import sys

from vecmill.gensim import callbacks, doc2vec, fasttext, keyedvectors, phrases, word2vec
from vecmill.gensim.doc2vec import Doc2Vec
from vecmill.gensim.fasttext import FastText
from vecmill.gensim.keyedvectors import KeyedVectors
from vecmill.gensim.phrases import Phrases
from vecmill.gensim.word2vec import Word2Vec

__all__ = [
    "Doc2Vec",
    "FastText",
    "KeyedVectors",
    "Phrases",
    "Word2Vec",
    "callbacks",
    "doc2vec",
    "fasttext",
    "keyedvectors",
    "phrases",
    "word2vec",
]

for module in (callbacks, doc2vec, fasttext, keyedvectors, phrases, word2vec):
    sys.modules[module.__name__.replace("vecmill.gensim", __name__)] = module
