"""Random walks over a graph in one call."""

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any

from vecmill.arguments import columns_of, described, is_sequence, require_path

if TYPE_CHECKING:
    from embeddings.graphs import Walks


def walks(
    edges: str | PathLike[str] | Iterable[Any],
    *,
    p: float = 1.0,
    q: float = 1.0,
    walks: int = 10,
    length: int = 80,
    directed: bool = False,
    source: str | None = None,
    target: str | None = None,
    weight: str | None = None,
    header: bool | None = None,
    seed: int = 1,
    threads: int | None = None,
) -> "Walks":
    """Walk over a graph at random, as node2vec does (Grover & Leskovec 2016); `train` takes the walks as sentences.

    Parameters
    ----------
    edges : path, data frame, or iterable of tuples
        A file: CSV, TSV, Parquet, or columns that white space separates, compressed or not; ``"-"`` for text on
        standard input; a data frame or an Arrow table; or pairs (source, target) and triples (source, target, weight)
        of nodes of any kind, which are named by their ``str``.
    p : float
        Return parameter: the larger, the less often a walk goes back to the node that it came from.
    q : float
        In-out parameter: above 1 walks stay near their start, below 1 they move away from it.
    walks : int
        Walks from each node.
    length : int
        Nodes of a walk.
    directed : bool
        Edges lead from source to target only.
    source, target : str, optional
        Names of the columns of both nodes. Default: the first two, after one that numbers the rows.
    weight : str, optional
        Name of the column of weights, or "none". Default: the column "weight"; in a file without a header the third.
    header : bool, optional
        Whether the first line of a text names the columns. Default: it does if it has usual names, such as "source"
        and "target", or words above nodes that are whole numbers.
    seed : int
        Of all draws, and of the order of the walks.
    threads : int, optional
        Default: all processors; the walks do not depend on them.

    Returns
    -------
    Walks
        An iterable of lists of str; each iteration yields the same.

    Raises
    ------
    VecmillError
        The edges cannot be read, or one of them is none.
    ValueError, TypeError
        A setting is out of range or of another type.

    Examples
    --------
    >>> import vecmill
    >>> edges = [(a, b) for group in ("abcde", "vwxyz") for a in group for b in group if a < b] + [("a", "v")]
    >>> nodes = vecmill.train(vecmill.walks(edges), dimension=16, window=3, sample=0, threads=1)
    >>> sorted(word for word, _ in nodes.most_similar("c", topn=4))
    ['a', 'b', 'd', 'e']
    """
    from embeddings.setting_types import require_type

    for name, value in {"source": source, "target": target, "weight": weight}.items():
        require_type(name, value, str | None)
    require_type("directed", directed, bool)
    require_type("header", header, bool | None)
    from embeddings.graphs import Graph, Walks, edges_of_columns, edges_of_pairs, read_edges, require_walk_settings

    require_walk_settings(p=p, q=q, walks=walks, length=length, seed=seed, threads=threads)

    if isinstance(edges, (str, PathLike)):
        require_path("edges", edges)
        batches = read_edges(edges, source=source, target=target, weight=weight, header=header)
    elif columns_of(edges) is not None:
        batches = edges_of_columns(edges, source=source, target=target, weight=weight)
    elif is_sequence(edges):
        batches = edges_of_pairs(edges)
    else:
        raise TypeError(f"edges is {described(edges)}; expected a path, a data frame, or pairs (source, target)")
    graph = Graph.from_edges(batches, directed=directed)
    return Walks(graph, p=p, q=q, walks=walks, length=length, seed=seed, threads=threads)
