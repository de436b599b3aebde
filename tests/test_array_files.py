"""Arrays in files: what NumPy reads is what was written, and every failure of a write is an error."""

from pathlib import Path

import numpy as np
import pytest

from embeddings.array_files import read_array, read_items, save_array, save_items, write_array
from embeddings.errors import EmbeddingsError
from tests.conftest import REPOSITORY

ARRAYS = {
    "numbers": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "every other": np.arange(12)[::2],
    "a number": np.array(3.5),
    "nothing": np.empty((0, 4), np.int64),
    "words": np.array(["a", "köln"]),
    "half": np.array([1.5], np.float16),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_numpy_reads_what_was_written(tmp_path, name):
    array = ARRAYS[name]
    save_array(tmp_path / "a.npy", array)
    for found in (read_array(tmp_path / "a.npy"), np.load(tmp_path / "a.npy", allow_pickle=False)):
        np.testing.assert_array_equal(found, array, strict=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("size", [1, 10**6])
def test_a_full_disk_is_an_error_with_its_number(size):
    with pytest.raises(OSError, match="No space left") as caught, Path("/dev/full").open("wb") as file:
        write_array(file, np.zeros(size))
    assert caught.value.errno == 28


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("size", [1, 511, 513, 10**6])
def test_items_for_which_there_is_no_room_are_an_error(size):
    with pytest.raises(OSError, match="No space left"):
        save_items(Path("/dev/full"), np.zeros(size))


def test_items_are_read_as_written_and_a_short_file_is_an_error(tmp_path):
    path, items = tmp_path / "items", np.arange(100.0)
    save_items(path, items)
    np.testing.assert_array_equal(read_items(path, np.float64), items)
    np.testing.assert_array_equal(read_items(path, np.float64, 5, 90), items[90:95])
    assert not len(read_items(path, np.float64, 0))
    with pytest.raises(EmbeddingsError, match="is cut short or cannot be read to its end; expected 11 items"):
        read_items(path, np.float64, 11, 90)


def test_nothing_is_written_or_read_by_functions_that_hide_errors():
    """ndarray.tofile hides the error of its last write; numpy.fromfile returns fewer items than were asked for."""
    checked = {"array_files.py", "spilled_counts.py"}  # these compare the number
    for package in ("vecmill", "corpora", "embeddings", "pipelines"):
        for path in (REPOSITORY / package).rglob("*.py"):
            source = path.read_text("utf-8")
            assert ".tofile(" not in source, path
            assert "np.fromfile(" not in source or path.name in checked, path
