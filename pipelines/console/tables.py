"""Tables on the command line, with columns as wide as their content whatever the width of the terminal."""

from collections.abc import Sequence

from rich.cells import cell_len

from pipelines.console.streams import results


def print_columns(rows: Sequence[Sequence[str]], left: int) -> None:
    """Print rows in columns; the first `left` columns are left-aligned, the others right-aligned."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - cell_len(cell))
            cells.append(cell + gap if place < left else gap + cell)
        results.print("  ".join(cells).rstrip())
