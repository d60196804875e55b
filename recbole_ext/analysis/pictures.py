"""From run folders to figures with their numbers and tables: what `analyze` and `compare` draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.run_folders import loaded

if TYPE_CHECKING:
    from recbole_ext.analysis.subject import Subject
    from recbole_ext.runner import Run

OF_ATTENTION = ("attention", "sparsity", "rank", "spectrum")
OF_SLOTS = ("positions",)
OF_SCORES = ("locality", "choices")
WHAT = ("attention", "positions", "sparsity", "rank", "spectrum", *OF_SCORES)
USERS = 1000
METRIC = "NDCG@10"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Picture:
    """A figure that has not been drawn yet.

    Attributes:
        name: of its files.
        numbers: what is drawn, and what the JSON beside the figure holds.
        draw: the figure of the numbers.
        lines: their table.
    """

    name: str
    numbers: dict[str, Any]
    draw: Callable[[Any], Any]
    lines: list[str]

    def save(self, folder: Path) -> Path:
        """Write PNG, SVG and JSON; returns the first. Raises as :func:`figures.save`."""
        from recbole_ext.analysis.figures import save

        return save(self.draw(self.numbers), self.numbers, folder, self.name)


@dataclass(frozen=True)
class Asked:
    """What is wanted of runs.

    Attributes:
        what: of :data:`WHAT`.
        users: test users at random; None: all.
        user: the token of the only user wanted.
        metric: of locality and choices.
        labels: what figures call the runs; empty: as little as tells them apart.
        data_path: where the runs' data lie; None: where they lay in training.
    """

    what: Sequence[str]
    users: int | None = USERS
    user: str | None = None
    metric: str = METRIC
    labels: Sequence[str] = ()
    data_path: str | None = None


def checked(kinds: Sequence[str], where: str) -> list[str]:
    """``kinds`` if all are of :data:`WHAT`. Raises ConfigError that names ``where``."""
    for kind in kinds:
        if kind not in WHAT:
            raise ConfigError(
                f"{where}: {show(kind)} must be some of {', '.join(WHAT)}{nearest(kind, WHAT)}"
            )
    return list(kinds)


def pictures(asked: Asked, folders: Sequence[Path], tell: Tell) -> Iterator[Picture]:
    """The pictures asked for, of runs side by side.

    Args:
        folders: run folders.
        tell: is given a line for each run that lacks what is asked for.

    Raises:
        UserError: one line: a folder that is no finished run, an unknown user or metric.
    """
    yield from _of_scores(asked, folders, tell)
    if not any(kind in (*OF_ATTENTION, *OF_SLOTS) for kind in asked.what):
        return

    from recbole_ext.analysis.subject import labels_of

    runs = [loaded(folder, asked.data_path) for folder in folders]
    labels = list(asked.labels) or labels_of(runs)
    yield from _of_attention(asked, runs, labels, tell)
    if "positions" in asked.what:
        yield from _of_slots(runs, labels, tell)


def _of_attention(
    asked: Asked, runs: Sequence[Run], labels: Sequence[str], tell: Tell
) -> Iterator[Picture]:
    what = [kind for kind in asked.what if kind in OF_ATTENTION]
    if not what:
        return
    from recbole_ext.analysis.views import VIEWS

    subjects = _subjects(asked, runs, labels, tell)
    for kind in what if subjects else ():
        for name, view in VIEWS[kind].items():
            numbers = view.numbers(subjects)
            yield Picture(name, numbers, view.draw, view.lines(numbers))


def _subjects(
    asked: Asked, runs: Sequence[Run], labels: Sequence[str], tell: Tell
) -> list[Subject]:
    """The runs that have attention; a line for each that has none."""
    from recbole_ext.analysis.blocks import collect, rows_of
    from recbole_ext.analysis.subject import Subject
    from recbole_ext.nn.attending import NoAttentionError

    subjects = []
    for run, label in zip(runs, labels, strict=True):
        rows = rows_of(run, asked.users, asked.user)
        try:
            blocks = collect(run, rows)
        except NoAttentionError as error:
            tell(_left_out(label, str(error)))
            continue
        subjects.append(Subject(label, run.config["model"], run.config["dataset"], blocks))
    return subjects


def _of_slots(runs: Sequence[Run], labels: Sequence[str], tell: Tell) -> Iterator[Picture]:
    from recbole_ext.analysis import slot_maps

    learned = (slot_maps.correlation_numbers, slot_maps.attention_numbers)
    found = [numbers(runs, labels) for numbers in learned]
    having = {panel["run"] for data in found for panel in data["panels"]}
    for label in labels:
        if label not in having:
            tell(_left_out(label, "has neither position embeddings nor positional attention"))
    for data in found:
        if data["panels"]:
            yield Picture(data["figure"], data, slot_maps.draw, [])
    patterns = slot_maps.pattern_numbers()
    yield Picture(patterns["figure"], patterns, slot_maps.draw, [])


def _of_scores(asked: Asked, folders: Sequence[Path], tell: Tell) -> Iterator[Picture]:
    what = [kind for kind in asked.what if kind in OF_SCORES]
    if not what:
        return
    from recbole_ext.analysis import performance as one
    from recbole_ext.analysis.design_point import read_design_point, told_apart

    if len(folders) < 2:
        alone = f"--what={what[0]}: compares runs; name two or more"
        if len(what) == len(asked.what):
            raise ConfigError(alone)
        tell(alone)
        return
    labels = asked.labels or [folder.name for folder in folders]
    read = [read_design_point(folder, asked.metric) for folder in folders]
    for label, run in zip(labels, read, strict=True):
        if run is None:
            tell(_left_out(label, "is no model of the AE/AR design space"))
    finished = told_apart([run for run in read if run is not None])
    if "locality" in what and finished:
        numbers = one.locality_numbers(finished, asked.metric)
        yield Picture("locality", numbers, one.draw_locality, one.locality_lines(numbers))
    if "choices" in what:
        numbers = one.choice_numbers(finished, asked.metric)
        if not numbers["choices"]:
            tell("choices: no two of these runs differ in one design choice alone")
            return
        yield Picture("choices", numbers, one.draw_choices, one.choice_lines(numbers))


def _left_out(label: str, why: str) -> str:
    return f"left out: {label} {why}"
