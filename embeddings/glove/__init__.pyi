from .config import GloVeConfig as GloVeConfig
from .model import GloVe as GloVe
from .shuffled_pairs import ShuffledPairs as ShuffledPairs
from .shuffled_pairs import count_pairs as count_pairs
