"""The models that are served: opened once, warmed up, and shared by all requests."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from embeddings.vectors.alignment import Alignment, Fit, align
from embeddings.vectors.word_vectors import WordVectors
from pipelines.model_words import ModelWords
from pipelines.service.problems import RequestError
from pipelines.service.released_pages import release_compiler, release_matrix
from pipelines.service.shared_passes import SharedPasses
from vecmill.hints import did_you_mean
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel

Result = TypeVar("Result")
THREADS = 2  # for batches, texts and language models, beside the thread of single neighbours of each model


class ServedModel:
    """Word vectors under a name.

    Parameters
    ----------
    name : str
    vectors : WordVectors
    path : Path, optional
        File or directory they were read from.
    report : callable, optional
        See `SharedPasses`.
    """

    def __init__(
        self,
        name: str,
        vectors: WordVectors,
        path: Path | None = None,
        report: Callable[[int], object] = lambda queries: None,
    ) -> None:
        self.name, self.vectors, self.path = name, vectors, path
        self.passes = SharedPasses(vectors, report)
        self._typed = ModelWords(vectors)
        self._lock = threading.Lock()  # a tokenizer serves one thread at a time
        self._tokenizer: Any = None

    def warm_up(self) -> None:
        """Compute unit vectors and the dictionary of words.

        Kernels are loaded by the first batch, text or language model: Numba and LLVM take 120 MB.
        """
        words = [self.vectors.words[row] for row in range(min(len(self.vectors), 40))]
        self.vectors.vocabulary.find([*words, *words], missing=-1)
        self.vectors.unit_vectors(range(len(self.vectors) // 100 + 1))  # so many that all lengths are computed
        self.vectors.most_similar(words[0], topn=1)
        self.find(words[0])
        release_matrix(self.vectors.matrix)

    @property
    def facts(self) -> list[str]:
        """What the page says about the model."""
        trained = self.vectors.training_settings.get("architecture")
        size = [counted(len(self.vectors), "word"), counted(self.vectors.dimension, "dimension")]
        return [*size, trained] if isinstance(trained, str) else size

    def find(self, word: str) -> str:
        """Return a word of the vocabulary for one that was typed; a 404 if there is none."""
        if word in self.vectors:
            return word
        with self._lock:
            try:
                return self._typed.find(word)
            except KeyError as error:
                raise RequestError(404, f"{self.name}: {error.args[0]}") from None

    def known(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the words that have vectors as they stand, and those that have none; both in their order."""
        has = {word: self.vectors.has_vector(word) for word in dict.fromkeys(words)}
        return [word for word in words if has[word]], [word for word in words if not has[word]]

    def typed(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the words of the vocabulary for those that were typed, as `find` does, and those that have none."""
        with self._lock:
            found = {word: self._typed.known(word) for word in words}
        return [known for word in words if (known := found[word])], [word for word in words if not found[word]]

    def tokenize(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of every text."""
        with self._lock:
            self._tokenizer = self._tokenizer or self.vectors.make_tokenizer()
            return self._tokenizer.tokenize("".join(f"{' '.join(text.splitlines())}\n" for text in texts))


class Served:
    """All that is served, and the threads that answer.

    Parameters
    ----------
    models : sequence of ServedModel
        At least one, with different names.
    language_model : LanguageModel, optional
    language_model_name : str
    """

    def __init__(
        self,
        models: Sequence[ServedModel],
        language_model: "LanguageModel | None" = None,
        language_model_name: str = "",
    ) -> None:
        self.models = {model.name: model for model in models}
        self.language_model_name = language_model_name
        self._language_model = language_model
        self._alignments: dict[tuple[str, str], tuple[Alignment, Fit]] = {}
        self._lock = threading.Lock()
        self._language_lock = threading.Lock()  # a model keeps the activations of its last input
        self._threads = ThreadPoolExecutor(THREADS, "requests")

    def warm_up(self) -> None:
        """Do once what the first requests would wait for; workers share what is loaded then."""
        for model in self.models.values():
            model.warm_up()
        if self._language_model is not None:
            self._language_model.perplexity(self._language_model.vocabulary.words[-1])  # compiled kernels
            release_compiler()

    def model(self, name: str) -> ServedModel:
        """Return a model; the first without a name, a 404 for one that is not served."""
        if not name:
            return next(iter(self.models.values()))
        if name not in self.models:
            raise RequestError(404, f"no model {name!r} is served{did_you_mean(name, self.models)}; see /api/models")
        return self.models[name]

    @property
    def has_language_model(self) -> bool:
        """Whether there is a language model."""
        return self._language_model is not None

    def with_language_model(self, work: "Callable[[LanguageModel], Result]") -> Result:
        """Return what a function makes of the language model, which serves one request at a time; a 404 without one."""
        if self._language_model is None:
            raise RequestError(404, "no language model is served; start 'vecmill serve' with --lm")
        with self._language_lock:
            return work(self._language_model)

    def alignment(self, a: ServedModel, b: ServedModel) -> tuple[Alignment, Fit]:
        """Return two models aligned, and how well; computed at the first request."""
        with self._lock:
            if (a.name, b.name) not in self._alignments:
                found = align(a.vectors, b.vectors)
                self._alignments[a.name, b.name] = (found, found.fit())
            return self._alignments[a.name, b.name]

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Return what a function returns; other requests are answered meanwhile."""

        def run() -> Result:
            try:
                return work(*arguments)
            finally:
                release_compiler()  # the first work of its kind loads kernels

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()
        for model in self.models.values():
            model.passes.close()
