"""Text formats: numbers are read correctly rounded and written back bit for bit; bad lines are named."""

import logging

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embeddings import formats
from embeddings.formats import FormatError, read, text_kernels, text_rows
from embeddings.formats.stream import VectorTable, stream_of
from tests.reference import decimal_float32

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
DECIMAL = st.from_regex(r"\A[+-]?([0-9]{1,25}\.?[0-9]{0,25}|\.[0-9]{1,25})([eE][+-]?[0-9]{1,2})?\Z").filter(
    lambda text: abs(float(text)) < 3.4e38
)


def printed(values, digits=0):
    table = VectorTable(["w"] * len(values), None, np.array(values, np.float32)[:, None])
    rows = text_rows.write_rows(stream_of(table, "test"), text_rows.word_prefixes, digits=digits)
    return [line.split()[1] for line in b"".join(map(bytes, rows)).decode().splitlines()]


def parsed(text):
    data = np.frombuffer(text.encode() + b"\n", np.uint8)
    value, position, certain = text_kernels.parse_number(data, 0, text_kernels.POWERS_OF_TEN)
    return (value, position) if certain else (text_rows.nearest_float32(text.encode()), len(text))


@given(DECIMAL)
@example("1.00000005960464477539062500000000001")  # above the middle of two float32, which float64 cannot tell
@example("1.000000059604644775390625")  # exactly the middle
@example("1.000000178813934326171875")
@example("0.0000000000000000000000000000000000000000000007006492321624086")
@example("1.1754943157898258e-38")
@example("-0")
@example("1e-400")
@example("9007199254740993")
@example("340282350000000000000000000000000000000")
def test_reading_is_correctly_rounded(text):
    expected = decimal_float32.parse(text)
    value, end = parsed(text)
    assert end == len(text)
    assert value == expected
    assert np.signbit(value) == text.startswith("-")
    assert text_rows.nearest_float32(text.encode()) == expected


@given(st.lists(FLOAT32, min_size=1, max_size=20))
@example([0.0, -0.0, 1.0, 10.0, 100.0, 1e9, 1e10, 2**-126, 2**-149, 3.4028234663852886e38, 0.1, 1e-5, 1e-6, 123456.789])
def test_what_is_written_reads_back_bit_for_bit(values):
    values = np.array(values, np.float32)
    texts = printed(values)
    back = np.array([parsed(text)[0] for text in texts], np.float32)
    np.testing.assert_array_equal(back.view(np.uint32), values.view(np.uint32))


@given(FLOAT32)
def test_numbers_are_written_with_few_digits(value):
    shortest = np.format_float_scientific(np.float32(value), unique=True)
    found = decimal_float32.significant_digits(printed([value])[0])
    # one more at the ends of the interval that rounds to the value, and where it is lopsided
    assert found <= min(9, decimal_float32.significant_digits(shortest) + 1)


@given(FLOAT32.filter(lambda value: abs(value) > 1e-37))
def test_five_digits_round_to_nearest(value):
    text = printed([value], digits=5)[0]
    assert decimal_float32.significant_digits(text) <= 5
    assert abs(float(text) - value) <= 5.0000001e-5 * abs(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (-1.25, "-1.25"),
        (1e-5, "0.00001"),
        (1.5e-7, "1.5e-07"),
        (1e9, "1000000000"),
        (1e11, "1e+11"),
        (-0.0, "-0"),
        (123.0, "123"),
    ],
)
def test_how_numbers_look(value, text):
    assert printed([value]) == [text]


def written(tmp_path, content, name="vectors.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        "2 2\nking 1 2\nqueen 3 4.5\n",
        "2 2\nking 1 2 \nqueen 3 4.5 \n",  # as the C tool ends lines
        "2 2\r\nking 1 2\r\nqueen 3 4.5\r\n",
        "2\t2\nking\t1\t2\nqueen  +3 4.5e0",
        "2 2\nking 1 2\n\nqueen 3 4.5\n\n\n",
        "2 2\nking 1.0000000000000000000000000000 20e-1\nqueen .3e1 000004.5\n",
    ],
)
def test_spellings_of_the_same_text(tmp_path, content):
    vectors = read(written(tmp_path, content), "word2vec-text")
    assert list(vectors.words) == ["king", "queen"]
    np.testing.assert_array_equal(vectors.matrix, np.float32([[1, 2], [3, 4.5]]))


