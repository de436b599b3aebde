"""The transformers keep scikit-learn's contract, and their vectors are those of their definitions."""

import pickle

import numpy as np
import pytest

import vecmill
from embeddings.text.tokenizer.token_lists import NotTextError
from tests.topics import topic_lines

pytest.importorskip("sklearn", reason="needs scikit-learn: extra sklearn")
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from vecmill.sklearn import Word2VecTransformer, WordEmbeddingVectorizer

TEXTS = topic_lines(300)
FAST = {"dimension": 8, "epochs": 2, "threads": 1}
