"""Commands lose nothing silently and misread nothing: settings, inputs, unfinished work, unknown words, odd files."""

import bz2
import errno
import gzip
import json
import logging
import os
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

import vecmill
from corpora import open_corpus
from corpora.errors import CorpusError
from embeddings import formats, make_tokenizer
from embeddings.errors import EmbeddingsError
from embeddings.evaluation import evaluate, read_evaluation_set
from pipelines.stages.train import TrainEmbeddingsStage
from tests.command_line import fails
from tests.command_line import vecmill as command

TEXT = "The king and the queen rule the old land.\nA dog and a cat sleep in the old house!\n" * 40
OPTIONS = ["--dimension", 8, "--epochs", 1, "--threads", 1, "--min-count", 1]


def make_model(folder, *options):
    (folder / "text.txt").write_text(TEXT, "utf-8")
    result = command("train-embeddings", folder / "text.txt", "--out", folder / "model", *OPTIONS, *options)
    assert result.exit_code == 0, result.output
    return folder / "model"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def with_tree(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("tree"), "--hierarchical-softmax", "--phrases", 1)


@pytest.fixture
def model(trained, tmp_path):
    import shutil

    return shutil.copytree(trained, tmp_path / "model")


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("The King\n", "utf-8")
    return path


# ---------------------------------------------------------------------------- settings of a model


def broken(name):
    def of(place):
        place.write_text(name)

    return of


@pytest.mark.parametrize(
    "damage",
    [broken("{"), broken("[]"), broken(""), broken("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"))],
)
def test_settings_that_cannot_be_read_are_an_error(model, lines, damage):
    damage(model / "config.json")
    fails(1, r"cannot read .*config\.json .*get the directory again", "embed", model, lines)
    with pytest.raises(EmbeddingsError, match="records tokenizer and training"):
        vecmill.load(model)


def test_settings_that_were_lost_are_an_error(model, lines):
    (model / "config.json").unlink()
    fails(1, r"has lost its config\.json", "embed", model, lines)
    (model / "config.json").mkdir()
    fails(1, r"cannot read .*config\.json", "embed", model, lines)


def test_unknown_settings_of_a_tokenizer_are_an_error(model, lines):
    settings = json.loads((model / "config.json").read_text())
    settings["tokenizer"]["newer"] = True
    (model / "config.json").write_text(json.dumps(settings))
    fails(1, "no usable tokenizer .*newer", "embed", model, lines)


def test_vectors_without_a_recorded_tokenizer_are_named(model, lines, tmp_path):
    vecmill.write_vectors(vecmill.load(model), tmp_path / "vectors.txt")
    result = command("embed", tmp_path / "vectors.txt", lines)
    assert result.exit_code == 0
    assert "vectors.txt records no tokenizer: lines were split by the fast one" in result.stderr
    assert "records no tokenizer" not in command("embed", model, lines).stderr


# ---------------------------------------------------------------------------------- inputs, outputs


def test_a_command_does_not_replace_what_it_reads(model, lines, tmp_path):
    before = lines.read_bytes()
    fails(1, "also read by this command", "embed", model, lines, "--out", lines, "--force", "--format", "text")
    fails(1, "also read by this command", "convert", model, model, "--format", "model", "--force")
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("the king\n")
    fails(1, "also read by this command", "embed", model, folder, "--out", folder / "a.txt", "--force")
    vectors = tmp_path / "vectors.txt"
    vecmill.write_vectors(vecmill.load(model), vectors)
    (tmp_path / "link.txt").symlink_to(vectors)
    fails(1, "also read by this command", "convert", vectors, tmp_path / "link.txt", "--force")
    assert lines.read_bytes() == before
    assert len(vecmill.load(vectors)) == len(vecmill.load(model))


