"""Numba kernels that convert rows ``word number number …`` between decimal text and float32.

Reading is correctly rounded. A number is computed in float64, as an integer of at most 18 digits times a power of ten,
with a relative error below 2^-51. If both ends of an interval of relative width 2^-50 around it round to the same
float32, this is the correct one. The few numbers for which they differ (about one in 10^8), and every line of another
form than ``word number … number``, are left to the caller.

Writing finds the shortest decimal that reads back as the same float32: the nine leading digits are rounded to the
nearest multiple of 10, 100, … while the result stays inside the interval of reals that round to the value (Steele &
White 1990, "How to print floating-point numbers accurately"; nine digits always suffice for float32).
"""

import math

import numpy as np

from embeddings.compilation import exact

TAB, NEWLINE, RETURN, SPACE = 9, 10, 13, 32
PLUS, MINUS, POINT, ZERO, LOWER_E, UPPER_E = 43, 45, 46, 48, 101, 69

LARGEST_EXPONENT = 308
POWERS_OF_TEN = np.array([float(f"1e{exponent}") for exponent in range(LARGEST_EXPONENT + 1)])

# The 255 finite binades of float32, by biased exponent (0: subnormal numbers): the distance between neighbours, and the
# decimal exponent of the smallest number.
ULP = np.array([2.0 ** (max(biased, 1) - 150) for biased in range(255)])
DECADE = np.array([math.floor(math.log10(2.0 ** (biased - 127))) for biased in range(255)], dtype=np.int64)

LONGEST_NUMBER = 17  # bytes, separator included: " -0.0000123456789"

_below, _above = 1.0 - 2.0**-50, 1.0 + 2.0**-50
_largest = 3.4028234e38


@exact
def parse_number(data: np.ndarray, position: int, powers: np.ndarray) -> tuple[np.float32, int, bool]:
    """Read one decimal number that ends before the end of `data`.

    Parameters
    ----------
    data : (n,) uint8
        Text; the caller guarantees that its last byte is not part of a number.
    position : int
        Start of the number.
    powers : (309,) float64
        `POWERS_OF_TEN`.

    Returns
    -------
    value : float32
    position : int
        The first byte after the number.
    certain : bool
        False if the text is not a number, is too large, or needs exact arithmetic.
    """
    negative = data[position] == MINUS
    if negative or data[position] == PLUS:
        position += 1
    mantissa = np.int64(0)
    exponent = np.int64(0)
    start = position
    digit = np.int64(data[position]) - ZERO
    while 0 <= digit <= 9:
        if mantissa < 100_000_000_000_000_000:
            mantissa = mantissa * 10 + digit
        else:
            exponent += 1
        position += 1
        digit = np.int64(data[position]) - ZERO
    digits = position - start
    if data[position] == POINT:
        position += 1
        start = position
        digit = np.int64(data[position]) - ZERO
        while 0 <= digit <= 9:
            if mantissa < 100_000_000_000_000_000:
                mantissa = mantissa * 10 + digit
                exponent -= 1
            position += 1
            digit = np.int64(data[position]) - ZERO
        digits += position - start
    if digits == 0:
        return np.float32(0.0), position, False
    if data[position] == LOWER_E or data[position] == UPPER_E:
        position += 1
        falling = data[position] == MINUS
        if falling or data[position] == PLUS:
            position += 1
        start = position
        shift = np.int64(0)
        digit = np.int64(data[position]) - ZERO
        while 0 <= digit <= 9:
            if shift < 100_000_000:
                shift = shift * 10 + digit
            position += 1
            digit = np.int64(data[position]) - ZERO
        if position == start:
            return np.float32(0.0), position, False
        exponent += -shift if falling else shift

    magnitude = np.float64(mantissa)
    if exponent < 0:
        magnitude = magnitude / powers[-exponent] if -exponent <= LARGEST_EXPONENT else np.float64(0.0)
    elif exponent > 0 and mantissa > 0:
        magnitude = magnitude * powers[exponent] if exponent < 60 else np.float64(1e60)
    if magnitude > _largest:
        return np.float32(0.0), position, False
    value = np.float32(magnitude * _below)
    certain = value == np.float32(magnitude * _above)
    return -value if negative else value, position, certain


@exact
def parse_rows(
    data: np.ndarray,
    position: int,
    labelled: bool,
    powers: np.ndarray,
    matrix: np.ndarray,
    row: int,
    words: np.ndarray,
    length: int,
) -> tuple[int, int, int]:
    """Read lines ``word number … number`` until the end or the first line of another form.

    Parameters
    ----------
    data : (n,) uint8
        Whole lines; the last byte is a newline.
    position : int
        Start of the first line to read.
    labelled : bool
        Lines begin with a word.
    powers : (309,) float64
        `POWERS_OF_TEN`.
    matrix : (rows, d) float32
        Receives the numbers from `row` on; reading stops when it is full.
    row : int
    words : (n,) uint8
        Receives the words from `length` on, each followed by a newline.
    length : int

    Returns
    -------
    position : int
        Start of the first line not read, or the end of `data`.
    row, length : int
        Rows of `matrix`, and bytes of `words`, in use.
    """
    stop = len(data)
    while position < stop and row < len(matrix):
        i = position
        written = length
        if labelled:
            while data[i] != SPACE and data[i] != TAB and data[i] != NEWLINE:
                words[written] = data[i]
                written += 1
                i += 1
            if i == position:
                return position, row, length
            words[written] = NEWLINE
            written += 1
        for column in range(matrix.shape[1]):
            while data[i] == SPACE or data[i] == TAB:
                i += 1
            value, i, certain = parse_number(data, i, powers)
            after = data[i]
            if not certain or after not in (SPACE, NEWLINE, TAB, RETURN):
                return position, row, length
            matrix[row, column] = value
        while data[i] == SPACE or data[i] == TAB or data[i] == RETURN:
            i += 1
        if data[i] != NEWLINE:
            return position, row, length
        position = i + 1
        row += 1
        length = written
    return position, row, length


