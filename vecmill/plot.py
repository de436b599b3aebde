"""Figures for notebooks and slides (extra ``plot``, Matplotlib): a map of words, words on axes, the loss of a training.

Examples
--------
>>> import vecmill.plot
>>> vectors = vecmill.load("runs/wiki")  # doctest: +SKIP
>>> vecmill.plot.map(vectors).savefig("map.svg")  # doctest: +SKIP
"""

from embeddings.vectors.training_plot import plot_training as loss
from embeddings.vectors.word_plots import plot_axes as axis
from embeddings.vectors.word_plots import plot_map as map

__all__ = ["axis", "loss", "map"]
