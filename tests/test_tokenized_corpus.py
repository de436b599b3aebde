"""Tokenized text: the same vocabulary for any blocks, threads and table sizes; failures leave nothing."""

import errno
import json
import threading

import pytest

from embeddings.errors import EmbeddingsError
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.tokenized_corpus import TokenizedCorpus, tokenize_corpus
from embeddings.text.tokenizer.tokenizers import make_tokenizer
from tests.reference import corpus as reference
from tests.reference import tokenization as reference_tokenizer
from tests.zipf_text import SmallPieces, blocks, random_text
from vecmill.errors import OutputError


@pytest.mark.parametrize("size", [1, 50, 10**6])
@pytest.mark.parametrize("threads", [1, 3])
def test_vocabulary_does_not_depend_on_blocks_threads_and_table_size(tmp_path, size, threads):
    text = random_text(size + threads)
    lines, passed_over = reference_tokenizer.tokenize(text)
    tokenized = tokenize_corpus(blocks(text, size), SmallPieces(), tmp_path / "t", threads=threads, table_bytes=1)
    assert len(tokenized.spills()) > 3
    assert tokenized.skipped == passed_over
    assert tokenized.token_count == sum(map(len, lines))
    assert tokenized.byte_count == len(text)
    for options in ({"min_count": 1}, {"min_count": 3}, {"min_count": 2, "max_vocabulary": 10}):
        expected = reference.vocabulary(lines, **options)
        for corpus in (tokenized, TokenizedCorpus.open(tmp_path / "t")):
            found = build_vocabulary(corpus, **options)
            assert dict(zip(found.words, found.counts.tolist(), strict=True)) == expected
            assert list(found.words) == list(expected)


def test_words_are_counted_in_several_passes(tmp_path, monkeypatch):
    text = random_text(5)
    tokenized = tokenize_corpus([text], make_tokenizer(), tmp_path / "t", threads=1)
    expected = build_vocabulary(tokenized, min_count=2), build_vocabulary(tokenized, min_count=1, max_vocabulary=20)
    monkeypatch.setattr("embeddings.text.build_vocabulary._WORDS_PER_PASS", 10)
    assert (
        build_vocabulary(tokenized, min_count=2),
        build_vocabulary(tokenized, min_count=1, max_vocabulary=20),
    ) == expected


def ids_of_words(tokenized: TokenizedCorpus) -> list[list[str]]:
    """Lines as they are on disk."""
    lines: list[list[str]] = [[]]
    for part, (worker, generation) in enumerate(tokenized.parts[:, :2].tolist()):
        words = tokenized.spilled_counts(worker, generation)
        spellings = dict(zip(words.ids().tolist(), map(bytes.decode, words.words().words.to_bytes()), strict=True))
        for number in tokenized.ids(part).tolist():
            lines[-1].append(spellings[number]) if number else lines.append([])
    return [line for line in lines if line]


@pytest.mark.parametrize("spec", ["fast", "whitespace", "nltk:wordpunct", str.split])
def test_every_tokenizer_writes_the_same_format(tmp_path, spec):
    text = random_text(6, 100).replace(b"\xff", b"?")
    tokenizer = make_tokenizer(spec)
    tokenized = tokenize_corpus(blocks(text, 30), tokenizer, tmp_path / "t", table_bytes=2000)
    assert ids_of_words(tokenized) == [line for line in tokenizer.tokenize(text.decode()) if line]
    assert tokenized.tokenizer == tokenizer.settings


def test_progress_counts_bytes(tmp_path):
    seen = []
    tokenize_corpus([b"a b ", b"c "], make_tokenizer(), tmp_path / "t", progress=seen.append)
    assert seen == [4, 6]


@pytest.mark.parametrize(
    ("text", "min_count", "message"),
    [
        (b"", 5, "the corpus has no words"),
        (b" ,.\n", 1, "the corpus has no words"),
        (b"x" * 100_000, 1, r"no words \(left out: 1 words longer than \d+ bytes\); give it some text"),
        ("слово дело".encode("cp1251") * 9, 1, r"no words \(left out: \d+ invalid UTF-8 sequences\); .*iconv"),
        (b"a b b a c", 5, "no word reaches min_count=5; 3 words would at min_count=1; the corpus has 5 words"),
        (b"a b b", 2, "only one word reaches min_count=2; 2 words would"),
        (b"a a a", 1, "one distinct word; training needs at least two"),
    ],
)
def test_too_few_words(tmp_path, text, min_count, message):
    tokenized = tokenize_corpus([text], make_tokenizer(), tmp_path / "t")
    with pytest.raises(EmbeddingsError, match=message):
        build_vocabulary(tokenized, min_count=min_count)


