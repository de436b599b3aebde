"""Encoding: the same shards for any blocks, threads and table sizes, no sentence cut, damage found."""

import errno

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.errors import EmbeddingsError
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.encoded_corpus import EncodedCorpus, encode_corpus
from embeddings.text.tokenized_corpus import tokenize_corpus
from embeddings.text.tokenizer.tokenizers import make_tokenizer
from embeddings.text.vocabulary import Vocabulary
from tests.reference import corpus as reference
from tests.reference import tokenization as reference_tokenizer
from tests.zipf_text import SmallPieces, blocks, random_text
from vecmill.errors import OutputError


def sentences(corpus: EncodedCorpus) -> list[list[list[int]]]:
    """Sentences by shard."""
    result = []
    for shard in corpus.shards:
        assert shard.ids.dtype == np.int32
        assert shard.offsets.dtype == np.int64
        assert shard.offsets[0] == 0
        assert shard.offsets[-1] == len(shard.ids)
        pairs = zip(shard.offsets[:-1], shard.offsets[1:], strict=True)
        result.append([shard.ids[start:end].tolist() for start, end in pairs])
    return result


@pytest.mark.parametrize("size", [1, 50, 10**6])
@pytest.mark.parametrize("threads", [1, 3])
def test_shards_do_not_depend_on_blocks_threads_and_table_size(tmp_path, size, threads):
    text = random_text(size)
    lines, passed_over = reference_tokenizer.tokenize(text)
    tokenized = tokenize_corpus(blocks(text, size), SmallPieces(), tmp_path / "t", threads=threads, table_bytes=1)
    vocabulary = build_vocabulary(tokenized, min_count=2)
    encoded = encode_corpus(tokenized, vocabulary, tmp_path / "e", threads=threads, shard_tokens=100)
    expected = reference.encode(lines, list(vocabulary.words))
    for corpus in (encoded, EncodedCorpus.open(tmp_path / "e")):
        assert sentences(corpus) == reference.shards(expected, 100)
        assert corpus.token_count == sum(map(len, expected)) == vocabulary.counts.sum()
        assert corpus.sentence_count == len(expected)
        assert corpus.vocabulary_size == len(vocabulary)
        assert corpus.vocabulary_sha256 == vocabulary.fingerprint()
        outside = tokenized.token_count - corpus.token_count
        assert corpus.dropped == {"words not in the vocabulary": outside, **passed_over}


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1), st.integers(1, 6))
@settings(max_examples=50)
def test_no_sentence_is_cut(tmp_path_factory, lines, shard_tokens):
    path = tmp_path_factory.mktemp("corpus")
    text = "\n".join(" ".join(line) for line in lines).encode()
    tokenized = tokenize_corpus(blocks(text, 3), make_tokenizer(), path / "t", threads=2)
    vocabulary = Vocabulary.from_words(list("dba"))
    expected = reference.encode(lines, "dba")
    if not expected:
        with pytest.raises(EmbeddingsError, match="is in the vocabulary of 3 words"):
            encode_corpus(tokenized, vocabulary, path / "e")
        assert [found.name for found in path.iterdir()] == ["t"]
        return
    corpus = encode_corpus(tokenized, vocabulary, path / "e", shard_tokens=shard_tokens)
    assert sentences(corpus) == reference.shards(expected, shard_tokens)


def encoded(tmp_path) -> EncodedCorpus:
    tokenized = tokenize_corpus([b"a b a\nb c\nd a b"], make_tokenizer(), tmp_path / "t")
    return encode_corpus(tokenized, build_vocabulary(tokenized, min_count=1), tmp_path / "e", shard_tokens=2)


def test_shards_are_a_sequence(tmp_path):
    shards = encoded(tmp_path).shards
    assert len(shards) == 3
    assert [len(shard.ids) for shard in shards] == [3, 2, 3]
    assert shards[-1].ids.tolist() == shards[2].ids.tolist() == [3, 0, 1]
    assert [len(shard.ids) for shard in shards[1:]] == [2, 3]
    with pytest.raises(IndexError):
        shards[3]
    with pytest.raises(ValueError, match="read-only"):
        shards[0].ids[0] = 1


def test_damage_is_found_by_its_hash(tmp_path):
    encoded(tmp_path)
    path = tmp_path / "e" / "train-ids-1.npy"
    original = path.read_bytes()
    for damaged in (original[:-1], original[:-1] + bytes([original[-1] ^ 1]), b""):
        path.write_bytes(damaged)
        with pytest.raises(EmbeddingsError, match=r"ids-1.npy is damaged; encode the corpus again"):
            EncodedCorpus.open(tmp_path / "e")
    assert EncodedCorpus.open(tmp_path / "e", verify=False).token_count == 8
    path.unlink()
    with pytest.raises(EmbeddingsError, match=r"ids-1.npy.*No such file"):
        EncodedCorpus.open(tmp_path / "e")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_damaged_description(tmp_path, content):
    encoded(tmp_path)
    (tmp_path / "e" / "encoded.json").write_text(content)
    with pytest.raises(EmbeddingsError, match="encode the corpus again"):
        EncodedCorpus.open(tmp_path / "e")


def test_other_directories(tmp_path):
    with pytest.raises(EmbeddingsError, match="expected an encoded corpus"):
        EncodedCorpus.open(tmp_path)
    encoded(tmp_path)
    with pytest.raises(OutputError, match="exists"):
        encode_corpus(
            tokenize_corpus([b"a"], make_tokenizer(), tmp_path / "u"), Vocabulary.from_words(list("a")), tmp_path / "e"
        )


def test_provisional_ids_out_of_range_are_found(tmp_path):
    tokenized = tokenize_corpus([b"a b a\n"], make_tokenizer(), tmp_path / "t", threads=1)
    for number in (3, -1, 2**31 - 1):
        np.array([1, 2, number, 0], np.int32).tofile(tmp_path / "t" / "ids-0.bin")
        with pytest.raises(EmbeddingsError, match="damaged; tokenize the corpus again"):
            encode_corpus(tokenized, Vocabulary.from_words(list("ab")), tmp_path / "e")
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_full_disk_is_reported_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    tokenized = tokenize_corpus([b"a b a\n"], make_tokenizer(), tmp_path / "t")
    monkeypatch.setattr("embeddings.text.encoded_corpus.ArrayFile.append", full)
    with pytest.raises(OutputError, match=r"cannot write .*No space left on device; free some space"):
        encode_corpus(tokenized, Vocabulary.from_words(list("ab")), tmp_path / "e")
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
