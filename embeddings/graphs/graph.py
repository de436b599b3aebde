"""Graphs as arrays: for each node the nodes that its edges lead to."""

import unicodedata
from collections.abc import Iterable

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.graphs.edge_lists import Edges

_MOST_NODES = 2**31 - 1


class Graph:
    """A graph in compressed rows: four bytes for each direction of an edge, and eight more with weights.

    Parameters
    ----------
    names : list of str
        N names of nodes.
    offsets : (N + 1,) int64
        The edges from node i are those from ``offsets[i]`` to ``offsets[i + 1]``.
    targets : (E,) int32
        The node that each edge leads to, ascending for every node.
    weights : (E,) float64, optional
        Above 0. Default: all are 1.
    directed : bool
        False: every edge leads in both directions, and has two places in `targets`.

    Attributes
    ----------
    merged : int
        Edges that were given again.
    """

    def __init__(
        self,
        names: list[str],
        offsets: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        directed: bool = False,
    ) -> None:
        self.names, self.offsets, self.targets, self.weights = names, offsets, targets, weights
        self.directed, self.merged = directed, 0

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Graph({len(self):,} nodes, {self.edge_count:,} edges)"

    @property
    def edge_count(self) -> int:
        """The number of edges; one in both directions counts once."""
        if self.directed:
            return len(self.targets)
        sources = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))
        return int(np.count_nonzero(sources <= self.targets))

    @classmethod
    def from_edges(cls, batches: Iterable[Edges], *, directed: bool = False) -> "Graph":
        """Number the nodes and sort the edges.

        Edges between the same nodes become one, whose weight is the sum of theirs; without weights it stays 1. In an
        undirected graph (a, b) and (b, a) are the same edge. Names are brought into NFC, as words of a text are.

        Parameters
        ----------
        batches : iterable of Edges
        directed : bool
            Edges lead from source to target only.

        Returns
        -------
        Graph

        Raises
        ------
        EmbeddingsError
            There is no edge, or there are more than 2^31 - 1 nodes.
        """
        from scipy.sparse import coo_array

        numbers = _Numbers()
        parts = [_numbered(batch, numbers) for batch in batches]
        if not parts:
            raise EmbeddingsError("there are no edges; expected one or more")
        sources, targets, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        parts.clear()
        given = len(sources)
        if not directed:
            low, high = np.minimum(sources, targets), np.maximum(sources, targets)
            both = low != high
            sources, targets = np.concatenate([low, high[both]]), np.concatenate([high, low[both]])
            weights = np.concatenate([weights, weights[both]])
        size = len(numbers.names)
        rows = coo_array((weights, (sources, targets)), (size, size)).tocsr()  # adds up equal edges
        rows.sort_indices()
        weighted = weights.dtype != bool
        graph = cls(
            numbers.names,
            rows.indptr.astype(np.int64),
            rows.indices.astype(np.int32),
            rows.data if weighted else None,
            directed=directed,
        )
        graph.merged = given - graph.edge_count
        return graph


class _Numbers(dict[str, int]):
    """The numbers of nodes by their names, however these write accents; `names` has each node once, in NFC."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __missing__(self, name: str) -> int:
        composed = unicodedata.normalize("NFC", name)
        if composed != name:
            number = self[composed]
        else:
            number = len(self.names)
            self.names.append(name)
        self[name] = number
        return number


def _numbered(batch: Edges, numbers: _Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sources, targets and weights; True stands for the weight 1."""
    size = len(batch.sources)
    sources, targets = (
        np.fromiter(map(numbers.__getitem__, names), np.int64, size) for names in (batch.sources, batch.targets)
    )
    if len(numbers.names) > _MOST_NODES:
        raise EmbeddingsError(f"there are more than {_MOST_NODES:,} nodes; expected fewer")
    return (
        sources.astype(np.int32),
        targets.astype(np.int32),
        np.ones(size, bool) if batch.weights is None else batch.weights,
    )