def test_many_lines_over_several_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(text_rows, "CHUNK_BYTES", 100)
    matrix = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    lines = [f"w{i} " + " ".join(map(str, row)) for i, row in enumerate(matrix)]
    vectors = read(written(tmp_path, "\n".join(["50 3", *lines])))
    assert list(vectors.words) == [f"w{i}" for i in range(50)]
    np.testing.assert_array_equal(vectors.matrix, matrix)
    lines[40] = "w40 1 2"
    with pytest.raises(FormatError, match=r"line 42: 2 numbers, expected 3"):
        read(written(tmp_path, "\n".join(["50 3", *lines])))


def test_words_with_spaces_are_read_as_in_gloves_large_file(tmp_path):
    vectors = read(written(tmp_path, "a 1 2\n. . . 3 4\nat name@domain.com 5 6\n"), "glove")
    assert list(vectors.words) == ["a", ". . .", "at name@domain.com"]
    np.testing.assert_array_equal(vectors.matrix, [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("king 1", "line 3: 1 number, expected 2"),
        ("king 1 2 3", "line 3: 3 numbers, expected 2"),
        ("new york 1", "line 3: number 1 is b?'york', expected a decimal number"),
        ("king 1 nan", "line 3: number 2 is b?'nan', expected a finite number"),
        ("king -inf 1", "line 3: number 1 is b?'-inf', expected a finite number"),
        ("king 1 2_0", "line 3: number 2 is b?'2_0', expected a decimal number"),
        ("king 0x1 2", "line 3: number 1 is b?'0x1'"),
        ("king 1,5 2", "line 3: number 1 is b?'1,5'"),
        ("king 1 1e39", "line 3: number 2, b?'1e39', is too large"),
        (" 1 2", "line 3: begins with white space where a word is expected"),
    ],
)
def test_lines_that_are_wrong_are_named(tmp_path, line, problem):
    with pytest.raises(FormatError, match=problem):
        read(written(tmp_path, f"3 2\nqueen 1 2\n{line}\nman 1 2\n"), "word2vec-text")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "line 1 is '', expected a header"),
        ("king 1 2\n", "expected a header of two whole numbers"),
        ("0 2\n", "the header says 0 words"),
        ("3 2\nking 1 2\nqueen 3 4\n", "the header states 3 words"),
        ("3 2\nking 1.000 2\nqueen 3.000 4\n", "states 3 words, but there are 2"),
        ("1 2\nking 1 2\nqueen 3 4\n", "states 1 words, but there are more"),
        ("999999999999 300\nking 1 2\n", "states 999999999999 words of 300 dimensions"),
        ("1 999999999999\nking 1 2\n", "states 1 words of 999999999999 dimensions"),
        (b"2 2\nking 1 2\nk\xff\xfe 3 4\n", "line 3: the word .* is not UTF-8"),
    ],
)
def test_headers_that_are_wrong(tmp_path, content, problem):
    with pytest.raises(FormatError, match=problem):
        read(written(tmp_path, content), "word2vec-text")


def test_a_header_is_not_believed_when_the_size_is_unknown(tmp_path):
    import gzip

    path = written(tmp_path, gzip.compress(b"999999999999 999999999\nking 1 2\n"), "vectors.txt.gz")
    with pytest.raises(FormatError, match="line 2: 2 numbers, expected 999999999"):
        read(path)


def test_a_line_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(text_rows, "LONGEST_LINE", 1000)
    monkeypatch.setattr(text_rows, "CHUNK_BYTES", 100)
    with pytest.raises(FormatError, match="line 2 is longer than"):
        read(written(tmp_path, "1 2\nking 1 " + "1" * 100_000), "word2vec-text")


def test_words_cut_by_the_c_tool_lose_the_broken_character(tmp_path, caplog):
    cut = ("a" * 97 + "é").encode()[:98]
    with caplog.at_level(logging.WARNING):
        vectors = read(written(tmp_path, b"1 1\n" + cut + b" 5\n"))
    assert list(vectors.words) == ["a" * 97]
    assert "ends within a character" in caplog.text


