"""Files that are damaged, of another kind or dangerous, and what people read about them."""

import json
import logging
import pickle
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from embeddings import formats
from embeddings.errors import EmbeddingsError
from embeddings.formats import FormatError, TruncatedFileError, UnknownFormatError, guess_format
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from vecmill.errors import OutputError


def make(words=("a", "b"), matrix=((1, 2), (3, 4)), counts=None):
    return WordVectors(Vocabulary.from_words(words, counts), np.array(matrix, np.float32))


def binary(words, dimension, count=None, newline=b""):
    records = b"".join(word + b" " + np.ones(dimension, "<f4").tobytes() + newline for word in words)
    return b"%d %d\n" % (len(words) if count is None else count, dimension) + records


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (binary([b"a", b"b"], 3)[:-1], "ends within word 2 of the 2"),
        (
            binary([b"a", b"b"], 3)[:-13],
            "states 2 words of 3 dimensions, which take 27 bytes or more, but 15 follow it",
        ),
        (binary([b"aaaa", b"bbbb"], 3, 3), "header states 3 words|ends within word 3"),
        (binary([b"a", b"b", b"c"], 3, 2), "continues after the 2 words"),
        (binary([b"", b"b"], 3), "word 1: no word of 1 to"),
        (binary([b"a\nb", b"b"], 3), "word 1: no word of 1 to"),
        (binary([b"a", b"\xff\xfe"], 3), "word 2: the word .* is not UTF-8"),
        (b"2 3\n" + b"a" * 70_000, "word 1: no word of 1 to 65536 bytes"),
        (b"1000000000000 300\n" + bytes(1000), "states 1000000000000 words"),
        (b"1 1000000000000\n" + bytes(1000), "states 1 words of 1000000000000 dimensions"),
        (b"", "expected a header"),
        (b"1 1\na " + np.float32([np.nan]).tobytes(), "vector of word 1, 'a', holds NaN"),
        (b"2 1\na " + bytes(4) + b"b " + np.float32([np.inf]).tobytes(), "word 2, 'b', holds NaN or infinity"),
    ],
)
def test_binary(tmp_path, content, problem):
    path = tmp_path / "vectors.bin"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=problem):
        formats.read(path, "word2vec-binary")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.bin", binary([b"a", b"b"], 3)[:-1]),
        ("a.bin", binary([b"a"], 3, 9)),
        ("a.txt", b"9 2\na 1 2\nb 3 4\n"),
        ("a.txt", b"3 2\na 1.25 2.25\nb 3.25 4.25\n"),
    ],
)
def test_a_file_that_ends_too_early_is_an_end_of_file_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TruncatedFileError) as raised:
        formats.read(tmp_path / name, "word2vec-binary" if name == "a.bin" else "word2vec-text")
    assert isinstance(raised.value, (EOFError, FormatError))


def test_a_compressed_header_is_not_believed(tmp_path):
    import gzip

    path = tmp_path / "vectors.bin.gz"
    path.write_bytes(gzip.compress(b"100000000000 100000\nking " + bytes(100)))
    with pytest.raises(FormatError, match="ends within word 1"):
        formats.read(path, "word2vec-binary")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_that_end_too_early(tmp_path, suffix):
    path = tmp_path / f"vectors.txt{suffix}"
    formats.write(make([f"w{i}" for i in range(300)], np.random.default_rng(0).standard_normal((300, 9))), path)
    whole = path.read_bytes()
    for end in (len(whole) - 1, len(whole) // 2, 20):
        path.write_bytes(whole[:end])
        with pytest.raises(FormatError, match="compressed data are damaged"):
            formats.read(path, "word2vec-text")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_files_without_the_compression_of_their_name(tmp_path, suffix):
    path = tmp_path / f"vectors.txt{suffix}"
    path.write_bytes(b"no archive at all, but long enough")
    with pytest.raises(FormatError) as caught:
        formats.read(path)
    expected = f"named {suffix} but does not hold {suffix} data; rename it if it is plain text"
    assert str(caught.value) == f"{path}: {expected}"


def test_several_compressed_parts_in_one_file(tmp_path):
    import gzip

    import zstandard

    parts = b"2 1\nking 1\n", b"queen 2\n"
    (tmp_path / "a.txt.gz").write_bytes(b"".join(map(gzip.compress, parts)))
    (tmp_path / "a.txt.zst").write_bytes(b"".join(map(zstandard.compress, parts)))
    for name in ("a.txt.gz", "a.txt.zst"):
        assert list(formats.read(tmp_path / name).words) == ["king", "queen"]


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was loaded')",)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["model.kv", "vectors.bin", "vectors.txt", "m.model"])
def test_pickles_are_refused(tmp_path, name, protocol):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Trap(), protocol))
    with pytest.raises(FormatError, match=r"Python pickle .* could run code .*: refused"):
        formats.read(path)


