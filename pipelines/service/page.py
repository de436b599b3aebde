"""The files of the page that the service shows: its own, and those that it shares with `vecmill map`."""

from pathlib import Path

from pipelines.map_page import SHARED_SCRIPTS, TIME_SCRIPTS, source

PAGE_FILES = Path(__file__).with_name("explorer")
PAGE_SCRIPTS = (
    *("theme.js", "api.js", "panels.js", "words.js", "axes.js", "compare.js", "language.js", "explorer.js"),
    "watch.js",
)
PAGE_STYLES = ("explorer.css", "watch.css")
KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


def page_files(page: str = "index.html") -> dict[str, tuple[bytes, str]]:
    """Return the content and the media type of every file, by path; no other file can be asked for.

    Parameters
    ----------
    page : str
        The file that is shown at ``/``.

    Returns
    -------
    dict of str to (bytes, str)
    """
    files = {"/": ((PAGE_FILES / page).read_bytes(), KINDS[".html"])}
    for name in (*PAGE_SCRIPTS, *PAGE_STYLES):
        files[f"/page/{name}"] = ((PAGE_FILES / name).read_bytes(), KINDS[Path(name).suffix])
    for name in (*SHARED_SCRIPTS, *TIME_SCRIPTS, "style.css", "time.css"):
        files[f"/page/map/{name}"] = (source(name).encode(), KINDS[Path(name).suffix])
    return files
