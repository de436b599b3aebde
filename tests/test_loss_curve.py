"""The loss curve of reports: every loss has a point in the picture, at a height that follows from it."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reports.loss_curve import HEIGHT, WIDTH, loss_curve

LOSS = st.floats(1e-6, 1e6)


def points(svg):
    """Return the points of each line."""
    lines = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}polyline")
    return [[tuple(map(float, pair.split(","))) for pair in line.get("points").split()] for line in lines]


@given(st.lists(st.tuples(LOSS, LOSS | st.none()), min_size=1, max_size=40))
def test_losses_of_any_size_lie_within_the_picture_in_their_order(losses):
    trained, held_out = map(list, zip(*losses, strict=True))
    svg = loss_curve(range(1, len(losses) + 1), {"trained": trained, "held out": held_out})
    lines = points(svg)
    known = [loss for loss in held_out if loss is not None]
    assert [len(line) for line in lines] == [len(trained), *([len(known)] if known else [])]
    for line, values in zip(lines, (trained, known), strict=False):
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)
        heights = [y for _, y in line]
        for (a, high_a), (b, high_b) in zip(
            zip(values, heights, strict=True), zip(values[1:], heights[1:], strict=True), strict=False
        ):
            assert (a - b) * (high_a - high_b) <= 0  # a smaller loss is not higher


def test_the_last_losses_are_named_without_touching_each_other():
    svg = loss_curve([1, 2], {"trained": [3.0, 2.001], "held <out>": [3.5, 2.0]})
    texts = {node.text: float(node.get("y")) for node in ElementTree.fromstring(svg) if node.tag.endswith("text")}
    assert abs(texts["trained 2.001"] - texts["held <out> 2.000"]) >= 13
    assert "epoch" in texts


@pytest.mark.parametrize("epochs", [8, 9, 50, 10_000])
def test_many_epochs_have_few_numbers(epochs):
    svg = loss_curve(range(1, epochs + 1), {"trained": [1.0] * epochs})
    assert 2 <= len(re.findall(r'text-anchor="middle"', svg)) <= 8


def test_no_loss_no_picture():
    assert loss_curve([1, 2], {"trained": [None, None], "held out": [None, None]}) == ""
