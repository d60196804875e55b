"""`recbole_ext analyze padding`: what padding does to the scores of a trained model."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from recbole_ext.errors import ConfigError, show
from recbole_ext.files import checked_output, write_report
from recbole_ext.run_folders import add_data_path, loaded, report_place

if TYPE_CHECKING:
    from recbole_ext.runner import Run

SUMMARY = "what padding does to the scores of a trained model"
TAKES_KEYS = False
REPORT_FILE = "padding.json"
KEYS = (
    "padding_as_class",
    "padding_row",
    "position_at_padding",
    "mask_padding",
    "remask_padding",
)

_DESCRIPTION = """\
Score the test users' histories bare and padded to MAX_ITEM_LIST_LENGTH, and compare. The first
table cuts all histories to the same share of padding, the second takes them as they are.

  recbole_ext analyze padding RUN_DIR

The tables are printed and written as JSON, to RUN_DIR/padding.json or --out.
"""
_CHANGES = ("users", "largest_change", "mean_change", "other_list")
_CHANGE_HEADERS = ("padding", "users", "largest change", "mean change", "other top 10")
_METRICS = ("Hit@10_bare", "Hit@10_padded", "NDCG@10_bare", "NDCG@10_padded")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze padding` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("run_dir", metavar="RUN_DIR", help="run folder of the model")
    parser.add_argument("--out", metavar="FILE", help="write the JSON here")
    add_data_path(parser)


def main(args: argparse.Namespace) -> int:
    """Print the tables and write them; returns the exit code 0.

    Raises:
        ConfigError: the model is one of RecBole's, or the report cannot be written.
    """
    place = report_place(checked_output("--out", args.out), args.run_dir, REPORT_FILE)
    run = loaded(args.run_dir, args.data_path)
    found = report(run)
    print(*lines(found), sep="\n")
    print(f"written: {write_report(place, found)}")
    return 0


def report(run: Run) -> dict[str, Any]:
    """All that is printed, as numbers."""
    from recbole_ext.analysis.padding import by_bucket, by_ratio
    from recbole_ext.model.base import NextItemRecommender

    model, config = run.model, run.config
    if not isinstance(model, NextItemRecommender):
        raise ConfigError(
            f"model {show(config['model'])} is RecBole's: how much it pads cannot be chosen; "
            "analyze padding is for recbole_ext's own models"
        )
    loader, window = run.loaders.test, config["MAX_ITEM_LIST_LENGTH"]
    what = (model, loader.store, loader.rows, window, config["eval_batch_size"])
    return {
        "model": config["model"],
        "dataset": config["dataset"],
        "run_dir": str(run.run_dir),
        "window": window,
        "keys": {key: config[key] for key in KEYS},
        "padding_row_norm": _norm_of_padding(model),
        "by_ratio": by_ratio(*what),
        "by_bucket": by_bucket(*what),
    }


def _norm_of_padding(model: Any) -> float:
    from recbole_ext.analysis.embeddings import item_vectors

    vectors = item_vectors(model)
    return 0.0 if vectors is None else float((vectors[0] ** 2).sum() ** 0.5)


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The report as text."""
    from tabulate import tabulate

    keys = ", ".join(f"{name}: {_word(value)}" for name, value in found["keys"].items())
    yield f"{found['model']} on {found['dataset']}, window of {found['window']} slots"
    yield f"{keys}; norm of the padding row {found['padding_row_norm']:.4g}"
    yield ""
    yield "scores padded to the window against the same histories bare; cut to one share of padding"
    rows = [[name, *_changes(one)] for name, one in found["by_ratio"].items()]
    yield tabulate(rows, _CHANGE_HEADERS, disable_numparse=True, colalign=["right"] * 5)
    yield ""
    yield "whole histories, by their share of padding in the window; test items, seen kept"
    rows = [[name, *_changes(one), *_metrics(one)] for name, one in found["by_bucket"].items()]
    headers = [*_CHANGE_HEADERS, *(name.replace("_", " ") for name in _METRICS)]
    yield tabulate(rows, headers, disable_numparse=True, colalign=["right"] * 9)


def _changes(one: dict[str, float | int]) -> list[str]:
    users, largest, mean, lists = (one[name] for name in _CHANGES)
    return [f"{users:,}", f"{largest:.2e}", f"{mean:.2e}", f"{100 * lists:.1f} %"]


def _metrics(one: dict[str, float | int]) -> list[str]:
    return [f"{one[name]:.4f}" for name in _METRICS]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
