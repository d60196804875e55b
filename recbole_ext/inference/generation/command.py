"""The subcommand `recbole_ext generate`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.checked_numbers import positive, whole
from recbole_ext.errors import ConfigError
from recbole_ext.files import checked_output, write_report
from recbole_ext.imports import add_argument as add_import
from recbole_ext.inference.command import add_asked, asked_of, given_of, read_options, tell
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.run_folders import add_data_path, loaded, report_place

if TYPE_CHECKING:
    from recbole_ext.runner import Run

DESCRIPTION = """\
Predict the next T items of users one after another, each prediction fed back as history.

  recbole_ext generate RUN_DIR --steps=10 --out=next.jsonl
  recbole_ext generate RUN_DIR --user=196,186 --decode=sample --temperature=0.8 --top_k=50 --seed=1
  recbole_ext generate RUN_DIR --steps=10 --evaluate

Without --user, --history and the files all users of the data set are continued, from everything
known of them. --evaluate continues them from before the items that --holdout=T kept out of training
and compares with those; its table is printed and written beside as JSON.
"""
REPORT_FILE = "rollouts.json"
REPORT_ENDING = ".report.json"  # beside --out
_NUMBERS = (
    ("--steps", "T", "items predicted one after another; 10 if not given"),
    ("--temperature", "X", "of sample: divides the scores; 1 if not given"),
    ("--top_k", "N", "of sample: draw among the N best items; all if not given"),
    ("--beam_size", "N", "of beam: paths kept; 4 if not given"),
    ("--seed", "N", "of sample; 0 if not given"),
    ("--batch_size", "N", "users continued at once"),
)
_TEXTS = (
    ("--decode", "HOW", "greedy (if not given), sample or beam"),
    ("--on_unknown", "WHAT", "unknown items of a history: error (if not given) or skip"),
    ("--title_field", "NAME", "column of the .item file that holds titles; empty: no titles"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `generate` to its parser."""
    parser.description, parser.formatter_class = DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("run_dir", metavar="RUN_DIR", help="run folder of the model")
    add_asked(parser)
    for name, metavar, text in (*_NUMBERS, *_TEXTS):
        parser.add_argument(name, metavar=metavar, help=text)
    parser.add_argument("--exclude_seen", action="store_true", help="never predict an item twice")
    parser.add_argument("--evaluate", action="store_true", help="compare with the held-out items")
    parser.add_argument("--format", metavar="NAME", help="table, csv or jsonl; as --out ends")
    parser.add_argument(
        "--out", "--output", dest="output", metavar="FILE", help="write the items here"
    )
    add_data_path(parser)
    add_import(parser)


def main(args: argparse.Namespace) -> int:
    """Generate and print or write; returns the exit code 0.

    Raises UserError for a user's mistake, which the command line prints as one line.
    """
    from recbole_ext.inference.output import chosen_format, write

    options = _options(args)
    form = chosen_format(args.format, args.output)
    output = checked_output("--out", args.output, to_stdout=True)
    if args.evaluate:
        return _evaluate(args, options, form, output)
    asked = asked_of(args, "generate") if given_of(args) else None

    from recbole_ext.inference.generation.generate import everyone, generate

    run = loaded(args.run_dir, args.data_path)
    write(generate(run, asked or everyone(run), options, warn=tell), form, output)
    return 0


def _evaluate(
    args: argparse.Namespace, options: RolloutOptions, form: str, output: Path | None
) -> int:
    if given_of(args):
        raise ConfigError(f"--evaluate takes all users with held-out items; omit {given_of(args)}")

    if args.format is not None and output is None:
        raise ConfigError("--format is for the items that --out writes beside --evaluate's report")
    beside = output and checked_output("--out", str(output.with_suffix(REPORT_ENDING)))
    place = report_place(beside, args.run_dir, REPORT_FILE)

    from recbole_ext.inference.generation.evaluation import evaluate, report
    from recbole_ext.inference.generation.report import lines

    run = loaded(args.run_dir, args.data_path)
    findings = evaluate(run, options)
    found = report(run, options, findings)
    print(*lines(found), sep="\n")
    print(f"written: {write_report(place, found)}")
    if output is not None:
        _write_items(run, options, findings, form, output)
    return 0


def _write_items(run: Run, options: RolloutOptions, findings: Any, form: str, output: Path) -> None:
    from recbole_ext.inference.generation.generate import rows_of
    from recbole_ext.inference.output import write
    from recbole_ext.inference.recommend import titles_of

    titles = titles_of(run.config, options.title_field)
    users = run.dataset.field2id_token[run.dataset.uid_field][findings.users].tolist()
    write(rows_of(run, users, findings.rollouts, titles), form, output)


def _options(args: argparse.Namespace) -> RolloutOptions:
    names = [name[2:] for name, *_ in (*_NUMBERS, *_TEXTS)]
    numbers: dict[str, Callable[[str, str], int | float]]
    numbers = {name[2:]: whole for name, *_ in _NUMBERS}
    numbers |= {"seed": partial(whole, least=0), "temperature": positive}
    return RolloutOptions(exclude_seen=args.exclude_seen, **read_options(args, names, numbers))
