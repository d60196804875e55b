"""`recbole_ext analyze tokens`: item sequences beside their codes and beside text."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from recbole_ext.errors import ConfigError, show
from recbole_ext.files import checked_output, write_report

if TYPE_CHECKING:
    from recbole_ext.analysis.token_statistics import Corpus, Statistics
    from recbole_ext.config import ExtConfig

SUMMARY = "statistics of item sequences, of the codes of these items, and of text"
TAKES_KEYS = True

_DESCRIPTION = """\
How item sequences, the same sequences as codes (TokenizedSASRec), and text differ as language: how
many bits a token has alone and given the one before, Zipf's slope, how often runs of tokens come
again, and how many pairs of the test part are new.

  recbole_ext analyze tokens --dataset=ml-100k --codes=rq --n_codes=4 --codebook_size=64 \\
      --text=book.txt

Further settings of the data and the codes are given as --key=value, as for `recbole_ext run`.
"""
_CODES = ("codes", "n_codes", "codebook_size", "MAX_ITEM_LIST_LENGTH")
_HEADERS = (
    "form", "tokens", "types", "H(x)", "H(x | previous)", "Zipf slope",
    "repeated 2-grams", "repeated 3-grams", "unseen in test",
)  # fmt: skip
_HOW_TO_READ = """\
H: bits a token, of the training part's counts; an item's bits are those of its codes together.
Repeated n-grams have occurred before; unseen: pairs of the test part (an item or its codes after
what precedes; of text the last tenth of the lines) that the training part does not have."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze tokens` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--dataset", metavar="NAME", help="a folder of atomic files")
    parser.add_argument(
        "--model", default="TokenizedSASRec", metavar="NAME", help="whose codes; TokenizedSASRec"
    )
    parser.add_argument("--text", metavar="FILE", help="UTF-8, a sequence a line")
    parser.add_argument("--out", metavar="FILE", help="write everything as JSON")


def main(args: argparse.Namespace) -> int:
    """Print the table; returns the exit code 0."""
    from recbole_ext.analysis.corpora import read_text, text_corpora
    from recbole_ext.analysis.token_statistics import statistics

    output = checked_output("--out", args.out)
    text = [] if args.text is None else text_corpora(read_text(args.text))
    config = _config(args)
    found = {corpus.name: statistics(corpus) for corpus in [*_item_corpora(config), *text]}
    print(f"{config['dataset']}: codes {config['codes']}")
    print(*table(found), sep="\n")
    if output is not None:
        whole = {"dataset": config["dataset"], **{key: config[key] for key in _CODES}}
        whole["forms"] = {name: asdict(one) for name, one in found.items()}
        print(f"written: {write_report(output, whole)}")
    return 0


def _config(args: argparse.Namespace) -> ExtConfig:
    from recbole_ext.config import ExtConfig

    config = ExtConfig(args.model, args.dataset, cli_args=args.rest)
    if config["codes"] is None:
        raise ConfigError(f"--model: {show(args.model)} has no codes; TokenizedSASRec has")
    return config


def _item_corpora(config: ExtConfig) -> list[Corpus]:
    from recbole_ext.analysis.corpora import code_corpus, item_corpus
    from recbole_ext.data.item_codes import item_codes
    from recbole_ext.data.loaders import split_of
    from recbole_ext.data.loading import load_data

    flat = load_data(config)
    items = item_corpus(flat.store, split_of(config, flat))
    return [items, code_corpus(items, item_codes(config, flat).values.numpy())]


def table(found: Mapping[str, Statistics]) -> Iterator[str]:
    """A row for each form, and how to read them."""
    from tabulate import tabulate

    rows = [
        [name, f"{one.tokens:,}", f"{one.types:,}",
         *(_number(value) for value in (one.entropy, one.conditional, one.zipf)),
         *(_percent(share) for share in (*one.repeated, one.unseen))]
        for name, one in found.items()
    ]  # fmt: skip
    yield tabulate(rows, _HEADERS, disable_numparse=True, colalign=("left", *["right"] * 8))
    yield _HOW_TO_READ


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
