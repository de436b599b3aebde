"""Arrays in files: what NumPy reads is what was written, and every failure of a write is an error."""

from pathlib import Path

import numpy as np
import pytest

from embeddings.array_files import read_array, save_array, write_array

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