@pytest.mark.parametrize("arguments", [["map"], ["plot"], ["evaluate", "--data"]])
def test_an_output_that_cannot_be_written_is_found_before_the_work(model, tmp_path, monkeypatch, arguments):
    (tmp_path / "pairs.tsv").write_text("king\tqueen\t8\ndog\tcat\t7\n")
    name = {"map": "a.html", "plot": "a.png", "evaluate": "a.csv"}[arguments[0]]
    data = [tmp_path / "pairs.tsv"] if arguments[0] == "evaluate" else []
    for module in ("word_map.make_word_map", "training_plot.write_training_plot"):
        monkeypatch.setattr(f"embeddings.vectors.{module}", lambda *_, **__: pytest.fail("the work was done"))
    pattern = r"cannot write .*absent.*No such file or directory"
    fails(1, pattern, arguments[0], model, *arguments[1:], *data, "--out", tmp_path / "absent" / name)


def test_a_full_disk_is_named_with_the_place(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text(TEXT)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TrainEmbeddingsStage, "run", full)
    result = command("train-embeddings", tmp_path / "text.txt", "--out", tmp_path / "out", *OPTIONS)
    assert re.search(r"no space left for \S*\.out\.work/train-embeddings; free some space", result.stderr)


def test_a_file_that_is_given_twice_is_counted(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    result = command("train-embeddings", *[tmp_path / "text.txt"] * 2, "--out", tmp_path / "out", *OPTIONS)
    assert result.exit_code == 0
    assert "file given again, read once" in result.output


@pytest.mark.parametrize("name", ["wide.txt", "page.html", "noise.txt", "damaged.gz", "none.gz"])
def test_a_named_file_that_is_no_text_is_an_error_and_one_in_a_folder_is_counted(tmp_path, name):
    contents = {
        "wide.txt": TEXT.encode("utf-16"),
        "page.html": b"<!doctype html><html></html>",
        "noise.txt": bytes(range(256)) * 9,
        "damaged.gz": gzip.compress(TEXT.encode())[:60],
        "none.gz": b"not compressed\n",
    }
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / name).write_bytes(contents[name])
    with pytest.raises(CorpusError, match=re.escape(name)):
        list(open_corpus([tmp_path / "a.txt", tmp_path / name]).blocks())
    corpus = open_corpus(tmp_path)
    assert TEXT.encode() in b"".join(corpus.blocks())
    (warning,) = corpus.warnings
    assert name in warning


def test_a_large_file_of_a_folder_is_read_up_to_its_damage(tmp_path):
    noise = np.random.default_rng(1).integers(97, 123, 10_000_000, np.uint8)
    noise[::80] = ord("\n")
    (tmp_path / "a.bz2").write_bytes(bz2.compress(noise.tobytes(), 1)[:-2_000_000])
    (tmp_path / "b.txt").write_text("the end\n")
    corpus = open_corpus(tmp_path)
    text = b"".join(corpus.blocks(1 << 20))
    assert len(text) > 1_000_000
    assert text.endswith(b"the end\n")
    assert corpus.warnings == {"damaged file, read as far as possible (first: a.bz2)": 1}


# ------------------------------------------------------------------------------------ unfinished work


@pytest.fixture
def unfinished(tmp_path, monkeypatch):
    """A training that was interrupted after its first checkpoint."""
    (tmp_path / "text.txt").write_text(TEXT)

    def interrupted(stage, directory, context):
        (context.checkpoint / "weights").write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TrainEmbeddingsStage, "run", interrupted)
        command("train-embeddings", tmp_path / "text.txt", "--out", tmp_path / "out", *OPTIONS)
    assert list((tmp_path / ".out.work").glob(".train-embeddings.checkpoint-*/weights"))
    return tmp_path


def test_a_changed_text_does_not_discard_a_checkpoint(unfinished):
    (unfinished / "text.txt").write_text(TEXT + "One line more.\n")
    again = ["train-embeddings", unfinished / "text.txt", "--out", unfinished / "out", *OPTIONS]
    fails(1, "the text has changed since the training in .* was interrupted; restore it .*--force", *again)
    assert list((unfinished / ".out.work").glob(".train-embeddings.checkpoint-*/weights"))
    assert command(*again, "--force").exit_code == 0


