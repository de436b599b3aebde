"""Work that nobody waits for leaves the processors to the commands beside it."""

import os
from pathlib import Path

import pytest

from vecmill.python_process import start_python

SHARE = Path("/proc/self/autogroup")


@pytest.mark.skipif(not SHARE.exists(), reason="sessions of this system have no share of the processors")
def test_a_process_with_a_session_of_its_own_lowers_the_share_of_the_session(tmp_path):
    ours, niceness = SHARE.read_text(), os.nice(0)
    program = f"""
from pathlib import Path
from vecmill.python_process import give_way
give_way(3)
Path({str(tmp_path / "share")!r}).write_text(Path({str(SHARE)!r}).read_text())
"""
    assert start_python(program).wait(60) == 0
    group, _, share = (tmp_path / "share").read_text().partition(" nice ")
    assert int(share) == niceness + 3
    assert not ours.startswith(f"{group} ")
    assert SHARE.read_text() == ours
