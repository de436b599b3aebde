"""What says the same in several files says it alike: version, dependencies, Pythons, targets of make."""

import re
import tomllib

from tests.conftest import REPOSITORY
from tools.release_check import share_of_checks

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
OF_DEVELOPERS = {"test", "lint", "coverage", "docs", "release", "cluster", "interop", "browser", "bench"}


def text(name):
    return (REPOSITORY / name).read_text("utf-8")


def test_citation_and_recipe_state_the_version_of_the_project():
    assert re.search(r"^version: (.*)$", text("CITATION.cff"), re.M)[1] == PROJECT["version"]
    assert re.search(r'version: "(.*)"', text("packaging/conda/recipe.yaml"))[1] == PROJECT["version"]


def test_the_changelog_has_the_version_and_its_day_is_that_of_the_citation():
    day = re.search(r"^date-released: (.*)$", text("CITATION.cff"), re.M)[1]
    assert f"## {PROJECT['version']} – {day}\n" in text("CHANGELOG.md")


def test_the_recipe_needs_what_the_wheel_needs():
    run = text("packaging/conda/recipe.yaml").partition("  run:\n")[2].partition("\n\n")[0]
    needed = [line.removeprefix("    - ").replace(" ", "") for line in run.splitlines()[1:]]
    assert needed == PROJECT["dependencies"]


def test_the_page_of_the_installation_names_all_dependencies_and_extras():
    page = text("docs/installation.md")
    installed, extras = (set(re.findall(r"^\| (.*?) \|", part, re.M)) for part in page.split("## Extras"))
    names = {name for row in installed for name in row.split(", ")}
    assert {re.match(r"[\w-]+", dependency)[0] for dependency in PROJECT["dependencies"]} <= names
    assert {f"`{extra}`" for extra in PROJECT["optional-dependencies"].keys() - OF_DEVELOPERS} <= extras


def test_every_python_of_the_classifiers_is_tested_by_the_workflow():
    declared = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    tested = re.search(r"python: \[(.*)\]", text(".github/workflows/ci.yml"))[1]
    assert re.findall(r"3\.\d+", tested) == declared
    assert PROJECT["requires-python"] == f">={declared[0]}"


def test_every_step_of_the_workflows_is_a_target_of_make():
    makefile = text("Makefile")
    workflows = text(".github/workflows/ci.yml") + text(".github/workflows/release.yml")
    named = re.findall(r"run: make ([\w-]+)", workflows)
    named += re.search(r"target: \[(.*)\]", workflows)[1].split(", ")
    named += re.search(r"for target in (.*);", text(".ci/run"))[1].split()
    assert {"test", "lint", "interop", "docs", "build"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.M), target
        assert f"make {target}" in makefile, f"'make help' does not list {target}"
    assert len(re.findall(r"run:(?! make)", workflows)) == workflows.count("defaults:")


def test_actions_are_pinned_by_the_hash_of_a_commit():
    for workflow in (REPOSITORY / ".github" / "workflows").iterdir():
        for action in re.findall(r"uses: (.*)", workflow.read_text("utf-8")):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action), action


def test_checks_that_are_left_out_with_a_reason_count_as_failed():
    checks = {f"PP{i}": {"result": True} for i in range(38)} | {"GH1": {"result": None}}
    assert share_of_checks(checks, {"PC1", "PC2"}) == (True, "95.0% of 40 checks; not: PC1, PC2")
    assert share_of_checks(checks | {"PP0": {"result": False}}, {"PC1", "PC2"})[0] is False


def test_make_looks_for_every_python_of_the_classifiers():
    looked_for = re.search(r"for python in .*?((?: python3\.\d+)+) python", text("Makefile"))[1].split()
    declared = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert {f"python{version}" for version in declared} <= set(looked_for)


def test_type_checkers_are_told_that_every_package_is_annotated():
    for package in ("vecmill", "corpora", "embeddings", "pipelines"):
        assert (REPOSITORY / package / "py.typed").is_file()
