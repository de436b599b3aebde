"""Reading text: every format, every compression, bad input, and blocks that never cut a word."""

import bz2
import contextlib
import csv
import errno
import gzip
import io
import json
import lzma
import os
import random
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import CorpusError, open_corpus
from corpora import blocks as blocks_module
from corpora.blocks import cut_blocks
from corpora.corpus import digest_of_file
from corpora.sources import standard_input
from embeddings.text.tokenizer.kernels import LINE_END_ID
from vecmill import compression, make_tokenizer, train

WHITE_SPACE = b" \t\n\r\v\f"
COMPRESS = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,  # as the zstd command writes it
}
TEXT = st.text(st.sampled_from("ab é中\n\t\r\v\f \u2028\u00a0\U0001f600"), max_size=200)
BLOCK_SIZE = st.integers(1, 40)
TEXT_FILES = {"a.txt": "alpha beta\n", "b/c.txt": "gamma", "b/d.md": "delta\n"}


def read(source, block_size=1 << 22, **options):
    return b"".join(open_corpus(source, **options).blocks(block_size))


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def with_newline(text):
    data = text.encode()
    return data if data.endswith(b"\n") else data + b"\n"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


# ---------------------------------------------------------------------------------------------------------- blocks


@given(pieces=st.lists(TEXT.map(str.encode)), size=BLOCK_SIZE)
def test_blocks_are_the_text_and_end_in_white_space(pieces, size):
    pieces.append(b"\n")
    blocks = list(cut_blocks(pieces, size))
    assert b"".join(blocks) == b"".join(pieces)
    for block in blocks:
        assert block[-1] in WHITE_SPACE
        if len(block) > size:  # only a word that is longer than a block
            assert not any(mark in block[:size] for mark in WHITE_SPACE) or len(block.split()) <= size


@given(words=st.lists(st.text("abc", min_size=1, max_size=5).map(str.encode)), size=st.integers(6, 50))
def test_blocks_of_short_words_keep_their_size(words, size):
    text = b"".join(word + b" " for word in words)
    blocks = list(cut_blocks([text], size))
    assert all(len(block) <= size for block in blocks)
    assert [word for block in blocks for word in block.split()] == words


@pytest.mark.parametrize("size", range(1, 16))
@pytest.mark.parametrize("step", [1, 4, 100])
def test_no_block_ends_within_the_end_of_a_line(size, step):
    text = b"ab cd\r\n\r\nef\rgh\r\r\ni\r\n"
    pieces = [text[start : start + step] for start in range(0, len(text), step)]
    blocks = list(cut_blocks(pieces, size))
    assert b"".join(blocks) == text
    assert not any(block.endswith(b"\r") and after.startswith(b"\n") for block, after in pairwise(blocks))
    for spec in ("fast", str.split):
        counter = make_tokenizer(spec).counter()
        ids = [number for block in blocks for part in counter.ids(block) for number in part.tolist()]
        assert ids.count(LINE_END_ID) == len(text.splitlines())


def test_text_without_white_space_is_refused(monkeypatch):
    monkeypatch.setattr(blocks_module, "WORD_LIMIT", 1000)
    assert list(cut_blocks([b"x" * 900, b"\n"], 10)) == [b"x" * 900 + b"\n"]
    with pytest.raises(CorpusError, match="without any white space"):
        list(cut_blocks([b"x" * 900, b"x" * 900, b"\n"], 10))


def test_long_line_is_read_whole(tmp_path):
    line = b"word " * 2_000_000  # 10 MB, one line
    (tmp_path / "long.txt").write_bytes(line)
    blocks = list(open_corpus(tmp_path / "long.txt").blocks(1 << 20))
    assert max(map(len, blocks)) <= 1 << 20
    assert b"".join(blocks) == line + b"\n"


def test_block_size_must_be_positive(tmp_path):
    write(tmp_path, {"a.txt": "text"})
    with pytest.raises(ValueError, match="block_size is 0, expected at least 1"):
        open_corpus(tmp_path / "a.txt").blocks(0)


# ----------------------------------------------------------------------------------------------- text, compressions