def test_duplicate_words_keep_their_first_vector(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        vectors = read(written(tmp_path, "a 1\nb 2\na 3\nc 4\nb 5\n"), "glove")
    assert list(vectors.words) == ["a", "b", "c"]
    np.testing.assert_array_equal(vectors.matrix[:, 0], [1, 2, 4])
    assert "2 duplicate words skipped, first 'a'" in caplog.text
    with caplog.at_level(logging.WARNING):
        read(written(tmp_path, "a 1\nb 2\na 3\n"), "glove")
    assert "1 duplicate word skipped" in caplog.text


@pytest.mark.parametrize(
    "header",
    [
        *("word,0,1", "word,1,2", "word,x,y", ",0,1", "word,count,0,1", "word,count,x,0.5"),
        *("Word, Count, 0, 1", "w,COUNT,x1,2"),
    ],
)
def test_names_of_columns_of_csv_are_no_vector(tmp_path, header):
    count = "5," if "count" in header.lower() else ""
    row = f"a,{count}1,2"
    (tmp_path / "a.csv").write_text(f"{header}\n{row.replace(',', ', ') if ' ' in header else row}\n")
    vectors = read(tmp_path / "a.csv")
    assert list(vectors.words) == ["a"]
    assert (vectors.matrix.tolist(), vectors.vocabulary.counts.tolist()) == ([[1, 2]], [5 if count else 0])


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"2 2\na 1 2\nb 3 4\n"),
        ("a.vec", b"2 2\na 1 2 \nb 3 4 \n"),
        ("glove.txt", b"a 1 2\nb 3 4\n"),
        ("a.bin", b"2 2\na " + np.float32([1, 2]).tobytes() + b"b " + np.float32([3, 4]).tobytes()),
        ("a.csv", b"word,0,1\na,1,2\nb,3,4\n"),
    ],
)
def test_a_byte_order_mark_is_dropped(tmp_path, name, content, suffix):
    import gzip

    marked = b"\xef\xbb\xbf" + content
    vectors = read(written(tmp_path, gzip.compress(marked) if suffix else marked, name + suffix))
    assert list(vectors.words) == ["a", "b"]
    np.testing.assert_array_equal(vectors.matrix, [[1, 2], [3, 4]])


def test_a_byte_order_mark_before_the_columns_of_the_projector_is_dropped(tmp_path):
    written(tmp_path, b"\xef\xbb\xbf1\t2\n3\t4\n", "vectors.tsv")
    written(tmp_path, b"\xef\xbb\xbfword\tcount\na\t5\nb\t6\n", "metadata.tsv")
    vectors = read(tmp_path)
    assert list(vectors.words) == ["a", "b"]
    assert vectors.vocabulary.counts.tolist() == [5, 6]


def test_utf_16_is_named(tmp_path):
    with pytest.raises(FormatError, match="is UTF-16 text, expected UTF-8; convert it: iconv"):
        read(written(tmp_path, "2 1\na 1\nb 2\n".encode("utf-16")))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_gloves_header_does_not_count_the_row_of_unknown_words(tmp_path, suffix):
    import gzip

    def file(content):
        return written(tmp_path, gzip.compress(content) if suffix else content, f"glove.txt{suffix}")

    vectors = read(file(b"2 2\na 1 2\nb 3 4\n<unk> 5 6\n"))
    assert list(vectors.words) == ["a", "b", "<unk>"]
    np.testing.assert_array_equal(vectors.matrix, [[1, 2], [3, 4], [5, 6]])
    formats.convert(tmp_path / f"glove.txt{suffix}", tmp_path / "again.bin")
    assert list(read(tmp_path / "again.bin").words) == ["a", "b", "<unk>"]
    for rows in (b"a 1 2\nb 3 4\nc 5 6\n", b"a 1 2\nb 3 4\n<unk> 5 6\nc 7 8\n", b"a 1 2\nb 3 4\nc 5 6\n<unk> 7 8\n"):
        with pytest.raises(FormatError, match="states 2 words, but there are more"):
            read(file(b"2 2\n" + rows))


def test_the_row_of_unknown_words_may_come_in_a_chunk_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(text_rows, "CHUNK_BYTES", 8)
    lines = [f"word{number} {number}" for number in range(1, 30)]
    vectors = read(written(tmp_path, "\n".join(["29 1", *lines, "<unk> 0", ""])))
    assert len(vectors) == 30


ENCODED = {
    "a.txt": lambda words: b"2 1\n" + b"".join(word + b" 1\n" for word in words),
    "glove.txt": lambda words: b"".join(word + b" 1\n" for word in words),
    "a.bin": lambda words: b"2 1\n" + b"".join(word + b" " + np.float32([1]).tobytes() for word in words),
    "a.csv": lambda words: b"word,0\n" + b"".join(word + b",1\n" for word in words),
}


