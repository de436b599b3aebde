"""The command ``vecmill``, also as ``python -m vecmill``."""

import sys

from vecmill.shadowing import ShadowedPackageError, require_own_packages


def main() -> None:
    """Check that no other package shadows vecmill's, then run the command line, `pipelines.cli`."""
    try:
        require_own_packages()
    except ShadowedPackageError as error:
        sys.exit(f"error: {error}")
    from pipelines.console.interruption import run_interruptibly

    run_interruptibly(_run)


def _run() -> None:
    from pipelines.console.interruption import stop_with_parent

    stop_with_parent()
    from pipelines.cli import main

    main()


if __name__ == "__main__":
    main()
