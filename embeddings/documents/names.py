"""Names of documents: all different, one for each."""

from collections import Counter
from collections.abc import Iterable, Sequence

from embeddings.errors import EmbeddingsError
from embeddings.text.tokenizer.token_lists import NotTextError
from vecmill.arguments import columns_of, described, is_sequence


def checked_names(names: Iterable[str]) -> list[str]:
    """Check names before the text is read.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of str

    Raises
    ------
    NotTextError
        These are no names, or one is no str. A TypeError.
    EmbeddingsError
        A name is empty, or two are the same.
    """
    if isinstance(names, (str, bytes)) or columns_of(names) is not None or not is_sequence(names):
        raise NotTextError(f"names is {described(names)}; expected a list of str, one for each document")
    given = list(names)
    for place, name in enumerate(given):
        if not isinstance(name, str):
            raise NotTextError(f"name {place} is {described(name)}; expected a str")
        if not name:
            raise EmbeddingsError(f"name {place} is empty; expected a name for each document")
    [(most_common, number)] = Counter(given).most_common(1) or [("", 0)]
    if number > 1:
        raise EmbeddingsError(f"{number:,} documents have the name {most_common!r}; expected different names")
    return given


def names_or_numbers(names: Sequence[str] | None, count: int) -> Sequence[str]:
    """Check that there is a name for each document, before they are trained.

    Parameters
    ----------
    names : sequence of str or None
        None: the numbers of the documents, from 1.
    count : int
        Number of documents.

    Returns
    -------
    sequence of str

    Raises
    ------
    EmbeddingsError
        There are more or fewer names.
    """
    if names is None:
        return [str(number) for number in range(1, count + 1)]
    if len(names) != count:
        raise EmbeddingsError(f"there are {len(names):,} names for {count:,} documents; expected one for each")
    return names