def test_pickles_in_archives_are_refused(tmp_path):
    path = tmp_path / "vectors.npz"
    np.savez(path, vectors=np.eye(2, dtype=np.float32), words=np.array([Trap(), "b"], object), allow_pickle=True)
    with pytest.raises(FormatError, match=r"'words' holds Python objects, that is a pickle"):
        formats.read(path)
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Trap()))
    with pytest.raises(FormatError, match="holds a Python pickle"):
        formats.read(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\\data\\\nngram 1=3\n", r"n-gram model \(ARPA file\)"),
        (b"<html><body>one two</body></html>\n", "HTML file"),
        (b'{"text": "one two"}\n', "JSON Lines file"),
        (b"%PDF-1.7\n", "PDF document"),
        (b"SQLite format 3\0\x10\0", "SQLite database"),
        (b"(lp0\nVone\np1\na.", "Python pickle"),
    ],
)
def test_other_kinds_are_named(tmp_path, content, kind):
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(FormatError, match=f"v.txt: {kind}, expected word vectors"):
        formats.read(tmp_path / "v.txt")


def test_arrays_without_words_are_refused(tmp_path):
    np.save(tmp_path / "vectors.npy", np.eye(2))
    with pytest.raises(FormatError, match="is one NumPy array, which has no words"):
        formats.read(tmp_path / "vectors.npy")
    (tmp_path / "notes.txt").write_text("Some text about vectors\nthat is none\n")
    with pytest.raises(FormatError, match="no known format"):
        formats.read(tmp_path / "notes.txt")


def test_zip_archives_of_vectors_name_their_files(tmp_path):
    """The vectors of GloVe and of fastText come as such archives."""
    for name, inside in (("glove.zip", ["glove.50d.txt", "glove.100d.txt"]), ("wiki.vec.zip", ["wiki.vec"])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file in inside:
                archive.writestr(file, "king 0.1 0.2\n")
        with pytest.raises(FormatError, match=f"zip archive of .*{inside[0]}.*; unpack it and give a file of vectors"):
            formats.read(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"vectors": np.eye(2)}, "expected arrays 'vectors'"),
        ({"vectors": np.eye(2), "words": np.array(["a"])}, r"'words' is <U1 of shape \(1,\), expected text of shape \(2,\)"),  # noqa: E501
        ({"vectors": np.eye(2), "words": np.array([1, 2])}, "'words' is int64"),
        ({"vectors": np.ones(2), "words": np.array(["a", "b"])}, r"'vectors' is float64 of shape \(2,\)"),
        ({"vectors": np.ones((2, 2), int), "words": np.array(["a", "b"])}, "'vectors' is int64"),
        ({"vectors": np.ones((0, 2)), "words": np.array([], str)}, r"of shape \(0, 2\)"),
        ({"vectors": np.eye(2), "words": np.array(["a", ""])}, "word 2 is empty"),
        ({"vectors": np.eye(2) * np.nan, "words": np.array(["a", "b"])}, "word 1, 'a', holds NaN"),
        ({"vectors": np.eye(2) * 1e300, "words": np.array(["a", "b"])}, "word 1, 'a', holds NaN or infinity"),
        ({"vectors": np.eye(2), "words": np.array(["a", "b"]), "counts": np.array([1])}, r"'counts' is int64 of shape \(1,\)"),  # noqa: E501
        ({"vectors": np.eye(2), "words": np.array(["a", "b"]), "counts": np.array([1, -1])}, "'b', has the count -1"),
        ({"vectors": np.eye(2), "words": np.array(["a", "b\ud800"])}, "half of a surrogate pair"),
        ({"vectors": np.eye(2), "words": np.array([b"a", b"\xff"])}, "not a valid .npz archive"),
    ],
)  # fmt: skip
def test_npz(tmp_path, arrays, problem):
    np.savez(tmp_path / "vectors.npz", **arrays)
    with pytest.raises(FormatError, match=problem):
        formats.read(tmp_path / "vectors.npz")


