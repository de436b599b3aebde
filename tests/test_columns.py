"""Columns of pandas, Polars, Arrow and Hugging Face datasets are texts; missing values are left out and counted."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import vecmill
from vecmill.text_input import TextInput

LINES = ["the cat sat on the mat", "the dog sat on the rug"] * 40
HOLES = [None, *LINES[:41], None, None, *LINES[41:]]
TOKENS = [line.split() for line in LINES]
SMALL = {"dimension": 8, "epochs": 1, "threads": 1, "min_count": 1}


def polars(values):
    return pytest.importorskip("polars").Series(values)


def dataset(values):
    return pytest.importorskip("datasets").Dataset.from_dict({"id": list(range(len(values))), "text": values})["text"]


def streamed(values):
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_dict({"text": values}).to_iterable_dataset()["text"]


COLUMNS = {
    "pandas objects": lambda values: pd.Series(values, index=range(5, 5 + len(values)), dtype=object),
    "pandas": pd.Series,
    "pandas Arrow": lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.array(values).type)),
    "Arrow": pa.array,
    "Arrow chunks": lambda values: pa.chunked_array([values[:7], [], values[7:]]),
    "Arrow large": lambda values: pa.array(values).cast(
        pa.large_string() if isinstance(values[1], str) else pa.large_list(pa.large_string())
    ),
    "Polars": polars,
    "datasets": dataset,
    "streamed datasets": streamed,
}


@pytest.fixture(scope="module")
def expected():
    return vecmill.train(LINES, **SMALL)


@pytest.mark.parametrize("kind", COLUMNS)
def test_lines_of_a_column(kind, expected):
    found = vecmill.train(COLUMNS[kind](LINES), **SMALL)
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    assert "missing value left out" not in found.dropped


@pytest.mark.parametrize("kind", COLUMNS)
def test_missing_values_are_left_out_and_counted(kind, expected, caplog):
    found = vecmill.train(COLUMNS[kind](HOLES), **SMALL)
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    assert found.dropped["missing value left out"] == 3
    assert "missing value left out: 3" in caplog.text


@pytest.mark.parametrize("kind", COLUMNS)
def test_lists_of_tokens_in_a_column(kind):
    expected = vecmill.train(TOKENS, **SMALL)
    found = vecmill.train(COLUMNS[kind]([None, *TOKENS]), **SMALL)
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    assert found.dropped["missing value left out"] == 1


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("tokenized", [False, True])
def test_a_document_keeps_its_place_among_missing_ones(kind, tokenized):
    values = [line if line is None or not tokenized else line.split() for line in HOLES]
    model = vecmill.train_documents(COLUMNS[kind](values), [f"row {n}" for n in range(len(values))], **SMALL)
    assert [model[f"row {n}"].any() for n in range(len(values))] == [value is not None for value in values]


def test_pandas_missing_values_of_every_kind():
    lines = pd.Series([np.nan, "a b", pd.NA, None, pd.NaT, "a b"], dtype=object)
    assert vecmill.train(lines, **SMALL).dropped["missing value left out"] == 4


def test_the_word_none_is_text():
    assert set(vecmill.train(pd.Series(["None nan"] * 3), **SMALL).words) == {"none", "nan"}


def test_a_bad_item_has_its_own_place_among_missing_ones():
    column = pd.Series([None, "a", None, None, "b", 7], index=list("uvwxyz"), dtype=object)
    with pytest.raises(vecmill.NotTextError, match=r"line 5 \(index 'z'\) is 7"):
        vecmill.train(column)
    column = pd.Series([None, ["a"], None, ["b", 3]], index=list("uvwx"))
    with pytest.raises(vecmill.NotTextError, match=r"sentence 3 \(index 'x'\): token 1 is 3"):
        vecmill.train(column)


def test_a_column_without_values_is_empty():
    with pytest.raises(vecmill.NotTextError, match="the text is empty"):
        vecmill.train(pa.array([None, None], pa.string()))


@pytest.mark.parametrize("kind", ["Arrow", "Arrow chunks", "datasets"])
def test_columns_are_read_piece_by_piece(kind, monkeypatch):
    """No more values are made than have been asked for, but for those of one piece."""
    monkeypatch.setattr("vecmill.text_input._ITEMS_AT_ONCE", 4)
    taken = []

    class Watched:
        def __init__(self, column):
            self.column = column
            if hasattr(column, "to_pylist"):
                self.to_pylist = column.to_pylist
                self.chunks = [Watched(part) for part in column.chunks] if hasattr(column, "chunks") else [self]
            else:
                self.column_name = "text"

        def __len__(self):
            return len(self.column)

        def __iter__(self):
            raise AssertionError("taken one by one")

        def __getitem__(self, part):
            taken.append(part.stop - part.start)
            return self.column[part]

    blocks = TextInput(Watched(COLUMNS[kind](LINES))).blocks()
    assert next(blocks).count(b"\n") == 4
    assert sum(taken) <= 8


def test_documents_are_columns_too():
    model = vecmill.train_documents(pa.array([None, *LINES]), dimension=8, epochs=1, threads=1, min_count=1)
    assert len(model) == 1 + len(LINES)  # as one of the names of 81 documents
    assert not model["1"].any() and model["2"].any()
    assert model.words.dropped == {"missing value left out": 1}
