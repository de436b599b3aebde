"""One to many: the positions of a clock's hands go in as one vector, and the time comes out in words.

The vector has the x and y of both hands.  The network sees three quarters of the 720 minutes of a clock and is asked
the others.  Run with::

    python docs/examples/one_to_many.py
"""

import numpy as np

from embeddings.sequences import SequenceTrainingConfig, VectorDecoder

HOURS = "twelve one two three four five six seven eight nine ten eleven".split()
MINUTES = ["", "five", "ten", "quarter", "twenty", "twenty five", "half"]


def spoken(minute: int) -> list[str]:
    """Return minute 0 to 719 of the clock as one says it, to the nearest five: about twenty five past one."""
    hour, fives = divmod((minute + 2) // 5, 12)
    if fives == 0:
        return ["about", HOURS[hour % 12], "o'clock"]
    side, hour, fives = ("past", hour, fives) if fives <= 6 else ("to", hour + 1, 12 - fives)
    return ["about", *MINUTES[fives].split(), side, HOURS[hour % 12]]


def hands(minutes: np.ndarray) -> np.ndarray:
    """Return (N, 4): x and y of the minute hand, and of the hour hand."""
    angles = 2 * np.pi * minutes[:, None] / [60, 720]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def main() -> float:
    """Train, show some answers, and return the share of times that are right in every word."""
    rng = np.random.default_rng(0)
    minutes = rng.permutation(720)
    vectors, texts = hands(minutes), [spoken(minute) for minute in minutes]

    training = SequenceTrainingConfig(epochs=60, batch_words=256, learning_rate=0.02, patience=60)
    model = VectorDecoder(training=training, seed=0).fit(vectors[:540], texts[:540])

    written = model.decode(vectors[540:])
    for minute, answer in list(zip(minutes[540:], written, strict=True))[:5]:
        print(f"{minute // 60:2}:{minute % 60:02}  {' '.join(answer)}")
    right = float(np.mean([answer == truth for answer, truth in zip(written, texts[540:], strict=True)]))
    print(f"{right:.1%} of the 180 times it has never seen are right in every word")
    return right


if __name__ == "__main__":
    main()