def test_unfinished_work_of_another_command_is_named(unfinished):
    other = ["train-glove", unfinished / "text.txt", "--out", unfinished / "out", "--dimension", 8, "--min-count", 1]
    fails(1, r"an unfinished run of another command is in .*\.out\.work", *other)


def test_an_unfinished_model_is_named(unfinished):
    fails(1, "out is not finished: .*repeat it to resume", "neighbors", unfinished / "out", "king")
    fails(1, "there is no .*nothing", "neighbors", unfinished / "nothing", "king")


# ---------------------------------------------------------------------------------------- conversions


def test_what_a_format_does_not_hold_is_said(with_tree, model, tmp_path):
    said = command("convert", with_tree, tmp_path / "a.bin").stderr
    assert "word2vec-binary does not hold the settings of the tokenizer and the phrases and the Huffman tree" in said
    assert "does not hold the settings of the tokenizer;" in command("convert", model, tmp_path / "b.txt").stderr
    assert "does not hold" not in command("convert", with_tree, tmp_path / "c", "--format", "model").stderr
    assert "without" not in command("convert", tmp_path / "a.bin", tmp_path / "d.txt").stderr


@pytest.mark.parametrize("option", [["--quantize", "int8"], ["--prune", 5], ["--prefix", 4]])
def test_smaller_vectors_say_that_they_have_no_tree(with_tree, tmp_path, option):
    result = command("convert", with_tree, tmp_path / "small", *option)
    assert result.exit_code == 0, result.output
    assert "without the Huffman tree" in result.stderr


