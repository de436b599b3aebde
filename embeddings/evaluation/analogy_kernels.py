"""The inner loop of analogy evaluation. Arithmetic only; `analogies.py` prepares its arrays."""

import numpy as np

from embeddings.compilation import compiled

MASKED = np.float32(-1e30)  # below every score


@compiled
def update_answers(
    cosines: np.ndarray,
    questions: np.ndarray,
    offsets: np.ndarray,
    members: np.ndarray,
    first_row: int,
    multiply: bool,
    epsilon: np.float32,
    best_score: np.ndarray,
    best_row: np.ndarray,
) -> None:
    """Update the best answers with one block of candidate words.

    The caller computes each cosine of a term with a candidate once; every question with that term uses it.

    Parameters
    ----------
    cosines : (W, B) float32
        Cosines of W terms with B candidate words; mapped to 0..1 if `multiply`.
    questions : (n, 3) int64
        Terms a, b, c of each question, as rows of `cosines`.
    offsets : (W + 1,) int64
        The rows members[offsets[w] : offsets[w + 1]] are excluded from the answers to questions with term w.
    members : (m,) int64
        Excluded candidate rows, term by term.
    first_row : int
        Row of the first candidate of this block.
    multiply : bool
        3CosMul: cos(b) cos(c) / (cos(a) + epsilon); otherwise 3CosAdd: cos(b) + cos(c) − cos(a).
    epsilon : float32
    best_score : (n,) float32
        Best score of each question; updated.
    best_row : (n,) int64
        Row of the best candidate; updated. Equal scores keep the earlier row.
    """
    width = cosines.shape[1]
    scores = np.empty(width, np.float32)
    for q in range(len(questions)):
        a, b, c = cosines[questions[q, 0]], cosines[questions[q, 1]], cosines[questions[q, 2]]
        if multiply:
            for j in range(width):
                scores[j] = b[j] * c[j] / (a[j] + epsilon)
        else:
            for j in range(width):
                scores[j] = b[j] + c[j] - a[j]
        for t in range(3):
            for m in range(offsets[questions[q, t]], offsets[questions[q, t] + 1]):
                if first_row <= members[m] < first_row + width:
                    scores[members[m] - first_row] = MASKED
        better = 0  # counting vectorises, looking for the place of the maximum does not; most blocks have none
        for j in range(width):
            better += scores[j] > best_score[q]
        if better:
            for j in range(width):
                if scores[j] > best_score[q]:
                    best_score[q] = scores[j]
                    best_row[q] = first_row + j
