"""`recbole_ext analyze personalisation`: users with the same history, and what they get."""

from __future__ import annotations

import argparse
from itertools import chain
from typing import TYPE_CHECKING, Any

from recbole_ext.analysis.given import add_data, data_config
from recbole_ext.checked_numbers import whole
from recbole_ext.errors import ConfigError, show
from recbole_ext.files import checked_output, write_report
from recbole_ext.run_folders import add_data_path, loaded, opened

if TYPE_CHECKING:
    from recbole_ext.config import ExtConfig
    from recbole_ext.runner import Run

SUMMARY = "users who share their newest items with another, and how far they get the same list"
TAKES_KEYS = True

_DESCRIPTION = """\
How many test users share their newest 1, 2, 3, 5, 10 items, and the whole window, with another: a
model without users gives them one list (arXiv 2504.09596, no personalisation). Of runs: how far the
lists of such users overlap, against those of random users.

  recbole_ext analyze personalisation --dataset=ml-100k
  recbole_ext analyze personalisation saved/VanillaAR-... saved/SSEPT-... --k=10 --out=same.json

Further settings of the data set are given as --key=value, as for `recbole_ext run`.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze personalisation` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("run_dirs", nargs="*", metavar="RUN_DIR", help="run folder of a model")
    add_data(parser)
    add_data_path(parser)
    parser.add_argument("--k", default="10", metavar="N", help="items of a list; 10")
    parser.add_argument("--batch_size", metavar="N", help="users scored at once")
    parser.add_argument("--out", metavar="FILE", help="write everything as JSON")


def main(args: argparse.Namespace) -> int:
    """Print a table of the data set and of each run; returns the exit code 0."""
    k, output = whole("--k", args.k), checked_output("--out", args.out)
    size = None if args.batch_size is None else whole("--batch_size", args.batch_size)
    config = _config(args)

    from recbole_ext.analysis.personalisation import LEGEND, lines

    folders = opened(args.run_dirs)
    data = () if config is None else (of_data(config),)
    runs = (of_run(loaded(folder, args.data_path), k, size) for folder in folders)
    found = []
    for report in chain(data, runs):
        print(*lines(report), "", sep="\n", flush=True)  # before the next run is scored
        found.append(report)
    print(LEGEND)
    if output is not None:
        print(f"written: {write_report(output, _told(found, config is not None))}")
    return 0


def of_data(config: ExtConfig) -> dict[str, Any]:
    """What the data alone say."""
    from recbole_ext.analysis.personalisation import sharing
    from recbole_ext.data.loaders import split_of
    from recbole_ext.data.loading import load_data
    from recbole_ext.data.rows import held_out_rows

    flat, window = load_data(config), config["MAX_ITEM_LIST_LENGTH"]
    rows = held_out_rows(flat.store, split_of(config, flat).test, window)
    return {
        "dataset": config["dataset"],
        "window": window,
        "users": len(rows),
        "sharing": sharing(flat.store, rows, window),
    }


def of_run(run: Run, k: int, batch_size: int | None) -> dict[str, Any]:
    """The same with the lists of a model, seen items kept: what is hidden from a list differs."""
    from recbole_ext.analysis.lists import tested_scorer, tested_sequences, top_lists
    from recbole_ext.analysis.personalisation import random_overlap, sharing

    config, loader = run.config, run.loaders.test
    size = batch_size or config["eval_batch_size"]
    lists = top_lists(tested_scorer(run), tested_sequences(run), k, False, size)
    window = config["MAX_ITEM_LIST_LENGTH"]
    return {
        "model": config["model"],
        "dataset": config["dataset"],
        "run": run.run_dir.name,
        "run_dir": str(run.run_dir),
        "k": lists.shape[1],
        "window": window,
        "users": len(loader.rows),
        "sharing": sharing(loader.store, loader.rows, window, lists),
        "random_overlap": random_overlap(lists),
    }


def _config(args: argparse.Namespace) -> ExtConfig | None:
    """Of the data set; None where only runs are looked at, which have their own."""
    if args.dataset is not None:
        return data_config(args, args.data_path)
    alone = [*args.rest, *([] if args.max_length is None else ["--max_length"])]
    if alone:
        raise ConfigError(f"{show(alone[0])} is for --dataset; a run has its own settings")
    if not args.run_dirs:
        raise ConfigError("nothing to look at: give --dataset=NAME or run folders")
    return None


def _told(reports: list[dict[str, Any]], of_data_first: bool) -> dict[str, Any]:
    data, runs = (reports[0], reports[1:]) if of_data_first else (None, reports)
    return {"data": data, "runs": runs}
