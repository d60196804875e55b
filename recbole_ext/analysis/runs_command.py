"""`recbole_ext analyze RUN_DIR ... --what=...`: figures and tables of what runs have learned."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.analysis.figures import require_matplotlib, save
from recbole_ext.errors import ConfigError, DataError, nearest, show

if TYPE_CHECKING:
    from recbole_ext.analysis.subject import Subject
    from recbole_ext.runner import Run

SUMMARY = "figures and tables of what runs have learned (also without the word 'runs')"
TAKES_KEYS = False

OF_ATTENTION = ("attention", "sparsity", "rank", "spectrum")
OF_SLOTS = ("positions",)
OF_SCORES = ("locality", "choices")
WHAT = ("attention", "positions", "sparsity", "rank", "spectrum", *OF_SCORES)
DEFAULT_WHAT = WHAT[:5]

_DESCRIPTION = """\
Figures of trained models, for one or several runs side by side, as PNG and SVG, with the numbers
as JSON beside each, and the tables on the terminal. Needs matplotlib: pip install
"recbole_ext[figures]".

  recbole_ext analyze RUN_DIR RUN_DIR --what=attention,positions,sparsity,rank,spectrum

  attention   mean attention of the newest 20 slots, above its rank-5 approximation; each head
  positions   correlation of position embeddings; learned positional attention; fixed patterns
  sparsity    S of the newest 20 x 20 block, and S·m by length
  rank        the paper's k over a range of σ, Gavish-Donoho, stable rank, entropy rank
  spectrum    sorted singular values, layer by layer
  locality    of several runs: test metric by AE, local AE, AR, local AR
  choices     of several runs: relative change of the test metric by design choice

A model that lacks what is asked for is named in a line and left out. A run folder called
'positions', 'rollouts' or 'runs' is written ./positions.
"""

Made = tuple[str, dict[str, Any], Callable[[Any], Any], list[str]]  # name, numbers, draw, lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze runs` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("runs", nargs="+", metavar="RUN_DIR", help="a run folder")
    parser.add_argument(
        "--what", default=",".join(DEFAULT_WHAT), metavar="KIND[,KIND]", help="the five if absent"
    )
    parser.add_argument("--out", metavar="DIR", help="of the figures; the first RUN_DIR/analysis")
    parser.add_argument(
        "--users", default="1000", metavar="N", help="test users at random, or all; 1000"
    )
    parser.add_argument("--user", metavar="TOKEN", help="one user's attention, nobody else's")
    parser.add_argument(
        "--metric", default="NDCG@10", metavar="NAME", help="of locality and choices; NDCG@10"
    )


def main(args: argparse.Namespace) -> int:
    """Make the figures asked for; returns the exit code 0."""
    what, count = _what(args.what), _count(args.users)
    require_matplotlib()
    from recbole_ext.training.run_folder import RunFolder

    folders = [RunFolder.open(name).path for name in args.runs]
    out = _folder(args.out, folders[0])
    made = 0
    for name, numbers, draw, lines in _all(what, folders, count, args.user, args.metric):
        for line in lines:
            print(line)
        print(f"figure: {save(draw(numbers), numbers, out, name)}\n")
        made += 1
    if not made:
        raise DataError("none of the runs has what is asked for: no figure")
    return 0


def _all(
    what: Sequence[str], folders: Sequence[Path], count: int | None, user: str | None, metric: str
) -> Iterator[Made]:
    yield from _of_scores([kind for kind in what if kind in OF_SCORES], folders, metric)
    if not any(kind in (*OF_ATTENTION, *OF_SLOTS) for kind in what):
        return

    from recbole_ext.analysis.subject import labels_of
    from recbole_ext.runner import load

    runs = [load(folder) for folder in folders]
    labels = labels_of(runs)
    yield from _of_attention([k for k in what if k in OF_ATTENTION], runs, labels, count, user)
    if "positions" in what:
        yield from _of_slots(runs, labels)


def _of_attention(
    what: Sequence[str],
    runs: Sequence[Run],
    labels: Sequence[str],
    count: int | None,
    user: str | None,
) -> Iterator[Made]:
    if not what:
        return
    from recbole_ext.analysis.views import VIEWS

    subjects = _subjects(runs, labels, count, user)
    for kind in what if subjects else ():
        for name, view in VIEWS[kind].items():
            numbers = view.numbers(subjects)
            yield name, numbers, view.draw, view.lines(numbers)


def _subjects(
    runs: Sequence[Run], labels: Sequence[str], count: int | None, user: str | None
) -> list[Subject]:
    """The runs that have attention; a line for each that has none."""
    from recbole_ext.analysis.blocks import collect, rows_of
    from recbole_ext.analysis.subject import Subject
    from recbole_ext.nn.attending import NoAttentionError

    subjects = []
    for run, label in zip(runs, labels, strict=True):
        rows = rows_of(run, count, user)
        try:
            blocks = collect(run, rows)
        except NoAttentionError as error:
            _left_out(label, str(error))
            continue
        subjects.append(Subject(label, run.config["model"], run.config["dataset"], blocks))
    return subjects


def _of_slots(runs: Sequence[Run], labels: Sequence[str]) -> Iterator[Made]:
    from recbole_ext.analysis import slot_maps

    learned = (slot_maps.correlation_numbers, slot_maps.attention_numbers)
    found = [numbers(runs, labels) for numbers in learned]
    having = {panel["run"] for data in found for panel in data["panels"]}
    for label in labels:
        if label not in having:
            _left_out(label, "has neither position embeddings nor positional attention")
    for data in found:
        if data["panels"]:
            yield data["figure"], data, slot_maps.draw, []
    patterns = slot_maps.pattern_numbers()
    yield patterns["figure"], patterns, slot_maps.draw, []


def _of_scores(what: Sequence[str], folders: Sequence[Path], metric: str) -> Iterator[Made]:
    if not what:
        return
    from recbole_ext.analysis import performance
    from recbole_ext.analysis.finished import read_finished

    if len(folders) < 2:
        raise ConfigError(f"--what={what[0]}: compares runs; name two or more")
    read = [(folder, read_finished(folder, metric)) for folder in folders]
    for folder, run in read:
        if run is None:
            _left_out(folder.name, "is no model of the AE/AR design space")
    finished = [run for _, run in read if run is not None]
    if "locality" in what and finished:
        numbers = performance.locality_numbers(finished, metric)
        yield "locality", numbers, performance.draw_locality, performance.locality_lines(numbers)
    if "choices" in what:
        numbers = performance.choice_numbers(finished, metric)
        if not numbers["choices"]:
            print("choices: no two of these runs differ in one design choice alone\n")
            return
        yield "choices", numbers, performance.draw_choices, performance.choice_lines(numbers)


def _left_out(label: str, why: str) -> None:
    print(f"left out: {label} {why}\n")


def _what(text: str) -> list[str]:
    kinds = [kind.strip() for kind in text.split(",")]
    for kind in kinds:
        if kind not in WHAT:
            raise ConfigError(
                f"--what: {show(kind)} must be some of {', '.join(WHAT)}{nearest(kind, WHAT)}"
            )
    return kinds


def _count(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ConfigError(f"--users: {show(text)} must be a whole number of 1 or more, or all")
    return int(text)


def _folder(given: str | None, first: Path) -> Path:
    """Where figures go; refused before any work where that is a file."""
    folder = first / "analysis" if given is None else Path(given)
    if given == "" or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"--out: {show(str(folder) if given is None else given)} is no folder")
    return folder
