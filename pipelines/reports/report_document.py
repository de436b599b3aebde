"""A report as sections of paragraphs, tables and pictures; written as Markdown and as one page of HTML."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first `left` columns are text, the others numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1


@dataclass(frozen=True)
class Lines:
    """Separate lines, such as sentences."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A picture in SVG; `name` is its file name beside the Markdown file."""

    name: str
    svg: str
    alt: str


@dataclass(frozen=True)
class Section:
    """A heading and the blocks under it; a string is a paragraph."""

    title: str
    blocks: Sequence[str | Table | Lines | Picture]


STYLESHEET = """
:root { color-scheme: light dark; --ink: #23241f; --soft: #66665d; --line: #dcdad0; --paper: #fcfbf8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9e7df; --soft: #a5a397; --line: #3b3b36; --paper: #1b1b19; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
       margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 1rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
p { margin: .4rem 0; } .scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); } th, td { padding: .2rem 1.2rem .2rem 0; }
tr { border-bottom: 1px solid var(--line); vertical-align: top; } .n { text-align: right; }
ul { padding-left: 1.2rem; } figure { margin: 1rem 0; } figure svg { width: 100%; height: auto; border-radius: 6px; }
"""


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """Return the report as Markdown, which refers to pictures in files beside it."""
    parts = [f"# {_markdown_text(title)}"]
    for section in sections:
        parts.append(f"## {_markdown_text(section.title)}")
        parts += [_markdown_block(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def to_html(title: str, sections: Sequence[Section]) -> str:
    """Return the report as one page that needs no other file."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [_html_block(block) for block in section.blocks]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLESHEET}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _markdown_block(block: str | Table | Lines | Picture) -> str:
    if isinstance(block, Table):
        rule = ["---" if place < block.left else "---:" for place in range(len(block.header))]
        rows = [block.header, rule, *block.rows]
        cells = [row if row is rule else [_markdown_text(cell) for cell in row] for row in rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)
    if isinstance(block, Lines):
        return "\n".join(f"- {_markdown_text(line)}" for line in block.lines)
    if isinstance(block, Picture):
        return f"![{_markdown_text(block.alt)}]({block.name})"
    return _markdown_text(block)


def _html_block(block: str | Table | Lines | Picture) -> str:
    if isinstance(block, Table):
        head = _html_row("th", block.header, block)
        rows = "\n".join(f"<tr>{_html_row('td', row, block)}</tr>" for row in block.rows)
        return f'<div class="scroll"><table>\n<tr>{head}</tr>\n{rows}\n</table></div>'
    if isinstance(block, Lines):
        return "<ul>\n" + "\n".join(f"<li>{html.escape(line)}</li>" for line in block.lines) + "\n</ul>"
    if isinstance(block, Picture):
        return f'<figure role="img" aria-label="{html.escape(block.alt)}">{block.svg}</figure>'
    return f"<p>{html.escape(block)}</p>"


def _html_row(tag: str, cells: Sequence[str], table: Table) -> str:
    number = ' class="n"'
    return "".join(
        f"<{tag}{number if place >= table.left else ''}>{html.escape(cell)}</{tag}>" for place, cell in enumerate(cells)
    )


def _markdown_text(text: str) -> str:
    """Escape a text for Markdown, including tables."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.split()))
