"""The tasks: their networks, the initialisations of the word vectors, and baselines without a network.

Only the word vectors differ between initialisations; network, spelling features, examples and seed are the same.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from embeddings import Vocabulary, WordVectors
from embeddings.evaluation.probing.constituents import ConstituentLabeller, constituent_labels
from embeddings.evaluation.probing.task_data import TaskData
from embeddings.networks.initial_embedding import align
from embeddings.sequences.classifier import SequenceClassifier
from embeddings.sequences.network import SequenceNetworkConfig
from embeddings.sequences.tagger import SequenceTagger
from embeddings.sequences.training import SequenceTrainingConfig
from embeddings.sequences.word_inputs import WordInputsConfig

FROZEN, TUNED, CONTINUED, RANDOM, BASELINE = "E frozen", "E tuned", "E continued", "random", "baseline"
INITIALISATIONS = (FROZEN, TUNED, CONTINUED, RANDOM, BASELINE)

Answers = list[list[str]]


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Training and test examples of one network.

    Attributes
    ----------
    train, test : sequence
        Sequences of words, or ``nltk.Tree`` objects.
    labels : sequence of list of str
        Labels of each training example.
    all_labels : list of str
        Distinct labels of the whole training part, sorted.
    """

    train: Sequence[Any]
    labels: Sequence[list[str]]
    test: Sequence[Any]
    all_labels: list[str]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task.

    Attributes
    ----------
    title : str
        Name of the task and of its text.
    inputs : WordInputsConfig
        Tables of the word vectors.
    window : int
        Window of the continued word2vec training of E on the text of the task.
    training : callable
        Takes the number of training words, returns the `SequenceTrainingConfig`.
    fit : callable
        Takes the examples and the options of a `SequenceLabeller`, returns a trained network.
    baseline : callable
        Takes the examples, returns the answers of the baseline.
    """

    title: str
    inputs: WordInputsConfig
    window: int
    training: Callable[[int], SequenceTrainingConfig]
    fit: Callable[..., SequenceTagger | SequenceClassifier | ConstituentLabeller]
    baseline: Callable[[Examples], Answers]


def answers(
    task: Task, examples: Examples, initialisation: str, vectors: WordVectors, seed: int
) -> tuple[Answers, float | None]:
    """Train a network from one initialisation and answer the test.

    Parameters
    ----------
    task : Task
    examples : Examples
    initialisation : str
        One of `INITIALISATIONS`.
    vectors : WordVectors
        E, or E after continued training.
    seed : int

    Returns
    -------
    answers : list of list of str
        Predicted labels of each test example.
    missing_share : float or None
        Fraction of the words of the training examples that have no vector in E; None if E is not used.
    """
    if initialisation == BASELINE:
        return task.baseline(examples), None
    model = task.fit(
        examples,
        training=task.training(sum(len(words_of(example)) for example in examples.train)),
        inputs=replace(task.inputs, freeze_embedding=initialisation == FROZEN, dimension=vectors.dimension),
        vectors=None if initialisation == RANDOM else vectors,
        labels=examples.all_labels,
        seed=seed,
    )
    found = [[label] if isinstance(label, str) else label for label in model.predict(examples.test)]
    return found, None if initialisation == RANDOM else model.inputs_.missing_share


def words_of(example: Any) -> Sequence[str]:
    """Return the words of an example: a sequence of words, or a tree."""
    leaves: Sequence[str] = example.leaves() if hasattr(example, "leaves") else example
    return leaves


def restrict_to_vocabulary(vectors: WordVectors, data: TaskData) -> WordVectors:
    """Return the part of E for the words of a task: the rows of these words, or of their lower-case forms.

    Words that have a vector by their n-grams get a row too, without a context vector.

    Parameters
    ----------
    vectors : WordVectors
        E.
    data : TaskData
        Training and test examples.

    Returns
    -------
    WordVectors

    Raises
    ------
    EmbeddingsError
        E has none of the words; see `align`.
    """
    forms = {word for example in (*data.train, *data.test) for word in words_of(example)}
    found = align(Vocabulary.from_words(sorted(forms)), vectors)
    chosen = np.unique(found.rows[found.rows >= 0])
    by_ngrams = sorted(set(found.by_ngrams.values()))
    words = [*(vectors.words[row] for row in chosen.tolist()), *by_ngrams]
    counts = [*vectors.vocabulary.counts[chosen].tolist(), *[0] * len(by_ngrams)]
    context = None
    if vectors.context is not None:
        context = np.zeros((len(words), vectors.dimension), np.float32)
        context[: len(chosen)] = vectors.context[chosen]
    return WordVectors(Vocabulary.from_words(words, counts), vectors[words], context)


def _fit_tagger(examples: Examples, **options: Any) -> SequenceTagger:
    network = SequenceNetworkConfig(cell="lstm", layer_sizes=(64,), dropout=0.2)
    return SequenceTagger(network, **options).fit(examples.train, examples.labels)


def _fit_classifier(examples: Examples, **options: Any) -> SequenceClassifier:
    network = SequenceNetworkConfig(cell="lstm", layer_sizes=(32,), dropout=0.3)
    classifier = SequenceClassifier(network, pooling="mean", window=50, windows_drawn=4, **options)
    return classifier.fit(examples.train, [label for (label,) in examples.labels])


def _fit_constituent_labeller(examples: Examples, **options: Any) -> ConstituentLabeller:
    return ConstituentLabeller(hidden_size=100, dropout=0.2, **options).fit(examples.train, examples.labels)


def _most_frequent_tags(examples: Examples) -> Answers:
    """Answer the most frequent tag of each word; unknown words get the most frequent tag of words that occur once."""
    counts: dict[str, Counter[str]] = {}
    for words, labels in zip(examples.train, examples.labels, strict=True):
        for word, label in zip(words, labels, strict=True):
            counts.setdefault(word, Counter())[label] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
    once = [best[word] for word, tags in counts.items() if tags.total() == 1]
    unknown = _most_common(once or best.values())
    return [[best.get(word, unknown) for word in words] for words in examples.test]


def _majority(examples: Examples) -> Answers:
    return [[_most_common(label for (label,) in examples.labels)]] * len(examples.test)


def _most_frequent_constituent(examples: Examples) -> Answers:
    best = _most_common(label for labels in examples.labels for label in labels)
    return [[best] * len(constituent_labels(tree)) for tree in examples.test]


def _most_common(labels: Iterable[str]) -> str:
    return Counter(labels).most_common(1)[0][0]


def _tagger_training(words: int) -> SequenceTrainingConfig:
    """Return the settings of taggers: more epochs for fewer words, so that steps number hundreds to thousands."""
    return SequenceTrainingConfig(
        epochs=int(np.clip(round(3 + 200_000 / words), 3, 15)),
        batch_words=int(np.clip(words // 150, 256, 2048)),
        learning_rate=5e-3,
        validation_fraction=0.05,
    )


def _review_training(words: int) -> SequenceTrainingConfig:
    """Return the settings of classifiers, without validation: a few dozen reviews cannot tell which epoch is best."""
    return SequenceTrainingConfig(
        epochs=int(np.clip(round(3_400_000 / words), 10, 30)),
        batch_words=int(np.clip(words // 30, 1024, 8192)),
        learning_rate=3e-3,
        validation_fraction=0,
    )


def _tree_training(words: int) -> SequenceTrainingConfig:
    return SequenceTrainingConfig(
        epochs=int(np.clip(round(400_000 / words), 5, 15)),
        batch_words=int(np.clip(words // 100, 128, 1024)),
        learning_rate=3e-3,
        validation_fraction=0.05,
    )


_TAGGING = Task(
    title="Parts of speech",
    inputs=WordInputsConfig(endings=(1, 2, 3), ending_dimension=16, shape_dimension=8),
    window=5,
    training=_tagger_training,
    fit=_fit_tagger,
    baseline=_most_frequent_tags,
)

TASKS = {
    "pos-treebank": replace(_TAGGING, title="Parts of speech, Penn Treebank sample"),
    "pos-brown": replace(_TAGGING, title="Parts of speech, Brown corpus"),
    "sentiment": Task(
        title="Sentiment of movie reviews",
        inputs=WordInputsConfig(),
        window=10,
        training=_review_training,
        fit=_fit_classifier,
        baseline=_majority,
    ),
    "constituents": Task(
        title="Labels of constituents, Penn Treebank sample",
        inputs=WordInputsConfig(),
        window=5,
        training=_tree_training,
        fit=_fit_constituent_labeller,
        baseline=_most_frequent_constituent,
    ),
}
