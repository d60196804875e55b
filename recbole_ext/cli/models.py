"""The subcommand `recbole_ext models`: the list of models, or one of them in full."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from recbole_ext.imports import add_argument as add_import

KINDS = ("sequential", "general", "context_aware", "knowledge_aware")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    add = parser.add_argument
    add("name", nargs="?", metavar="MODEL", help="show one model in full: its keys, and why")
    add("--own", action="store_true", help="leave RecBole's models out")
    add("--kind", choices=KINDS, help="only models of this kind")
    add_import(parser)


def main(args: argparse.Namespace) -> int:
    """Print what was asked for."""
    if args.name is None:
        print(_table(list(_rows(args.own, args.kind))))
        print("recbole_ext models NAME shows one in full: its keys, or why it is not run")
    else:
        print(_in_full(args.name))
    return 0


_SHORT = ("model", "from", "year", "kind", "base")
_WRAPPED = {"paper": 44, "objective": 26, "axes": 40}  # widths where there is room
_NARROWEST = 12
_WIDE = 150  # columns of a terminal that has room for all


def _table(rows: list[tuple[str, ...]]) -> str:
    """All models; on a terminal no wider than it, as far as that goes."""
    from tabulate import tabulate

    short, widths = [*_SHORT], [*_WRAPPED.values()]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns
        if room < _WIDE:  # `models NAME` tells the rest
            short = short[:3]
            rows = [(*row[:3], *row[5:]) for row in rows]
        taken = sum(max(map(len, column)) for column in zip(short, *rows, strict=False))
        left = room - taken - 2 * (len(short) + len(widths) - 1)
        widths = [max(_NARROWEST, min(one, left * one // sum(widths))) for one in widths]
    wrapping = [*[None] * len(short), *widths]
    headers = (*short, *_WRAPPED)
    return str(tabulate(rows, headers, maxcolwidths=wrapping, disable_numparse=True))


def _rows(own: bool, kind: str | None) -> Iterator[tuple[str, ...]]:
    from recbole_ext.cli.about import about
    from recbole_ext.registry import list_models

    for model in list_models():
        if (own and model.source == "RecBole") or (kind and model.kind != kind):
            continue
        what = about(model.name)
        base = model.base or ""
        known = (what.paper, what.objective, what.axes)
        source = model.source if model.is_run else f"{model.source}, not run"
        yield (model.name, source, what.year, model.kind, base, *known)


def _in_full(name: str) -> str:
    from tabulate import tabulate

    from recbole_ext.cli.about import about, defaults
    from recbole_ext.registry import known_names, lineage, unknown_model
    from recbole_ext.stock import recbole_models, why_not_run

    if name not in known_names():
        raise unknown_model(name)
    what, chain = about(name), lineage(name)
    facts: dict[str, Any] = {
        "model": name,
        "class": chain.root or name,
        "paper": " ".join(filter(None, (what.paper, what.year))),
        "objective": what.objective,
        "axes": what.axes,
        "defaults": what.settings,
        "not run": why_not_run(name) if name in recbole_models() else None,
    }
    lines = [f"{fact:<10} {value}" for fact, value in facts.items() if value]
    rows = [(d.key, _value(d.value), d.file, d.comment) for d in defaults(name)]
    headers = ("key", "default", "from", "why")
    table = tabulate(
        rows, headers=headers, maxcolwidths=[None, 30, None, 70], disable_numparse=True
    )
    return "\n".join([*lines, "", table])


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "~" if value is None else str(value)
