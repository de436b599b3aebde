"""How often every row of E and C is trained: what tells whether many workers may add up their changes of it."""

import numpy as np

from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.kernel_arguments import Extensions, HuffmanPaths, InputRows, Parameters
from embeddings.word2vec.sampling import noise_distribution


def updates_per_token(
    config: Word2VecConfig, counts: np.ndarray, parameters: Parameters, extensions: Extensions
) -> dict[str, np.ndarray]:
    """Return the expected number of updates of every row for each token of the text.

    Parameters
    ----------
    config : Word2VecConfig
    counts : (V,) int64
        0 for words that are not trained.
    parameters : Parameters
    extensions : Extensions

    Returns
    -------
    dict of str to (rows,) float64
        By the names of the matrices in checkpoints.
    """
    kept = counts / counts.sum() * (parameters.keep / 2.0**32)
    inputs = _inputs_of_a_centre(config)
    if extensions.paths is None:
        noise = noise_distribution(counts, config.noise_exponent, counts > 0)
        embedding = kept * (1 + config.noise_words)
        context = kept + config.noise_words * kept.sum() * noise
    else:
        embedding = kept * np.diff(extensions.paths.offsets)
        context = _of_entries(kept, extensions.paths, len(counts))
    if extensions.subwords is not None:
        embedding = _of_entries(embedding, extensions.subwords, len(parameters.embedding))
    found = {"embedding": inputs * embedding, "context": inputs * context}
    if extensions.position_weights is not None:
        found["position_weights"] = np.full(len(extensions.position_weights), kept.sum() * (1 + config.noise_words))
    return found


def _inputs_of_a_centre(config: Word2VecConfig) -> int:
    """Return how many input vectors a centre word is predicted from: every context word, or with CBOW their mean."""
    if config.architecture == "cbow":
        return 1
    return config.window + 1 if config.dynamic_window else 2 * config.window


def _of_entries(updates: np.ndarray, table: InputRows | HuffmanPaths, rows: int) -> np.ndarray:
    """Return the updates of the rows that words are made of, or whose paths they are on, from those of the words."""
    entries = table.rows if isinstance(table, InputRows) else table.nodes
    lengths = np.diff(table.offsets)
    return np.bincount(entries[: lengths.sum()], np.repeat(updates, lengths), rows)
