"""Many to many of different lengths: an encoder-decoder reads a number in words and writes its digits.

It sees 1,500 numbers under 10,000 and is asked 500 others.  Run with::

    python docs/examples/encoder_decoder.py
"""

import numpy as np

from embeddings.sequences import EncoderDecoder, SequenceTrainingConfig

SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_words(number: int) -> list[str]:
    """Return 4207 as four thousand two hundred seven."""
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = in_words(number % size) if number % size else []
            return [*in_words(number // size), name, *rest]
    if number >= 20:
        return [TENS[number // 10 - 2], *([SMALL[number % 10]] if number % 10 else [])]
    return [SMALL[number]]


def main() -> float:
    """Train, show some answers, and return the share of numbers that are right in every digit."""
    rng = np.random.default_rng(0)
    numbers = rng.permutation(10_000)[:2000]
    texts, digits = [in_words(number) for number in numbers], [str(number) for number in numbers]

    training = SequenceTrainingConfig(epochs=20, batch_words=256, learning_rate=0.02)
    model = EncoderDecoder(training=training, seed=0).fit(texts[:1500], digits[:1500])

    written = ["".join(symbols) for symbols in model.decode(texts[1500:])]
    for text, answer in list(zip(texts[1500:], written, strict=True))[:5]:
        print(f"{' '.join(text):45} {answer}")
    right = float(np.mean([answer == truth for answer, truth in zip(written, digits[1500:], strict=True)]))
    print(f"{right:.1%} of 500 numbers it has never seen are right in every digit")
    return right


if __name__ == "__main__":
    main()
