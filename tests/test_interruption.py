"""Ctrl-C and SIGTERM: exit codes, and no signal is lost."""

import signal

import pytest
import typer

from pipelines.console.interruption import interruptible, raise_if_interrupted
from pipelines.console.progress import LogProgress


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_becomes_its_exit_code_and_a_line_that_says_how_to_go_on(number, code, caplog):
    with pytest.raises(typer.Exit) as caught, interruptible("do it again"):
        signal.raise_signal(number)
    assert caught.value.exit_code == code
    assert caplog.messages == ["stopped; do it again"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_python_swallows_is_raised_at_the_next_progress():
    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(typer.Exit) as caught, interruptible(""), LogProgress().task("work", 10) as update:
        Finalized()  # its finalizer runs here, and exceptions do not leave finalizers
        swallowed = True
        update(1)
    assert swallowed
    assert caught.value.exit_code == 143
    raise_if_interrupted()  # forgotten by now


def test_afterwards_signals_mean_what_they_did_before():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruptible(""):
        assert signal.getsignal(signal.SIGTERM) is not handlers[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
