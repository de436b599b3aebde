"""JSON values of every wrong type and size, for records that no damage makes."""

WRONG = [None, True, -1, 0, 2**31, 2**63, 10**400, 1.5, 1e308, float("nan"), "x", "", [], [1], [[]], {}, {"a": 1}]


def replaced(value):
    """Yield the JSON value with each of its parts replaced, or left out."""
    for wrong in WRONG:
        if wrong != value or type(wrong) is not type(value):
            yield wrong
    if isinstance(value, dict):
        for key, entry in value.items():
            yield {name: other for name, other in value.items() if name != key}
            for changed in replaced(entry):
                yield {**value, key: changed}
    if isinstance(value, list):
        for place, entry in enumerate(value[:3]):
            for changed in replaced(entry):
                yield [*value[:place], changed, *value[place + 1 :]]
