"""Intrinsic evaluation of word vectors: similarity, analogies, categorization, odd-one-out. Results are DataFrames."""

from embeddings.evaluation.analogies import evaluate_analogies
from embeddings.evaluation.benchmark_files import (
    Analogies,
    Categories,
    EvaluationSet,
    OddOneOut,
    Topic,
    WordPairs,
    read_analogies,
    read_categories,
    read_evaluation_set,
    read_odd_one_out,
    read_word_pairs,
)
from embeddings.evaluation.categorization import evaluate_categories, evaluate_odd_one_out
from embeddings.evaluation.comparison import Comparison, changed_neighbors, compare, evaluate
from embeddings.evaluation.similarity import evaluate_similarity

__all__ = [
    "Analogies",
    "Categories",
    "Comparison",
    "EvaluationSet",
    "OddOneOut",
    "Topic",
    "WordPairs",
    "changed_neighbors",
    "compare",
    "evaluate",
    "evaluate_analogies",
    "evaluate_categories",
    "evaluate_odd_one_out",
    "evaluate_similarity",
    "read_analogies",
    "read_categories",
    "read_evaluation_set",
    "read_odd_one_out",
    "read_word_pairs",
]
