"""The subcommand `recbole_ext prepare`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse

_FORMATS = (
    "sequences, pairs, movielens, amazon_ratings, amazon_reviews, yelp or columns; "
    "guessed from the file if not given"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `prepare` to its parser."""
    parser.add_argument("--dataset", required=True, metavar="NAME", help="name of the data set")
    _add(parser, "input", "FILE", "raw file, plain or packed; a known data set's is downloaded")
    parser.add_argument("--data_path", default="dataset", metavar="DIR", help="where data sets lie")
    _add(parser, "format", "NAME", _FORMATS)
    parser.add_argument("--overwrite", action="store_true", help="replace a data set that is there")
    _add(parser, "encoding", "NAME", "of the raw text, such as latin-1; UTF-8 if not given")
    _add_columns(parser)
    _add_items(parser)
    _add_filters(parser)


def _add_columns(parser: argparse.ArgumentParser) -> None:
    title = "columns of a CSV, TSV or Parquet file, by name, or by number from 1 without a header"
    group = parser.add_argument_group(title)
    for side in ("user", "item"):
        _add(group, f"{side}_col", "COLUMN", f"the {side}")
    _add(group, "time_col", "COLUMN", "the time, a number or an ISO date; the file's order if none")
    _add(group, "rating_col", "COLUMN", "the rating, kept beside the rest")
    _add(group, "sep", "CHAR", "between the fields: a character, tab or space; found if not given")
    _add(group, "time_unit", "UNIT", "of a time that is a number: s (default), ms, us or ns")
    bad_rows = "at an empty or unreadable field: error (default) stops, skip leaves the row out"
    group.add_argument("--bad_rows", default="error", metavar="error|skip", help=bad_rows)
    _add(group, "spaces", "TEXT", "put in ids in place of white space, such as _; refused if none")


def _add_items(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is known of the items, such as titles")
    _add(group, "items", "FILE", "CSV or TSV of a line per item, with a header")
    _add(group, "items_id_col", "COLUMN", "the item there; the name in --item_col, or item_id")
    kept = (
        "of its columns, all if not given; name:type gives RecBole's type, "
        "token, float, token_seq or float_seq (values with | between them)"
    )
    _add(group, "items_cols", "NAMES", kept)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    title = "what is kept (by default a known data set's own, else everything)"
    group = parser.add_argument_group(title)
    _add(group, "since", "DATE", "nothing before this ISO date (UTC)")
    _add(group, "until", "DATE", "only what is before this ISO date (UTC)")
    duplicates = "of a user's interactions with one item: keep all, or the first or last in time"
    _add(group, "duplicates", "keep|first|last", duplicates)
    for side in ("user", "item"):
        text = f"drop each {side} with fewer interactions"
        group.add_argument(f"--min_{side}", type=int, metavar="N", help=text)
    mode = "core (default): drop until nothing changes; once: count once, some may keep fewer"
    _add(group, "min_mode", "core|once", mode)


def _add(parser: argparse._ActionsContainer, name: str, metavar: str, help: str) -> None:
    parser.add_argument(f"--{name}", metavar=metavar, help=help)


def main(args: argparse.Namespace) -> int:
    """Prepare a data set and print its statistics; returns the exit code 0.

    Raises DataError for a user's mistake, which the command line prints as one line.
    """
    from recbole_ext.data.catalog import FILTER_KEYS
    from recbole_ext.data.prepare.pipeline import prepare
    from recbole_ext.data.prepare.settings import choose_columns, choose_items

    columns = (args.user_col, args.item_col, args.time_col, args.rating_col)
    report = prepare(
        args.input,
        args.dataset,
        data_path=args.data_path,
        format=args.format,
        columns=choose_columns(*columns, args.sep, args.time_unit),
        overwrite=args.overwrite,
        bad_rows=args.bad_rows,
        spaces=args.spaces,
        encoding=args.encoding,
        items=choose_items(args.items, args.items_id_col, args.items_cols),
        **{key: getattr(args, key) for key in FILTER_KEYS},
    )
    print(report)
    return 0
