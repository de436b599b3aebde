"""The command `vecmill`, also as `python -m vecmill`."""

import sys

from vecmill.shadowing import ShadowedPackageError, require_own_packages


def main() -> None:
    """Run the command line, `pipelines.cli`, once it is certain that it is vecmill's."""
    try:
        require_own_packages()
    except ShadowedPackageError as error:
        sys.exit(f"error: {error}")
    from pipelines.cli import main

    main()


if __name__ == "__main__":
    main()