@pytest.mark.parametrize("member", ["vectors.npy", "words.npy", "counts.npy"])
@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (23, 1",
        "{'descr': ',f4', 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': [1, 2], 'fortran_order': False, 'shape': (2, 2)}",
        "{1: 2, 'a': 3}",
        "{[]: 1}",
        "  a\n b\n",
        "[" * 5000,
        "{'descr': '<f4\0",
    ],
)
def test_an_array_whose_header_is_no_python(tmp_path, header, member):
    path = tmp_path / "v.npz"
    formats.write(make(counts=[2, 1]), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + members[member][128:]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(FormatError, match=r"not a valid \.npz archive"):
        formats.read(path)


def test_an_archive_that_promises_more_than_it_holds(tmp_path):
    path = tmp_path / "vectors.npz"
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("vectors.npy", "w") as member:
            np.lib.format.write_array_header_1_0(
                member, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 300)}
            )
        with archive.open("words.npy", "w") as member:
            np.save(member, np.array(["a"]))
    with pytest.raises(FormatError, match=r"takes 1200000000000000 bytes, but the file has 0"):
        formats.read(path)


def encoded_words(*words):
    return {
        "words": np.frombuffer("".join(words).encode(), np.uint8),
        "word_ends": np.cumsum([len(word.encode()) for word in words]),
    }


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"vectors": np.eye(2, dtype="f4")}, "expected 'vectors', 'words' and 'word_ends'"),
        ({"embedding.weight": np.eye(2, dtype="f4")}, "give the directory"),
        ({"vectors": np.eye(3, dtype="f4")} | encoded_words("a", "b"), r"'word_ends' int64 of shape \(2,\)"),
        ({"vectors": np.ones(2, "f4")} | encoded_words("a", "b"), r"'vectors' is float32 of shape \(2,\)"),
        ({"vectors": np.ones((2, 2), "i8")} | encoded_words("a", "b"), "'vectors' is int64"),
        ({"vectors": np.ones((2, 2), "f8")} | encoded_words("a", "b"), "tensor 'vectors' is F64"),
        ({"vectors": np.eye(2, dtype="f4")} | encoded_words("a", "b") | {"word_ends": np.array([2, 1])}, "does not increase to 2"),  # noqa: E501
        ({"vectors": np.eye(2, dtype="f4")} | encoded_words("a", "b") | {"word_ends": np.array([-5, 2])}, "does not increase to 2"),  # noqa: E501
        ({"vectors": np.eye(2, dtype="f4")} | encoded_words("é", "b") | {"word_ends": np.array([1, 3])}, "word 1, .* is not UTF-8"),  # noqa: E501
        ({"vectors": np.eye(2, dtype="f4"), "counts": np.ones(3, int)} | encoded_words("a", "b"), r"'counts' is int64 \(3,\)"),  # noqa: E501
        ({"vectors": np.eye(2, dtype="f4")} | encoded_words("a", "a", ), None),
    ],
)  # fmt: skip
def test_safetensors(tmp_path, tensors, problem, caplog):
    save_file(tensors, tmp_path / "vectors.safetensors")
    if problem is None:
        with caplog.at_level(logging.WARNING):
            assert len(formats.read(tmp_path / "vectors.safetensors")) == 1
        assert "1 duplicate word skipped" in caplog.text
        return
    with pytest.raises(FormatError, match=problem):
        formats.read(tmp_path / "vectors.safetensors")


