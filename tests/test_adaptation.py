"""Adapting while reading: probabilities that sum to one, what tuning finds and keeps; text in, text out in Python."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from embeddings.errors import EmbeddingsError
from embeddings.language_model import adaptation
from embeddings.language_model.adaptation import Adaptation, NgramWeights
from embeddings.language_model.adapted_reading import AdaptedReader
from embeddings.language_model.dynamic_evaluation import DynamicEvaluation, DynamicSettings, gradient_rms
from embeddings.language_model.generation import beam_search, generate
from embeddings.language_model.model import LanguageModel
from embeddings.language_model.neural_cache import CacheSettings
from embeddings.language_model.ngram_files import load_ngram_model
from embeddings.language_model.perplexity import hidden_states
from embeddings.language_model.scoring import score_text
from embeddings.language_model.tuning import NgramFile, lowest, tune
from tests.small_language_model import WORDS, make_model

CACHE = CacheSettings(size=9, theta=1.5, weight=0.3)
DYNAMIC = DynamicSettings(learning_rate=0.05, decay=0.01, epsilon=0.05, segment=3)
EOS = 0
LINES = ["the cat sat", "the dog sat the mat", "the zebra sat", "", "mat mat mat"] * 12


@pytest.fixture(scope="module")
def rms():
    return gradient_rms(make_model(seed=1), np.random.default_rng(0).integers(0, 7, 200), 3)


@pytest.fixture(scope="module")
def ngrams(tmp_path_factory):
    path = tmp_path_factory.mktemp("ngrams") / "text.txt"
    path.write_text("the cat sat\nthe dog sat\nthe cat the mat\n" * 4)
    model = make_model(seed=1)
    return NgramFile(load_ngram_model(path, model.vocabulary, model.make_tokenizer()), path)


@pytest.fixture
def text():
    return "\n".join(LINES) + "\n"


@pytest.fixture
def saved(tmp_path):
    make_model(seed=1, dtype=np.float32, hidden_size=8).save(tmp_path / "lm")
    return tmp_path / "lm"


# --- probabilities ---


PLAIN_WORDS = [word for word in WORDS if word != "<eos>"]
SENTENCE = st.lists(st.sampled_from(PLAIN_WORDS), max_size=5)


@settings(max_examples=12, deadline=None)
@given(
    before=st.lists(SENTENCE.filter(len), max_size=4),
    begun=SENTENCE,
    weight=st.floats(0, 1),
    theta=st.floats(0, 4),
    size=st.integers(1, 12),
    share=st.floats(0, 1),
)
def test_probabilities_sum_to_one_over_the_vocabulary(rms, ngrams, before, begun, weight, theta, size, share):
    """Plainly, with each way of adapting, and mixed with n-grams: for each word, and the end, after the same text."""
    model = make_model(seed=1)
    cache = CacheSettings(size=size, theta=theta, weight=weight)
    totals: dict[str, float] = {}
    for word in [*PLAIN_WORDS, None]:
        line = begun if word is None else [*begun, word]
        if not line:
            continue  # an empty line is left out, so that its end cannot be asked for
        text = "\n".join(" ".join(words) for words in [*before, line])
        for dynamic in (False, True):
            evaluation = DynamicEvaluation(model, DYNAMIC, rms) if dynamic else None
            reader = AdaptedReader(model, cache=cache, dynamic=evaluation, dynamic_cache=cache)
            scored = score_text(model, text, reader=reader, ngrams=ngrams.model, weight=share)
            for name, values in {"plain": scored.log_likelihoods, **scored.adapted}.items():
                key = f"{name}, dynamic {dynamic}"
                totals[key] = totals.get(key, 0.0) + math.exp(values[-1][len(begun)])
    assert {name.partition(",")[0] for name in totals} >= {"plain", "cache", "dynamic", "dynamic+cache"}
    if begun:
        assert list(totals.values()) == pytest.approx([1.0] * len(totals), abs=1e-9)
    else:
        assert max(totals.values()) < 1


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 6), max_size=8))
def test_the_words_of_a_generated_text_have_the_probabilities_of_a_read_one(prompt):
    model = make_model(seed=1)
    [(words, log_p), *_] = beam_search(model, prompt, 4, width=50, allow_unknown=True, cache=CACHE)
    ids = np.array([*prompt, *words, EOS][: len(prompt) + 4])
    [read] = AdaptedReader(model, cache=CACHE).read([ids])["cache"]
    assert log_p == pytest.approx(read[len(prompt) :].sum(), abs=1e-9)


def test_a_cache_makes_generation_repeat_the_prompt():
    model, prompt = make_model(seed=2), [2, 2, 2, 2, 2, 2]
    repeating = CacheSettings(size=50, theta=0.0, weight=0.9)
    first = [generate(model, prompt, 1, rng=np.random.default_rng(n), cache=repeating) for n in range(40)]
    assert first.count([2]) > 30
    alone = generate(model, prompt, 30, rng=np.random.default_rng(0))
    weightless = CacheSettings(weight=0.0)
    assert generate(model, prompt, 30, rng=np.random.default_rng(0), cache=weightless) == alone


# --- what never changes, and what goes on ---


def test_the_model_itself_never_changes(rms):
    model = make_model(seed=1)
    before = {name: parameter.value.copy() for name, parameter in model.parameters.items()}
    ids = np.random.default_rng(1).integers(0, 7, 90)
    evaluation = DynamicEvaluation(model, DYNAMIC, rms)
    first = AdaptedReader(model, dynamic=evaluation).read([ids])
    for name, parameter in model.parameters.items():
        np.testing.assert_array_equal(parameter.value, before[name])
    again = AdaptedReader(model, dynamic=DynamicEvaluation(model, DYNAMIC, rms)).read([ids])
    np.testing.assert_array_equal(first["dynamic"], again["dynamic"])
    goes_on = AdaptedReader(model, dynamic=evaluation).read([ids])
    assert goes_on["dynamic"][0].sum() > first["dynamic"][0].sum()  # it has learned the text


def test_a_cache_goes_on_from_text_to_text_and_plain_reading_does_not():
    model = make_model(seed=1)
    reader, text = AdaptedReader(model, cache=CACHE), np.array([1, 2, 5, 0])
    first, second = reader.read([text]), reader.read([text])
    np.testing.assert_array_equal(first["plain"], second["plain"])
    assert (second["cache"][0] != first["cache"][0]).all()
    both = AdaptedReader(model, cache=CACHE).read([text, text])
    np.testing.assert_allclose(both["cache"], [first["cache"][0], second["cache"][0]])


def test_a_cache_longer_than_the_text_holds_all_of_it():
    model, ids = make_model(seed=1), np.random.default_rng(1).integers(0, 7, 40)
    found = [
        AdaptedReader(model, cache=CacheSettings(size=size, weight=0.3)).read([ids])["cache"][0] for size in (40, 10**6)
    ]
    np.testing.assert_array_equal(*found)


def test_divergence_ends_dynamic_evaluation_and_leaves_the_plain_result(rms):
    model, ids = make_model(seed=1), np.random.default_rng(1).integers(0, 7, 3000)
    wild = DynamicSettings(learning_rate=50.0, decay=0.0, epsilon=0.05, segment=3)
    reader = AdaptedReader(model, cache=CACHE, dynamic=DynamicEvaluation(model, wild, rms), dynamic_cache=CACHE)
    with np.errstate(all="ignore"):
        found = reader.read([ids])
    assert list(found) == ["plain", "cache"]
    assert reader.diverged
    assert "learning rate 50" in str(reader.diverged)
    assert list(reader.read([ids[:50]])) == ["plain", "cache"]


# --- tuning ---


def test_tuning_lowers_the_perplexity_it_is_for(text, ngrams):
    model = make_model(seed=1)
    model.adaptation = found = tune(model, text, name="valid", cache=30, ngrams=ngrams)
    reached = found.validation["perplexity"]
    assert reached["plain"] == pytest.approx(model.perplexity(text))
    assert max(reached["cache"], reached["dynamic"]) < reached["plain"]
    assert reached["dynamic+cache"] <= reached["dynamic"]
    assert reached["interpolated"] < reached["dynamic+cache"]
    assert found.validation["tokens"] == sum(len(line.split()) + 1 for line in LINES if line)
    assert set(found.ngrams.weights) == {"plain", "cache", "dynamic", "dynamic+cache"}
    assert model.perplexity(text, cache=30) == pytest.approx(reached["cache"], rel=1e-6)
    assert model.perplexity(text, dynamic=True) == pytest.approx(reached["dynamic"], rel=1e-6)
    assert model.perplexity(text, cache=30, dynamic=True) == pytest.approx(reached["dynamic+cache"], rel=1e-6)


def test_theta_and_weight_are_the_best_of_all(text):
    model = make_model(seed=1)
    found = tune(model, text, cache=30, dynamic=False).cache
    best = tune(model, text, cache=30, dynamic=False).validation["perplexity"]["cache"]
    for theta in (0.0, 0.1, 1.0, 2.0):
        for weight in (0.05, 0.3, 0.6, found.weight):
            reader = AdaptedReader(model, cache=CacheSettings(size=30, theta=theta, weight=weight))
            assert score_text(model, text, reader=reader).adapted_perplexities["cache"].perplexity >= best * 0.9999


def test_a_walk_ends_at_the_lowest_value():
    values = tuple(float(value) for value in range(9))
    for start in values:
        for goal in values:
            assert lowest(values, start, lambda value, goal=goal: (value - goal) ** 2) == goal


def test_what_was_tuned_is_kept_with_the_model_and_its_weights_are_not_touched(saved, text, tmp_path, ngrams):
    weights = (saved / "model.safetensors").read_bytes()
    model = LanguageModel.load(saved)
    assert model.adaptation == Adaptation()
    found = tune(model, text, cache=30, ngrams=ngrams)
    found.save(saved)
    assert (saved / "model.safetensors").read_bytes() == weights
    loaded = LanguageModel.load(saved)
    assert loaded.adaptation.to_dict() == found.to_dict()
    for name, values in found.gradient_rms().items():
        np.testing.assert_array_equal(loaded.adaptation.gradient_rms()[name], values)
    loaded.save(tmp_path / "copy")
    copied = LanguageModel.load(tmp_path / "copy")
    assert copied.perplexity(text, dynamic=True) == loaded.perplexity(text, dynamic=True)
    assert load_file(tmp_path / "copy" / "gradient_rms.safetensors").keys() == model.trainable_parameters.keys()
    assert loaded.adaptation.ngram_weight(ngrams.path, "cache") == found.ngrams.weights["cache"]


@pytest.mark.parametrize("fate", ["moved", "tuned again"])
def test_an_open_model_keeps_its_settings_whatever_becomes_of_its_directory(saved, text, tmp_path, fate):
    tune(LanguageModel.load(saved), text, cache=30, dynamic=False).save(saved)
    model, settings = LanguageModel.load(saved), LanguageModel.load(saved).adaptation.to_dict()
    if fate == "moved":
        saved.rename(tmp_path / "moved")
    else:
        tune(LanguageModel.load(saved), text, cache=60, dynamic=False).save(saved)
    model.save(tmp_path / "copy")
    assert LanguageModel.load(tmp_path / "copy").adaptation.to_dict() == settings


def test_the_weight_of_another_ngram_model_is_not_used(tmp_path, caplog):
    other = tmp_path / "other.arpa"
    other.write_text("another")
    learned = Adaptation(ngrams=NgramWeights(file="kn.arpa", sha256="0", weights={"plain": 0.2}))
    assert learned.ngram_weight(other, "plain") == 0.5
    assert "learned for kn.arpa" in caplog.text
    assert Adaptation().ngram_weight(other, "plain") == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cache": {"size": 3, "theta": 1.0, "weight": 1.5}}, "cache weight 1.5: expected a share from 0 to 1"),
        ({"cache": {"size": 3, "theta": 1e999, "weight": 0.5}}, "cache theta inf: expected a finite number"),
        ({"cache": {"size": 0, "theta": 1.0, "weight": 0.5}}, "cache size 0: expected at least 1"),
        ({"cache": {"size": 3}, "dynamic": {"rate": 1}}, "rate"),
        ({"ngrams": {"file": "a", "sha256": "b", "weights": {"plain": 2.0}}}, "not from 0 to 1"),
        ({"format": 9}, "format is 9"),
    ],
)
def test_a_damaged_file_of_settings_is_one_line(change, message, saved, text):
    tune(LanguageModel.load(saved), text, dynamic=False).save(saved)
    record = json.loads((saved / "adaptation.json").read_text())
    (saved / "adaptation.json").write_text(json.dumps(record | change))
    model = LanguageModel.load(saved)
    assert model.perplexity(text) > 1
    with pytest.raises(EmbeddingsError, match=f"adaptation.json is damaged .*{message}.*tune-lm"):
        model.perplexity(text, cache=10)


def test_gradients_of_another_tuning_are_refused(saved, text):
    tune(LanguageModel.load(saved), text).save(saved)
    with (saved / "gradient_rms.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(EmbeddingsError, match=r"gradient_rms\.safetensors is damaged .*hash"):
        LanguageModel.load(saved).perplexity(text, dynamic=True)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("killed_at", range(4))
def test_a_tuning_that_is_killed_while_it_is_written_leaves_the_old_or_the_new_one(
    saved, text, monkeypatch, first, killed_at
):
    def perplexity():
        return LanguageModel.load(saved).perplexity(text, dynamic=True)

    model = LanguageModel.load(saved)
    new = tune(model, text[: len(text) // 2])
    allowed = [None]
    if not first:
        tune(model, text).save(saved)
        allowed = [perplexity()]
    steps = iter(range(4))

    def killed_or(step):
        def run(*arguments, **options):
            if next(steps) == killed_at:
                raise KeyboardInterrupt
            return step(*arguments, **options)

        return run

    with monkeypatch.context() as patch:
        for name in ("atomic_file", "write_json", "_rename", "flush"):
            patch.setattr(adaptation, name, killed_or(getattr(adaptation, name)))
        with pytest.raises(KeyboardInterrupt):
            new.save(saved)
    found = perplexity() if (saved / "adaptation.json").exists() else None
    new.save(saved)
    assert found in [*allowed, perplexity()]
    assert not [path for path in saved.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("other", [{"hidden_size": 4}, {"layers": 3}, {"cell": "gru"}])
def test_gradients_of_another_model_are_refused(saved, text, tmp_path, other):
    another = make_model(seed=1, **{"hidden_size": 8, **other})
    another.save(tmp_path / "other")
    tune(another, text).save(tmp_path / "other")
    for name in ("adaptation.json", "gradient_rms.safetensors"):
        (saved / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(EmbeddingsError, match=r"are those of another model; tune this one: vecmill tune-lm"):
        LanguageModel.load(saved).perplexity(text, dynamic=True)


@pytest.mark.parametrize(
    "settings",
    [{"learning_rate": 0.0}, {"learning_rate": math.inf}, {"epsilon": -1.0}, {"decay": 1.5}, {"segment": 0}],
)
def test_settings_of_dynamic_evaluation_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        DynamicSettings(**{"learning_rate": 0.1, "decay": 0.1, "epsilon": 0.1, **settings})


# --- a model of text ---


def test_without_tuning_a_cache_has_defaults_and_dynamic_evaluation_says_what_to_do(text, caplog):
    model = make_model(seed=1)
    assert model.perplexity(text, cache=20) != model.perplexity(text)
    assert "the cache is not tuned for this model" in caplog.text
    with pytest.raises(EmbeddingsError, match=r"no settings for dynamic evaluation.*tune-lm"):
        model.perplexity(text, dynamic=True)


def test_a_cache_of_another_size_than_the_tuned_one_is_warned_of(text, caplog):
    model = make_model(seed=1)
    model.adaptation = Adaptation(cache=CACHE)
    model.perplexity(text, cache=9)
    assert not caplog.records
    model.perplexity(text, cache=4)
    assert "tuned with 9 words; for 4 tune it again" in caplog.text


def test_divergence_gives_the_plain_perplexity_in_its_message(text, rms):
    model = make_model(seed=1)
    wild = DynamicSettings(learning_rate=50.0, decay=0.0, epsilon=0.05, segment=3)
    model.adaptation = Adaptation(dynamic=wild, rms=rms)
    expected = f"diverged after .*; without it the perplexity is {model.perplexity(text * 20):.2f}"
    with np.errstate(all="ignore"), pytest.raises(EmbeddingsError, match=expected):
        model.perplexity(text * 20, dynamic=True)


def test_the_next_words_are_the_most_probable_of_all():
    model = make_model(seed=1)
    prompts = ["the cat", "", "dog sat the mat zebra", "mat"]
    batch = model.next_words(prompts, topn=3)
    for prompt, found in zip(prompts, batch, strict=True):
        ids = [model.eos, *(model.vocabulary.id(w) if w in WORDS else model.unk for w in prompt.split())]
        hidden, _ = model.hidden(np.array(ids)[:, None])
        p = np.exp(model.output.log_probabilities(hidden[-1])[0])
        order = [i for i in np.argsort(-p) if i != model.unk][:3]
        assert [word for word, _ in found] == [WORDS[i] for i in order]
        np.testing.assert_allclose([value for _, value in found], p[order], rtol=1e-9)
        assert model.next_words(prompt, topn=3) == [(word, pytest.approx(value)) for word, value in found]
    assert len(model.next_words("the", topn=99)) == len(WORDS) - 1
    assert model.next_words([]) == []
    with pytest.raises(ValueError, match="topn must be at least 1"):
        model.next_words("the", topn=0)
    with pytest.raises(TypeError, match="prompt 1 is None"):
        model.next_words(["the", None])


@pytest.mark.parametrize(
    "prompts", [None, 3, b"the", {"the": 1}, {"the"}, np.array("the"), pd.DataFrame({"the": ["mat"]}), Path("the")]
)
def test_what_is_no_list_of_prompts_is_refused(prompts):
    with pytest.raises(TypeError, match=r"prompts is .*; expected a str, or a list of str"):
        make_model(seed=1).next_words(prompts)


@pytest.mark.parametrize("settings", [{}, {"last_hidden_size": 3, "dimension": 4}, {"cell": "gru"}])
def test_hidden_states_are_those_after_each_word(settings):
    model = make_model(seed=1, **settings)
    lines = ["the cat sat on the mat", "", "zebra", "dog dog"]
    found = model.hidden_states(lines)
    assert [states.shape for states in found] == [(n, model.network.output_size) for n in (6, 0, 1, 2)]
    ids = model.vocabulary.ids(lines[0].split(), missing=model.unk)
    states = None
    model.network.forward(model.embedding.forward(np.array([[model.eos]])), states)
    _, states = model.hidden(np.array([[model.eos]]))
    for word, row in zip(ids, found[0], strict=True):
        _, states = model.hidden(np.array([[word]]), states)
        np.testing.assert_allclose(row, states[-1][0][0], rtol=1e-9)
    for alone, together in zip([model.hidden_states([line])[0] for line in lines], found, strict=True):
        np.testing.assert_allclose(alone, together, rtol=1e-9)
    assert len(model.hidden_states("the cat\ndog")) == 2
    assert hidden_states(model, []) == []


def test_scores_with_a_cache_depend_on_the_lines_before():
    model = make_model(seed=1)
    model.adaptation = Adaptation(cache=CACHE)
    lines = ["the cat", "the cat"]
    first, second = model.score(lines, cache=9)
    assert first != second
    assert model.score(["the cat"], cache=9)[0] == pytest.approx(first)
    plain = model.score(lines)
    assert plain[0] == pytest.approx(plain[1])


def test_a_text_in_another_language_is_warned_of_once(caplog):
    model = make_model(seed=1)
    model.perplexity("die Katze sitzt auf der Matte und schläft\n" * 9)
    assert [record.getMessage().count("72 of 72 words are not in the vocabulary") for record in caplog.records] == [1]
    caplog.clear()
    model.perplexity("the cat sat\n" * 9)
    assert not caplog.records
