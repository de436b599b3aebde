"""Phrases of a tokenized text against the reference: counts, scores, joined ids, in bounded memory and by threads."""

import errno
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.errors import EmbeddingsError
from embeddings.text import numbered_text, phrase_counts
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.encoded_corpus import encode_corpus
from embeddings.text.phrase_kernels import HASHES, hash_words, word_keys
from embeddings.text.phrase_table import PhraseSettings
from embeddings.text.phrases import find_phrases, join_found_phrases, join_given_phrases
from embeddings.text.tokenized_corpus import TokenizedCorpus, tokenize_corpus
from embeddings.text.tokenizer.counted_words import Words
from embeddings.text.tokenizer.token_lists import TokenLists
from tests.reference import phrases as reference
from vecmill.errors import OutputError

WORDS = st.sampled_from(["a", "b", "c", "d", "a_b", "b_c", "of", "the", "_", "ab", "é"])
SENTENCES = st.lists(st.lists(WORDS, max_size=12), min_size=1, max_size=30).filter(any)
SETTINGS = st.builds(
    PhraseSettings,
    passes=st.integers(1, 3),
    threshold=st.sampled_from([0.05, 0.3, 0.9]),
    scorer=st.sampled_from(["original", "npmi"]),
    min_count=st.integers(1, 3),
    connector_words=st.sampled_from(["", "of the"]),
    delimiter=st.sampled_from(["_", "", "-of-"]),
)


def tokenized_lists(sentences, folder, at_once=5, **options):
    blocks = [sentences[first : first + at_once] for first in range(0, len(sentences), at_once)]
    return tokenize_corpus(blocks, TokenLists(), folder / "tokenized", **options)


def sentences_of(corpus):
    """Read the sentences of a tokenized corpus, without empty ones."""
    words = {}
    for place in corpus.spills():
        spilled = corpus.spilled_counts(*place)
        names = map(bytes.decode, spilled.words().words.to_bytes())
        words[place] = {0: None} | dict(zip(spilled.ids().tolist(), names, strict=True))
    sentences = [[]]
    for number, part in enumerate(corpus.parts.tolist()):
        for word in map(words[part[0], part[1]].__getitem__, corpus.ids(number).tolist()):
            if word is None:
                sentences.append([])
            else:
                sentences[-1].append(word)
    return [sentence for sentence in sentences if sentence]


def expected(sentences, settings):
    """Return the phrases of each pass and the joined sentences of the reference."""
    about = {"delimiter": settings.delimiter, "connectors": settings.connectors}
    passes = []
    for _ in range(settings.passes):
        options = {"threshold": settings.lowest_score, "scorer": settings.scorer, "min_count": settings.min_count}
        passes.append(reference.find(sentences, **options, **about))
        sentences = [reference.join(sentence, passes[-1], **about) for sentence in sentences]
    return passes, [sentence for sentence in sentences if sentence]


def check(table, joined, sentences, settings):
    passes, text = expected(sentences, settings)
    for found, wanted in zip(table.passes, passes, strict=True):
        assert {phrase.parts for phrase in found} == wanted.keys()
        for phrase in found:
            assert (phrase.count, phrase.score) == pytest.approx(wanted[phrase.parts], rel=1e-12)
        assert [phrase.score for phrase in found] == sorted((phrase.score for phrase in found), reverse=True)
    assert sentences_of(joined) == text
    assert [joined_tokens for sentence in sentences if (joined_tokens := table.join(sentence))] == text
    counts = {}
    for sentence in text:
        for word in sentence:
            counts[word] = counts.get(word, 0) + 1
    spilled = joined.spilled_counts(0, 0)
    names = map(bytes.decode, spilled.words().words.to_bytes())
    assert dict(zip(names, spilled.words().counts.tolist(), strict=True)) == counts
    assert (joined.token_count, joined.word_count) == (sum(counts.values()), len(counts))


