"""Phrases as a user meets them: the numbers of gensim, tables, `vecmill.Phrases`, commands, models, queries, export."""

import json
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vecmill
from corpora import open_corpus
from embeddings import Vocabulary, WordVectors, formats, make_tokenizer, tokenize_corpus
from embeddings.errors import EmbeddingsError
from embeddings.formats.tokenizer_rules import InexactTokenizerError, exact_rules
from embeddings.text.phrase_table import ENGLISH_CONNECTOR_WORDS, Phrase, PhraseSettings, PhraseTable
from pipelines.settings.config import ConfigError, Setting, load_config
from pipelines.settings.run_config import load_run_config
from pipelines.stage_lists import embedding_stages
from tests.command_line import fails
from tests.command_line import vecmill as run
from tests.fuzzing import FUZZED, damage

LINES = [
    line
    for n in range(30)
    for line in (f"New York a{n} New York", f"b{n} the Bank of America c{n}", f"city d{n} state e{n}")
]
SETTING = ["--phrases", "1", "--connector-words", "english"]
SMALL = ["--dimension", 8, "--epochs", 1, "--min-count", 1]


def gensim_phrases(
    sentences, *, passes=1, scorer="original", threshold=10.0, min_count=5, connectors=(), delimiter="_"
):
    """Return gensim's phrases of each pass and its joined sentences."""
    theirs = pytest.importorskip("gensim.models.phrases")
    found = []
    for _ in range(passes):
        model = theirs.Phrases(
            sentences,
            min_count=min_count,
            threshold=threshold,
            scoring="default" if scorer == "original" else scorer,
            connector_words=frozenset(connectors),
            delimiter=delimiter,
        )
        found.append(model.find_phrases(sentences))
        sentences = [model[sentence] for sentence in sentences]
    return found, sentences


def check_against_gensim(sentences, **options):
    found, joined = gensim_phrases(sentences, **options)
    connectors = options.pop("connectors", ())
    phrases = vecmill.Phrases(sentences, connector_words=connectors, **options)
    assert list(phrases[sentences]) == joined
    delimiter = options.get("delimiter", "_")
    for table, theirs in zip(phrases.table.passes, found, strict=True):
        ours = {}
        for phrase in table:
            ours.setdefault(delimiter.join(phrase.parts), []).append(phrase.score)
        for phrase, score in theirs.items():
            rounding = 1e-13 * abs(score) if options.get("scorer") == "npmi" else 0
            assert min(abs(score - own) for own in ours[phrase]) <= rounding
    return phrases


@pytest.fixture(scope="module")
def documentation():
    """The first sentences of real text."""
    text = b"".join(islice(open_corpus("pydocs").blocks(1 << 16), 6)).decode("utf-8", "replace")
    return [tokens for tokens in make_tokenizer().tokenize(text) if tokens]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"min_count": 2, "threshold": 3.0},
        {"connectors": ENGLISH_CONNECTOR_WORDS},
        {"connectors": ENGLISH_CONNECTOR_WORDS, "passes": 2, "threshold": 20.0},
        {"passes": 3, "min_count": 3, "delimiter": "+"},
        {"scorer": "npmi", "threshold": 0.5},
        {"scorer": "npmi", "threshold": 0.2, "passes": 2, "connectors": {"of", "the"}},
        {"scorer": "npmi", "threshold": -1.0, "min_count": 4},
    ],
)
def test_real_text_has_the_phrases_scores_and_joined_sentences_of_gensim(documentation, options):
    phrases = check_against_gensim(documentation, **options)
    assert len(phrases) > 20


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "a_b", "b_c", "of"]), min_size=1, max_size=9), min_size=1),
    st.sampled_from(["original", "npmi"]),
    st.sampled_from([0.1, 0.5, 1.0]),
    st.integers(1, 3),
    st.sampled_from([(), ("of",)]),
)
def test_random_text_has_the_phrases_of_gensim(sentences, scorer, threshold, passes, connectors):
    found_by = {"scorer": scorer, "threshold": threshold, "passes": passes, "connectors": connectors}
    try:
        check_against_gensim(sentences, min_count=1, **found_by)
    except EmbeddingsError as error:
        assert "one word in every sentence" in str(error)