def test_safetensors_whose_shapes_do_not_fit_the_data(tmp_path):
    path = tmp_path / "vectors.safetensors"
    header = {"vectors": {"dtype": "F32", "shape": [10**6, 300], "data_offsets": [0, 8]}}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(FormatError, match="not a valid safetensors file"):
        formats.read(path)
    path.write_bytes((10**15).to_bytes(8, "little") + text)
    with pytest.raises(FormatError, match="not a valid safetensors file"):
        formats.read(path, "safetensors")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"word": ["a"]}, "has the columns 'word: string'"),
        ({"word": ["a", "b"], "vector": [[1.0, 2.0], [1.0]]}, "row 2, 'b', has 1 number, expected 2"),
        ({"word": ["a", None], "vector": [[1.0], [1.0]]}, "row 2 has no word"),
        ({"word": ["a", "b"], "vector": [[1.0], None]}, "row 2 has no vector"),
        ({"word": ["a", "b"], "vector": [[1.0, 2.0], [None, 1.0]]}, "row 2, 'b', has a missing number"),
        ({"word": ["a", "b"], "vector": [[], []]}, "the first vector has no numbers"),
        ({"word": ["a", "b"], "vector": [["x"], ["y"]]}, "has the columns"),
        ({"word": ["a", "b"], "vector": [[1.0], [float("nan")]]}, "word 2, 'b', holds NaN"),
        ({"word": ["a", "b"], "vector": [[1.0], [1.0]], "count": [1, None]}, "row 2 has no count"),
        ({"word": ["a", "b"], "vector": [[1.0], [1.0]], "count": ["x", "y"]}, "count: string"),
        ({"word": pa.array([], pa.string()), "vector": pa.array([], pa.list_(pa.float32()))}, "the table has no rows"),
    ],
)  # fmt: skip
def test_parquet_and_arrow(tmp_path, columns, problem):
    if columns.get("vector") == [[], []]:
        columns = columns | {"vector": pa.array([[], []], pa.list_(pa.float32()))}
    table = pa.table(columns)
    pq.write_table(table, tmp_path / "vectors.parquet")
    with pa.ipc.new_file(str(tmp_path / "vectors.arrow"), table.schema) as writer:
        writer.write_table(table)
    for name in ("vectors.parquet", "vectors.arrow"):
        with pytest.raises(FormatError, match=problem):
            formats.read(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "expected a header"),
        ("word\na\n", "expected a header"),
        ("a,0.5,1\nb,2,3\n", "line 1 is 'a,0.5,1', a word and its numbers; expected a header"),
        ("a,7,1,2\nb,2,3,4\n", "a word and its numbers; expected a header"),
        ("a,0.5\nb,2\n", "a word and its numbers; expected a header"),
        (
            "word,freq,0,1\na,7,1,2\n",
            "the column 'freq' is no dimension .*; call it count",
        ),
        ("word, 1, 2, label\na, 1, 2, 3\n", "the column 'label' is no dimension"),
        ("word,0,count\na,1,5\n", "the column 'count' is no dimension"),
        (f"word,x,{'9' * 5000}\na,1\n", "Row #2: Expected 3 columns, got 2"),
        ("word,0,1\na,1\n", "Row #2: Expected 3 columns, got 2"),
        ("word,0,1\na,1,2\nb,1,x\n", "invalid value 'x'"),
        ("word,0,1\na,1,2\nb,,2\n", "invalid value ''"),
        ("word,0,1\na,1,2\nb,nan,2\n", "word 2, 'b', holds NaN"),
        ("word,0,1\na,1,2\n,3,2\n", "word 2 is empty"),
        ("word,count,0\na,-3,2\n", "'a', has the count -3"),
        (b"word,0\n\xff,1\n", "invalid UTF8"),
        ('word,0\n"a,1\n', "not a valid|columns|quot"),
    ],
)
def test_csv(tmp_path, content, problem):
    path = tmp_path / "vectors.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FormatError, match=problem):
        formats.read(path, "csv")


@pytest.mark.parametrize(
    ("vectors", "metadata", "problem"),
    [
        ("1\t2\n3\t4\n", "a\n", "metadata.tsv has 1 labels, but vectors.tsv has more rows"),
        ("1\t2\n3\t4\n", "a\nb\nc\n", "vectors.tsv has 2 rows, but metadata.tsv has more labels"),
        ("1\t2\n3\n", "a\nb\n", r"vectors.tsv: line 2: 1 number, expected 2"),
        ("1\t2\n3\tx\n", "a\nb\n", "line 2: number 2 is 'x'"),
        ("1\t2\n3\t4\n", "word\tcount\na\t1\nb\n", "metadata.tsv: line 3 has 1 fields, expected 2"),
        ("1\t2\n3\t4\n", "word\tcount\na\t1\nb\tmany\n", "expected whole numbers as counts"),
        ("1\t2\n3\t4\n", b"a\n\xff\n", "metadata.tsv: line 2 is not UTF-8"),
        ("\n", "a\n", "vectors.tsv: line 1 is '', expected numbers"),
        ("1\t2\n", "\\ud800\n", "half of a surrogate pair"),
    ],
)
def test_projector(tmp_path, vectors, metadata, problem):
    (tmp_path / "vectors.tsv").write_text(vectors)
    (tmp_path / "metadata.tsv").write_bytes(metadata if isinstance(metadata, bytes) else metadata.encode())
    with pytest.raises(FormatError, match=problem):
        formats.read(tmp_path)


