"""`recbole_ext analyze positions`: which position an item gets for each prediction."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from recbole_ext.analysis.given import add_data, data_config
from recbole_ext.checked_numbers import whole
from recbole_ext.errors import DataError, show
from recbole_ext.files import checked_output, write_report

if TYPE_CHECKING:
    from recbole_ext.analysis.positions import Audit
    from recbole_ext.config import ExtConfig
    from recbole_ext.data.dataset import FlatOrder
    from recbole_ext.data.split import Split

SUMMARY = "which position each item gets for each prediction, in each form of training"
TAKES_KEYS = True

_DESCRIPTION = """\
Which position each item gets for each prediction of one user, and how many (item, prediction)
pairs of the data set are at another position than in the corrected form (arXiv 2504.09596).

  recbole_ext analyze positions --dataset=ml-100k --user=196 --max_length=50

Further settings of the data are given as --key=value, as for `recbole_ext run`.
"""
_READABLE = 6  # training items of the user shown where none is named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze positions` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    add_data(parser)
    parser.add_argument("--user", metavar="TOKEN", help="whose table; one of few items if absent")
    parser.add_argument("--out", metavar="FILE", help="write the counts as JSON")
    parser.add_argument("--show", default="10", metavar="N", help="newest predictions shown; 10")


def main(args: argparse.Namespace) -> int:
    """Print both tables; returns the exit code 0."""
    shown, output = whole("--show", args.show), checked_output("--out", args.out)

    from recbole_ext.analysis.positions import audit
    from recbole_ext.data.loaders import split_of
    from recbole_ext.data.loading import load_data
    from recbole_ext.data.split import train_lengths

    config = data_config(args)
    flat = load_data(config)
    split = split_of(config, flat)
    user = _user(flat, split, args.user)
    for line in _user_lines(config, flat, split, user, shown):
        print(line)
    print()
    limit = config["MAX_ITEM_LIST_LENGTH"]
    counts = audit(train_lengths(flat.store, split), limit)
    print(
        f"{config['dataset']}, MAX_ITEM_LIST_LENGTH {limit}: (item, prediction) pairs in training"
    )
    print(_table(counts))
    if output is not None:
        forms = {one.form: asdict(one) for one in counts}
        report = {"dataset": config["dataset"], "max_length": limit, "forms": forms}
        print(f"written: {write_report(output, report)}")
    return 0


def _user(flat: FlatOrder, split: Split, token: str | None) -> int:
    """The id of the user asked for, or of one whose table is short."""
    from recbole_ext.data.split import train_lengths
    from recbole_ext.inference.sequences import known_users

    if token is not None:
        return int(known_users(flat, flat.store, [token], ["--user"]).picked[0])
    distance = abs(train_lengths(flat.store, split) - _READABLE)
    distance[0] = distance.max() + 1  # PAD
    return int(distance.argmin())


def _user_lines(
    config: ExtConfig, flat: FlatOrder, split: Split, user: int, shown: int
) -> Iterator[str]:
    """The table of one user: a row for each form and prediction, a column for each item."""
    from tabulate import tabulate

    from recbole_ext.analysis.positions import FORMS, positions

    store, limit = flat.store, config["MAX_ITEM_LIST_LENGTH"]
    ids = store.items[store.offsets[user] : split.train_end[user]]
    tokens = flat.field2id_token[flat.iid_field][ids].tolist()
    token = flat.field2id_token[flat.uid_field][user]
    if len(ids) < 2:
        raise DataError(f"user {show(str(token))} has no two training items: nothing is predicted")
    first = max(0, len(ids) - 1 - shown)
    rows: list[list[Any]] = []
    for form in FORMS:
        table = positions(form, len(ids) - 1, limit)[first:, first:]
        for place, row in enumerate(table):
            cells = ["" if position == 0 else str(position) for position in row]
            rows.append([form if place == 0 else "", tokens[first + place + 1], *cells])
    yield f"user {token}: positions of the items read for each prediction; 1 is the newest"
    if first:
        yield f"(the newest {len(ids) - 1 - first} of {len(ids) - 1} predictions and items)"
    headers = ["form", "predicts", *tokens[first:-1]]
    yield tabulate(rows, headers, disable_numparse=True, stralign="right")


def _table(counts: Iterable[Audit]) -> str:
    """The counts over the data set."""
    from tabulate import tabulate

    rows = [
        [one.form, *(f"{n:,}" for n in (one.predictions, one.pairs, one.differing)),
         f"{100 * one.differing / max(one.pairs, 1):.2f} %", f"{one.unread:,}"]
        for one in counts
    ]  # fmt: skip
    headers = ("form", "predictions", "pairs", "at another position", "share", "never read")
    return tabulate(rows, headers, disable_numparse=True, colalign=("left", *["right"] * 5))