def test_the_english_connector_words_are_those_of_gensim():
    assert pytest.importorskip("gensim.models.phrases").ENGLISH_CONNECTOR_WORDS == ENGLISH_CONNECTOR_WORDS


PARTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@settings(max_examples=50)
@given(st.lists(st.lists(st.lists(PARTS, min_size=2, max_size=4).map(tuple), max_size=4, unique=True), max_size=3))
def test_a_table_is_read_as_it_was_written(passes):
    table = PhraseTable(
        passes=tuple(
            tuple(Phrase(parts, 5 + place, 1 / (place + 3)) for place, parts in enumerate(phrases))
            for phrases in passes
        ),
        delimiter="~",
        connectors=frozenset({"of", "a b"}),
    )
    with tempfile.TemporaryDirectory() as name:
        table.save(Path(name, "phrases.tsv"))
        assert PhraseTable.load(Path(name, "phrases.tsv")) == table


def test_the_table_is_readable(tmp_path):
    phrases = vecmill.Phrases([line.split() for line in LINES], threshold=1, connector_words="english", passes=2)
    phrases.save(tmp_path / "phrases.tsv")
    about, header, *rows = (tmp_path / "phrases.tsv").read_text("utf-8").splitlines()
    assert json.loads(about.removeprefix("# "))["delimiter"] == "_"
    assert header.split("\t") == ["pass", "phrase", "count", "score", "parts"]
    read = pd.read_csv(tmp_path / "phrases.tsv", sep="\t", comment="#")
    assert read.phrase.tolist() == phrases.to_frame().phrase.tolist()
    assert "Bank_of_America" in read.phrase.tolist()
    assert any(row.endswith("\tNew York") for row in rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table of phrases"),
        ("pass\tphrase\n", "no table of phrases"),
        ('# {"format": 7}\n', "of another version"),
        ('# {"format": 1, "passes": -1, "connectors": []}\n', "no table of phrases"),
        ('# {"format": 1, "passes": 1e999, "connectors": []}\n', "no table of phrases"),
        ('# {"format": 1, "passes": 1, "connectors": 5}\n', "no table of phrases"),
        ('# {"format": 1, "passes": 1, "connectors": [], "delimiter": 5}\n', "no table of phrases"),
        ('# {"format": 1, "passes": 1, "connectors": []}\nhead\n1\ta_b\t5\n', r"line 3 of .* is '1\\ta_b\\t5'"),
        ('# {"format": 1, "passes": 1, "connectors": []}\nhead\n2\ta_b\t5\t1.0\ta b\n', "line 3"),
        ('# {"format": 1, "passes": 1, "connectors": []}\nhead\n1\ta_b\t5\t1.0\ta\n', "line 3"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, text, message):
    path = tmp_path / "phrases.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(EmbeddingsError, match=message):
        PhraseTable.load(path)
    with pytest.raises(EmbeddingsError, match="cannot read the phrases"):
        vecmill.Phrases.load(tmp_path / "nowhere.tsv")


TABLE = PhraseTable(
    passes=(
        (Phrase(("new", "york"), 9, 12.5), Phrase(("a b", "c\t"), 5, 11.0)),
        (Phrase(("new_york", "city"), 6, 10.5),),
    ),
    connectors=frozenset({"of", "the"}),
)


@FUZZED
@given(damage(TABLE.to_text().encode()))
def test_a_damaged_table_gives_the_documented_error(tmp_path, data):
    (tmp_path / "phrases.tsv").write_bytes(data)
    try:
        table = PhraseTable.load(tmp_path / "phrases.tsv")
    except EmbeddingsError as error:
        assert "\n" not in str(error)
    else:
        assert table.join(["new", "york", "city"])
        table.to_text()


def test_phrases_of_lists_of_tokens(tmp_path):
    sentences = [line.split() for line in LINES]
    phrases = vecmill.Phrases(iter(sentences), threshold=1, connector_words="english")
    assert phrases[["in", "New", "York", "!"]] == ["in", "New_York", "!"]
    assert phrases[("New", "York")] == ["New_York"]
    assert phrases[[]] == []
    joined = phrases[sentences]
    assert next(iter(joined)) == next(iter(joined)) == ["New_York", "a0", "New_York"], "it can be read again"
    assert phrases.find_phrases([["in", "New", "York"]]) == {"New_York": phrases.export()["New_York"]}
    assert phrases.export().keys() >= {"New_York", "Bank_of_America"}
    assert "New_York" in phrases
    assert len(phrases) == len(phrases.to_frame()) == len(phrases.export())
    assert "New_York" in repr(phrases)
    phrases.save(tmp_path / "phrases.tsv")
    assert vecmill.Phrases.load(tmp_path / "phrases.tsv").table == phrases.table


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"passes": 0}, ValueError, "passes is 0"),
        ({"passes": -1}, ValueError, "passes must be from 0"),
        ({"passes": 2.0}, TypeError, "passes is 2.0"),
        ({"min_count": 0}, ValueError, "min_count must be at least 1"),
        ({"threshold": 0.0}, ValueError, "threshold must be above 0 for the scorer original, got 0.0"),
        ({"threshold": float("nan")}, ValueError, "threshold must be above 0"),
        ({"scorer": "npmi", "threshold": 1.5}, ValueError, "threshold must be from -1 to 1 .* got 1.5"),
        ({"scorer": "npmi", "threshold": float("nan")}, ValueError, "threshold must be from -1 to 1"),
        ({"scorer": "pmi"}, ValueError, "scorer must be one of original, npmi, got 'pmi'"),
        ({"delimiter": " "}, ValueError, "delimiter must have no white space, got ' '"),
        ({"delimiter": "\t"}, ValueError, "delimiter must have no white space"),
        ({"connector_words": [1]}, TypeError, r"connector_words\[0\] is 1"),
    ],
)
def test_settings_out_of_range_are_named(options, error, message):
    with pytest.raises(error, match=message):
        vecmill.Phrases([["a", "b"]], **options)


