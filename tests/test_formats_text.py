"""Text formats: numbers are read correctly rounded and written back bit for bit; bad lines are named."""

import logging

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
        ("king 1", "line 3: 1 numbers, expected 2"),
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
