from .recursive import RecursiveNN as RecursiveNN
from .tree_batch import TreeBatch as TreeBatch
from .tree_lstm import BinaryTreeLSTM as BinaryTreeLSTM
from .tree_lstm import ChildSumTreeLSTM as ChildSumTreeLSTM
from .tree_lstm import TreeLSTM as TreeLSTM