def test_what_is_no_list_of_tokens_is_refused():
    with pytest.raises(vecmill.NotTextError, match="the sentences are text; expected lists of tokens"):
        vecmill.Phrases(["new york"])
    phrases = vecmill.Phrases([["new", "york"]])
    with pytest.raises(vecmill.NotTextError, match=r"'new york' .* is no list of tokens"):
        phrases["new york"]
    with pytest.raises(vecmill.NotTextError, match="sentence 1 is 'new york'"):
        list(phrases[iter([["new"], "new york"])])


@pytest.mark.parametrize("sentence", ["new york", b"new york", None, 7, ["new", None], ["new", 7], [["new"]]])
def test_a_sentence_that_is_no_list_of_tokens_is_named(sentence):
    phrases = vecmill.Phrases([["new", "york"]])
    sentences = [["new", "york"], sentence]
    for call in (phrases.find_phrases, lambda given: list(phrases[iter(given)])):
        with pytest.raises(vecmill.NotTextError, match=r"sentence 1 is .*; expected a list of tokens"):
            call(sentences)


def test_sentences_of_arrow_are_read_as_lists():
    pa = pytest.importorskip("pyarrow")
    phrases = vecmill.Phrases([["new", "york"]] * 20, threshold=0.1, min_count=1)
    assert list(phrases.find_phrases(pa.array([["new", "york"]]))) == ["new_york"]
    with pytest.raises(vecmill.NotTextError, match="sentence 1 is None"):
        phrases.find_phrases(pa.array([["new", "york"], None]))


