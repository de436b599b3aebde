"""Ask for known vulnerabilities of everything that is installed; `make lint` runs this.

The answer comes over the network. Where it cannot be had, one line says so, and that is no failure: what was written
here does not change with the network. A vulnerability that is found is one.
"""

import importlib.util
import json
import subprocess
import sys

WAIT = 120  # seconds


def verdict(code: int, stdout: str, stderr: str) -> tuple[str, bool]:
    """Return one line about the answer of pip-audit, and whether all is well."""
    try:
        packages = json.loads(stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (stderr.strip().splitlines() or [f"exit code {code} without a word"])[-1]
        return f"vulnerabilities: not checked, no answer from the service ({reason[:200]})", True
    audited = [package for package in packages if "vulns" in package]
    found = [
        f"{package['name']} {package['version']}: {entry['id']}" for package in audited for entry in package["vulns"]
    ]
    if found:
        return f"vulnerabilities: {'; '.join(found)}", False
    if not audited:
        return f"vulnerabilities: not checked, the package index knows nothing of {len(packages)} packages", True
    unchecked = len(packages) - len(audited)
    return f"vulnerabilities: none known in {len(audited)} packages ({unchecked} others not checked)", True


def main() -> int:
    """Run pip-audit on this environment."""
    if importlib.util.find_spec("pip_audit") is None:
        print("vulnerabilities: not checked, pip-audit is not installed")
        return 0
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=WAIT)
        line, well = verdict(run.returncode, run.stdout, run.stderr)
    except subprocess.TimeoutExpired:
        line, well = f"vulnerabilities: not checked, no answer within {WAIT} s", True
    print(line)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