def test_a_library_call_says_so_too(with_tree, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        vecmill.write_vectors(vecmill.load(with_tree), tmp_path / "a.txt")
    assert "the phrases and the Huffman tree" in caplog.text


def test_a_model_directory_is_named_where_a_format_is_asked(model, tmp_path):
    fails(2, "'model' for a model directory", "convert", model, tmp_path / "directory")


# ---------------------------------------------------------------------------------------- unknown words


def test_unknown_words_have_no_score(with_tree, tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("The king rules\nqqq zzz\nking\n\n")
    result = command("score-sentences", with_tree, path)
    scores = [line.split("\t")[0] for line in result.stdout.splitlines()]
    assert float(scores[0]) < 0
    assert scores[1:] == ["nan"] * 3
    assert "left out: words not in the vocabulary: 3" in result.stderr
    assert "left out: lines without two known words, which have no score: 3" in result.stderr
    records = [json.loads(line) for line in command("score-sentences", with_tree, path, "--json").stdout.splitlines()]
    assert [record["log_p"] is None for record in records] == [False, True, True, True]


# ---------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "named", "needed"),
    [
        (["--buckets", 100], "--buckets", "--subwords"),
        (["--phrase-threshold", 2], "--phrase-threshold", "--phrases"),
        (["--connector-words", "english"], "--connector-words", "--phrases"),
        (["--cbow-sum"], "--cbow-sum", "--architecture cbow"),
        (["--negative-sharing", "pair", "--hierarchical-softmax"], "--negative-sharing", "--no-hierarchical-softmax"),
    ],
)
def test_an_option_without_effect_is_refused(tmp_path, options, named, needed):
    (tmp_path / "text.txt").write_text(TEXT)
    arguments = ["train-embeddings", tmp_path / "text.txt", "--out", tmp_path / "out", *options]
    fails(2, f"{named} has no effect without {needed}", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_options_with_effect_are_accepted(tmp_path):
    make_model(tmp_path, "--subwords", "3-4", "--buckets", 100, "--phrases", 0, "--architecture", "cbow", "--cbow-sum")


def test_a_continued_training_names_the_options(model, tmp_path):
    start = ["train-embeddings", tmp_path / "text.txt", "--start-from", model, "--out", tmp_path / "more"]
    (tmp_path / "text.txt").write_text(TEXT)
    fails(1, r"train with dimension 8 \(--dimension 8\)", *start)


@pytest.mark.parametrize("option", [["--field", "body"], []])
def test_records_hold_their_text_where_it_is_said(model, tmp_path, option):
    (tmp_path / "a.jsonl").write_text('{"body": "the king"}\n')
    result = command("embed", model, tmp_path / "a.jsonl", *option)
    assert result.exit_code == (0 if option else 1)
    assert option or "choose one with --field" in result.stderr


def test_an_open_quotation_does_not_swallow_the_rest_of_a_table(tmp_path):
    (tmp_path / "a.csv").write_text('text\n"the king\nand the queen"\nthe old "land\n')
    assert b"".join(open_corpus(tmp_path / "a.csv").blocks()) == b'the king\nand the queen\nthe old "land\n'
    (tmp_path / "b.csv").write_text('text\nthe king\n"and the queen\nthe land\n')
    with pytest.raises(CorpusError, match=r"b\.csv, line 4: .*is a quotation mark left open\?"):
        list(open_corpus(tmp_path / "b.csv").blocks())


def test_a_column_that_is_there_twice_is_counted(tmp_path):
    (tmp_path / "a.csv").write_text("text,text\nthe king,other\n")
    corpus = open_corpus(tmp_path / "a.csv")
    assert b"".join(corpus.blocks()) == b"the king\n"
    assert list(corpus.warnings.values()) == [1]


def test_an_evaluation_set_is_read_before_a_run_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "words.txt").write_text("king\nqueen\n")
    (tmp_path / "run.toml").write_text('[corpus]\nsource = "text.txt"\n[evaluate]\ndata = ["words.txt"]\n')
    fails(1, "words.txt, topic 'words'", "run", "run.toml", "--set", "output.directory=out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_columns_of_a_text_are_separated_as_its_header_shows(tmp_path, separator):
    rows = [["id", "text"], ["1", f'"one{separator}two"'], ["2", "three"]]
    (tmp_path / "a.csv").write_text("".join(separator.join(row) + "\n" for row in rows))
    assert b"".join(open_corpus(tmp_path / "a.csv").blocks()) == f"one{separator}two\nthree\n".encode()


READERS_OF_A_TEXT = {
    "train-embeddings": OPTIONS,
    "train-documents": OPTIONS,
    "train-glove": ["--dimension", 8, "--epochs", 1, "--min-count", 1],
    "train-lm": ["--preset", "small", "--epochs", 1, "--hidden-size", 4, "--max-vocabulary", 20],
    "ngram": ["--order", 2],
    "phrases": [],
}


@pytest.mark.parametrize(("name", "options"), READERS_OF_A_TEXT.items(), ids=READERS_OF_A_TEXT)
def test_every_command_that_reads_a_text_counts_what_it_leaves_out(tmp_path, name, options):
    records = [{"text": line} for line in TEXT.splitlines()] + [{"body": "other"}] * 3 + [{"text": "a\0b"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    out = tmp_path / {"ngram": "out.arpa", "phrases": "out.tsv"}.get(name, "out")
    result = command("-q", name, tmp_path / "a.jsonl", "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert re.search(
        r"left out: record without text in field 'text' skipped \(first: line 81 of .*\): 3", result.stderr
    )
    assert "left out: control characters: 1" in result.stderr
    assert not re.search("(?i)left out: (record|control)", result.stdout), "said twice"


@pytest.mark.parametrize("name", [name for name in READERS_OF_A_TEXT if name != "train-lm"])  # it needs 20 lines
@pytest.mark.parametrize(
    ("text", "told"),
    [("слова".encode("cp1251"), "5 invalid UTF-8 .* iconv -f CP1252"), (b"x" * 5000, "1 words longer")],
)
def test_a_text_without_words_says_what_was_left_out(tmp_path, name, text, told):
    (tmp_path / "a.txt").write_bytes(text)
    out = tmp_path / {"ngram": "out.arpa", "phrases": "out.tsv"}.get(name, "out")
    fails(1, rf"no words \(left out: {told}", name, tmp_path / "a.txt", "--out", out, *READERS_OF_A_TEXT[name])


@pytest.mark.parametrize("spec", ["fast", "whitespace", "nltk:wordpunct"])
def test_words_that_are_too_long_are_counted_wherever_text_is_tokenized(caplog, spec):
    long = "ฉันไปโรงเรียน" * 30
    assert make_tokenizer(spec).tokenize(f"a {long}\n{long} b\n") == [["a"], ["b"]]
    assert caplog.messages == ["left out: words longer than 1000 bytes: 2"]


@pytest.mark.parametrize("name", ["embed", "search"])
def test_commands_that_read_lines_say_that_words_are_too_long(model, lines, name):
    lines.write_text(f"The king {'ฉันไปโรงเรียน' * 30}\n", "utf-8")
    result = command(name, model, lines, *(["king"] if name == "search" else []))
    assert result.exit_code == 0, result.output
    assert "left out: words longer than 1000 bytes: 1" in result.stderr


def test_columns_may_be_separated_by_semicolons(model, tmp_path):
    (tmp_path / "a.csv").write_text('year;text\n1900;"the king; and the queen"\n1901;a dog\n')
    corpus = open_corpus(tmp_path / "a.csv")
    assert b"".join(corpus.blocks()) == b"the king; and the queen\na dog\n"
    (tmp_path / "b.csv").write_text("text;note,year\nx;the king,1900\n")
    with pytest.raises(CorpusError, match="no column 'text'"):
        list(open_corpus(tmp_path / "b.csv").blocks())


@pytest.mark.parametrize("place", ["text.txt", "lm"])
def test_counting_needs_a_model_of_words(tmp_path, place):
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "lm").mkdir()
    (tmp_path / "lm" / "language_model.json").write_text("{}")
    fails(
        1,
        "is a (file|language model); expected a directory that train-embeddings wrote",
        "train-count-based",
        tmp_path / place,
        "--out",
        tmp_path / "o",
    )


def test_counting_names_a_model_that_is_not_there(tmp_path):
    for place, found in ((tmp_path / "none", f"there is no {tmp_path / 'none'}"), (Path(os.devnull), "is a file")):
        fails(1, f"{found}; expected a directory", "train-count-based", place, "--out", tmp_path / "o")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["score", "perplexity", "generate"])
def test_a_pipe_is_no_language_model(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.txt").write_text("a dog\n")
    texts = [] if name == "generate" else [tmp_path / "a.txt"]
    fails(1, "pipe is a pipe, which cannot be read twice; save it to a file first", name, tmp_path / "pipe", *texts)


# -------------------------------------------------------------------------------------- evaluation sets


def test_word_pairs_may_be_separated_by_semicolons(tmp_path):
    (tmp_path / "a.csv").write_text("one;two;score\nking;queen;8.5\ndog;cat;7\n")
    pairs = read_evaluation_set(tmp_path / "a.csv")
    assert (pairs.pairs, pairs.scores) == ([("king", "queen"), ("dog", "cat")], [8.5, 7.0])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_an_evaluation_set_end_as_those_of_texts(tmp_path, end):
    (tmp_path / "a.tsv").write_bytes(end.join(["king\tqueen\t8.5", "dog\tcat\t7", ""]).encode())
    assert read_evaluation_set(tmp_path / "a.tsv").pairs == [("king", "queen"), ("dog", "cat")]


def test_an_evaluation_set_may_be_compressed(tmp_path):
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(b"king\tqueen\t8.5\n"))
    assert read_evaluation_set(tmp_path / "a.tsv.gz").pairs == [("king", "queen")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": "king", "b": "queen", "score": 8}\n', "JSON Lines file|JSON"),
        ("This is prose, and no evaluation set at all.\nIt has sentences of words.\n", "line 1: got 'This is prose"),
        ("king\nThis line has many more words than any of the names of a topic.\n", "line 2: got 'This line"),
        ("a\tb\tscore\nking\tqueen\tn/a\ndog\tcat\t3\n", "line 2: got 'king"),
        ("king\tqueen\tN\t3.2\ndog\tcat\tN\t4\n", "line 1: got 'king"),
        *(
            (f"king queen {score}\ndog cat 3\n", "line 1: got 'king queen")
            for score in ("nan", "-inf", "Infinity", "N/A", "null")
        ),
        ("<html><body>king queen 3</body></html>\n", "HTML file"),
        ("king\tqueen\t8\n".encode("utf-16"), "is UTF-16 text"),
        (gzip.compress("king\tqueen\t8\n".encode("utf-16")), "is UTF-16 text, expected UTF-8; unpack it"),
        (gzip.compress(b"king\tqueen\t8\n" * 99)[:40], "is damaged"),
        ("\n\n", "holds no words"),
    ],
)
def test_what_is_no_evaluation_set_is_refused_with_the_line(tmp_path, text, found):
    path = tmp_path / ("a.tsv.gz" if isinstance(text, bytes) and text[:2] == b"\x1f\x8b" else "a.tsv")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(EmbeddingsError, match=found):
        read_evaluation_set(path)


def test_a_set_of_unknown_words_is_named(model, tmp_path, caplog):
    (tmp_path / "a.tsv").write_text("qqq\tzzz\t3\nxxx\tyyy\t4\n")
    with caplog.at_level(logging.WARNING):
        table = evaluate(vecmill.load(model), {"unknown": tmp_path / "a.tsv"})
    assert table["used"].tolist() == [0]
    assert "unknown: no score, because none of 2 items has only words of the vocabulary" in caplog.text


def test_words_of_an_evaluation_set_may_have_another_unicode_form(tmp_path):
    vectors = vecmill.train(["le café est bon", "un thé est froid"] * 40, dimension=8, min_count=1, threads=1)
    (tmp_path / "a.tsv").write_text(unicodedata.normalize("NFD", "café\tthé\t3\nbon\tfroid\t4\n"), "utf-8")
    assert evaluate(vectors, {"a": tmp_path / "a.tsv"})["used"].tolist() == [2]


# ----------------------------------------------------------------------------------- files of vectors


@pytest.mark.parametrize("content", ["", "\n\n"])
@pytest.mark.parametrize("name", ["a.txt", "a.bin", "a.npz"])
def test_an_empty_file_is_named_as_such(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(EmbeddingsError, match="is empty, expected word vectors"):
        vecmill.load(tmp_path / name)


def test_a_vocabulary_is_no_file_of_vectors(model):
    with pytest.raises(EmbeddingsError, match="a word and a count, as a vocabulary does"):
        vecmill.load(model / "vocabulary.tsv")


def test_a_format_that_was_named_wrongly_is_told(model, tmp_path):
    formats.write(vecmill.load(model), tmp_path / "a.vectors", "word2vec-binary")
    with pytest.raises(EmbeddingsError, match="looks like word2vec-binary, not like glove"):
        vecmill.load(tmp_path / "a.vectors", format="glove")


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_an_ngram_model_of_another_encoding_is_named_like_a_text(tmp_path, name):
    from embeddings.language_model.ngram_files import load_ngram_model
    from tests.small_language_model import make_vocabulary

    text = TEXT.encode("utf-16")
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    with pytest.raises(EmbeddingsError, match="is UTF-16 text, expected UTF-8"):
        load_ngram_model(tmp_path / name, make_vocabulary(), vecmill.make_tokenizer())
