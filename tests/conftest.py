"""Fixtures that more than one test module uses."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from embeddings import EncodedCorpus, Vocabulary, build_vocabulary, encode_corpus, make_tokenizer, tokenize_corpus
from tests.topics import topic_lines

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile("untimed", deadline=None)  # nothing is timed: the machine may be busy with something else
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real text and evaluation sets; tests that need it skip where it is missing."""
    folder = Path(os.environ.get("VECMILL_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "corpora").is_dir():
        pytest.skip(f"no real text in {folder}; set VECMILL_SHARED to try this test")
    return folder


@pytest.fixture(scope="session")
def encoded(tmp_path_factory) -> tuple[EncodedCorpus, Vocabulary]:
    """Encoded text of two topics and its vocabulary."""
    folder = tmp_path_factory.mktemp("encoded")
    blocks = ["\n".join(topic_lines(400)).encode() + b"\n"]
    tokenized = tokenize_corpus(blocks, make_tokenizer("fast"), folder / "tokenized")
    vocabulary = build_vocabulary(tokenized, min_count=1)
    return encode_corpus(tokenized, vocabulary, folder / "encoded"), vocabulary


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their parameter: compressed bytes hold the time, and every worker must collect the same names."""
    return argname if isinstance(val, bytes) else None