@settings(max_examples=60)
@given(text=TEXT.filter(len), size=BLOCK_SIZE, suffix=st.sampled_from(list(COMPRESS)))
def test_any_text_any_compression_any_block_size(scratch, text, size, suffix):
    path = scratch / f"text.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](text.encode()))
    corpus = open_corpus(path)
    blocks = list(corpus.blocks(size))
    assert b"".join(blocks) == with_newline(text)
    assert all(block[-1] in WHITE_SPACE for block in blocks)
    assert corpus.position == corpus.size == path.stat().st_size


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_all_members_are_read(tmp_path, suffix):
    path = tmp_path / f"text.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](b"one two\n") + COMPRESS[suffix](b"") + COMPRESS[suffix](b"three\n" * 9000))
    assert read(path) == b"one two\n" + b"three\n" * 9000


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("members", [1, 2])
def test_truncated_file_is_named(tmp_path, suffix, members):
    words = " ".join(str(random.Random(members).random()) for _ in range(20000)).encode()
    data = COMPRESS[suffix](words)
    path = tmp_path / f"cut.txt{suffix}"
    path.write_bytes(data * (members - 1) + data[: len(data) // 2])
    with pytest.raises(CorpusError, match=f"cut.txt{suffix} is truncated"):
        read(path)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_damaged_file_is_named(tmp_path, suffix):
    data = bytearray(COMPRESS[suffix](" ".join(map(str, range(200_000))).encode()))
    data[-len(data) // 8 : -len(data) // 8 + 40] = bytes(40)
    (tmp_path / f"bad.txt{suffix}").write_bytes(data)
    with pytest.raises(CorpusError, match=rf"bad\.txt{suffix} is (damaged|truncated)"):
        read(tmp_path / f"bad.txt{suffix}")


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_nothing_is_lost_in_silence_where_the_beginning_of_a_further_stream_is_damaged(
    tmp_path, monkeypatch, suffix, processors
):
    monkeypatch.setattr(compression, "available_processors", lambda: processors)
    one, two = COMPRESS[suffix](b"one two\n" * 99), bytearray(COMPRESS[suffix](b"three\n" * 9000))
    two[:4] = b"junk"
    (tmp_path / f"bad.txt{suffix}").write_bytes(one + one + bytes(two))
    with pytest.raises(CorpusError, match=rf"bad\.txt{suffix} is (damaged|truncated)"):
        read(tmp_path / f"bad.txt{suffix}")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_zeros_may_follow_a_stream(tmp_path, suffix):
    one, two = COMPRESS[suffix](b"one\n"), COMPRESS[suffix](b"two\n")
    (tmp_path / f"a.txt{suffix}").write_bytes(one + bytes(8) + two + bytes(100_000))
    assert read(tmp_path / f"a.txt{suffix}") == b"one\ntwo\n"


def test_compression_is_recognised_without_its_suffix(tmp_path):
    (tmp_path / "text").write_bytes(gzip.compress(b"hello"))
    assert read(tmp_path / "text") == b"hello\n"


def test_suffix_that_promises_too_much(tmp_path):
    write(tmp_path, {"plain.txt.gz": "not compressed"})
    with pytest.raises(CorpusError, match=r"named \.gz but does not hold \.gz data; rename it"):
        read(tmp_path / "plain.txt.gz")


def test_zstandard_frames_of_user_data_and_long_windows(tmp_path):
    text = random.Random(1).randbytes(1 << 16).hex().encode() + b"\n"
    long = zstandard.ZstdCompressionParameters.from_level(1, window_log=28, write_content_size=False)
    frame = zstandard.ZstdCompressor(compression_params=long).compress(text)
    (tmp_path / "a.zst").write_bytes(b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + frame)
    assert read(tmp_path / "a.zst") == text


def test_byte_order_mark_is_stripped(tmp_path):
    write(tmp_path, {"a.txt": b"\xef\xbb\xbfhello \xef\xbb\xbf", "b.jsonl": b'\xef\xbb\xbf{"text": "x"}\n'})
    write(tmp_path, {"c.csv": b"\xef\xbb\xbftext\nx\n"})
    assert read(tmp_path / "a.txt") == b"hello \xef\xbb\xbf\n"
    assert read(tmp_path / "b.jsonl") == read(tmp_path / "c.csv") == b"x\n"


def test_invalid_utf8_is_left_to_the_tokenizer(tmp_path):
    write(tmp_path, {"a.txt": b"caf\xe9 \xff\n", "b.jsonl": b'{"text": "caf\xe9"}\n', "c.csv": b"text\ncaf\xe9\n"})
    assert read(tmp_path / "a.txt") == b"caf\xe9 \xff\n"
    assert read(tmp_path / "b.jsonl") == read(tmp_path / "c.csv") == b"caf\xe9\n"


# --------------------------------------------------------------------------------------------------------- records


@settings(max_examples=60)
@given(
    texts=st.lists(TEXT, min_size=1),
    size=BLOCK_SIZE,
    suffix=st.sampled_from(
        [f"{kind}{pack}" for kind in (".jsonl", ".csv", ".tsv") for pack in COMPRESS] + [".parquet"]
    ),
)
def test_records_of_any_format(scratch, texts, size, suffix):
    path = scratch / f"records{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"id": range(len(texts)), "text": texts}), path, row_group_size=3)
    else:
        lines = io.StringIO(newline="")
        if suffix.startswith(".jsonl"):
            lines.writelines(json.dumps({"id": 1, "text": text}) + "\n" for text in texts)
        else:
            writer = csv.writer(lines, delimiter="\t" if suffix.startswith(".tsv") else ",", quoting=csv.QUOTE_ALL)
            writer.writerows([["id", "text"], *([1, text] for text in texts)])
        pack = suffix.removeprefix(suffix[: suffix.find(".", 1)]) if suffix.count(".") > 1 else ""
        path.write_bytes(COMPRESS[pack](lines.getvalue().encode()))
    corpus = open_corpus(path)
    blocks = list(corpus.blocks(size))
    assert b"".join(blocks) == b"".join(map(with_newline, texts))
    assert all(block[-1] in WHITE_SPACE for block in blocks)
    assert corpus.position == corpus.size
    assert not corpus.warnings


def test_other_field_and_column(tmp_path):
    write(tmp_path, {"a.jsonl": '{"body": "x"}', "b.csv": "id,body\n1,x\n"})
    pq.write_table(pa.table({"body": pa.array(["x"]).dictionary_encode()}), tmp_path / "c.parquet")
    assert read(tmp_path / "a.jsonl", field="body") == b"x\n"
    assert read(tmp_path / "b.csv", column="body") == read(tmp_path / "c.parquet", column="body") == b"x\n"


def test_unusable_records_are_counted(tmp_path):
    lines = ['{"text": "one"}', "{broken", '{"title": "x"}', "", "[1]", '{"text": 5}', '{"text": "two"}', "[" * 100000]
    write(tmp_path, {"a.jsonl": "\n".join(lines), "b.csv": "id,text\n1\n\n2,two\n"})
    pq.write_table(pa.table({"text": ["one", None]}), tmp_path / "c.parquet")
    corpus = open_corpus(tmp_path / "a.jsonl")
    assert b"".join(corpus.blocks()) == b"one\ntwo\n"
    a = tmp_path / "a.jsonl"
    assert corpus.warnings == {
        f"malformed JSON line skipped (first: line 2 of {a})": 2,
        f"record without text in field 'text' skipped (first: line 3 of {a})": 3,
    }
    for name, text in [("b.csv", b"two\n"), ("c.parquet", b"one\n")]:
        corpus = open_corpus(tmp_path / name)
        assert b"".join(corpus.blocks()) == text
        ((kind, count),) = corpus.warnings.items()
        assert (kind.split(" skipped")[0], count) == ("record without column 'text'", 1)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_of_one_column_is_cut_at_no_separator(tmp_path, name, end):
    rows = ["text", "Yes, it is; or|not", '"quoted, ""twice"""', "a\ttab", "", "last"]
    content = "".join(row + end for row in rows).encode()
    write(tmp_path, {name: gzip.compress(content) if name.endswith(".gz") else content})
    corpus = open_corpus(tmp_path / name)
    assert b"".join(corpus.blocks()) == b'Yes, it is; or|not\nquoted, "twice"\na\ttab\nlast\n'
    assert corpus.warnings == {}


@pytest.mark.parametrize("source", ["data", "data/*", "data/**", "data/**/*"])
def test_what_is_no_file_in_a_folder_is_counted_once(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"data/a.txt": "one\n"})
    (tmp_path / "data/gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "data/pipe")
    corpus = open_corpus(source)
    assert b"".join(corpus.blocks()) == b"one\n"
    assert corpus.warnings == {"unreadable file skipped (first: data/gone)": 2}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_rows_that_an_open_quotation_mark_takes_are_counted(tmp_path, mark):
    rows = ["id|text", '1|"open', "2|taken", '3|a "quoted" word', '4|"over', '""two""|lines"', '5|"one" more', "6|end"]
    write(tmp_path, {"a.csv": "\n".join(rows).replace("|", mark)})
    corpus = open_corpus(tmp_path / "a.csv")
    assert b"".join(corpus.blocks()).endswith(f'over\n"two"{mark}lines\none more\nend\n'.encode())
    ((kind, number),) = corpus.warnings.items()
    assert number == 1 and kind.startswith("record over several lines whose quotation marks do not match")
    assert "line 2 of" in kind


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_fields_beyond_the_columns_are_counted(tmp_path, mark):
    rows = [
        ["id", "text"],
        ["1", "no", " quotes"],
        ["2", '"fine' + mark + 'too"'],
        ["3", "trailing", ""],
        ["4", "x", "y", "z"],
    ]
    write(tmp_path, {"a.csv": "\n".join(map(mark.join, rows))})
    corpus = open_corpus(tmp_path / "a.csv")
    assert b"".join(corpus.blocks()) == f"no\nfine{mark}too\ntrailing\nx\n".encode()
    ((kind, number),) = corpus.warnings.items()
    assert number == 2 and kind.startswith("record with more fields than the header has columns")
    assert f"(first: line 2 of {tmp_path / 'a.csv'})" in kind


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_records_that_a_line_break_without_quotation_marks_cuts_are_counted(tmp_path, end):
    rows = ["id,text,label", "1,one,x", f"2,first half{end},y", "3,three,"]
    write(tmp_path, {"a.csv": "\n".join(rows)})
    corpus = open_corpus(tmp_path / "a.csv")
    assert b"".join(corpus.blocks()) == b"one\nfirst half\ny\nthree\n"
    ((kind, number),) = corpus.warnings.items()
    assert number == 2 and kind.startswith("record with fewer fields than the header has columns")
    assert f"(first: line 3 of {tmp_path / 'a.csv'})" in kind


def test_missing_field_or_column_names_the_nearest(tmp_path):
    write(tmp_path, {"a.jsonl": '{"texts": "x", "id": 1}\n', "b.csv": "texts,id\nx,1\n"})
    pq.write_table(pa.table({"texts": ["x"], "id": [1]}), tmp_path / "c.parquet")
    for name, what in [("a.jsonl", "field"), ("b.csv", "column"), ("c.parquet", "column")]:
        with pytest.raises(CorpusError, match=rf"{what} 'text'; did you mean 'texts'\? \({what}s: 'id', 'texts'\)"):
            read(tmp_path / name)
    with pytest.raises(CorpusError, match="column 'id' holds int64, expected text"):
        read(tmp_path / "c.parquet", column="id")


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_column_of_lists_is_answered_with_what_takes_it(tmp_path, name):
    write(tmp_path, {"a.jsonl": '{"text": ["oat milk", "tea"]}\n'})
    pq.write_table(pa.table({"text": [["oat milk", "tea"]]}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match=r"holds (a )?list.*, expected .*; join the words .* vecmill\.train"):
        read(tmp_path / name)
    column = pq.read_table(tmp_path / "a.parquet")["text"]
    assert set(train(column, dimension=4, min_count=1).words) == {"oat milk", "tea"}
    assert set(train(column.to_pandas(), dimension=4, min_count=1).words) == {"oat milk", "tea"}


def test_large_csv_field_and_open_quotation_mark(tmp_path, monkeypatch):
    long = "word " * 400_000  # 2 MB, beyond the csv module's own limit
    write(tmp_path, {"a.csv": f'text\n"{long}"\n', "open.csv": 'text\nfine\n"never closed\n' + "x\n" * 1000})
    assert read(tmp_path / "a.csv") == long.encode() + b"\n"
    monkeypatch.setattr("corpora.readers.RECORD_LIMIT", 1000)
    with pytest.raises(CorpusError, match=r"open\.csv, line \d+: .*quotation mark"):
        read(tmp_path / "open.csv")


def test_endless_json_line_is_refused(tmp_path, monkeypatch):
    write(tmp_path, {"a.jsonl": '{"text": "' + "x " * 1000})
    monkeypatch.setattr("corpora.readers.RECORD_LIMIT", 1000)
    with pytest.raises(CorpusError, match="a line of more than 1,000 bytes"):
        read(tmp_path / "a.jsonl")


def test_large_parquet_records(tmp_path):
    texts = [f"{number} " * 300_000 for number in range(12)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == b"".join(with_newline(text) for text in texts)


def test_damaged_parquet(tmp_path):
    pq.write_table(
        pa.table({"text": ["one two"] * 1000}), tmp_path / "a.parquet", compression="none", use_dictionary=False
    )
    data = (tmp_path / "a.parquet").read_bytes()
    for number, bad in enumerate([data[:-20], b"no parquet", data[:100] + data[300:]]):
        (tmp_path / f"bad{number}.parquet").write_bytes(bad)
        with pytest.raises(CorpusError, match=f"bad{number}.parquet is damaged or not a Parquet file"):
            read(tmp_path / f"bad{number}.parquet")
    (tmp_path / "bad3.parquet").write_bytes(b"")
    write(tmp_path, {"text.txt": "text\n"})
    corpus = open_corpus(f"{tmp_path}/[bt]*")
    assert b"".join(corpus.blocks()).endswith(b"text\n")
    assert sum(corpus.warnings.values()) == 4


def test_a_column_of_numbers_in_a_directory_is_counted(tmp_path):
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "a.parquet")
    write(tmp_path, {"b.txt": "text\n"})
    corpus = open_corpus(tmp_path)
    assert b"".join(corpus.blocks()) == b"text\n"
    assert corpus.warnings == {"file whose column 'text' is not text skipped (first: a.parquet)": 1}


@settings(max_examples=150)
@given(
    data=st.data(),
    suffix=st.sampled_from([".txt.gz", ".txt.bz2", ".txt.xz", ".txt.zst", ".jsonl", ".csv", ".parquet"]),
)
def test_damage_is_reported_or_counted_never_a_traceback(scratch, data, suffix):
    records = [f"word{number} and more" for number in range(50)]
    if suffix == ".parquet":
        buffer = io.BytesIO()
        pq.write_table(pa.table({"text": records}), buffer)
        good = buffer.getvalue()
    elif suffix == ".jsonl":
        good = "".join(json.dumps({"text": text}) + "\n" for text in records).encode()
    else:
        good = COMPRESS[suffix.removeprefix(".txt") if suffix.startswith(".txt") else ""](
            "\n".join(["text", *records]).encode()
        )
    bad = bytearray(good[: data.draw(st.integers(0, len(good)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if bad:
            bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    path = scratch / f"fuzz{suffix}"
    path.write_bytes(bad)
    with contextlib.suppress(CorpusError):
        for block in open_corpus(path).blocks(64):
            assert block[-1] in WHITE_SPACE


# --------------------------------------------------------------------------------------------------------- sources


def test_directory_is_read_in_order(tmp_path):
    write(
        tmp_path,
        TEXT_FILES | {".hidden/x.txt": "no", ".hidden.txt": "no", "z.jsonl.gz": gzip.compress(b'{"text": "z"}')},
    )
    corpus = open_corpus(tmp_path)
    assert b"".join(corpus.blocks()) == b"alpha beta\ngamma\ndelta\nz\n"
    assert corpus.name == tmp_path.name
    assert "4 files" in corpus.description
    assert corpus.position == corpus.size
    assert read(f"{tmp_path}/**/*.txt") == b"alpha beta\ngamma\n"
    assert read(f"{tmp_path}/*") == read(tmp_path)


def test_binary_and_unreadable_files_in_a_directory_are_counted(tmp_path):
    files = {
        "a.txt": "text\n",
        "b.bin": b"\0\1\2",
        "c.jpg": b"\xff\xd8\0",
        "d.txt": "x".encode("utf-16"),
        "e.csv": "id\n1\n",
    }
    write(tmp_path, files)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    corpus = open_corpus(tmp_path)
    assert b"".join(corpus.blocks()) == b"text\n"
    assert corpus.warnings == {
        f"unreadable file skipped (first: {tmp_path}/gone.txt)": 1,
        "binary file skipped (first: b.bin)": 2,
        "UTF-16 file skipped (first: d.txt)": 1,
        "file without column 'text' skipped (first: e.csv)": 1,
    }
    assert read(f"{tmp_path}/[ab].*") == b"text\n"


def test_file_that_cannot_be_opened(tmp_path, monkeypatch):
    write(tmp_path, {"a.txt": "text\n", "b.txt": "secret\n"})
    directory, alone = open_corpus(tmp_path), open_corpus(tmp_path / "b.txt")
    (tmp_path / "b.txt").unlink()
    assert b"".join(directory.blocks()) == b"text\n"
    assert directory.warnings == {"unreadable file skipped (first: b.txt)": 1}
    with pytest.raises(CorpusError, match=r"cannot open .*b\.txt: No such file"):
        list(alone.blocks())


class _Failing(io.RawIOBase):
    """A file whose reading raises an error."""

    def __init__(self, error):
        self.error = error

    def readable(self):
        return True

    def readinto(self, buffer):
        raise self.error


OF_THE_PROCESS = [
    (OSError(errno.EMFILE, "Too many open files"), CorpusError, r"cannot read .*: too many open files.*ulimit -n"),
    (OSError(errno.ENFILE, "Too many open files"), CorpusError, r"cannot read .*: too many open files.*ulimit -n"),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), OSError, "Cannot allocate memory"),
    (MemoryError(), MemoryError, None),
]


@pytest.mark.parametrize(("error", "kind", "message"), OF_THE_PROCESS)
@pytest.mark.parametrize("reading", [False, True])
def test_a_file_of_a_directory_is_not_skipped_for_want_of_means_to_read_it(tmp_path, error, kind, message, reading):
    write(tmp_path, {"a.txt": "text\n", "b.txt": "more\n"})

    def failing():
        if reading:
            return _Failing(error)
        raise error

    corpus = open_corpus(tmp_path)
    corpus.files = (corpus.files[0], replace(corpus.files[1], open=failing))
    with pytest.raises(kind, match=message):
        list(corpus.blocks())
    assert corpus.warnings == {}
    with pytest.raises(kind, match=message):
        digest_of_file(corpus.files[1])


@pytest.mark.parametrize(("error", "kind", "message"), OF_THE_PROCESS)
def test_a_folder_is_not_skipped_for_want_of_means_to_list_it(tmp_path, monkeypatch, error, kind, message):
    write(tmp_path, {"a.txt": "text\n"})
    (tmp_path / "folder").mkdir()
    list_entries = os.scandir

    def failing(path):
        if Path(path).name == "folder":
            raise error
        return list_entries(path)

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises((kind, CorpusError), match=message):
        open_corpus(tmp_path)


def test_binary_file_is_refused(tmp_path):
    write(tmp_path, {"a.bin": b"\1\2\0\0", "b.txt": "text".encode("utf-16"), "c.gz": gzip.compress(b"\0" * 1000)})
    with pytest.raises(CorpusError, match=r"a\.bin is a binary file"):
        read(tmp_path / "a.bin")
    with pytest.raises(
        CorpusError, match=r"b\.txt is UTF-16 text, expected UTF-8; convert it: iconv -f UTF-16LE -t UTF-8"
    ):
        read(tmp_path / "b.txt")
    with pytest.raises(CorpusError, match=r"c\.gz is a binary file"):
        read(tmp_path / "c.gz")


def test_a_nul_byte_deep_in_a_text_is_passed_on(tmp_path):
    text = b"word " * 2000 + b"\0 end\n"
    write(tmp_path, {"a.txt": text})
    assert read(tmp_path / "a.txt") == text


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", gzip.compress(b"")])
def test_empty_file(tmp_path, content):
    write(tmp_path, {"empty.txt": content})
    with pytest.raises(CorpusError, match=r"there is no text in empty\.txt: it is empty"):
        read(tmp_path / "empty.txt")


def test_directory_without_text(tmp_path):
    with pytest.raises(CorpusError, match="there are no files in"):
        open_corpus(tmp_path)
    write(tmp_path, {"a.bin": b"\0", "b.bin": b"\0"})
    with pytest.raises(CorpusError, match=r"there is no text in .*: 2 binary file skipped \(first: a\.bin\)"):
        read(tmp_path)


def test_symbolic_links_do_not_loop(tmp_path):
    write(tmp_path / "data", TEXT_FILES)
    (tmp_path / "data/b/loop").symlink_to(tmp_path / "data")
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere", {"f.txt": "far\n"})
    (tmp_path / "data/linked").symlink_to(tmp_path / "elsewhere")
    assert read(tmp_path / "data") == b"alpha beta\ngamma\ndelta\nfar\n"


@pytest.mark.parametrize("pattern", ["", "*", "**", "**/*.txt", "**/b/**/*.txt", "../*/**/d.txt"])
def test_links_that_lead_back_or_to_another_name_add_no_text(tmp_path, pattern):
    data = tmp_path / "data"
    write(data, {"b/d.txt": "text\n", "b/.hidden/e.txt": "hidden\n"})
    for name, target in {
        "b/again": data,
        "b/back": data / "b",
        "first": data / "b",
        "b/e.txt": data / "b/d.txt",
        "itself": data / "itself",
    }.items():
        (data / name).symlink_to(target)
    assert read(f"{data}/{pattern}") == b"text\n"


def test_links_in_a_directory_that_are_not_read_are_counted(tmp_path):
    write(tmp_path, {"a.txt": "text\n"})
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    corpus = open_corpus(tmp_path)
    assert b"".join(corpus.blocks()) == b"text\n"
    assert corpus.warnings == {
        f"file given again, read once (first: {tmp_path}/b.txt)": 1,
        f"unreadable file skipped (first: {tmp_path}/itself)": 1,
    }


def test_special_files_in_a_directory_are_left_alone(tmp_path):
    write(tmp_path, {"a.txt": "text\n"})
    os.mkfifo(tmp_path / "pipe")
    assert read(tmp_path) == b"text\n"


def test_missing_names_suggest_the_nearest(tmp_path, monkeypatch):
    write(tmp_path, {"corpus.txt": "text"})
    with pytest.raises(CorpusError, match=r"did you mean '.*corpus\.txt'\?"):
        open_corpus(tmp_path / "corpsu.txt")
    with pytest.raises(CorpusError, match=r"no corpus 'txt8'.*did you mean 'text8'\?"):
        open_corpus("txt8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=r"did you mean 'corpus\.txt'\?"):
        open_corpus("corpus.tx")
    with pytest.raises(CorpusError, match="there are no files in nothing"):
        open_corpus("nothing*")


@pytest.mark.parametrize(
    "source", ["", "x" * 5000, "a\0b", "~nobody-here/x", "nosuch://x/y", "s3://", "file:///nowhere", "http://["]
)
def test_odd_names(source):
    with pytest.raises(CorpusError):
        open_corpus(source)


@pytest.mark.parametrize("name", ["~backup.txt", "~$notes.txt"])
def test_a_tilde_may_begin_the_name_of_a_file(tmp_path, monkeypatch, name):
    write(tmp_path, {name: "text\n"})
    monkeypatch.chdir(tmp_path)
    assert read(name) == b"text\n"


def test_name_with_glob_characters(tmp_path):
    write(tmp_path, {"a[1].txt": "text\n"})
    assert read(str(tmp_path / "a[1].txt")) == b"text\n"


def test_standard_input(monkeypatch):
    def pipe(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    pipe(gzip.compress(b"some text"))
    corpus = open_corpus("-")
    assert (corpus.name, corpus.size, corpus.rereadable) == ("stdin", None, False)
    with pytest.raises(CorpusError, match="no fingerprint before it has been read"):
        corpus.fingerprint()
    assert b"".join(corpus.blocks()) == b"some text\n"
    assert not sys.stdin.closed
    assert len(corpus.fingerprint()) == 64
    with pytest.raises(CorpusError, match="cannot be read again"):
        corpus.blocks()
    pipe(b"")
    with pytest.raises(CorpusError, match="there is no text in stdin"):
        list(open_corpus("-").blocks())
    sys.stdin.close()
    with pytest.raises(CorpusError, match="closed"):
        standard_input()


def test_named_pipe_is_read_once(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe")
    os.close(writing)
    corpus = open_corpus(f"/dev/fd/{reading}")
    assert corpus.size is None
    assert b"".join(corpus.blocks()) == b"from a pipe\n"
    assert not corpus.rereadable
    os.close(reading)


def test_other_file_systems(tmp_path):
    memory = fsspec.filesystem("memory")
    memory.pipe({"/corpus/a.txt": b"alpha", "/corpus/b.txt.gz": gzip.compress(b"beta"), "/corpus/.hidden": b"no"})
    assert read("memory://corpus/a.txt") == b"alpha\n"
    assert read("memory://corpus") == read("memory://corpus/*.*") == b"alpha\nbeta\n"
    assert open_corpus("memory://corpus/a.txt").name == "a.txt"
    write(tmp_path, {"a b.txt": "text\n"})
    assert read((tmp_path / "a b.txt").as_uri()) == b"text\n"
    with pytest.raises(CorpusError, match="cannot read memory://corpus/none"):
        open_corpus("memory://corpus/none")
    memory.rm("/corpus", recursive=True)


# ----------------------------------------------------------------------------------------------------- fingerprints


def test_fingerprint_is_of_contents_and_relative_names(tmp_path):
    write(tmp_path / "one", TEXT_FILES)
    write(tmp_path / "two", TEXT_FILES)
    write(tmp_path / "renamed", {"a2.txt": TEXT_FILES["a.txt"]} | TEXT_FILES)
    (tmp_path / "renamed/a.txt").unlink()
    write(tmp_path / "changed", TEXT_FILES | {"a.txt": "alpha beat\n"})
    one, two, renamed, changed = (
        open_corpus(tmp_path / name).fingerprint() for name in ("one", "two", "renamed", "changed")
    )
    assert one == two
    assert len({one, renamed, changed}) == 3
    write(tmp_path, {"x.txt": "same", "y.txt": "same"})
    assert open_corpus(tmp_path / "x.txt").fingerprint() == open_corpus(tmp_path / "y.txt").fingerprint()


def test_reading_twice_gives_the_same(tmp_path):
    corpus = open_corpus(write(tmp_path, {"a.jsonl": '{"text": "a"}\n{}\n', "b.txt": "b"}))
    first = b"".join(corpus.blocks())
    warnings = corpus.warnings
    assert b"".join(corpus.blocks()) == first
    assert corpus.warnings == warnings
    assert corpus.position == corpus.size


def test_shared_wikipedia(shared_data):
    corpus = open_corpus(shared_data / "corpora" / "wiki-ko-20mb.txt.xz")
    blocks = corpus.blocks(1 << 20)
    first = [next(blocks) for _ in range(4)]
    assert all(block[-1] in WHITE_SPACE for block in first)
    assert b"".join(first).decode()  # no character is cut
    blocks.close()


# ----------------------------------------------------------------------------------------------------- several texts


def test_several_texts_are_read_in_their_order_and_each_file_once(tmp_path):
    write(tmp_path, TEXT_FILES | {"z.jsonl.gz": gzip.compress(b'{"text": "z"}')})
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    last, first = tmp_path / names[-1], str(tmp_path / names[0])
    corpus = open_corpus([last, first, tmp_path, f"{tmp_path}/*"])
    whole, (alone, begin) = read(tmp_path), map(read, (last, first))
    assert b"".join(corpus.blocks()) == alone + begin + whole.removeprefix(begin).removesuffix(alone)
    assert corpus.name == f"{names[-1]} and 3 more"
    assert corpus.position == corpus.size == open_corpus(tmp_path).size
    assert corpus.warnings == {f"file given again, read once (first: {first})": 2 * len(TEXT_FILES)}


def test_links_to_one_file_are_one_text(tmp_path):
    write(tmp_path, {"a.txt": "text\n"})
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    assert read([tmp_path / "b.txt", tmp_path / "a.txt"]) == b"text\n"


def test_several_texts_must_be_text_where_they_are_named(tmp_path):
    write(tmp_path, {"a.txt": "text\n", "more/b.pdf": "%PDF-1.5\n", "more/c.txt": "more\n"})
    named = open_corpus([tmp_path / "a.txt", tmp_path / "more/b.pdf"])
    with pytest.raises(CorpusError, match=r"b\.pdf: PDF document"):
        list(named.blocks())
    found = open_corpus([tmp_path / "a.txt", tmp_path / "more"])
    assert b"".join(found.blocks()) == b"text\nmore\n"
    assert found.warnings == {f"PDF document skipped (first: {tmp_path}/more/b.pdf)": 1}
    with pytest.raises(CorpusError, match=r"c\.txt' does not exist"):
        open_corpus([tmp_path / "a.txt", tmp_path / "c.txt"])
    with pytest.raises(CorpusError, match="the list of texts is empty"):
        open_corpus([])
    with pytest.raises(CorpusError, match="must be given alone"):
        open_corpus([str(tmp_path / "a.txt"), "-"])


def test_the_fingerprint_of_several_texts_changes_with_each_of_them_and_their_order(tmp_path):
    write(tmp_path, {"a.txt": "one\n", "b.txt": "two\n"})
    pair = [tmp_path / "a.txt", tmp_path / "b.txt"]
    before = open_corpus(pair).fingerprint()
    assert open_corpus(pair[::-1]).fingerprint() != before
    (tmp_path / "b.txt").write_text("changed\n")
    assert open_corpus(pair).fingerprint() != before


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (["the", "king"], "a list"),
        ({"body": "x"}, "an object"),
        (None, "null"),
        (7, "a number"),
        (0.5, "a number"),
        (True, "true or false"),
    ],
)
def test_a_field_without_text_is_named_with_what_it_holds(tmp_path, value, what):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": value}) + "\n" + json.dumps({"text": value}) + "\n")
    with pytest.raises(CorpusError, match=f"the field 'text' holds {what}, expected a string"):
        list(open_corpus(tmp_path / "a.jsonl").blocks())


@pytest.mark.parametrize("name", ["broken", "broken.txt", "loop"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_link_to_nothing_is_named(tmp_path, monkeypatch, name, kind):
    monkeypatch.chdir(tmp_path)
    Path(name).symlink_to("loop" if name == "loop" else "nowhere")
    with pytest.raises(CorpusError, match=f"'{name}' is a link to '.*', which does not exist"):
        open_corpus(kind(name))
