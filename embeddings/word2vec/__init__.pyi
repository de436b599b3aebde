from .config import Word2VecConfig as Word2VecConfig
from .model import Word2Vec as Word2Vec
