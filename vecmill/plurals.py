"""Counts in messages, with their noun in the singular or plural."""


def counted(number: int, noun: str) -> str:
    """Return a number and its noun.

    Parameters
    ----------
    number : int
    noun : str
        In the singular.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "stage"), counted(1200, "stage")
    ('1 stage', '1,200 stages')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
