"""Damaged files for fuzz tests: each tries ``VECMILL_FUZZ_EXAMPLES`` inputs, few by default."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("VECMILL_FUZZ_EXAMPLES", "60"))
FUZZED = settings(
    max_examples=EXAMPLES,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# What numbers, names and ends are made of in these formats
PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(b'- nan inf 1e999 999999999999 0 , " [ } \\ud800 e . _'.split()),
    st.sampled_from([b"\n", b" ", b"\t", b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff" * 8]),
)


@st.composite
def damage(draw, whole):
    """Return a file with some bytes replaced, inserted, taken out, or cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["replace", "insert", "remove", "cut", "double", "flip"]))
        piece = draw(PIECES)
        if kind == "replace":
            data[place : place + len(piece)] = piece
        elif kind == "insert":
            data[place:place] = piece
        elif kind == "remove":
            del data[place : place + draw(st.integers(1, 20))]
        elif kind == "cut":
            del data[place:]
        elif kind == "double":
            data[place:place] = data[place : place + 30]
        elif place < len(data):
            data[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)
