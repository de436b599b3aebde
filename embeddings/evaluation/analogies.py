"""Analogies: the accuracy of answers to "a is to b as c is to ?"."""

import numpy as np
import pandas as pd

from embeddings.evaluation.analogy_kernels import MASKED, update_answers
from embeddings.evaluation.benchmark_files import Analogies
from embeddings.evaluation.known_words import KnownWords, fold
from embeddings.setting_types import require_flags
from embeddings.vectors.word_vectors import COSMUL_EPSILON, WordVectors
from vecmill.arguments import is_one_of, quoted, require_kind

BLOCK_VALUES = 1 << 20  # cosines of one block: 4 MB, near the size of the second-level cache
NARROWEST, WIDEST = 64, 1024  # bounds of the candidate words per block


def evaluate_analogies(
    vectors: WordVectors,
    questions: Analogies,
    method: str = "3CosAdd",
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    use_ngrams: bool = False,
) -> pd.DataFrame:
    """Compute the accuracy on analogy questions, by section and in total.

    The answer is the candidate with the best score, other than a, b and c (Mikolov et al. 2013, "Linguistic
    Regularities in Continuous Space Word Representations"; 3CosMul: Levy & Goldberg 2014). Accuracies equal those of
    gensim's ``evaluate_word_analogies``.

    Parameters
    ----------
    vectors : WordVectors
    questions : Analogies
        As `read_analogies` returns them.
    method : {"3CosAdd", "3CosMul"}
    restrict_vocab : int or None
        Use only the first `restrict_vocab` words of the vocabulary; None uses all.
    case_insensitive : bool
        Compare upper-case forms; the most frequent word of a form represents all of them.
    dummy4unknown : bool
        Count questions with an unknown word as wrong; otherwise they are skipped. The name is gensim's.
    use_ngrams : bool
        The words a, b and c may be outside of the vocabulary, if the model has n-grams; the answer is a word of it.

    Returns
    -------
    DataFrame
        One row per section and a last row "total"; columns section, questions (in the file), used, correct,
        accuracy (correct / used, NaN if none was used), oov (fraction of questions with an unknown word).

    Raises
    ------
    ValueError
        The method is unknown.
    """
    require_kind("questions", questions, Analogies, "Analogies, as read_analogies(path) returns them")
    require_flags(dummy4unknown=dummy4unknown)
    answerable, correct = answered(vectors, questions, method, restrict_vocab, case_insensitive, use_ngrams)
    section = np.repeat(np.arange(len(questions.sections)), [len(part) for part in questions.sections.values()])
    used = answerable | dummy4unknown
    frame = pd.DataFrame({"section": section, "questions": 1, "used": used, "correct": correct, "oov": ~answerable})
    table = frame.groupby("section").sum()
    table.insert(0, "section", list(questions.sections))
    table.loc[len(table)] = ["total", *table.iloc[:, 1:].sum()]
    table["accuracy"] = table["correct"] / table["used"].where(table["used"] > 0)
    table["oov"] = table["oov"] / table["questions"]
    return table[["section", "questions", "used", "correct", "accuracy", "oov"]].reset_index(drop=True)


def require_method(method: str) -> None:
    """Raise a ValueError for a score of analogies that does not exist."""
    if not is_one_of(method, ("3CosAdd", "3CosMul")):
        raise ValueError(f"method is {quoted(method)}; expected '3CosAdd' or '3CosMul'")


def answered(
    vectors: WordVectors,
    questions: Analogies,
    method: str = "3CosAdd",
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    use_ngrams: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Answer the questions; `evaluate_analogies` has the parameters and errors.

    Parameters
    ----------
    vectors : WordVectors
    questions : Analogies
    method : {"3CosAdd", "3CosMul"}
    restrict_vocab : int or None
    case_insensitive : bool
    use_ngrams : bool
        As in `evaluate_analogies`.

    Returns
    -------
    answerable : (n,) bool
        For the questions of all sections, one after the other: all four words are known.
    correct : (n,) bool
        The answer is the expected word.
    """
    require_flags(case_insensitive=case_insensitive, use_ngrams=use_ngrams)
    require_method(method)
    asked = [word for part in questions.sections.values() for question in part for word in question[:3]]
    known = KnownWords(vectors, restrict_vocab, case_insensitive, asked if use_ngrams else ())
    rows = known.rows(word for part in questions.sections.values() for question in part for word in question)
    rows = rows.reshape(-1, 4)
    answerable = (rows.min(axis=1) >= 0) & known.is_in_vocabulary(rows[:, 3])
    terms, term_of = np.unique(rows[answerable, :3], return_inverse=True)
    variants = _variants(vectors, terms, known.row_of, restrict_vocab, case_insensitive)
    candidates, term_of = vectors.unit_matrix[:restrict_vocab], term_of.reshape(-1, 3)
    answers = _answers(candidates, known.unit_vectors(terms), term_of, variants, method == "3CosMul")
    correct = np.zeros(len(rows), bool)
    correct[answerable] = [
        known.row_of[fold(vectors.words[answer], case_insensitive)] == expected
        for answer, expected in zip(answers, rows[answerable, 3], strict=True)
    ]
    return answerable, correct


def _variants(
    vectors: WordVectors, terms: np.ndarray, known: dict[str, int], restrict_vocab: int | None, case_insensitive: bool
) -> list[list[int]]:
    """Return for each term the rows of all words with the same form, itself included."""
    variants: dict[int, list[int]] = {int(term): [] for term in terms}
    for row, word in enumerate(vectors.words[:restrict_vocab]):
        rows = variants.get(known[fold(word, case_insensitive)])
        if rows is not None:
            rows.append(row)
    return list(variants.values())


def _answers(
    candidates: np.ndarray, asked: np.ndarray, term_of: np.ndarray, variants: list[list[int]], multiply: bool
) -> np.ndarray:
    """Return the row of the best candidate for each question, (n,) int64.

    A question (a, b, c) is a row of `term_of`, (n, 3): three rows of `asked`, the unit vectors of all terms.

    The score of a candidate depends on its cosines with a, b and c. Questions have few distinct words, so cosines are
    computed once per word, as one narrow matrix product, instead of once per question.
    """
    offsets = np.cumsum([0, *map(len, variants)])
    members = np.array([row for rows in variants for row in rows], np.int64)
    best_score = np.full(len(term_of), MASKED)
    best_row = np.zeros(len(term_of), np.int64)
    width = int(np.clip(BLOCK_VALUES // max(len(asked), 1), NARROWEST, WIDEST))
    for start in range(0, len(candidates), width):
        cosines = asked @ np.asarray(candidates[start : start + width]).T
        if multiply:
            cosines = cosines / 2 + np.float32(0.5)
        update_answers(
            cosines, term_of, offsets, members, start, multiply, np.float32(COSMUL_EPSILON), best_score, best_row
        )
    return best_row