@settings(max_examples=40)
@given(SENTENCES, SETTINGS, st.integers(1, 9), st.integers(1, 3), st.sampled_from([None, 1]))
def test_phrases_scores_and_joined_text_are_those_of_the_reference(sentences, found_by, at_once, threads, table_bytes):
    with tempfile.TemporaryDirectory() as name:
        tokenized = tokenized_lists(sentences, Path(name), at_once, table_bytes=table_bytes)
        try:
            table, joined = join_found_phrases(tokenized, Path(name, "joined"), found_by, threads=threads)
        except EmbeddingsError as error:
            assert "one word in every sentence" in str(error)
            return
        check(table, joined, sentences, found_by)
        assert find_phrases(tokenized, found_by, threads=threads).passes == table.passes
        again = join_given_phrases(tokenized, Path(name, "again"), table, threads=threads)
        assert sentences_of(again) == sentences_of(joined)


@pytest.mark.parametrize("threads", [1, 3])
def test_counts_are_exact_when_tables_are_full(tmp_path, monkeypatch, threads):
    rng = np.random.default_rng(3)
    sentences = [[f"w{number}" for number in rng.zipf(1.5, 20) if number < 400] for _ in range(150)]
    found_by = PhraseSettings(passes=2, threshold=3, min_count=2)
    tokenized = tokenized_lists(sentences, tmp_path)
    monkeypatch.setattr(phrase_counts, "_FEWEST_SLOTS", 16)
    monkeypatch.setattr(phrase_counts, "PIECE", 8)
    monkeypatch.setattr(numbered_text, "_STRETCH", 50)
    monkeypatch.setattr(numbered_text, "_IDS_AT_ONCE", 4)
    whole = find_phrases(tokenized, found_by, threads=threads)
    passes = []
    add_pairs = phrase_counts._add_pairs
    monkeypatch.setattr(phrase_counts, "_add_pairs", lambda *given: passes.append(1) or add_pairs(*given))
    table, joined = join_found_phrases(tokenized, tmp_path / "joined", found_by, threads=threads, table_bytes=1 << 12)
    assert len(passes) > 4, "the text was to be read several times"
    assert table == whole
    check(table, joined, sentences, found_by)


def test_a_sentence_may_be_in_many_blocks_of_text(tmp_path):
    text = b"new york is in new york state and new york city is in new york\n" * 30
    from embeddings import make_tokenizer

    blocks = [text[first : first + 16] for first in range(0, len(text), 16)]
    for name, pieces in (("cut", [text]), ("joined", [b" ".join(text.split(b"\n"))]), ("blocks", blocks)):
        tokenized = tokenize_corpus(pieces, make_tokenizer(), tmp_path / name, threads=2)
        sentences = sentences_of(tokenized)
        found_by = PhraseSettings(passes=1, threshold=0.1)
        table, joined = join_found_phrases(tokenized, tmp_path / f"{name}-joined", found_by, threads=2)
        check(table, joined, sentences, found_by)
        assert "new_york" in table.scores


def test_the_vocabulary_and_the_ids_hold_phrases(tmp_path):
    three = ("new york a{}", "b{} new york", "new c{}")
    sentences = [text.format(number).split() for number in range(20) for text in three]
    found_by = PhraseSettings(passes=1, threshold=0.9)
    table, joined = join_found_phrases(tokenized_lists(sentences, tmp_path), tmp_path / "joined", found_by)
    assert "new_york" in table.scores
    vocabulary = build_vocabulary(joined, min_count=1)
    counts = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    assert counts["new_york"] == 40
    assert counts["new"] == 20
    assert "york" not in counts
    corpus = encode_corpus(joined, vocabulary, tmp_path / "encoded")
    [shard] = corpus.shards
    found = [
        [vocabulary.words[number] for number in shard.ids[first:last]]
        for first, last in zip(shard.offsets[:-1], shard.offsets[1:], strict=True)
    ]
    assert found == sentences_of(joined)
    assert corpus.dropped == {}


