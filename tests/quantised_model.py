"""A fastText file whose input matrix is quantised: codes and centroids are drawn at random."""

import struct

import numpy as np

from embeddings.formats import fasttext_binary


def quantised_model(words, ngrams, *, norms):
    """Return the bytes of such a file, and its input matrix."""
    rng = np.random.default_rng(5)
    rows, d, widths = len(words) + ngrams.buckets, 5, (2, 2, 1)
    codes = rng.integers(0, 256, (rows, 3)).astype(np.uint8)
    centroids = [rng.standard_normal((256, width)).astype("<f4") for width in widths]
    matrix = np.concatenate([part[codes[:, place]] for place, part in enumerate(centroids)], axis=1)
    settings = fasttext_binary.Settings(
        d, buckets=ngrams.buckets, min_length=ngrams.min_length, max_length=ngrams.max_length
    )
    data = struct.pack("<ii12id", 793712314, 12, *settings)
    data += struct.pack("<iiiqq", len(words), len(words), 0, 100, -1)
    data += b"".join(word.encode() + struct.pack("<bqb", 0, 5, 0) for word in words)
    data += struct.pack("<??qqi", True, norms, rows, d, codes.size) + codes.tobytes()
    data += struct.pack("<4i", d, 3, 2, 1) + b"".join(part.tobytes() for part in centroids)
    if norms:
        norm_codes, factors = rng.integers(0, 256, rows).astype(np.uint8), rng.random(256).astype("<f4")
        data += norm_codes.tobytes() + struct.pack("<4i", 1, 1, 1, 1) + factors.tobytes()
        matrix = matrix * factors[norm_codes][:, None]
    data += struct.pack("<?qq", False, len(words), d) + np.zeros((len(words), d), "<f4").tobytes()
    return data, matrix
