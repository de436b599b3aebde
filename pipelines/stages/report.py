"""Stage report: the outputs of all stages → a report in Markdown and HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipelines.running.stage import Stage, StageContext

MARKDOWN, PAGE = "report.md", "report.html"


@dataclass(frozen=True, kw_only=True)
class ReportStage(Stage):
    """Writes a report on all earlier stages."""

    earlier: tuple[str, ...]
    name: ClassVar[str] = "report"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Empty: the inputs determine the result."""
        return {}

    @property
    def inputs(self) -> tuple[str, ...]:
        """All earlier stages."""
        return self.earlier

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write ``report.md`` with its pictures, and ``report.html``, which contains them."""
        from pipelines.reports.report_document import Picture, to_html, to_markdown
        from pipelines.reports.run_report import run_sections

        title = f"Report on {context.inputs['fetch'].resolve().parent.name}"
        with context.progress.task("writing the report", None):
            sections = run_sections(context.inputs)
        (directory / MARKDOWN).write_text(to_markdown(title, sections), "utf-8")
        (directory / PAGE).write_text(to_html(title, sections), "utf-8")
        for picture in (block for section in sections for block in section.blocks if isinstance(block, Picture)):
            (directory / picture.name).write_text(picture.svg, "utf-8")
        return {"sections": len(sections)}
