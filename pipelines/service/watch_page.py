"""The page of `--watch`: a training while it runs, its map, its loss and its speed, for this machine alone."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.console.progress import Progress, Update
from pipelines.service.guard import LOOPBACK, Guard
from pipelines.service.in_flight import InFlight
from pipelines.service.metrics import Metrics
from pipelines.service.moments import Moments
from pipelines.service.page import page_files
from pipelines.service.server import BackgroundServer, listen

if TYPE_CHECKING:
    from embeddings.text.vocabulary import Vocabulary
    from embeddings.training import TrainingProgress
    from embeddings.word2vec.snapshots import Snapshot

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
BINS = 300  # points of the curve of losses, at most
OPEN_SECONDS = 5.0  # a page that has not asked for so long is closed
LAST_LAYOUT_SECONDS = 20.0
FAREWELL_SECONDS = 3.0
LOOK_SECONDS = 0.05
MOST_REQUESTS = 32
ENDED = ("finished", "stopped", "failed")


class LossCurve:
    """The mean of the losses that are reported, in equal parts of the training."""

    def __init__(self) -> None:
        self._bins: dict[int, tuple[float, float, int]] = {}  # sums of words and losses, number of reports

    def add(self, trained: int, total: int, loss: float) -> None:
        """Add the loss that is reported after some words of all."""
        if math.isfinite(loss) and total:
            number = min(BINS - 1, BINS * trained // total)
            words, losses, reports = self._bins.get(number, (0.0, 0.0, 0))
            self._bins[number] = words + trained, losses + loss, reports + 1

    def points(self) -> list[tuple[float, float]]:
        """Return the number of trained words and the loss of each part."""
        return [(words / reports, losses / reports) for words, losses, reports in list(self._bins.values())]


class OpenPages:
    """The pages that are open, by the names that they give themselves, and whether they know how the training ended."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[float, bool]] = {}  # when a page asked last, and whether it was told the end

    def __bool__(self) -> bool:
        return any(self._is_open(asked_at) for asked_at, _ in list(self._asked.values()))

    def ask(self, page: str, told: bool) -> None:
        """See that a page asks for the state, and whether it is told the end."""
        self._asked[page] = time.monotonic(), told

    def wait_until_told(self, seconds: float) -> None:
        """Wait until every page was told the end, or was closed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(
            self._is_open(asked_at) and not told for asked_at, told in list(self._asked.values())
        ):
            time.sleep(LOOK_SECONDS)

    def _is_open(self, asked_at: float) -> bool:
        return time.monotonic() - asked_at < OPEN_SECONDS


class WatchPage:
    """Serves the page of a training while the context lasts; a `pipelines.running.watching.Watcher`.

    Pages that are open when the training ends are shown how it ended, and the last map.

    Parameters
    ----------
    out : Path
        What is trained.
    port : int
        0 for one that is free.

    Attributes
    ----------
    address : str

    Raises
    ------
    VecmillError
        The port cannot be used.
    """

    def __init__(self, out: Path, port: int) -> None:
        listening = listen(HOST, port, "choose another --port")
        self.address = f"http://{HOST}:{listening.getsockname()[1]}/"
        self._title = out.name
        self._state, self._message = "waiting", ""
        self._task: tuple[str, float | None] = "", None
        self._event: TrainingProgress | None = None
        self._curve, self._held_out = LossCurve(), list[tuple[int, float]]()
        self._moments = Moments()
        self._pages = OpenPages()
        self._server = BackgroundServer(self._application(), listening)

    # ---- the context

    def __enter__(self) -> Self:
        self._server.start()
        logger.info("watch the training at %s", self.address)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        state = "finished" if error is None else "stopped" if _is_interruption(error) else "failed"
        self._moments.close(LAST_LAYOUT_SECONDS if self._pages and state == "finished" else 0.0)
        self._message = str(error) if state == "failed" else ""
        self._state = state
        self._pages.wait_until_told(FAREWELL_SECONDS)
        self._server.stop()

    # ---- the training tells

    def begin(self, vocabulary: "Vocabulary") -> None:
        """See the words whose vectors are trained."""
        self._moments.begin(vocabulary)
        self._state = "training"

    def progress(self, event: "TrainingProgress") -> None:
        """See the progress of the training."""
        self._event = event
        if event.epoch_metrics is None:
            self._curve.add(event.done, event.total, event.loss)
        elif (loss := event.epoch_metrics.get("held_out_loss")) is not None:
            self._held_out.append((event.done, loss))

    def snapshot(self, snapshot: "Snapshot") -> None:
        """See the vectors of the most frequent words."""
        self._moments.offer(snapshot)

    def following(self, progress: Progress) -> Progress:
        """Return a progress that is shown here too, of the stages before the training."""
        return _Followed(progress, self)

    def task(self, title: str, share: float | None) -> None:
        """See what is done at the moment."""
        self._task = title, share

    # ---- the page asks

    def _application(self) -> Guard:
        async def training(request: Request) -> Response:
            state, asked = self.state(), request.query_params
            told = state["state"] in ENDED and asked.get("moment") == str(state["moment"])
            self._pages.ask(asked.get("page", ""), told)
            return Response(msgspec.json.encode(state), media_type="application/json", headers=_FRESH)

        async def moment(request: Request) -> Response:
            latest = self._moments.latest
            if latest is None:
                return Response(status_code=404, headers=_FRESH)
            headers = {**_FRESH, "Moment": str(latest.number)}
            return Response(latest.page, media_type="application/octet-stream", headers=headers)

        routes = [Route("/api/training", training), Route("/api/moment", moment)]
        for path, (content, kind) in page_files("watch.html").items():
            routes.append(Route(path, _fixed(content, kind)))
        return Guard(
            Starlette(routes=routes),
            Metrics(),
            in_flight=InFlight(MOST_REQUESTS),
            token=None,
            hosts=LOOPBACK,
            operations=[route.path for route in routes],
        )

    def state(self) -> dict[str, Any]:
        """Return everything that the page shows but the map, as JSON values."""
        latest, event = self._moments.latest, self._event
        return {
            "title": self._title,
            "state": self._state,
            "message": self._message or self._moments.failure,
            "task": self._task[0],
            "share": self._task[1],
            "progress": _numbers(event) if event else None,
            "losses": self._curve.points(),
            "heldOut": list(self._held_out),
            "moment": latest.number if latest else 0,
            "momentTrained": latest.trained if latest else 0,
        }


_FRESH = {"Cache-Control": "no-store"}


def _fixed(content: bytes, media_type: str) -> Any:
    async def handle(request: Request) -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return handle


def _numbers(event: "TrainingProgress") -> dict[str, Any]:
    def known(number: float) -> float | None:
        return number if math.isfinite(number) else None

    return {
        "epoch": event.epoch,
        "epochs": event.epochs,
        "done": event.done,
        "total": event.total,
        "unit": event.unit,
        "speed": event.speed,
        "loss": known(event.loss),
        "learningRate": known(event.learning_rate),
        "secondsLeft": known(event.seconds_left),
    }


def _is_interruption(error: BaseException) -> bool:
    """Return whether a signal ended the command, which `interruptible` has turned into an exit code."""
    return isinstance(error, KeyboardInterrupt) or getattr(error, "exit_code", 0) > 128


class _Followed:
    """Forwards progress, and tells the page."""

    def __init__(self, progress: Progress, page: WatchPage) -> None:
        self._progress, self._page = progress, page

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Update]:
        """Show the progress of a task while the context lasts."""
        size = total
        with self._progress.task(title, total) as inner:

            def update(done: int, note: str = "", seconds_left: float | None = None, total: int | None = None) -> None:
                nonlocal size
                size = total or size
                inner(done, note, seconds_left, total)
                self._page.task(title, min(1.0, done / size) if size else None)

            self._page.task(title, None)
            yield update
