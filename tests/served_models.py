"""Models for tests of the service: two of word vectors, one of language, and the application that serves them."""

import socket
import threading
import time
from contextlib import contextmanager

import numpy as np

from embeddings import Vocabulary, WordVectors
from tests.small_language_model import make_model

MARKUP = "</script><img/src=x/onerror=window.hacked=1>"
WORDS = ["king", "queen", "man", "woman", "london", "paris", "bread", "butter", MARKUP, "café"]


def make_vectors(turn=None, groups=12):
    """Return the words above, and others in groups around directions of their own; `turn` seeds a rotation."""
    random = np.random.default_rng(3)
    royal, female, city, food = np.eye(12)[:4]
    male = -female
    known = [royal + male, royal + female, male, female, city, city + 0.3 * royal, food, food, city + food, food + city]
    words, rows = list(WORDS), [row + 0.05 * random.standard_normal(12) for row in known]
    for number in range(300):
        words.append(f"word{chr(97 + number % groups)}{chr(97 + number // groups)}")
        rows.append(np.eye(12)[number % 12] + 0.3 * random.standard_normal(12))
    if turn is not None:
        random = np.random.default_rng(turn)
        rotation, _ = np.linalg.qr(random.standard_normal((12, 12)))
        rows = np.array(rows) @ rotation + 0.02 * random.standard_normal((len(rows), 12))
    return WordVectors(
        Vocabulary.from_words(words, range(9300, 9300 - 10 * len(words), -10)), np.array(rows, np.float32)
    )


def make_service(folder, *, language_model=True, map_words=0, **settings):
    """Return the application and what it serves; the models are saved in a folder, for the map's own process."""
    from pipelines.service.application import make_application
    from pipelines.service.layouts import Layouts
    from pipelines.service.metrics import Metrics
    from pipelines.service.served import Served, ServedModel

    models = []
    for name, turn in {"first": None, "second": 4}.items():
        make_vectors(turn).save(folder / name, overwrite=True)
        models.append(ServedModel(name, WordVectors.load(folder / name), folder / name))
    lm = make_model(dtype=np.float32) if language_model else None
    served = Served(models, lm, "small")
    return make_application(served, Layouts(models, map_words, "PCA").start(), Metrics(), **settings), served


@contextmanager
def serving(application):
    """Run the application on a free port of this machine; give its address."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while thread.is_alive() and not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(60)