def test_training_joins_phrases_and_the_vectors_know_them(tmp_path):
    text = LINES
    options = {"phrases": 1, "connector_words": "english", "phrase_threshold": 1.0}
    vectors = vecmill.train(text, dimension=8, epochs=1, min_count=1, threads=1, **options)
    assert {"new_york", "bank_of_america"} <= set(vectors.words)
    assert "york" not in vectors
    vectors.save(tmp_path / "model")
    loaded = vecmill.load(tmp_path / "model")
    assert loaded.phrases == vectors.phrases
    assert loaded.make_tokenizer().tokenize("In NEW YORK!\nThe Bank of America") == [
        ["in", "new_york"],
        ["the", "bank_of_america"],
    ]
    found = vecmill.sentence_vectors(loaded, ["New York!", "the Bank of America"])
    np.testing.assert_allclose(found[0], loaded.get_vector("new_york", norm=True), atol=1e-6)
    assert vecmill.train(text, dimension=8, min_count=1).phrases is None


def test_a_tokenizer_with_phrases_tokenizes_a_corpus(tmp_path):
    vectors = WordVectors(Vocabulary.from_words(["a", "b"]), np.eye(2, dtype=np.float32))
    vectors.phrases = PhraseTable(passes=((Phrase(("new", "york"), 5, 11.0),),))
    tokenizer = vectors.make_tokenizer()
    assert isinstance(tokenizer, vecmill.Tokenizer)
    tokenized = tokenize_corpus([b"New York\nnew\nYork new ", b"york"], tokenizer, tmp_path / "t")
    words = {word.decode() for word in tokenized.spilled_counts(0, 0).words().words.to_bytes()}
    assert words == {"new_york", "new", "york"}
    with pytest.raises(InexactTokenizerError, match="phrases such as new_york"):
        exact_rules(tokenizer.settings)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.fixture
def model(text, tmp_path):
    out = tmp_path / "model"
    result = run("train-embeddings", text, "--out", out, *SETTING, "--phrase-threshold", 1, *SMALL)
    assert result.exit_code == 0, result.output
    return out


def test_the_command_trains_and_queries_join_phrases(model):
    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["history"]["phrases"]["summary"]["phrases"] == len(PhraseTable.load(model / "phrases.tsv"))
    assert json.loads((model / "config.json").read_text())["phrases"]["connector_words"] == "english"
    result = run("neighbors", model, "New York", "--topn", 1, "--json")
    assert json.loads(result.stdout)["word"] == "new_york"
    result = run("neighbors", model, "--topn", 1, "--json", stdin="New York state\ncity\n")
    assert [json.loads(line)["word"] for line in result.stdout.splitlines()] == ["new_york", "state", "city"]
    result = run("vector", model, stdin="bank of america\n")
    assert result.stdout.startswith("bank_of_america ")
    result = run("analogy", model, "--json", stdin="New York Bank of America city\n")
    assert [json.loads(result.stdout)[name] for name in "abc"] == ["new_york", "bank_of_america", "city"]
    result = run("embed", model, "--json", stdin="New York\n")
    expected = WordVectors.load(model).get_vector("new_york", norm=True)
    np.testing.assert_allclose(json.loads(result.stdout)["vector"], expected, atol=1e-5)


@pytest.mark.parametrize("fate", ["moved", "trained again"])
@pytest.mark.parametrize("limit", [None, 50])
def test_an_open_model_keeps_its_phrases_whatever_becomes_of_its_directory(model, tmp_path, fate, limit):
    phrases, vectors = PhraseTable.load(model / "phrases.tsv"), vecmill.load(model, limit=limit)
    if fate == "moved":
        model.rename(tmp_path / "moved")
    else:
        PhraseTable(passes=((Phrase(("the", "city"), 5, 11.0),),)).save(model / "phrases.tsv")
    vectors.save(tmp_path / "copy")
    assert vectors.phrases == PhraseTable.load(tmp_path / "copy" / "phrases.tsv") == phrases


