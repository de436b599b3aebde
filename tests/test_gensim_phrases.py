"""`vecmill.gensim.Phrases` finds the phrases and counts of the definition, and what it saves opens again."""

import json
import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.gensim import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phraser, Phrases
from vecmill.gensim.saved import SavedFormatError

CONNECTORS = frozenset({"of", "the"})
SENTENCES = [["bank", "of", "america", "is", "large"], ["the", "bank", "of", "america"], ["new", "york", "bank"]] * 4


def counted(sentences, connectors):
    """Count words and adjacent pairs one by one."""
    counts = Counter()
    for sentence in sentences:
        first, between = None, []
        for word in sentence:
            if word in connectors:
                between.append(word)
                continue
            counts[word] += 1
            if first is not None:
                counts["_".join([first, *between, word])] += 1
            first, between = word, []
    return counts


def total(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):
    return worda_count + wordb_count + bigram_count + len_vocab + min_count + corpus_word_count


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "of", "the", "a_b"]), max_size=6), max_size=6))
def test_counts_are_those_of_words_and_adjacent_pairs(sentences):
    phrases = Phrases(sentences, connector_words=CONNECTORS)
    assert phrases.vocab == counted(sentences, CONNECTORS)
    assert phrases.corpus_word_count == sum(map(len, sentences))


def test_counts_of_two_texts_are_those_of_both():
    phrases = Phrases(SENTENCES[:5], min_count=1, connector_words=CONNECTORS)
    phrases.add_vocab(iter(SENTENCES[5:]))
    assert phrases.vocab == Phrases(SENTENCES, min_count=1, connector_words=CONNECTORS).vocab


def test_joined_sentences_can_be_read_twice_and_joined_again():
    bigram = Phrases(SENTENCES, min_count=1, threshold=0.1, connector_words=CONNECTORS)
    joined = bigram[SENTENCES]
    assert list(joined) == list(joined)
    assert bigram[iter(["in", "new", "york"])] == ["in", "new_york"]
    trigram = Phrases(joined, min_count=1, threshold=0.1, connector_words=CONNECTORS)
    assert "bank_of_america_is" in "_".join(trigram[bigram[SENTENCES[0]]])


def test_frozen_phrases_join_as_the_phrases_they_were_made_of():
    phrases = Phrases(SENTENCES, min_count=1, threshold=0.1, connector_words=CONNECTORS)
    frozen = phrases.freeze()
    assert Phraser is FrozenPhrases
    assert list(frozen[SENTENCES]) == list(phrases[SENTENCES])
    assert frozen.find_phrases(SENTENCES) == phrases.find_phrases(SENTENCES)


def test_a_scorer_gets_the_counts_and_is_given_again_to_load(tmp_path):
    phrases = Phrases([["a", "b"], ["a", "c"]], min_count=1, threshold=1, scoring=total)
    assert phrases.export_phrases()["a_b"] == 2 + 1 + 1 + 5 + 1 + 4
    phrases.save(tmp_path / "phrases.json")
    with pytest.raises(SavedFormatError, match=r"scorer total.*scoring=total"):
        Phrases.load(tmp_path / "phrases.json")
    assert Phrases.load(tmp_path / "phrases.json", scoring=total).export_phrases() == phrases.export_phrases()


def test_both_kinds_are_saved_as_text(tmp_path):
    phrases = Phrases(SENTENCES, min_count=1, threshold=-0.5, scoring="npmi", connector_words=CONNECTORS)
    for number, saved in enumerate((phrases, phrases.freeze())):
        saved.save(tmp_path / f"{number}.json")
        assert json.loads((tmp_path / f"{number}.json").read_text())["scoring"] == "npmi"
        loaded = type(saved).load(tmp_path / f"{number}.json")
        assert list(loaded[SENTENCES]) == list(saved[SENTENCES])
    with pytest.raises(SavedFormatError, match=r"FrozenPhrases\.load"):
        Phrases.load(tmp_path / "1.json")


def test_a_pickle_is_refused_with_the_lines_that_convert_it(tmp_path):
    (tmp_path / "old.pkl").write_bytes(pickle.dumps({}))
    with pytest.raises(SavedFormatError, match=r"phrasegrams"):
        Phrases.load(tmp_path / "old.pkl")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_count": 0}, "min_count is 0"),
        ({"threshold": 0}, "above 0"),
        ({"threshold": 2, "scoring": "npmi"}, "from -1 to 1"),
        ({"scoring": "pmi"}, "one of default, npmi"),
        ({"scoring": lambda a, b: 1}, "no parameters worda_count"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Phrases(SENTENCES, **settings)


def test_the_english_connector_words_are_gensims():
    gensim = pytest.importorskip("gensim.models.phrases")
    assert ENGLISH_CONNECTOR_WORDS == gensim.ENGLISH_CONNECTOR_WORDS


def test_phrases_and_scores_are_gensims(shared_data):
    gensim = pytest.importorskip("gensim.models.phrases")
    text = (shared_data / "lm" / "wiki-lm" / "valid.txt").read_text("utf-8")[:200_000]
    sentences = [line.split() for line in text.split("\n")]
    for scoring, threshold in (("default", 5.0), ("npmi", 0.3)):
        settings = {"min_count": 3, "threshold": threshold, "scoring": scoring, "connector_words": CONNECTORS}
        theirs = gensim.Phrases(sentences, **settings).export_phrases()
        ours = Phrases(sentences, **settings).export_phrases()
        assert ours.keys() == theirs.keys() and len(ours) > 10
        assert all(ours[phrase] == pytest.approx(theirs[phrase]) for phrase in ours)
