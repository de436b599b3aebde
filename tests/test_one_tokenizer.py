"""One tokenizer from training to use: every command that reads text cuts it as the training text was cut."""

import json

import numpy as np
import pytest

from embeddings import formats, make_tokenizer
from embeddings.formats.static_embedding import unit_rows
from tests.command_line import fails, vecmill

TEXT = "In 1984 the Naïve café don’t open, it's 2001! The cat-dog: said “no” 42 times.\n" * 20
LINE = "The café don’t open in 1987, it's “no” cat-dog!"
TOKENIZERS = {
    "wordpunct": ["--tokenizer", "nltk:wordpunct"],
    "folded": ["--fold-digits"],
    "symbols": ["--punctuation"],
    "cased": ["--no-lowercase", "--punctuation", "--fold-digits"],
    "spaces": ["--tokenizer", "whitespace", "--no-lowercase"],
}


def trained(folder, *options):
    (folder / "text.txt").write_text(TEXT)
    small = ["--dimension", 8, "--epochs", 1, "--min-count", 1, "--threads", 1]
    result = vecmill("train-embeddings", folder / "text.txt", "--out", folder / "model", *small, *options)
    assert result.exit_code == 0, result.output
    return folder / "model"


@pytest.fixture(scope="module", params=TOKENIZERS)
def model(request, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("model"), *TOKENIZERS[request.param])


def tokenizer_of(model):
    settings = json.loads((model / "config.json").read_text())["tokenizer"]
    return make_tokenizer(settings.pop("name"), **settings)


def embedded(model, out):
    assert vecmill("embed", model, "--out", out, stdin=f"{LINE}\n").exit_code == 0
    return np.load(out)[0]


def test_embed_cuts_lines_as_the_training_text(model, tmp_path):
    vectors, words = formats.read(model), tokenizer_of(model).tokenize(LINE)[0]
    known = [vectors.id(word) for word in words if word in vectors]
    assert len(known) >= len(words) / 2
    np.testing.assert_allclose(embedded(model, tmp_path / "a.npy"), unit_rows(vectors.matrix)[known].mean(0), atol=1e-6)


def test_an_exported_model_is_embedded_alike(model, tmp_path):
    assert vecmill("export", model, "--format", "static-embedding", "--out", tmp_path / "out").exit_code == 0
    np.testing.assert_allclose(
        embedded(tmp_path / "out", tmp_path / "b.npy"), embedded(model, tmp_path / "a.npy"), atol=1e-6
    )


@pytest.mark.parametrize("command", [["export", "--out"], ["convert"]], ids=lambda command: command[0])
def test_other_tools_cut_text_alike(model, tmp_path, command):
    static = pytest.importorskip("model2vec").StaticModel
    name, *option = command
    assert vecmill(name, model, *option, tmp_path / "out", "--format", "static-embedding").exit_code == 0
    theirs = static.from_pretrained(tmp_path / "out")
    vectors = formats.read(model)
    for line in [LINE, *TEXT.splitlines()[:1], "ISN’T 3.14 — naïve"]:
        words = [word for word in tokenizer_of(model).tokenize(line)[0] if word in vectors]
        assert [token for token in theirs.tokenizer.encode(line).tokens if token != "[UNK]"] == words
    ours = embedded(model, tmp_path / "a.npy")
    np.testing.assert_allclose(theirs.encode(LINE), ours / np.linalg.norm(ours), atol=1e-5)


