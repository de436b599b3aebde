"""Signals that end a command: exit codes, one line, no temporary files, and no signal is lost or shows a traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import typer

from embeddings import formats
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from pipelines.console import interruption
from pipelines.console.interruption import handled_signals, interruptible, raise_if_interrupted
from pipelines.console.progress import LogProgress

REPOSITORY = Path(__file__).resolve().parents[1]
SIGNALS = [
    (getattr(signal, name), code)
    for name, code in [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGQUIT", 131), ("SIGXCPU", 152)]
    if hasattr(signal, name)
]


@pytest.fixture(autouse=True)
def heeded_signals():
    """Let signals act that are ignored where the tests were started by nohup, or in the background of a script."""
    ignored = [number for number, _ in SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_becomes_its_exit_code_and_a_line_that_says_how_to_go_on(number, code, caplog):
    with pytest.raises(typer.Exit) as caught, handled_signals(), interruptible("do it again"):
        signal.raise_signal(number)
    assert caught.value.exit_code == code
    assert caplog.messages == ["stopped; do it again"]


@pytest.mark.parametrize("second", [False, True])
def test_a_signal_that_python_swallows_is_raised_at_the_next_progress_and_not_printed(monkeypatch, capsys, second):
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)

    def raise_second(frame, event, argument):
        if second and frame.f_code is interruption._show_lost.__code__:
            signal.raise_signal(signal.SIGHUP)

    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    with (
        pytest.raises(typer.Exit) as caught,
        handled_signals(),
        interruptible(""),
        LogProgress().task("work", 10) as update,
    ):
        tracing = sys.gettrace()
        sys.settrace(raise_second)
        Finalized()  # its finalizer runs here, and exceptions do not leave finalizers
        sys.settrace(tracing)
        swallowed = True
        update(1)
    assert swallowed
    assert not shown
    assert "Exception ignored" not in capsys.readouterr().err
    assert sys.unraisablehook == shown.append
    assert caught.value.exit_code == 143
    raise_if_interrupted()  # forgotten by now


def test_signals_that_follow_a_first_one_do_not_disturb_what_it_began():
    done = []
    with pytest.raises(typer.Exit) as caught, handled_signals(), interruptible(""):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)
            try:
                raise FileNotFoundError  # cleaning up has errors of its own
            except FileNotFoundError:
                signal.raise_signal(signal.SIGTERM)
            done.append("checkpoint")
    assert done == ["checkpoint"]
    assert caught.value.exit_code == 143


def _signal_while_compiling(compiled):
    """Send a signal to a function of a module of Numba, which is done, as compiling is, before that is raised."""
    code = "def compile():\n    signal.raise_signal(signal.SIGTERM)\n    time.sleep(0.5)\n    done.append('compiled')\n"
    scope = {"__name__": "numba.core.some", "signal": signal, "time": time, "done": compiled}
    exec(code, scope)  # a frame of that module
    scope["compile"]()


def _signal_in_a_finalizer(compiled):
    class Closed:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    Closed()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs alarms")
@pytest.mark.parametrize("moment", [_signal_while_compiling, _signal_in_a_finalizer])
def test_a_signal_that_could_not_be_raised_ends_a_command_that_does_not_ask_for_it(moment):
    """Such as perplexity, or serve while it starts: they went on as if there had been none."""
    done, expected = [], ["compiled"] if moment is _signal_while_compiling else []
    with pytest.raises(typer.Exit) as caught, handled_signals(), interruptible(""):
        moment(done)
        time.sleep(10)
        done.append("all")
    assert done == expected
    assert caught.value.exit_code == 143


def test_a_signal_that_follows_a_lost_one_is_raised():
    def lose():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            return

    with pytest.raises(typer.Exit), handled_signals(), interruptible(""):
        lose()
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second signal was ignored")


def test_afterwards_signals_mean_what_they_did_before():
    handlers = [signal.getsignal(number) for number, _ in SIGNALS]
    with handled_signals():
        assert signal.getsignal(signal.SIGTERM) is not handlers[1]
    assert [signal.getsignal(number) for number, _ in SIGNALS] == handlers


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_command_under_nohup_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


# --------------------------------------------------------------------------------------------------- whole commands

INTERRUPTED = """
import os, signal, sys
from embeddings.formats import {module}
write = {module}.write_stream
def interrupted(stream, *arguments):
    write(stream, *arguments)  # something is on the disk by now
    for number in {numbers}:
        os.kill(os.getpid(), number)
{module}.write_stream = interrupted
sys.argv = ["vecmill", "convert", "from.npz", {out!r}]
from vecmill.__main__ import main
main()
"""
TARGETS = [("word2vec_text", "v.txt"), ("comma_separated", "v.csv.gz"), ("projector", "v")]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize(("module", "out"), TARGETS)
def test_a_file_that_is_being_written_disappears_at_signals(tmp_path, module, out, number, code):
    formats.write(
        WordVectors(Vocabulary.from_words(["a", "b"], [2, 1]), np.eye(2, dtype=np.float32)), tmp_path / "from.npz"
    )
    program = INTERRUPTED.format(module=module, out=out, numbers=[int(number), int(signal.SIGINT), int(number)])
    if module == "projector":
        program = program.replace('"from.npz",', '"--format", "projector", "from.npz",')
    done = run(program, tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.splitlines()[-1].endswith("stopped; nothing was written")
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["from.npz"]


AT_THE_END = """
import atexit, os, signal, sys
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["vecmill", "--version"]
from vecmill.__main__ import main
main()
"""
AT_AN_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(name, *arguments):
        if name == "pipelines.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
from vecmill.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals between processes")
@pytest.mark.parametrize(
    ("program", "code", "told"),
    [(AT_THE_END, -signal.SIGINT, ""), (AT_AN_IMPORT, 130, "stopped; repeat the command\n")],
)
def test_a_signal_before_or_after_a_command_gives_no_traceback(tmp_path, program, code, told):
    done = run(program, tmp_path)
    assert (done.returncode, done.stderr) == (code, told)


def run(program, folder):
    """Run Python in a folder."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{program}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("part", "method"),
    [
        (typer.core.TyperGroup, "make_context"),
        (typer.core.TyperGroup, "invoke"),
        (typer.core.TyperGroup.context_class, "__exit__"),
    ],
)
def test_a_signal_at_any_moment_of_a_command_is_told(part, method, monkeypatch):
    from tests.command_line import vecmill

    undisturbed = getattr(part, method)

    def interrupted(self, *arguments, **options):
        if getattr(self, "parent", None) or getattr(self, "_depth", 1) > 1:  # a context is closed, but not the last one
            return undisturbed(self, *arguments, **options)
        signal.raise_signal(signal.SIGTERM)
        return None

    monkeypatch.setattr(part, method, interrupted)
    result = vecmill("corpora", "list")
    assert result.exit_code == 143
    assert result.stderr.splitlines()[-1].endswith("stopped; repeat the command")
    assert result.stderr.count("stopped") == 1