def spoil_tokenizer(directory, change):
    path = directory / "tokenizer.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t["model"]["vocab"].pop("a"), "the ids of its 2 words are not 0, 1, 2"),
        (lambda t: t["model"]["vocab"].update(c=3), "3 vectors in model.safetensors, but 4 words"),
        (lambda t: t.pop("model"), "no tokenizer with a vocabulary"),
        (lambda t: t["model"].update(vocab=5), "no tokenizer with a vocabulary"),
        (lambda t: t["model"]["vocab"].update(a="x"), "no tokenizer with a vocabulary"),
        (lambda t: t.update(added_tokens=[3]), "no tokenizer with a vocabulary"),
    ],
)
def test_static_embedding(tmp_path, change, problem):
    formats.write(make(), tmp_path / "model", "static-embedding")
    spoil_tokenizer(tmp_path / "model", change)
    with pytest.raises(FormatError, match=problem):
        formats.read(tmp_path / "model")


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary", "csv", "npz", "parquet", "projector"])
def test_vectors_that_are_not_finite_are_not_written(tmp_path, name):
    matrix = np.float32([[1, 2], [3, 4]])
    vectors = WordVectors(Vocabulary.from_words(["a", "b"]), matrix)
    matrix[1, 1] = np.inf
    vectors.matrix.setflags(write=False)
    if np.isfinite(vectors.matrix).all():
        pytest.skip("word vectors keep a copy")
    with pytest.raises(FormatError, match="word 2, 'b', holds NaN or infinity"):
        formats.write(vectors, tmp_path / "out", name)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "vectors.txt"
    formats.write(make(), path)
    before = path.read_bytes()
    with pytest.raises(FormatError, match="'new york' holds white space"):
        formats.write(make(["c", "new york"]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_directories_are_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="exists; remove it or choose another directory"):
        formats.write(make(), tmp_path, "static-embedding")
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_names_of_formats(tmp_path):
    with pytest.raises(UnknownFormatError, match="unknown format 'word2vec'; did you mean 'word2vec-"):
        formats.write(make(), tmp_path / "a", "word2vec")
    with pytest.raises(UnknownFormatError, match="its name does not determine a format"):
        formats.write(make(), tmp_path / "vectors")
    with pytest.raises(UnknownFormatError, match="not in 'float16'; formats that can: npz"):
        formats.write(make(), tmp_path / "vectors.txt", dtype="float16")
    with pytest.raises(UnknownFormatError, match=r"cannot be written compressed; leave \.gz out"):
        formats.write(make(), tmp_path / "vectors.npz.gz")
    with pytest.raises(UnknownFormatError, match="for writing; read with 'word2vec-binary'"):
        formats.read(tmp_path, "word2vec-binary-newline")
    with pytest.raises(FormatError, match="give the file"):
        formats.read(tmp_path, "npz")
    with pytest.raises(FormatError, match="there is no "):
        formats.read(tmp_path / "nowhere.txt")
    with pytest.raises(OutputError, match="cannot write"):
        formats.write(make(), tmp_path / "no folder" / "a.txt")
    assert issubclass(UnknownFormatError, ValueError)
    assert issubclass(FormatError, EmbeddingsError)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.dat", b"2 2\nking 1 2\nqueen 3 4\n", "word2vec-text"),
        ("a.bin", b"2 2\nking 1 2\nqueen 3 4\n", "word2vec-text"),
        ("a.vec", b"2 2\nking 1 2 \nqueen 3 4 \n", "fasttext-vec"),
        ("a.txt", b"king 1 2\nqueen 3 4\n", "glove"),
        ("a.txt", b"1 1 2\n", "glove"),
        ("a.txt", binary([b"a", b"b"], 100), "word2vec-binary"),
        ("a.txt", binary([b"a", b"b"], 100, newline=b"\n"), "word2vec-binary"),
        ("a.csv", b"word,0,1\na,1,2\n", "csv"),
        ("a.txt", b"word,0,1\na,1,2\n", "csv"),
        ("a.csv", b",0,1\na,1,2\n", "csv"),
    ],
)
def test_the_content_tells_the_format(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)
    assert guess_format(path) == expected


def test_random_binary_vectors_are_not_taken_for_text(tmp_path):
    path = tmp_path / "a"
    rng = np.random.default_rng(0)
    for _ in range(300):
        path.write_bytes(b"1 100\nword " + rng.standard_normal(100).astype("<f4").tobytes())
        assert guess_format(path) == "word2vec-binary"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vectors.txt", "word2vec-text"),
        ("glove.6B.50d.txt", "glove"),
        ("GLOVE.txt.gz", "glove"),
        ("vectors.bin.zst", "word2vec-binary"),
        ("wiki.en.vec", "fasttext-vec"),
        ("a.b.PARQUET", "parquet"),
        ("a.feather", "arrow"),
    ],
)
def test_the_name_tells_the_format_to_write(name, expected):
    assert formats.format_of_name(name) == expected