def test_a_run_exports_its_tokenizer(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "p.toml").write_text(
        f'[corpus]\nsource = "{tmp_path}/text.txt"\n[tokenizer]\nname = "nltk:wordpunct"\nfold_digits = true\n'
        "[vocabulary]\nmin_count = 1\n[train]\ndimension = 8\nepochs = 1\n"
        '[export]\nformats = ["static-embedding"]\n[evaluate]\ndata = []\n'
    )
    result = vecmill("run", tmp_path / "p.toml", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    path = tmp_path / "run" / "export" / "static-embedding" / "tokenizer.json"
    found = tokenizers.Tokenizer.from_file(str(path)).encode("In 1984 it's").tokens
    assert found == ["in", "0000", "it", "'", "s"]
    (tmp_path / "p.toml").write_text((tmp_path / "p.toml").read_text().replace("wordpunct", "treebank"))
    fails(
        2,
        "export.formats: 'static-embedding': the tokenizer 'nltk:treebank'",
        "run",
        tmp_path / "p.toml",
        "--out",
        tmp_path / "x",
    )


def test_tokenizers_without_exact_rules_are_refused_or_measured(tmp_path):
    pytest.importorskip("tokenizers")
    model, out = trained(tmp_path, "--tokenizer", "nltk:treebank"), tmp_path / "out"
    export = ["export", model, "--format", "static-embedding", "--out", out]
    fails(1, "'nltk:treebank' rewrites quotes .*--approximate", *export)
    fails(1, "'nltk:treebank' rewrites quotes .*--approximate", "convert", model, out, "--format", "static-embedding")
    assert not out.exists()
    sample = tmp_path / "sample.txt"
    sample.write_text("plain words\nit's “no”\nother plain words\nplain\n")
    result = vecmill(*export, "--approximate", "--sample", sample)
    assert "25.0% of 4 lines are cut into other words" in result.stdout
    assert "of 4 lines of a sample they cut 25.0% into other words" in (out / "README.md").read_text()
    assert json.loads((out / "config.json").read_text())["lines_cut_differently"] == 0.25
    result = vecmill(*export, "--approximate", "--force", "--json")
    assert json.loads(result.stdout)["lines_cut_differently"] == 1  # of the training text


def test_a_model_that_records_no_tokenizer_says_so(tmp_path):
    (tmp_path / "v.txt").write_text("2 2\nthe 1 2\ncat 3 4\n")
    result = vecmill("export", tmp_path / "v.txt", "--format", "static-embedding", "--out", tmp_path / "out")
    assert "records no tokenizer: rules that suit its words were written" in result.stdout
    assert "It was not recorded" in (tmp_path / "out" / "README.md").read_text()


def test_the_perplexity_of_a_text_is_that_of_the_tokenizer_of_training(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT + "Other words of 2001 follow.\n" * 40)
    small = ["--preset", "small", "--epochs", 1, "--hidden-size", 8, "--dimension", 8]
    config = tmp_path / "lm.toml"
    config.write_text('[tokenizer]\nname = "nltk:wordpunct"\nlowercase = false\nfold_digits = true\n')
    options = ["--config", config, "--embeddings", "none"]
    result = vecmill("train-lm", tmp_path / "text.txt", "--out", tmp_path / "lm", *small, *options)
    assert result.exit_code == 0, result.output
    for number in ("1984", "5678"):  # both are 0000
        (tmp_path / f"{number}.txt").write_text(f"In {number} the café don’t open\n")
    found = [vecmill("perplexity", tmp_path / "lm", tmp_path / f"{number}.txt").stdout for number in ("1984", "5678")]
    assert found[0].replace("1984", "") == found[1].replace("5678", "")
    (tmp_path / "1984.txt").write_text("in 1984 the café don’t open\n")  # another word: the model is cased
    assert vecmill("perplexity", tmp_path / "lm", tmp_path / "1984.txt").stdout != found[0]


def test_word_vectors_of_a_tokenized_text_record_that_it_is_split_at_spaces(tmp_path):
    (tmp_path / "text").mkdir()
    for part in ("train", "valid", "test"):
        lines = "The U.S. economy did n't grow by <unk> % , Mr. Smith said .\n" * 60
        (tmp_path / "text" / f"{part}.txt").write_text(lines)
    (tmp_path / "p.toml").write_text(
        f'[corpus]\nsource = "{tmp_path}/text"\n[vocabulary]\nmin_count = 1\n[train]\nepochs = 1\n'
        "[evaluate]\ndata = []\n[lm]\nmin_count = 1\n[lm_network]\nhidden_size = 8\ndimension = 8\n"
        "[lm_training]\nepochs = 1\n"
    )
    result = vecmill("run", tmp_path / "p.toml", "--out", tmp_path / "run", "--set", "train.dimension=8")
    assert result.exit_code == 0, result.output
    tokenizer = tokenizer_of(tmp_path / "run" / "train-embeddings")
    assert tokenizer.tokenize("The U.S. did n't")[0] == ["The", "U.S.", "did", "n't"]
    report = json.loads(
        vecmill("embed", tmp_path / "run", "--out", tmp_path / "a.npy", "--json", stdin="The U.S. did n't\n").stdout
    )
    assert (report["words"], report["unknown_words"]) == (4, 0)
