"""`recbole_ext analyze duality`: coverage, embeddings and quality of runs side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from recbole_ext.files import checked_output, write_report
from recbole_ext.run_folders import add_data_path, opened

SUMMARY = "users an item has, rank and stability of item embeddings, quality side by side"
TAKES_KEYS = False

_DESCRIPTION = """\
Of finished runs: the share of items with at least 1, 5, 20 training users by decile of popularity
(where duality can work at all), the effective rank of the item embeddings, HR and NDCG; of runs
that differ in their seed alone, how stable the embeddings are (orthogonal Procrustes).

  recbole_ext analyze duality saved/a saved/b saved/c --out=duality.json
"""
LEGEND = (
    "decile: of the items by training interactions, 10 the most popular. effective rank: exp of "
    "the entropy of the centred embeddings' singular values; at most d. stability: cosine after "
    "the best rotation, 1 is the same; chance: with items shuffled."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze duality` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("run_dirs", nargs="+", metavar="RUN_DIR", help="folder of a finished run")
    parser.add_argument("--out", metavar="FILE", help="write everything as JSON")
    add_data_path(parser)


def main(args: argparse.Namespace) -> int:
    """Print the tables; returns the exit code 0."""
    output = checked_output("--out", args.out)

    from recbole_ext.analysis.duality import read, report

    found = report([read(path, args.data_path) for path in opened(args.run_dirs)])
    print(*lines(found), sep="\n")
    if output is not None:
        print(f"written: {write_report(output, found)}")
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The report as text."""
    for covered in found["coverage"]:
        where = f"{covered['dataset']} ({covered['run']})"
        yield f"{where}: items with at least 1, 5, 20 training users"
        yield _coverage(covered["deciles"])
        yield ""
    yield _runs(found["runs"])
    if found["stability"]:
        yield ""
        yield _stability(found["stability"])
    yield LEGEND


def _coverage(deciles: list[Mapping[str, Any]]) -> str:
    from tabulate import tabulate

    rows = [
        [one["decile"], f"{one['items']:,}", f"{one['interactions']:,}",
         *(f"{100 * share:.1f} %" for share in one["with_users"])]
        for one in deciles
    ]  # fmt: skip
    headers = ("decile", "items", "interactions", ">= 1", ">= 5", ">= 20")
    return tabulate(rows, headers, disable_numparse=True, stralign="right")


def _runs(runs: list[Mapping[str, Any]]) -> str:
    from tabulate import tabulate

    rows = [
        [run["run"], run["model"], run["seed"], run["task"], run["dual_weight"],
         f"{run['effective_rank']:.1f} of {run['hidden_size']}",
         *(run[part][name] for part in ("test", "test_seen_masked") for name in run[part])]
        for run in runs
    ]  # fmt: skip
    headers = ("run", "model", "seed", "task", "lambda", "effective rank",
               "Hit@10", "NDCG@10", "Hit@10 masked", "NDCG@10 masked")  # fmt: skip
    return tabulate(rows, headers, floatfmt=("", "", "", "", "g", "", *[".4f"] * 4), missingval="-")


def _stability(pairs: list[Mapping[str, Any]]) -> str:
    from tabulate import tabulate

    rows = [[*pair["runs"], pair["stability"], pair["chance"]] for pair in pairs]
    return tabulate(rows, ("run", "run", "stability", "chance"), floatfmt=".4f")
