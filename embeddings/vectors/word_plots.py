"""Plots of chosen words: their map, and their places on axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.setting_types import require_type
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.axes import place_on_axis
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.training_plot import SOFT, TRAINED, new_figure, plot_style
from embeddings.vectors.word_map import make_word_map
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import described, require_words
from vecmill.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FREQUENT = 150
SIZE = (9.0, 6.5)

Poles = tuple[Sequence[str] | str, Sequence[str] | str]


def plot_map(
    vectors: WordVectors,
    words: Sequence[str] | None = None,
    *,
    method: str | None = None,
    title: str = "",
    seed: int = 1,
) -> "Figure":
    """Draw words so that similar ones lie together, coloured by cluster.

    Parameters
    ----------
    vectors : WordVectors
    words : sequence of str, optional
        At least 3. Default: the 150 most frequent.
    method : {"UMAP", "PCA"}, optional
        See `make_word_map`.
    title : str
    seed : int

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it; its method ``savefig`` writes it.

    Raises
    ------
    EmbeddingsError
        Matplotlib is not installed, or there are too few words.
    KeyError
        A word is unknown.
    TypeError, ValueError
        An argument is of another type, or there is no such layout.

    Examples
    --------
    >>> import vecmill.plot
    >>> vectors = vecmill.load("runs/wiki")  # doctest: +SKIP
    >>> vecmill.plot.map(vectors, ["king", "queen", "bread", "butter"])  # doctest: +SKIP
    """
    require_vectors(vectors)
    require_type("title", title, str)
    chosen = list(dict.fromkeys(vectors.words[:MOST_FREQUENT] if words is None else _listed(words)))
    own = WordVectors(Vocabulary.from_words(chosen), np.asarray(vectors[chosen], np.float32))
    layout = make_word_map(own, words=len(chosen), clusters=10, topn=1, method=method, seed=seed)
    with plot_style():
        picture = new_figure(SIZE, title)
        axes = picture.subplots()
        axes.scatter(
            layout.positions[:, 0], layout.positions[:, 1], c=layout.clusters, cmap="tab10", vmin=0, vmax=9, s=26
        )
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        _name_points(axes, chosen, layout.positions)
    return picture


def plot_axes(
    vectors: WordVectors, words: Sequence[str], x: Poles, y: Poles | None = None, *, title: str = ""
) -> "Figure":
    """Draw words on one axis or two, each from the mean of some words to that of others; see `place_on_axis`.

    Parameters
    ----------
    vectors : WordVectors
    words : sequence of str
    x : (words, words)
        Poles on the left and on the right: each a word or several.
    y : (words, words), optional
        Poles at the bottom and at the top. Default: the words lie in their order on `x`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EmbeddingsError
        Matplotlib is not installed.
    KeyError
        A word is unknown.
    TypeError
        An argument is of another type.

    Examples
    --------
    >>> import vecmill.plot
    >>> vectors = vecmill.load("runs/wiki")  # doctest: +SKIP
    >>> vecmill.plot.axis(vectors, ["nurse", "engineer"], ("he", "she"))  # doctest: +SKIP
    """
    require_vectors(vectors)
    require_type("title", title, str)
    _require_poles("x", x)
    if y is not None:
        _require_poles("y", y)
    chosen = list(dict.fromkeys(_listed(words)))
    places = [
        place_on_axis(vectors, _listed(end), _listed(start), chosen) for start, end in ([x] if y is None else [x, y])
    ]
    if y is None:
        places.append(np.argsort(np.argsort(-places[0], kind="stable"), kind="stable").astype(np.float32))
    positions = np.stack(places, axis=1)
    with plot_style():
        picture = new_figure(SIZE, title)
        axes = picture.subplots()
        axes.scatter(positions[:, 0], positions[:, 1], color=TRAINED, s=26)
        axes.axvline(0, color=SOFT, linewidth=0.8, linestyle=(0, (3, 4)))
        axes.set_xlabel(_shown(x), parse_math=False)
        if y is None:
            axes.set(yticks=[])
        else:
            axes.axhline(0, color=SOFT, linewidth=0.8, linestyle=(0, (3, 4)))
            axes.set_ylabel(_shown(y), parse_math=False)
        _name_points(axes, chosen, positions)
    return picture


def _require_poles(name: str, poles: Any) -> None:
    if not isinstance(poles, (tuple, list)) or len(poles) != 2:
        raise TypeError(f"{name} is {described(poles)}; expected two poles, each a word or several: ('he', 'she')")


def _listed(words: Sequence[str] | str) -> list[str]:
    """Return one word, or several, as a list."""
    if isinstance(words, str):
        return [words]
    require_words(words)
    return list(words)


def _shown(poles: Poles) -> str:
    return visible(" → ".join(", ".join(_listed(pole)) for pole in poles))


def _name_points(axes: "Axes", words: Sequence[str], positions: np.ndarray) -> None:
    style: dict[str, Any] = {"textcoords": "offset points", "fontsize": 9, "parse_math": False}
    for word, place in zip(words, positions.tolist(), strict=True):
        axes.annotate(visible(word), place, (5, 3), **style)
