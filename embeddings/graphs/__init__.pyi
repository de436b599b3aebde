from .edge_lists import Edges as Edges
from .edge_lists import edges_of_columns as edges_of_columns
from .edge_lists import edges_of_pairs as edges_of_pairs
from .edge_lists import read_edges as read_edges
from .graph import Graph as Graph
from .walks import Walks as Walks
from .walks import require_walk_settings as require_walk_settings
