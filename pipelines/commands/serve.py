"""`vecmill serve`: models as an HTTP service, and a page that shows them."""

import gc
import ipaddress
import logging
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.figures import LAYOUT_METHODS
from pipelines.commands.options import Encoding, accepts_url, language_model_path, require_choice, vectors_path
from pipelines.console.interruption import interruptible
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel
    from pipelines.service.served import Served

logger = logging.getLogger(__name__)


def serve_command(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL...", help="Model directories, run directories, files of vectors."),
    ],
    lm: Annotated[
        Path | None,
        typer.Option(
            "--lm",
            metavar="DIR",
            help="Language model: directory that train-lm or 'vecmill run' wrote.",
            callback=accepts_url,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="NAME", help="Address to listen on; other than loopback with a token only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 for one that is free.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Token that requests need.", envvar="VECMILL_TOKEN", show_default="none"),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that answer requests; they share the models (Linux).")
    ] = 1,
    max_requests: Annotated[
        int, typer.Option(min=1, help="Requests answered at the same time; further ones are refused with 429.")
    ] = 256,
    map_words: Annotated[
        int, typer.Option(min=0, max=65_536, help="Number of words on the map; 0 for no map.")
    ] = 50_000,
    method: Annotated[
        str, typer.Option(metavar="auto|umap|pca", help="Layout of the map; auto = UMAP if it is installed, else PCA.")
    ] = "auto",
    encoding: Encoding = "utf-8",
    as_json: Annotated[bool, typer.Option("--json", help="Print the address and the models as JSON.")] = False,
) -> None:
    """Serve models over HTTP, with a page to explore them.

    The page shows the map, neighbours, analogies, axes, two models side by side, and the language model. The API
    below /api/ is described at /api/openapi.json. SIGTERM and Ctrl-C stop the service when the requests in flight
    are answered. It needs the extra "serve" (pip install "vecmill[serve]").

    Example: vecmill serve runs/pydocs --lm runs/pydocs-lm --port 8000
    """
    require_choice("--method", method, list(LAYOUT_METHODS))
    if token is not None and (len(token) < 16 or not (token.isascii() and token.isprintable() and " " not in token)):
        raise ConfigError("--token: expected 16 or more printable ASCII characters without spaces")
    loopback = _is_loopback(host)
    if not loopback and token is None:
        raise ConfigError(f"--host: {host} can be reached from other machines; add --token, which requests must give")
    paths = [vectors_path(model) for model in models]
    lm_path = language_model_path(lm) if lm else None
    from embeddings import formats
    from pipelines.service.kernels import compiled_aside
    from pipelines.service.worker_processes import CAN_FORK, Workers, metrics_of_all
    from vecmill.extras import needs

    if workers > 1 and not CAN_FORK:
        raise ConfigError(f"--workers: {workers} workers share the models on Linux only; expected 1")
    with metrics_of_all(workers) as shared, compiled_aside():
        with needs("serve", "vecmill serve"):
            import starlette  # noqa: F401

            from pipelines.service.application import make_application
            from pipelines.service.guard import LOOPBACK
            from pipelines.service.in_flight import InFlight
            from pipelines.service.layouts import Layouts
            from pipelines.service.metrics import Metrics
            from pipelines.service.served import Served, ServedModel
            from pipelines.service.server import listen, run

        metrics, in_flight = Metrics(shared), InFlight(max_requests, workers)
        opened = [
            ServedModel(name, formats.read(path, encoding=encoding), path, metrics.queries.observe)
            for name, path in _named(models, paths).items()
        ]
        served = Served(opened, _language_model(lm_path), _name(lm) if lm else "")
        served.warm_up()
        layouts = Layouts(opened, map_words, LAYOUT_METHODS[method], encoding)
        application = make_application(
            served,
            layouts,
            metrics,
            token=token,
            hosts=LOOPBACK if loopback and token is None else (),
            in_flight=in_flight,
        )
        listening = listen(host, port)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"

        def started() -> None:
            _tell(address, served, as_json)

        def work(number: int) -> None:
            in_flight.begin(number)
            run(application, listening)

        gc.collect()
        gc.freeze()  # requests would wait for collections that visit the models and modules, and forks copy them
        with interruptible("requests in flight were answered"), closing(layouts.start()):
            if workers == 1:
                run(application, listening, started)
            else:
                with Workers(workers, work) as processes:
                    started()
                    processes.watch()


def _language_model(path: Path | None) -> "LanguageModel | None":
    if path is None:
        return None
    from embeddings.language_model.model import LanguageModel

    return LanguageModel.load(path)


def _tell(address: str, served: "Served", as_json: bool) -> None:
    """Print where the models are served."""
    names = list(served.models)
    if as_json:
        import json

        typer.echo(json.dumps({"address": address, "models": names, "lm": served.language_model_name or None}))
    else:
        results.print(f"{', '.join(names)}: open {address} in a browser; Ctrl-C stops")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(model: Path) -> str:
    """Return the name of a model: that of its file or directory; of a stage of a run, the name of the run."""
    place = model.resolve()
    if place.name in ("train-embeddings", "train-lm"):
        return place.parent.name
    return place.name if place.is_dir() else place.stem


def _named(models: list[Path], paths: list[Path]) -> dict[str, Path]:
    """Return the paths by names that differ: a parent directory tells models of the same name apart."""
    names = [_name(model) for model in models]
    twice = {name for name, number in Counter(names).items() if number > 1}
    shown = [str(model) if name in twice else name for name, model in zip(names, models, strict=True)]
    again = [name for name, number in Counter(shown).items() if number > 1]
    if again:
        raise ConfigError(f"{again[0]} is given twice; expected different models")
    return dict(zip(shown, paths, strict=True))