@pytest.mark.parametrize("options", [{"min_count": 0}, {"max_vocabulary": 1}])
def test_wrong_options(tmp_path, options):
    tokenized = tokenize_corpus([b"a b"], make_tokenizer(), tmp_path / "t")
    with pytest.raises(ValueError, match=f"{next(iter(options))}=.*expected at least"):
        build_vocabulary(tokenized, **options)
    with pytest.raises(ValueError, match="threads is 0"):
        tokenize_corpus([b"a b"], make_tokenizer(), tmp_path / "u", threads=0)


def test_existing_directory_is_kept(tmp_path):
    (tmp_path / "t").mkdir()
    tokenize_corpus([b"a b"], make_tokenizer(), tmp_path / "t")
    with pytest.raises(OutputError, match="exists; remove it"):
        tokenize_corpus([b"c d"], make_tokenizer(), tmp_path / "t")
    assert ids_of_words(TokenizedCorpus.open(tmp_path / "t")) == [["a", "b"]]


def test_errors_while_reading_leave_nothing(tmp_path):
    threads = threading.active_count()

    def failing():
        yield b"some text "
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        tokenize_corpus(failing(), make_tokenizer(), tmp_path / "t")
    with pytest.raises(EmbeddingsError, match="expected a list"):
        tokenize_corpus([b"a\n"] * 9, make_tokenizer(lambda line: 1), tmp_path / "t")
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


def test_full_disk_is_reported_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("embeddings.text.tokenized_corpus.write_spilled_counts", full)
    with pytest.raises(OutputError, match=r"cannot write .*No space left on device; free some space"):
        tokenize_corpus([b"a b"], make_tokenizer(), tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        tokenize_corpus([b"a b"], make_tokenizer(), tmp_path / "file" / "t")


def test_leftover_of_a_killed_process_is_replaced(tmp_path):
    (tmp_path / ".t.partial").mkdir()
    (tmp_path / ".t.partial" / "junk").write_text("")
    tokenize_corpus([b"a b"], make_tokenizer(), tmp_path / "t")
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
    assert not (tmp_path / "t" / "junk").exists()


def test_damaged_directories(tmp_path):
    tokenized = tokenize_corpus([b"a b\nc\n"], make_tokenizer(), tmp_path / "t", threads=1)
    with pytest.raises(EmbeddingsError, match=r"has no tokenized\.json"):
        TokenizedCorpus.open(tmp_path)
    about = tmp_path / "t" / "tokenized.json"
    original = about.read_text()
    for content in ("{", "[]", "{}", json.dumps({**json.loads(original), "format": 99}), '{"format": 1}'):
        about.write_text(content)
        with pytest.raises(EmbeddingsError, match="tokenize the corpus again"):
            TokenizedCorpus.open(tmp_path / "t")
    for name, read in [
        ("ids-0.bin", lambda: tokenized.ids(0)),
        ("words-0-0.bin", lambda: tokenized.spilled_counts(0, 0)),
    ]:
        path = tmp_path / "t" / name
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(EmbeddingsError, match=f"{name}.*tokenize the corpus again"):
            read()
        path.unlink()
        with pytest.raises(EmbeddingsError, match=f"{name}.*tokenize the corpus again"):
            read()


def test_damaged_words_are_found(tmp_path):
    tokenized = tokenize_corpus([b"a b c a b"], make_tokenizer(), tmp_path / "t", threads=1)
    path = tmp_path / "t" / "words-0-0.bin"
    original = path.read_bytes()
    header = 8 * (2 + 256)
    for place in (0, 8, 16, header - 8, header, header + 16, header + 6 * 8, header + 8 * 8):
        for value in (-1, 99):
            path.write_bytes(original[:place] + value.to_bytes(8, "little", signed=True) + original[place + 8 :])
            if path.read_bytes() != original:
                with pytest.raises(EmbeddingsError, match=r"words-0-0\.bin is damaged"):
                    generation = tokenized.spilled_counts(0, 0)
                    generation.words(), generation.ids()


def test_korean_wikipedia(tmp_path, shared_data):
    import lzma

    with lzma.open(shared_data / "corpora" / "wiki-ko-20mb.txt.xz") as file:
        text = file.read(100_000)
    text = text[: text.rindex(b"\n") + 1]
    lines, passed_over = reference_tokenizer.tokenize(text)
    tokenized = tokenize_corpus(blocks(text, 30_000), make_tokenizer(), tmp_path / "t")
    found = build_vocabulary(tokenized, min_count=2)
    assert dict(zip(found.words, found.counts.tolist(), strict=True)) == reference.vocabulary(lines, 2)
    assert tokenized.skipped == passed_over