def test_the_first_words_of_a_model_keep_its_phrases_and_context(model):
    some, whole = vecmill.load(model, limit=5), vecmill.load(model)
    assert some.phrases == whole.phrases is not None
    np.testing.assert_array_equal(some.context, whole.context[:5])
    assert some.words == whole.words[:5]


def test_a_model_with_phrases_is_exported_with_approximate_rules_only(model, text, tmp_path):
    fails(1, "phrases such as new_york", "export", model, "--format", "static-embedding", "--out", tmp_path / "s")
    pytest.importorskip("tokenizers")
    approximate = ["--approximate", "--sample", text, "--json"]
    result = run("export", model, "--format", "static-embedding", "--out", tmp_path / "s", *approximate)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["lines_cut_differently"] == pytest.approx(2 / 3)
    formats.read(tmp_path / "s").make_tokenizer()
    assert run("export", model, "--out", tmp_path / "words.txt", "--format", "glove").exit_code == 0


def test_training_goes_on_with_the_phrases_of_the_model(model, tmp_path):
    more = tmp_path / "more.txt"
    more.write_text("people like new york and old york\n" * 20)
    result = run("train-embeddings", more, "--start-from", model, "--out", tmp_path / "more", *SMALL)
    assert result.exit_code == 0, result.output
    before, after = WordVectors.load(model), WordVectors.load(tmp_path / "more")
    assert after.phrases == before.phrases
    old, new = (vectors.vocabulary.to_frame().set_index("word")["count"] for vectors in (before, after))
    assert (old["new_york"], new["new_york"], new["york"]) == (60, 80, 20)
    assert "york" not in old
    start = ["--start-from", model, "--out", tmp_path / "other", *SMALL]
    fails(2, "was trained with phrases", "train-embeddings", more, *start, "--phrases", 1)


def test_a_count_based_model_has_the_same_words(model, tmp_path):
    result = run("train-count-based", model, "--out", tmp_path / "counts", "--dimension", 4)
    assert result.exit_code == 0, result.output
    counts, vectors = WordVectors.load(tmp_path / "counts"), WordVectors.load(model)
    assert counts.words == vectors.words
    assert counts.phrases == vectors.phrases


def test_a_run_has_a_stage_of_phrases_that_is_skipped_and_made_again(text, tmp_path):
    config = tmp_path / "pipeline.toml"
    head = f'[corpus]\nsource = "{text}"\n[train]\ndimension = 8\nepochs = 1\n[vocabulary]\nmin_count = 1\n'
    config.write_text(f'{head}[phrases]\npasses = 1\nthreshold = 1.0\nconnector_words = ["of", "the"]\n')
    out = ["--out", tmp_path / "run", "--json"]
    assert run("run", config, *out).exit_code == 0
    assert (tmp_path / "run" / "phrases" / "phrases.tsv").exists()
    assert "bank_of_america" in WordVectors.load(tmp_path / "run" / "train-embeddings")
    stages = json.loads(run("run", config, *out).stdout)["stages"]
    assert not any(stage["made"] for stage in stages.values())
    result = run("run", config, *out, "--force", "phrases", "--set", "phrases.threshold=2")
    made = [name for name, stage in json.loads(result.stdout)["stages"].items() if stage["made"]]
    assert made[:3] == ["phrases", "vocabulary", "encode"]
    config.write_text(f'{head}[phrases]\npasses = 1\n[export]\nformats = ["static-embedding"]\n')
    fails(2, "static-embedding.*phrases such as new_york.*remove the format", "run", config, *out)