@pytest.mark.parametrize("name", ENCODED)
@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("latin-1", ["café", "über"]),
        ("cp1251", ["язык", "дом"]),
        ("shift_jis", ["日本", "ソース"]),
        ("gb18030", ["语言", "€"]),
    ],
)
def test_words_are_decoded_as_the_caller_says(tmp_path, name, encoding, words):
    path = written(tmp_path, ENCODED[name]([word.encode(encoding) for word in words]), name)
    assert list(formats.read(path, encoding=encoding).words) == words
    formats.convert(path, tmp_path / "utf8.txt", encoding=encoding)
    assert list(read(tmp_path / "utf8.txt").words) == words
    if name != "a.csv":
        with pytest.raises(FormatError, match=r"is not UTF-8; name the encoding of the file \(--encoding latin-1"):
            read(path)


@pytest.mark.parametrize("name", [name for name in ENCODED if name != "a.csv"])
def test_bytes_that_are_no_text_can_be_replaced(tmp_path, name):
    path = written(tmp_path, ENCODED[name]([b"caf\xe9", b"b"]), name)
    assert list(formats.read(path, errors="replace").words) == ["caf\ufffd", "b"]
    assert list(formats.read(path, errors="ignore").words) == ["caf", "b"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"encoding": "latin-99"}, "unknown encoding 'latin-99'; expected a name"),
        ({"encoding": "utf-16"}, "does not write spaces and digits as ASCII does; convert the file: iconv -f utf-16"),
        ({"encoding": "base64"}, "unknown encoding 'base64'"),
        ({"errors": "skip"}, "errors is 'skip'; expected 'strict', 'replace' or 'ignore'"),
    ],
)
def test_encodings_that_no_file_has(tmp_path, options, problem):
    with pytest.raises(FormatError, match=problem):
        formats.read(written(tmp_path, "1 1\na 1\n"), **options)


def test_formats_that_state_their_encoding_take_no_other(tmp_path):
    vectors = read(written(tmp_path, "1 1\na 1\n"))
    formats.write(vectors, tmp_path / "a.npz")
    with pytest.raises(FormatError, match="'npz' is always UTF-8; leave the encoding out"):
        formats.read(tmp_path / "a.npz", encoding="latin-1")


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_counts_come_from_a_file_beside_the_vectors(tmp_path, caplog, separator):
    path = written(tmp_path, "3 1\nthe 1\ncat 2\nsat 3\n")
    counts = written(tmp_path, f"</s>{separator}0\nthe{separator}10\nsat{separator}4\n", "counts.txt")
    with caplog.at_level(logging.WARNING):
        vectors = formats.read(path, counts=counts)
    assert vectors.vocabulary.counts.tolist() == [10, 0, 4]
    assert "no count of 1 of 3 words" in caplog.text
    formats.convert(path, tmp_path / "a.npz", counts=counts)
    assert read(tmp_path / "a.npz").vocabulary.counts.tolist() == [10, 0, 4]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("the ten\n", "line 1 is 'the ten', expected a word and its count"),
        ("the 10\n\n5\n", "line 3 is '5', expected a word and its count"),
        ("the 10\nthe 9\n", "1 words have more than one line"),
        ("dog 10\n", "has no count of any of the 1 words"),
        ("\n", "holds no words"),
        (b"caf\xe9 4\n", "line 1: the word .* is not UTF-8"),
    ],
)
def test_counts_that_are_wrong(tmp_path, content, problem):
    path = written(tmp_path, "1 1\nthe 1\n")
    with pytest.raises(FormatError, match=problem):
        formats.read(path, counts=written(tmp_path, content, "counts.txt"))


def test_gloves_binary_file_is_read_with_its_vocabulary(tmp_path):
    parameters = np.arange(2 * 3 * 5, dtype="<f8").reshape(2, 3, 5)  # E and C of 3 words: 4 numbers and a bias
    path = written(tmp_path, parameters.tobytes(), "vectors.bin")
    counts = written(tmp_path, "the 10\ncat 5\nsat 4\n", "vocab.txt")
    vectors = formats.read(path, "glove-binary", counts=counts)
    assert list(vectors.words) == ["the", "cat", "sat"]
    assert vectors.vocabulary.counts.tolist() == [10, 5, 4]
    np.testing.assert_array_equal(vectors.matrix, (parameters[0] + parameters[1])[:, :4])
    with pytest.raises(FormatError, match="give GloVe's vocabulary file as counts"):
        formats.read(path, "glove-binary")
    fewer = written(tmp_path, "the 10\ncat 5\n", "fewer.txt")
    with pytest.raises(FormatError, match=r"has 240 bytes, expected two rows .* each of the 2 words"):
        formats.read(path, "glove-binary", counts=fewer)
