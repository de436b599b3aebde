"""Text of two topics, and the small trainings that must tell them apart."""

import numpy as np

from embeddings import Word2VecConfig

ANIMALS = ["cat", "dog", "horse", "cow", "sheep", "goat"]
METALS = ["iron", "copper", "gold", "silver", "zinc", "tin"]


def topic_lines(number, seed=0):
    """Each line talks of animals only or of metals only."""
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice([ANIMALS, METALS][i % 2], 12)) for i in range(number)]


def small(**settings):
    defaults = {"dimension": 16, "threads": 1, "sample": 0, "epochs": 3, "learning_rate": 0.1}
    return Word2VecConfig(**(defaults | settings))


def interrupt(progress):
    """Interrupt training at its first report: at the latest at the end of the epoch that it begins with."""
    raise KeyboardInterrupt
