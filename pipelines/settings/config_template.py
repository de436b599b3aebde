"""The file that `vecmill init` writes: every section and key with its default and a comment.

The comments are the descriptions in the docstrings of the settings classes, which are therefore written for users: what
the setting does, its values, and when to change it, without names of code.
"""

import dataclasses
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from pipelines.settings.config import LM_SECTION_NAMES, RUN_SECTIONS, PipelineConfig, Setting, describe_type
from pipelines.settings.lm_config import build_lm_config
from pipelines.settings.lm_settings import LM_SECTIONS

# Values that differ from the defaults: a language model that is trained in a minute or two.
TEMPLATE_VALUES: dict[str, Any] = {
    "lm.enabled": True,
    "lm.max_vocabulary": 5000,
    "lm_network.layers": 1,
    "lm_network.hidden_size": 100,
    "lm_training.epochs": 3,
}
HEADER = """\
# Settings of `vecmill run`. All values are the defaults, except those under [lm], [lm_network] and [lm_training], which
# make a small language model; there, keys behind "# " show the values of the preset. Remove "# " to set a key.
# `vecmill run FILE --dry-run` prints the stages that a change would run again.
"""
_WIDTH = 118


def config_template() -> str:
    """Return the text of the file, in TOML that `load_run_config` reads."""
    embedding = PipelineConfig()
    lm = build_lm_config({name: Setting(value, "starting values") for name, value in TEMPLATE_VALUES.items()})
    sections: dict[str, Any] = {name: getattr(embedding, name) for name in get_type_hints(PipelineConfig)}
    sections |= {name: kind() for name, kind in RUN_SECTIONS.items() if name != "output"}
    sections["split"] = lm.split
    sections |= {name: getattr(lm, name) for name in LM_SECTION_NAMES}
    sections |= {"output": RUN_SECTIONS["output"]()}
    return "\n".join([HEADER, *("\n".join(_section(name, value)) + "\n" for name, value in sections.items())])


def _section(name: str, settings: Any) -> Iterator[str]:
    """Return the lines of a section."""
    kind = type(settings)
    comments = attribute_comments(kind)
    hints = get_type_hints(kind)
    yield f"# {_plain(inspect.getdoc(kind) or '').partition(chr(10))[0]}"
    preset_decides = name in LM_SECTIONS and name != "lm"
    yield f"[{name}]"
    for field in dataclasses.fields(kind):
        default = field.default if field.default is not dataclasses.MISSING else None
        value = getattr(settings, field.name)
        given = f"{name}.{field.name}" in TEMPLATE_VALUES
        if default is None and not given and not preset_decides:
            value = None  # the default, not the value that the class has derived
        yield from textwrap.wrap(comments[field.name], _WIDTH, initial_indent="# ", subsequent_indent="# ")
        if value is None:
            yield f"# {field.name} = <{describe_type(hints[field.name])}>"
        else:
            yield f"{'# ' if preset_decides and not given else ''}{field.name} = {as_toml(value)}"


def attribute_comments(kind: type) -> Mapping[str, str]:
    """Return the descriptions of attributes in the docstring of a class, each as one line of plain text."""
    _, _, attributes = (inspect.getdoc(kind) or "").partition("Attributes\n----------\n")
    attributes = attributes.partition("\n\n")[0]
    comments: dict[str, str] = {}
    names: list[str] = []
    for line in attributes.splitlines():
        if not line.startswith(" "):
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
        else:
            for name in names:
                comments[name] = f"{comments.get(name, '')} {line.strip()}".strip()
    return {name: _plain(text) for name, text in comments.items()}


def _plain(text: str) -> str:
    """Return the text of a docstring without backticks, and with "not set" for None, which TOML does not have."""
    text = re.sub(r"(?<![^.;] )\bNone\b", "Not set", re.sub(r"``?([^`]+)``?", r"\1", text))
    return text.replace("; Not set", "; not set").replace("None", "not set")


def as_toml(value: Any) -> str:
    """Return a setting as TOML; the JSON of strings, numbers, booleans and their lists is valid TOML."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
