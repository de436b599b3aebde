"""Texts split into train, valid and test: parts are as stated, nothing is dropped, counts are those of train."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.blocks import cut_blocks
from embeddings import (
    EmbeddingsError,
    EncodedCorpus,
    SplitText,
    build_vocabulary,
    encode_corpus,
    make_tokenizer,
    split_text,
    text_to_ids,
    tokenize_corpus,
)
from embeddings.text.split import BLOCK_LINES, PARTS, dealing_cycle
from embeddings.text.vocabulary import EOS, UNK
from tests.split_text import split_ids

TOKENIZER = make_tokenizer("fast", punctuation=True)
WHITE_SPACE = make_tokenizer("whitespace", lowercase=False)
CYCLE = 20


def words(corpus, part):
    return [corpus.vocabulary.words[i] for i in getattr(corpus, part)]


def lines_of(corpus, part):
    return " ".join(words(corpus, part)).replace(f" {EOS}", "\n").replace("\n ", "\n").splitlines()


def test_blocks_of_lines_are_dealt_out():
    lines = [f"w{i} x" for i in range(BLOCK_LINES * CYCLE * 2 + 7)]
    corpus = split_ids([("\n".join(lines) + "\n").encode()], WHITE_SPACE)
    place = [i // BLOCK_LINES % CYCLE for i in range(len(lines))]
    assert lines_of(corpus, "train") == [line for line, p in zip(lines, place, strict=True) if p < CYCLE - 2]
    assert UNK not in words(corpus, "train")
    assert [len(getattr(corpus, part)) // 3 for part in PARTS] == [1807, 100, 100]
    assert words(corpus, "valid").count(UNK) == len(corpus.valid) // 3


def plain_split(lines, block_lines, cycle):
    """The definition: lines with a word, dealt out in blocks."""
    parts = {part: [] for part in PARTS}
    for number, line in enumerate(line for line in lines if line):
        parts[PARTS[cycle[number // block_lines % len(cycle)]]].append(line)
    return parts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("ab \n.", max_size=12), min_size=1, max_size=40),
    st.integers(1, 40),
    st.integers(1, 3),
    st.sampled_from([(0.05, 0.05), (0.1, 0.2), (0.25, 0.5), (0.02, 0.04)]),
)
def test_the_split_is_that_of_the_definition(tmp_path_factory, pieces, size, threads, shares):
    cycle = dealing_cycle(*shares)
    text = "".join(pieces) + "\na b .\n" * len(cycle)
    blocks = cut_blocks([text.encode()], size)
    folder = tmp_path_factory.mktemp("split")
    tokenized = tokenize_corpus(blocks, TOKENIZER, folder / "t", threads=threads, table_bytes=1)
    split = split_text(tokenized, folder / "s", valid=shares[0], test=shares[1], threads=threads)
    vocabulary = build_vocabulary(tokenized, min_count=1, split=SplitText.open(folder / "s"))
    corpus = encode_corpus(tokenized, vocabulary, folder / "e", threads=threads, shard_tokens=7, split=split)
    lines = [line for line in TOKENIZER.tokenize(text) if line]
    expected = plain_split(lines, max(1, min(BLOCK_LINES, len(lines) // len(cycle))), cycle)
    assert split.lines == {part: len(found) for part, found in expected.items()}
    in_train = [word for line in expected["train"] for word in line]
    assert split.tokens == len(in_train)
    counts = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    assert counts.pop(EOS) == len(expected["train"])
    assert counts.pop(UNK) == 0
    assert counts == {word: in_train.count(word) for word in set(in_train)}
    for part, found in expected.items():
        stream = [vocabulary.words[i] for i in corpus.part(part).stream()[:]]
        assert stream == [word for line in found for word in (*(word if word in counts else UNK for word in line), EOS)]
        assert corpus.parts[part].token_count == len(stream)
        assert corpus.parts[part].sentence_count == len(found)
        assert corpus.parts[part].unknown_count == stream.count(UNK)
    assert EncodedCorpus.open(folder / "e") == corpus


@pytest.mark.parametrize("spec", ["fast", "nltk:wordpunct", str.split])
def test_every_word_of_three_texts_is_there(spec):
    tokenizer = make_tokenizer(spec, punctuation=True)
    texts = {"train": "a b .\n\n.c", "valid": "c d\ne", "test": "a\n\n"}
    corpus = split_ids({part: [text.encode()] for part, text in texts.items()}, tokenizer)
    assert words(corpus, "train") == ["a", "b", ".", EOS, *tokenizer.tokenize(".c")[0], EOS]
    assert len(corpus.valid) == 5
    assert words(corpus, "test") == ["a", EOS]
    assert corpus.vocabulary.counts.sum() == len(corpus.train)


def test_the_vocabulary_counts_what_it_leaves_out_as_unknown():
    blocks = {"train": [b"a a a b b c\n"], "valid": [b"c d\n"], "test": [b"a\n"]}
    for limits in ({"min_count": 2}, {"max_vocabulary": 4}):
        corpus = split_ids(blocks, WHITE_SPACE, **limits)
        assert list(zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True)) == [
            (UNK, 1),
            (EOS, 1),
            ("a", 3),
            ("b", 2),
        ]
        assert words(corpus, "valid") == [UNK, UNK, EOS]


def test_unk_and_eos_in_the_text_are_those_of_the_vocabulary():
    corpus = split_ids({part: [b"a <unk> b <eos>\n"] for part in PARTS}, WHITE_SPACE)
    assert words(corpus, "train") == ["a", UNK, "b", EOS, EOS]
    assert list(corpus.vocabulary.words) == [UNK, EOS, "a", "b"]
    assert corpus.vocabulary.counts.tolist() == [1, 2, 1, 1]


@pytest.mark.parametrize("limits", [{"min_count": 2}, {"max_vocabulary": 4}])
def test_the_count_of_eos_is_exact_where_it_is_rare_in_the_text(limits):
    corpus = split_ids({part: [b"a a a a b b b c c <unk> <eos>\n"] for part in PARTS}, WHITE_SPACE, **limits)
    counted = {word: words(corpus, "train").count(word) for word in corpus.vocabulary.words}
    assert counted[EOS] == 2
    assert dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True)) == counted


def test_a_prefix_of_the_vocabulary_reads_other_words_as_unknown(tmp_path):
    blocks = {"train": [b"a a a b b c\n"], "valid": [b"c d b\n"], "test": [b"a\n"]}
    vocabulary, corpus = text_to_ids(blocks, WHITE_SPACE, tmp_path, min_count=1, split=True)
    prefix = vocabulary.prefix(3)
    assert list(zip(prefix.words, prefix.counts.tolist(), strict=True)) == [(UNK, 3), (EOS, 1), ("a", 3)]
    assert vocabulary.prefix(min_count=2).words == (UNK, EOS, "a", "b")
    assert vocabulary.prefix() is vocabulary
    stream = corpus.part("train").stream(len(prefix))
    assert [prefix.words[i] for i in stream[:]] == ["a", "a", "a", UNK, UNK, UNK, EOS]
    assert corpus.part("train").stream(3).fingerprint() != corpus.part("train").stream().fingerprint()


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_stream_reads_any_stretch(stream_of_shards, first, last):
    stream, expected = stream_of_shards
    assert len(stream) == len(expected)
    np.testing.assert_array_equal(stream[first:last], expected[first:last])


@pytest.fixture(scope="module")
def stream_of_shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    text = b"".join(b"w%d x\n" % i for i in range(5)) + b"\nlong line of words\n"
    tokenized = tokenize_corpus({part: [text] for part in PARTS}, WHITE_SPACE, folder / "t")
    split = split_text(tokenized, folder / "s")
    vocabulary = build_vocabulary(tokenized, min_count=1, split=split)
    corpus = encode_corpus(tokenized, vocabulary, folder / "e", shard_tokens=4, split=split).part("valid")
    return corpus.stream(), np.concatenate([shard.ids for shard in corpus.shards])


@pytest.mark.parametrize(
    ("text", "message"), [(b"", "no text for"), (b"\n\n", "no text for"), (b"one\n", "no text for valid")]
)
def test_too_little_text_is_refused(text, message):
    with pytest.raises(EmbeddingsError, match=message):
        split_ids([text], TOKENIZER)
    with pytest.raises(EmbeddingsError, match=r"no text for test: expected at least one line of words$"):
        split_ids({"train": [b"a b\n"], "valid": [b"c\n"], "test": [text[:0]]}, TOKENIZER)


def test_short_texts_are_split_into_fewer_lines_a_block():
    corpus = split_ids([b"a b\n" * CYCLE], TOKENIZER)
    assert [len(getattr(corpus, part)) // 3 for part in PARTS] == [CYCLE - 2, 1, 1]


@pytest.mark.parametrize(
    ("shares", "message"),
    [((0, 0.1), "valid is 0"), ((0.1, 1.0), "test is 1"), ((0.5, 0.5), "below 1"), ((0.1, 1e-5), "three decimals")],
)
def test_impossible_shares_are_refused(shares, message):
    with pytest.raises(ValueError, match=message):
        dealing_cycle(*shares)


def test_other_names_of_texts_are_refused(tmp_path):
    tokenized = tokenize_corpus({"a": [b"x\n"]}, TOKENIZER, tmp_path / "t")
    with pytest.raises(ValueError, match="expected train, valid, test"):
        split_text(tokenized, tmp_path / "s")


def test_a_text_that_is_not_split_has_one_part(tmp_path):
    _, corpus = text_to_ids([b"a b a b\n"], TOKENIZER, tmp_path, min_count=1)
    assert list(corpus.parts) == ["train"]
    with pytest.raises(EmbeddingsError, match="no part 'valid'"):
        corpus.part("valid")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": 1}', '{"format": 9}'])
def test_damaged_splits_are_found(tmp_path, content):
    tokenized = tokenize_corpus([b"a b\n" * CYCLE], TOKENIZER, tmp_path / "t")
    split_text(tokenized, tmp_path / "s")
    with pytest.raises(EmbeddingsError, match=r"has no split\.json"):
        SplitText.open(tmp_path)
    (tmp_path / "s" / "split.json").write_text(content)
    with pytest.raises(EmbeddingsError, match="split the text again"):
        SplitText.open(tmp_path / "s")


@pytest.mark.parametrize("value", [99, -1])
def test_ids_out_of_range_are_found_before_a_kernel_reads_them(tmp_path, value):
    text_to_ids([b"a b a b\n" * CYCLE], TOKENIZER, tmp_path, min_count=1, split=True)
    path = tmp_path / "encoded" / "train-ids-0.npy"
    ids = np.load(path)
    ids[3] = value
    np.save(path, ids)
    again = EncodedCorpus.open(tmp_path / "encoded", verify=False).part("train")
    with pytest.raises(EmbeddingsError, match="not below 4"):
        _ = again.shards[0]
    with pytest.raises(EmbeddingsError, match="not below 4"):
        _ = again.stream()[:5]
    offsets = tmp_path / "encoded" / "train-offsets-0.npy"
    np.save(path, np.zeros_like(ids))
    for damaged in ([0, 5, 3, len(ids)], [0, len(ids) + 1], [1, len(ids)], [0, 0, len(ids)]):
        np.save(offsets, np.array(damaged))
        with pytest.raises(EmbeddingsError, match="damaged"):
            _ = EncodedCorpus.open(tmp_path / "encoded", verify=False).part("train").shards[0]
