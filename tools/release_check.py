"""Do all that a release needs but the upload, and print a table of what passed; `make release-check` runs this."""

import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("lint", "smoke", "coverage", "interop", "ray", "browser", "lowest", "docs", "build")
"""Coverage runs all tests, those of kernels without the compiler too, and fails below the bar."""

LEAST_REVIEW = 0.95  # share of the checks of sp-repo-review that must pass


def make(target: str) -> tuple[bool, str]:
    """Run a target of make and return whether it passed, and its last line."""
    run = subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, capture_output=True, text=True)
    lines = (run.stdout + run.stderr).strip().splitlines() or [""]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / f"release-{target}.log").write_text("\n".join(lines) + "\n", "utf-8")
    return run.returncode == 0, (run.stdout.strip().splitlines() or lines)[-1]


def review() -> tuple[bool, str]:
    """Run sp-repo-review; a check that pyproject.toml leaves out with a reason counts as one that failed."""
    run = subprocess.run(
        [sys.executable, "-m", "repo_review", ".", "--format", "json"], cwd=ROOT, capture_output=True, text=True
    )
    return share_of_checks(json.loads(run.stdout)["checks"], left_out())


def left_out() -> set[str]:
    """Return the names of the checks that pyproject.toml leaves out."""
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["repo-review"]["ignore"])


def share_of_checks(checks: dict[str, dict[str, object]], without: set[str]) -> tuple[bool, str]:
    """Return whether enough checks passed, and which did not.

    Parameters
    ----------
    checks : dict
        Results by name; None where a check does not apply.
    without : set of str
        Checks that are left out with a reason.

    Returns
    -------
    tuple of bool and str
    """
    results = {name: check["result"] for name, check in checks.items() if check["result"] is not None}
    results |= dict.fromkeys(without, False)
    failed = sorted(name for name, passed in results.items() if not passed)
    share = 1 - len(failed) / len(results)
    return share >= LEAST_REVIEW, f"{share:.1%} of {len(results)} checks; not: {', '.join(failed) or 'none'}"


def main() -> int:
    """Run all checks and print the table."""
    rows = []
    for name, check in [("repo-review", review), *((target, None) for target in TARGETS)]:
        begun = time.monotonic()
        passed, line = check() if check else make(name)
        rows.append((name, "passed" if passed else "FAILED", f"{time.monotonic() - begun:.0f} s", line[:90]))
        print(f"{rows[-1][1]}: {name}", file=sys.stderr, flush=True)
    for row in rows:
        print("{:12} {:7} {:>7}  {}".format(*row))
    return 0 if all(row[1] == "passed" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
