"""Stage report of `vecmill probe`: a table of all tasks and their learning curves."""

import importlib.util
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from pipelines.running.stage import Stage, StageContext
from pipelines.settings.file_names import SCORES_FILE
from pipelines.stages.probe import ProbeStage
from vecmill.files import write_json

logger = logging.getLogger(__name__)

TABLE = "scores.csv"


@dataclass(frozen=True, kw_only=True)
class ProbeReportStage(Stage):
    """Writes ``scores.json``, ``scores.csv`` and the learning curves of all tasks."""

    tasks: tuple[ProbeStage, ...]
    name: ClassVar[str] = "report"

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the tasks."""
        return {stage.name: stage.settings for stage in self.tasks}

    @property
    def inputs(self) -> Sequence[str]:
        """The stages of the tasks."""
        return [stage.name for stage in self.tasks]

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the files."""
        parts = [json.loads((context.inputs[name] / SCORES_FILE).read_text("utf-8")) for name in self.inputs]
        found = {
            "tasks": [part["about"] for part in parts],
            "scores": [row for part in parts for row in part["scores"]],
            "comparisons": [row for part in parts for row in part["comparisons"]],
        }
        write_json(directory / SCORES_FILE, found)
        pd.DataFrame(found["scores"]).to_csv(directory / TABLE, index=False)
        if importlib.util.find_spec("matplotlib") is None:
            logger.warning("no plot: matplotlib is not installed (pip install 'vecmill[plot]')")
        else:
            from pipelines.reports.probe_report import draw_learning_curves

            draw_learning_curves(found, directory)
        return {"networks": len(found["scores"])}
