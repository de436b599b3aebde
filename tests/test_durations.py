"""Spans of time as people write them."""

import pytest

from pipelines.settings.sections import CheckpointSettings
from vecmill.durations import seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), (" 1.5 h ", 5400), (2.5, 2.5), (7, 7)]
)
def test_seconds_minutes_and_hours(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5d", "m", "-5m", "5m3s", "1e3", "nan", "inf", -1.0])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="expected seconds, or a number with s, m or h"):
        seconds(text)


def test_time_between_checkpoints():
    assert CheckpointSettings(every="1m").seconds == 60
    assert CheckpointSettings(every=0.5).seconds == 0.5
    with pytest.raises(ValueError, match="every: 'soon' is not a duration"):
        CheckpointSettings(every="soon")