CLOSED_TERMINAL = """
import os, pty, sys, time
pid, terminal = pty.fork()
if not pid:
    from embeddings.formats import word2vec_text
    from pipelines.console.interruption import raise_if_interrupted
    write = word2vec_text.write_stream
    def closed(stream, *arguments):
        write(stream, *arguments)
        while True:
            time.sleep(0.01)
            raise_if_interrupted()  # the signal may have come while a finalizer ran, which loses its exception
    word2vec_text.write_stream = closed
    sys.argv = ["vecmill", "convert", "from.npz", "v.txt"]
    print("begun", flush=True)
    from vecmill.__main__ import main
    main()
while not any(name.endswith(".partial") and os.path.getsize(name) for name in os.listdir(".")):
    os.sched_yield()
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs pseudo-terminals")
def test_a_terminal_that_is_closed_ends_a_command_in_good_order(tmp_path):
    vectors = WordVectors(Vocabulary.from_words([f"w{i}" for i in range(3000)]), np.zeros((3000, 9), np.float32))
    formats.write(vectors, tmp_path / "from.npz")
    done = run(CLOSED_TERMINAL, tmp_path)
    assert done.returncode == 129, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["from.npz"]


def test_a_second_signal_just_before_the_end_is_not_told_again():
    program = (
        "import signal\n"
        "from pipelines.console.interruption import handled_signals, interruptible, run_interruptibly\n"
        "import typer\n"
        "def twice():\n"
        "    try:\n"
        "        with handled_signals(), interruptible('go on'):\n"
        "            signal.raise_signal(signal.SIGTERM)\n"
        "    except typer.Exit:\n"
        "        pass\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "run_interruptibly(twice)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (130, "")
    assert run.stderr.count("stopped") == 1
    assert "go on" in run.stderr


AT_EVERY_CALL = """
import os, signal, sys, tempfile
from pipelines.console import interruption
def stopped(moment, errors):
    seen = 0
    def count(frame, event, argument):  # Python looks for signals when it calls and returns
        nonlocal seen
        seen += 1
        if seen == moment:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGHUP)
    os.dup2(errors.fileno(), 2)
    sys.setprofile(count)
    try:
        interruption.run_interruptibly(lambda: sys.exit(3))
    except SystemExit as end:
        sys.setprofile(None)
        os._exit(end.code if seen >= moment else 7)
moment, last = 0, False
while not last:
    moment += 1
    with tempfile.TemporaryFile() as errors:
        pid = os.fork()
        if not pid:
            stopped(moment, errors)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        errors.seek(0)
        print(code, errors.read().decode().replace("\\n", "|"))
        last = code == 7
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
def test_a_signal_at_any_moment_before_and_after_a_command_gives_no_traceback(tmp_path):
    done = run(AT_EVERY_CALL, tmp_path)
    *ends, last = done.stdout.splitlines()
    assert last == "7 ", done.stderr  # it was not signalled any more
    assert set(ends) == {f"-{int(signal.SIGHUP)} ", "129 stopped; repeat the command|", "3 "}