@exact
def significant_digits(
    value: float, bits: int, fixed: int, powers: np.ndarray, ulp: np.ndarray, decade: np.ndarray
) -> tuple[int, int]:
    """Return the decimal digits of one nonzero float32.

    Parameters
    ----------
    value : float64
        Magnitude of the number.
    bits : int
        Bit pattern without the sign.
    fixed : int
        Number of significant digits; 0 for the fewest that read back as the same float32.
    powers : (309,) float64
        `POWERS_OF_TEN`.
    ulp : (255,) float64
        `ULP`.
    decade : (255,) int64
        `DECADE`.

    Returns
    -------
    digits : int
        The digits as an integer without trailing zeros.
    exponent : int
        value ≈ digits · 10^exponent.
    """
    biased = bits >> 23
    k = decade[biased]
    if biased == 0:
        while value * powers[-k] < 1.0:
            k -= 1
    elif (value >= powers[k + 1]) if k >= -1 else (value * powers[-k - 1] >= 1.0):
        k += 1
    # nine digits before the decimal point
    scaled = value * powers[8 - k] if k <= 8 else value / powers[k - 8]
    if fixed > 0:
        cut = 9 - fixed
        digits = math.floor(scaled / powers[cut] + 0.5)
        while digits % 10 == 0:
            digits //= 10
            cut += 1
        return digits, cut + k - 8
    half = 0.5 * ulp[biased]
    below = 0.5 * half if (bits & 0x7FFFFF) == 0 and biased > 1 else half
    # 1e-6 covers the rounding error of `scaled`, which is below 2^-51 · 10^9
    low = scaled - below * (scaled / value) + 1e-6
    high = scaled + half * (scaled / value) - 1e-6
    digits = math.floor(scaled + 0.5)
    cut = 0
    while True:
        unit = powers[cut + 1]
        shorter = math.floor(scaled / unit + 0.5)
        if not low < shorter * unit < high:
            return digits, cut + k - 8
        digits = shorter
        cut += 1


@exact
def write_digits(out: np.ndarray, position: int, digits: int, exponent: int) -> int:
    """Write digits · 10^exponent in positional notation if that is short, else in scientific notation.

    Parameters
    ----------
    out : (n,) uint8
        Receives the text.
    position : int
        Start of the number.
    digits : int
        The significant digits.
    exponent : int

    Returns
    -------
    position : int
        The first byte after the number.
    """
    count = 0
    rest = digits
    while rest > 0:
        rest //= 10
        count += 1
    leading = exponent + count - 1
    scientific = leading < -5 or leading > 9
    before = 1 if scientific else leading + 1  # digits before the point; if not positive, zeros after it
    if before <= 0:
        out[position] = ZERO
        out[position + 1] = POINT
        position += 2
        for _ in range(-before):
            out[position] = ZERO
            position += 1
    end = position + count + (1 if 0 < before < count else 0)
    i = end
    for place in range(count, 0, -1):
        if place == before and place < count:
            i -= 1
            out[i] = POINT
        i -= 1
        out[i] = ZERO + digits % 10
        digits //= 10
    for _ in range(before - count):
        out[end] = ZERO
        end += 1
    if scientific:
        out[end] = LOWER_E
        out[end + 1] = MINUS if leading < 0 else PLUS
        leading = abs(leading)
        out[end + 2] = ZERO + leading // 10
        out[end + 3] = ZERO + leading % 10
        end += 4
    return end


@exact
def format_rows(
    prefixes: np.ndarray,
    ends: np.ndarray,
    matrix: np.ndarray,
    bits: np.ndarray,
    separator: int,
    ending: np.ndarray,
    fixed: int,
    tables: tuple[np.ndarray, np.ndarray, np.ndarray],
    out: np.ndarray,
) -> int:
    """Write rows as text: prefix, numbers, line ending.

    Parameters
    ----------
    prefixes : (n,) uint8
        The concatenated prefixes of the rows.
    ends : (rows,) int64
        End of each row's prefix.
    matrix : (rows, d) float32
    bits : (rows, d) int32
        The same memory as `matrix`.
    separator : int
        Byte between prefix and number and between numbers; none after an empty prefix.
    ending : (k,) uint8
        Line ending.
    fixed : int
        Significant digits; 0 for the fewest that read back as the same float32.
    tables : tuple of arrays
        `POWERS_OF_TEN`, `ULP`, `DECADE`.
    out : (m,) uint8
        Receives the text; at least len(prefixes) + rows · (d · LONGEST_NUMBER + len(ending)) bytes.

    Returns
    -------
    length : int
        Bytes written.
    """
    powers, ulp, decade = tables
    position = 0
    start = 0
    for row in range(len(matrix)):
        beginning = position
        for i in range(start, ends[row]):
            out[position] = prefixes[i]
            position += 1
        start = ends[row]
        for column in range(matrix.shape[1]):
            if position > beginning:
                out[position] = separator
                position += 1
            if bits[row, column] < 0:
                out[position] = MINUS
                position += 1
            magnitude = bits[row, column] & 0x7FFFFFFF
            if magnitude == 0:
                out[position] = ZERO
                position += 1
                continue
            value = abs(np.float64(matrix[row, column]))
            digits, exponent = significant_digits(value, magnitude, fixed, powers, ulp, decade)
            position = write_digits(out, position, digits, exponent)
        for i in range(len(ending)):
            out[position] = ending[i]
            position += 1
    return position
