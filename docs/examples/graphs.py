"""Nodes of a graph: node2vec (Grover & Leskovec 2016) on a graph whose communities are known.

Random walks over the edges are the sentences, nodes the words. The graph is a stochastic block model: nodes of one
community have an edge more often than others. Vectors are judged by classification: the label of a few nodes of each
community is known, and the others get that of the nearest mean. Run with::

    python docs/examples/graphs.py                     # prints the accuracy
    python docs/examples/graphs.py communities.png     # also draws the vectors (needs matplotlib)
"""

import sys

import numpy as np

import vecmill

COMMUNITIES, SIZE, LABELLED = 5, 60, 5
INSIDE, OUTSIDE = 0.15, 0.01  # probability of an edge


def block_model(rng: np.random.Generator) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Return edges, and the community of each node."""
    community = np.repeat(np.arange(COMMUNITIES), SIZE)
    likely = np.where(community[:, None] == community, INSIDE, OUTSIDE)
    edges = np.argwhere(np.triu(rng.random(likely.shape) < likely, k=1))
    return [(int(a), int(b)) for a, b in edges], community


def embed(edges: list[tuple[int, int]], p: float = 1.0, q: float = 1.0) -> vecmill.WordVectors:
    """Return vectors of the nodes."""
    walks = vecmill.walks(edges, p=p, q=q, walks=10, length=40)
    return vecmill.train(walks, dimension=32, window=5, sample=0, epochs=3, threads=1)


def accuracy(matrix: np.ndarray, community: np.ndarray, rng: np.random.Generator) -> float:
    """Return the share of nodes without a label that the nearest mean of labelled ones classifies rightly."""
    order = rng.permutation(len(community))
    of_each = [order[community[order] == label] for label in range(COMMUNITIES)]
    means = np.array([matrix[nodes[:LABELLED]].mean(axis=0) for nodes in of_each])
    others = np.concatenate([nodes[LABELLED:] for nodes in of_each])
    return float(np.mean((matrix[others] @ means.T).argmax(axis=1) == community[others]))


def draw(matrix: np.ndarray, community: np.ndarray, path: str) -> None:
    """Draw the vectors on their two principal axes, coloured by community."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("the figure needs matplotlib: pip install 'vecmill[plot]'")
        return
    centred = matrix - matrix.mean(axis=0)
    places = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    axes = (figure := Figure(figsize=(5, 4), layout="constrained")).add_subplot()
    axes.scatter(*places.T, c=community, cmap="tab10", vmax=10, s=14)
    axes.set(title="node2vec: 300 nodes, 5 communities", xticks=[], yticks=[])
    figure.savefig(path, dpi=100)


def main(figure: str | None = None) -> dict[tuple[float, float], float]:
    """Print the accuracy for some p and q; return it."""
    rng = np.random.default_rng(3)
    edges, community = block_model(rng)
    found = {}
    for p, q in [(1.0, 1.0), (1.0, 0.25), (1.0, 4.0)]:
        vectors = embed(edges, p, q)
        seen = np.array([node for node in range(len(community)) if str(node) in vectors])
        matrix = vectors.unit_vectors([str(node) for node in seen])
        found[p, q] = float(np.mean([accuracy(matrix, community[seen], rng) for _ in range(10)]))
        print(f"p = {p:g}, q = {q:<4g}: {found[p, q]:.1%} of the nodes without a label in their community")
    if figure:
        draw(matrix, community[seen], figure)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:2])