def test_a_split_text_keeps_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(numbered_text, "_STRETCH", 7)
    texts = {name: [[["new", "york", name]] * 20] for name in ("train", "valid", "test")}
    tokenized = tokenize_corpus(texts, TokenLists(), tmp_path / "tokenized")
    _, joined = join_found_phrases(tokenized, tmp_path / "joined", PhraseSettings(passes=1, threshold=0.04))
    assert joined.sources == ["train", "valid", "test"]
    by_source = dict.fromkeys(range(3), 0)
    for part in joined.parts.tolist():
        by_source[part[4]] += part[3]
    assert len(set(by_source.values())) == 1
    assert sentences_of(joined)[-1][0] == "new_york"


def test_keys_of_strings_do_not_depend_on_how_they_are_joined():
    def keys(*words):
        hashes = np.empty((len(words), HASHES), np.uint64)
        spans, found = Words.from_bytes([word.encode() for word in words]), np.empty((len(words), 2), np.uint64)
        with np.errstate(over="ignore"):
            hash_words(spans.letters, spans.starts, spans.ends, np.frombuffer(b"_", np.uint8), hashes)
            word_keys(hashes, found)
        return [tuple(row) for row in found.tolist()]

    words = ["", "a", "b", "aa", "ab", "ba", "a_b", "new_york", "é", "\0", "\0\0"] + [f"w{n}" for n in range(3000)]
    assert len(set(keys(*words))) == len(words)


@pytest.mark.parametrize("threshold", [0.001, 0.01])
def test_phrases_that_eat_every_sentence_are_an_error(tmp_path, threshold):
    tokenized = tokenized_lists([["new", "york"]] * 50, tmp_path)
    with pytest.raises(EmbeddingsError, match=r"one word in every sentence: 100% .* raise the threshold"):
        join_found_phrases(tokenized, tmp_path / "joined", PhraseSettings(passes=1, threshold=threshold))
    assert not (tmp_path / "joined").exists()


def test_phrases_of_most_words_are_a_warning(tmp_path, caplog):
    tokenized = tokenized_lists([["new", "york", "is"], ["new", "york", "was"]] * 50, tmp_path)
    join_found_phrases(tokenized, tmp_path / "joined", PhraseSettings(passes=1, threshold=0.05))
    assert "of the 300 words are parts of phrases; raise the threshold" in caplog.text


def test_bad_input_is_named(tmp_path):
    empty = tokenize_corpus([], TokenLists(), tmp_path / "empty")
    found_by = PhraseSettings(passes=1)
    with pytest.raises(EmbeddingsError, match="the corpus has no words"):
        find_phrases(empty, found_by)
    tokenized = tokenized_lists([["a", "b"]], tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    with pytest.raises(OutputError, match="there exists"):
        join_found_phrases(tokenized, tmp_path / "there", found_by)
    ids = tmp_path / "tokenized" / "ids-0.bin"
    ids.write_bytes(np.array([1, 99, 0], "<i4").tobytes())
    with pytest.raises(EmbeddingsError, match="damaged; tokenize"):
        find_phrases(tokenized, found_by)
    ids.write_bytes(b"")
    with pytest.raises(EmbeddingsError, match="cut short"):
        find_phrases(tokenized, found_by)


def test_a_full_disk_is_an_error_that_leaves_nothing(tmp_path, monkeypatch):
    def full(path, size):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    tokenized = tokenized_lists([["new", "york", "is"]] * 9, tmp_path)
    monkeypatch.setattr(numbered_text, "_mapped", full)
    with pytest.raises(OutputError, match=r"cannot write .*joined: No space left on device; free some space"):
        join_found_phrases(tokenized, tmp_path / "joined", PhraseSettings(passes=1))
    assert [path.name for path in tmp_path.iterdir()] == ["tokenized"]


def test_the_joined_text_records_the_tokenizer(tmp_path):
    tokenized = tokenized_lists([["new", "york", "is"]] * 9, tmp_path)
    _, joined = join_found_phrases(tokenized, tmp_path / "joined", PhraseSettings(passes=1, threshold=0.04))
    about = json.loads((tmp_path / "joined" / "tokenized.json").read_text())
    assert about["tokenizer"] == tokenized.tokenizer
    opened = TokenizedCorpus.open(tmp_path / "joined")
    assert replace(opened, parts=None) == replace(joined, parts=None)  # arrays have no truth value
