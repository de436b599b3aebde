"""Texts that come in the parts train, valid and test, under the names that published texts have."""

import logging

import pytest

from corpora.errors import CorpusError
from corpora.parts import PARTS, part_files, part_files_among


def write(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("the king rules\n")


@pytest.mark.parametrize(
    "names",
    [
        ("train.txt", "valid.jsonl.gz", "test.txt"),
        ("train.txt", "dev.txt", "test.txt"),
        ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"),
        ("wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"),
        ("train-00000-of-00001.parquet", "validation-00000-of-00001.parquet", "test-00000-of-00001.parquet"),
        ("en_ewt-ud-train.txt", "en_ewt-ud-dev.txt", "en_ewt-ud-test.txt"),
        ("Training.txt", "val.txt", "Test.txt"),
    ],
)
def test_the_file_of_each_part_is_found_by_its_name(tmp_path, names, caplog):
    write(tmp_path, *names, ".hidden", "README", "notes.txt", "how-to-train-and-test.txt", "LICENSE.txt")
    found = part_files(tmp_path)
    assert [found[part].name for part in PARTS] == list(names)
    assert caplog.messages[0].endswith(
        "the others are not read: LICENSE.txt, README, how-to-train-and-test.txt, notes.txt"
    )
    caplog.clear()
    assert part_files_among([tmp_path / name for name in reversed(names)]) == found
    assert not caplog.messages


def test_names_of_a_part_alone_come_before_longer_names_and_files_before_folders(tmp_path):
    names = ["train.txt", "valid.txt", "test.txt"]
    write(tmp_path, *names, "train-head.txt", "test/result.txt")
    assert [path.name for path in part_files(tmp_path).values()] == names


def test_a_part_can_be_a_folder_of_files(tmp_path):
    write(tmp_path, "train/a.txt", "train/b.txt", "validation/a.txt", "test/a.txt")
    assert [path.name for path in part_files(tmp_path).values()] == ["train", "validation", "test"]


@pytest.mark.parametrize(
    "names",
    [
        [f"{kind}.{part}.txt" for kind in ("ptb", "ptb.char") for part in PARTS],
        ["train.txt", "train.csv", "valid.txt", "test.txt"],
    ],
)
def test_two_files_for_a_part_are_refused(tmp_path, names):
    write(tmp_path, *names)
    with pytest.raises(CorpusError, match=r"train.* expected one file for train: give the files themselves"):
        part_files(tmp_path)


def test_a_warning_names_the_part_that_is_not_there(tmp_path, caplog):
    write(tmp_path / "two", "wiki.train.txt", "wiki.test.txt", "README")
    write(tmp_path / "mixed", "train.txt", "test.txt", "ptb.valid.txt")
    write(tmp_path / "none", "chapter1.txt", "chapter2.txt", "test.txt")
    with caplog.at_level(logging.WARNING):
        assert part_files(tmp_path / "two") is None
        assert part_files(tmp_path / "none") is None
        assert len(part_files(tmp_path / "mixed")) == 3
        assert part_files(tmp_path / "no-such-folder") is None
        assert part_files_among([tmp_path / "none" / "test.txt"]) is None
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'two'} has train and test, but nothing for valid; all of it is split anew"
    ]
