"""`recbole_ext analyze rollouts`: a figure of evaluated rollouts, one curve for each model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_ext.analysis.labels import distinct
from recbole_ext.errors import ConfigError, DataError, show
from recbole_ext.files import checked_output
from recbole_ext.inference.generation.command import REPORT_FILE
from recbole_ext.inference.generation.report import HEADERS

SUMMARY = "a figure of evaluated rollouts, one curve for each model"
TAKES_KEYS = False

_DESCRIPTION = """\
Draw what `recbole_ext generate RUN_DIR --evaluate` has found, one curve for each model and a dashed
one for the held-out items. Needs matplotlib: pip install "recbole_ext[figures]".

  recbole_ext analyze rollouts RUN_DIR RUN_DIR other.report.json --out=rollouts.png
"""
_FORMATS = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze rollouts` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("reports", nargs="+", metavar="REPORT", help="a run folder or a JSON file")
    parser.add_argument("--out", required=True, metavar="FILE", help=".png, .svg or .pdf")


def main(args: argparse.Namespace) -> int:
    """Draw the figure; returns the exit code 0."""
    output = checked_output("--out", args.out)
    if output is None or output.suffix.lower() not in _FORMATS:
        raise ConfigError(f"--out: {show(args.out)} must end in {', '.join(_FORMATS)}")
    reports = [read_report(Path(name)) for name in args.reports]

    from recbole_ext.analysis.rollouts_figure import draw

    draw(reports, labels(reports), output)
    print(f"figure: {output}")
    return 0


def read_report(path: Path) -> dict[str, Any]:
    """The JSON of an evaluation, or of the run folder's.

    Raises:
        DataError: it cannot be read or holds something else.
    """
    file = path / REPORT_FILE if path.is_dir() else path
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"{file}: cannot be read ({reason}); make it by: recbole_ext generate RUN_DIR "
            "--evaluate"
        ) from error
    if not _is_report(report):
        raise DataError(f"{file}: is no report of recbole_ext generate --evaluate")
    return dict(report)


def labels(reports: Sequence[dict[str, Any]]) -> list[str]:
    """What each curve is called: what tells the reports apart, the model at least."""
    models = [report["model"] for report in reports]
    folders = [Path(report["run_dir"]).name for report in reports]
    decoded = [_decoding(report["options"]) for report in reports]
    in_full = [_in_full(report["options"]) for report in reports]
    numbers = [f"({place})" for place in range(1, len(reports) + 1)]
    ways = [
        (models,),
        (models, decoded),
        (models, folders),
        (models, in_full),
        (models, folders, decoded),
        (models, folders, in_full),
        (models, folders, in_full, numbers),
    ]
    return distinct([[", ".join(parts) for parts in zip(*way, strict=True)] for way in ways])


def _decoding(options: dict[str, Any]) -> str:
    return options["decode"] + (", seen excluded" if options.get("exclude_seen") else "")


def _in_full(options: dict[str, Any]) -> str:
    """With whatever else was chosen."""
    known = ("decode", "exclude_seen", "steps", "batch_size", "title_field", "on_unknown")
    rest = (f"{k} {v:g}" for k, v in options.items() if k not in known and _is_number(v))
    return ", ".join([_decoding(options), *rest])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_report(report: Any) -> bool:
    if not isinstance(report, dict) or not isinstance(report.get("options"), dict):
        return False
    texts = (report.get("model"), report.get("run_dir"), report["options"].get("decode"))
    parts = (report.get("model_statistics"), report.get("truth_statistics"))
    return all(isinstance(text, str) for text in texts) and all(map(_are_curves, parts))


def _are_curves(part: Any) -> bool:
    return isinstance(part, dict) and all(
        name in HEADERS and isinstance(curve, list) and all(map(_is_value, curve))
        for name, curve in part.items()
    )


def _is_value(value: Any) -> bool:
    return value is None or _is_number(value)
