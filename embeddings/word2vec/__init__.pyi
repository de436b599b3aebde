from .config import Word2VecConfig as Word2VecConfig
from .model import Word2Vec as Word2Vec
from .trainer import Checkpointing as Checkpointing
from .trainer import TrainingDiverged as TrainingDiverged
from .trainer import TrainingProgress as TrainingProgress
