"""Decimal text and float32, exactly: fractions instead of floating point."""

import re
from fractions import Fraction

import numpy as np


def parse(text):
    """The float32 next to a decimal number; ties go to the one with an even mantissa."""
    exact = Fraction(text)
    value = np.float32(float(text))
    with np.errstate(over="ignore"):
        candidates = {float(value), *(float(np.nextafter(value, np.float32(end))) for end in (-np.inf, np.inf))}
    finite = [np.float32(candidate) for candidate in candidates if np.isfinite(candidate)]
    return min(finite, key=lambda c: (abs(Fraction(float(c)) - exact), int(c.view(np.uint32)) & 1))


def significant_digits(text):
    """How many digits a number is written with, zeros at either end not counted."""
    mantissa = re.split("[eE]", text)[0]
    return len(mantissa.replace(".", "").strip("+-").strip("0"))
