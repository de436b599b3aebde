"""Detection of other packages or files that shadow vecmill's packages.

`corpora`, `embeddings` and `pipelines` are common names, also of other distributions and of files beside a notebook.
"""

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("corpora", "embeddings", "pipelines")
_HOME = Path(__file__).resolve().parents[1]
_MARK = "vecmill"  # in the docstring of each package


class ShadowedPackageError(ImportError):
    """A package of another distribution, or a file, shadows one of vecmill's packages."""


def require_own_packages() -> None:
    """Raise a ShadowedPackageError if Python imports, or has imported, another package instead of vecmill's."""
    for name in PACKAGES:
        spec = find_spec(name)
        own = _HOME / name / "__init__.py"
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None:
            raise ShadowedPackageError(
                f"{own} is missing: another distribution named {name} has been installed over vecmill, perhaps, and "
                f"uninstalled; repair it with: pip install --force-reinstall --no-deps vecmill"
            )
        if found != own:
            raise ShadowedPackageError(
                f"{found} shadows vecmill's package {name}; rename it or move it away, "
                f"or, if a distribution has installed it, uninstall that (pip uninstall {name})"
            )
        if _MARK not in own.read_text("utf-8", "replace"):
            raise ShadowedPackageError(
                f"{own} is of another distribution, installed over vecmill; uninstall that (pip uninstall {name}), "
                "then repair vecmill with: pip install --force-reinstall --no-deps vecmill"
            )
