"""The compiled inner loop of encoding: provisional ids to ids of a vocabulary."""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

import numpy as np

from embeddings.compilation import exact
from embeddings.text.tokenizer_kernels import LINE_END_ID

OUTSIDE = -1  # the final id of words that are not in the vocabulary


@exact
def encode_part(provisional, final_ids, ids, ends):
    """Replace provisional ids, leave out words that are not in the vocabulary, and note where sentences end.

    Parameters
    ----------
    provisional : (n,) int32
    final_ids : (w + 1,) int32
        By provisional id; `OUTSIDE` for words to leave out.
    ids : (n,) int32
        Written.
    ends : (n,) int64
        Written: how many ids come before each sentence's end, each number once; the first may be 0.

    Returns
    -------
    tuple of int
        Ids and ends written; (-1, -1) for a provisional id that there is not.
    """
    written, sentences = np.uint64(0), 0
    last_end = -1
    for i in range(provisional.size):
        word = provisional[i]
        if word == LINE_END_ID:
            if np.int64(written) != last_end:
                last_end = np.int64(written)
                ends[sentences] = last_end
                sentences += 1
        elif word < 0 or word >= final_ids.size:
            return -1, -1
        else:
            final = final_ids[word]
            ids[written] = final
            written += np.uint64(final != OUTSIDE)
    return np.int64(written), sentences