def spacy_directory(path, keys, rows=2, strings='["king", "a word of twenty letters"]', mode="default"):
    np.save(path / "vectors.npy", np.arange(2.0 * rows, dtype=np.float32).reshape(rows, 2))
    (path / "vectors.npy").rename(path / "vectors")
    (path / "key2row").write_bytes(keys)
    (path / "strings.json").write_text(strings)
    (path / "vectors.cfg").write_text(json.dumps({"mode": mode}))


KING = b"\xcf" + (7464393751932445219).to_bytes(8, "big")  # the key of "king", as spaCy has it


def test_keys_of_spacy_are_hashes_of_words(tmp_path, caplog):
    spacy_directory(tmp_path, b"\x82" + KING + b"\x01" + b"\xcd\xff\xff\x00")
    assert guess_format(tmp_path) == "spacy"
    with caplog.at_level(logging.WARNING):
        found = formats.read(tmp_path)
    assert list(found.words) == ["king"]
    np.testing.assert_array_equal(found.matrix, [[2, 3]])
    assert "1 of 2 keys have no word" in caplog.text


@pytest.mark.parametrize(
    ("keys", "options", "problem"),
    [
        (b"", {}, "key2row: is no MessagePack map"),
        (b"\x81" + KING, {}, "key2row: is no MessagePack map"),
        (b"\x81" + KING + b"\x00\x00", {}, "key2row: has 12 bytes, expected 11"),
        (b"\x81" + KING + b"\xa1a", {}, "key2row: is no MessagePack map"),
        (b"\x81" + KING + b"\x02", {}, "points beyond the 2 rows of vectors"),
        (b"\x81" + KING + b"\xcf" + b"\xff" * 8, {}, "points beyond the 2 rows of vectors"),
        (b"\x81" + KING + b"\x00", {"strings": '["queen"]'}, "strings.json has no word of the 1 keys"),
        (b"\x80", {}, "strings.json has no word of the 0 keys"),
        (b"\x81" + KING + b"\x00", {"strings": '{"a": 1}'}, "strings.json: expected a list of words"),
        (b"\x81" + KING + b"\x00", {"strings": "["}, "strings.json: is no JSON"),
        (b"\x81" + KING + b"\x00", {"mode": "floret"}, "the mode is 'floret', whose rows are those of parts of words"),
    ],
)
def test_vectors_of_spacy_that_are_damaged(tmp_path, keys, options, problem):
    spacy_directory(tmp_path, keys, **options)
    with pytest.raises(FormatError, match=problem):
        formats.read(tmp_path)


def test_formats_that_are_only_read_are_not_written(tmp_path):
    for name in ("spacy", "glove-binary"):
        with pytest.raises(UnknownFormatError, match=f"format '{name}' is only read; formats that are written: "):
            formats.write(make(), tmp_path / "out", name)


def test_an_archive_is_never_written_in_another_layout(tmp_path, monkeypatch):
    """When a seek fails, zipfile writes an archive for streams, whose vectors cannot be mapped."""
    from embeddings.formats import npz

    original = npz.zipfile.ZipFile

    def unseekable(file, mode):
        archive = original(file, mode)
        archive._seekable = False
        return archive

    monkeypatch.setattr(npz.zipfile, "ZipFile", unseekable)
    vectors = WordVectors(Vocabulary.from_words(["a", "b"]), np.eye(2, dtype=np.float32))
    with pytest.raises(OutputError, match="Input/output error"):
        formats.write(vectors, tmp_path / "v.npz")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["word2vec-binary", "word2vec-binary-newline"])
def test_a_binary_file_holds_no_word_that_cannot_be_read_back(tmp_path, name):
    longest = "é" * 32_768
    for word in (longest, longest + "x"):
        vectors = WordVectors(Vocabulary.from_words(["a", word]), np.eye(2, dtype=np.float32))
        if word == longest:
            formats.write(vectors, tmp_path / "v.bin", name)
            assert formats.read(tmp_path / "v.bin").vocabulary.words == ("a", word)
        else:
            with pytest.raises(FormatError, match=r"has 65,537 bytes; this format holds words of up to 65,536 bytes"):
                formats.write(vectors, tmp_path / "v.bin", name)