def test_settings_of_files_and_options(text, tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text("[phrases]\npasses = 2\nscorer = 'npmi'\n")
    found = load_config(config, {"phrases.threshold": Setting(0.3, "--phrase-threshold")}).phrases
    assert (found.passes, found.scorer, found.threshold) == (2, "npmi", 0.3)
    assert [stage.name for stage in embedding_stages(load_config(config))][1:4] == ["tokenize", "phrases", "vocabulary"]
    config.write_text("[phrases]\npasses = 2\n[lm]\nenabled = true\n")
    with pytest.raises(ConfigError, match=r"pipeline.toml:2: phrases.passes is 2, but a language model predicts"):
        load_run_config(config)
    fails(2, "pipeline.toml:2: phrases.passes is 2", "train-lm", text, "--config", config, "--out", tmp_path / "lm")
    training = ["train-embeddings", text, "--out", tmp_path / "out", "--phrases", 1]
    fails(2, "--phrase-threshold: threshold must be above 0", *training, "--phrase-threshold", 0)
    fails(2, "--phrase-threshold: .*-1 to 1", *training, "--phrase-scorer", "npmi", "--phrase-threshold", 2)
    fails(
        2,
        "--phrase-scorer: scorer must be one of original, npmi, got 'pmi'; did you mean 'npmi'",
        *training,
        "--phrase-scorer",
        "pmi",
    )
    fails(2, "--phrase-delimiter: delimiter must have no white space", *training, "--phrase-delimiter", " ")
    fails(2, "--phrases: passes must be", *training[:-1], -1)
    fails(2, "--connector-words: .* separated by spaces", *training, "--connector-words", "of,the")
    text.write_text("new york\n" * 60)
    fails(1, "phrases leave one word in every sentence", *training, "--phrase-threshold", 0.001)


def test_phrases_are_printed_and_written(text, tmp_path):
    options = ["phrases", text, "--connector-words", "english", "--threshold", 1]
    result = run(*options, "--out", tmp_path / "phrases.tsv", "--top", 1)
    assert result.exit_code == 0, result.output
    header, first, last = result.stdout.splitlines()
    assert header.split() == ["phrase", "count", "score"]
    table = PhraseTable.load(tmp_path / "phrases.tsv")
    best = table.passes[0][0]
    assert first.split() == ["_".join(best.parts), str(best.count), f"{best.score:.1f}"]
    assert last.startswith(f"{len(table)} phrases above 1, all of them in ")
    found = [json.loads(line) for line in run(*options, "--passes", 2, "--json").stdout.splitlines()]
    assert [row["score"] for row in found] == sorted((row["score"] for row in found), reverse=True)
    assert run(*options, "--passes", 2, "--out", tmp_path / "a.parquet").exit_code == 0
    assert pd.read_parquet(tmp_path / "a.parquet").phrase.tolist() == [row["phrase"] for row in found]
    fails(1, "a.parquet exists; add --force", *options, "--out", tmp_path / "a.parquet")
    fails(2, "must end in .tsv or .parquet", *options, "--out", tmp_path / "a.xlsx")
    fails(2, "--passes: passes must be at least 1", *options, "--passes", 0)
    assert "0 phrases above 1e+06" in run("phrases", text, "--threshold", 1e6).stdout


def test_settings_without_phrases_are_those_of_earlier_versions(text, tmp_path):
    out = tmp_path / "out"
    training = ["train-embeddings", text, "--out", out, *SMALL]
    assert run(*training).exit_code == 0
    assert not (out / "phrases.tsv").exists()
    config = json.loads((out / "config.json").read_text())
    assert config.pop("phrases")["passes"] == 0
    (out / "config.json").write_text(json.dumps(config))
    assert "nothing to do" in run(*training, "--skip-finished").stdout
    fails(1, "phrases.passes: 0 before, 1 now", *training, "--skip-finished", "--phrases", 1)


def test_the_default_threshold_is_that_of_the_scorer():
    assert PhraseSettings().lowest_score == 10
    assert PhraseSettings(scorer="npmi").lowest_score == 0.5
