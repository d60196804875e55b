"""The plots of a report: learning curves, quality against cost, groups of users."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go

from recbole_ext.experiment.gather import PROTOCOLS, Finished, Gathered
from recbole_ext.experiment.report import Report, by_device, device
from recbole_ext.experiment.users import JobUsers, groups_of
from recbole_ext.experiment.validation import agreed, full, short

FIELDS = {"history_length": "history length (items)", "target_popularity": "target popularity"}
FEW_EPOCHS = 10
LOG_ABOVE, LOG_TIME_ABOVE = 5, 20  # times that the largest is the smallest
Users = Mapping[str, JobUsers | None]
Choices = Sequence[tuple[str, str]]  # metrics under a protocol; the first is drawn at first
# Ten colours apart (Tableau's), then the same with another mark and pattern.
COLOURS = (
    "#4e79a7", "#f28e2b", "#e15759", "#59a14f", "#b07aa1", "#76b7b2", "#9c755f", "#edc948",
    "#ff9da7", "#8c8c8c",
)  # fmt: skip
MARKS, PATTERNS = ("circle", "diamond", "triangle-up"), ("", "/", "x")
LINES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # by seed
FILLS = ("", "-open", "-dot", "-open-dot")  # of a mark, by the device of the times
_ROUNDS = tuple(zip(MARKS, PATTERNS, strict=True))


@dataclass(frozen=True)
class Plot:
    """A figure, its name in the page, its caption, and what is to be known about it.

    A figure without data is one that could not be drawn; the note says why.
    """

    name: str
    title: str
    figure: go.Figure
    note: str = ""


@dataclass(frozen=True)
class Look:
    """What tells a job from the others of its data set, the same in every plot."""

    colour: str
    mark: str
    pattern: str


LOOKS = [Look(colour, *look) for look, colour in product(_ROUNDS, COLOURS)]


def plots(report: Report) -> dict[str, list[Plot]]:
    """The plots of each data set; a plot for which nothing is known is left out."""
    return {dataset: _of_dataset(dataset, jobs, report) for dataset, jobs in report.jobs().items()}


def _of_dataset(dataset: str, jobs: list[Gathered], report: Report) -> list[Plot]:
    place = re.sub(r"\W", "-", dataset)
    users = {one.job.name: report.users[one.job.name] for one in jobs}
    choices = choices_of(users, report)
    left_out = _left_out(users)
    curve, quality = f"{_curve_title(jobs)} by", "Quality against"
    found = [
        ("curves-epochs", f"{curve} epoch", curves(jobs, False), ""),
        ("curves-seconds", f"{curve} training time", curves(jobs, True), ""),
        ("time", f"{quality} training time to the best epoch", against(
            jobs, "training seconds to the best epoch", lambda one: one.time_to_best().median,
            choices, timed=True), ""),
        ("parameters", f"{quality} parameters", against(
            jobs, "parameters", lambda one: one.number("parameters").median, choices,
            timed=False), ""),
        *(
            (field, f"By {name}: means over groups of users", bars(users, field, name, choices),
             left_out)
            for field, name in FIELDS.items()
        ),
    ]  # fmt: skip
    return [
        Plot(f"{place}-{name}", title, fig, note)
        for name, title, fig, note in found
        if len(fig.data) or note
    ]


def choices_of(jobs: Container[str], report: Report) -> Choices:
    """What the tables of these jobs show, NDCG before the others."""
    tables = [one for one in report.tables if any(job.job.name in jobs for job in one.jobs)]
    metrics = dict.fromkeys(metric for one in tables for metric in one.table.metrics)
    ordered = sorted(metrics, key=lambda metric: not metric.startswith("NDCG"))
    return [(metric, protocol) for metric in ordered for protocol in PROTOCOLS]


def _curve_title(jobs: Sequence[Gathered]) -> str:
    chosen_by = agreed(jobs)
    if chosen_by is None:
        return "Validation, each job by its own metric,"
    metric, protocol = full(chosen_by)
    return f"Validation {metric} ({protocol})"


def curves(jobs: Sequence[Gathered], by_seconds: bool) -> go.Figure:
    """A line for each run, of the metric that chose its epoch."""
    chosen_by = agreed(jobs)
    figure, fills = go.Figure(), _fills(jobs) if by_seconds else {}
    for place, one in enumerate(jobs):
        for dash, run in zip(cycle(LINES), one.runs, strict=False):
            points = run.curve.of(one.valid_metric)
            if points:
                x = [run.seconds_after(epoch) if by_seconds else epoch for epoch, _ in points]
                y = [score for _, score in points]
                name = one.job.name + ("" if chosen_by else f", {short(one.valid_metric)}")
                figure.add_scatter(x=x, y=y, **_line(one, run, name, _look(place), dash, fills))
    y_title = f"validation {', '.join(full(chosen_by))}" if chosen_by else "validation"
    if not by_seconds:
        if all(max(line.x) < FEW_EPOCHS for line in figure.data):
            figure.update_xaxes(dtick=1)  # no half epochs
        return _laid_out(figure, "epoch", y_title)
    lengths = [max(line.x) for line in figure.data]
    x_title = _scaled(figure, lengths, "training seconds", LOG_TIME_ABOVE)
    _add_devices(figure, fills)
    return _laid_out(figure, x_title, y_title)


def _line(
    one: Gathered, run: Finished, name: str, look: Look, dash: str, fills: Mapping[str, str]
) -> dict[str, Any]:
    """How the curve of a run is drawn."""
    return {
        "mode": "lines+markers",
        "name": name + (f", seed {run.seed}" if len(one.runs) > 1 else ""),
        "legendgroup": one.job.name,  # its seeds are hidden together
        "line": {"color": look.colour, "dash": dash},
        # More marks than these would cover the dashes.
        "marker": {"symbol": look.mark + fills.get(device(run), ""), "maxdisplayed": 12},
        "text": f"trained on {device(run)}" if fills else None,
    }


def against(
    jobs: Sequence[Gathered],
    title: str,
    number: Callable[[Gathered], float],
    choices: Choices,
    timed: bool,
) -> go.Figure:
    """A point for each job; the metric and the protocol are chosen in the page.

    Of times (``timed``) a point for each device that a job was trained on.
    """
    figure, fills = go.Figure(), _fills(jobs) if timed else {}
    points = [by_device(one) if timed else {"": one} for one in jobs]
    for place, (one, apart) in enumerate(zip(jobs, points, strict=True)):
        look = _look(place)
        symbols = [look.mark + fills.get(name, "") for name in apart]
        figure.add_scatter(
            x=[number(same) for same in apart.values()],
            mode="markers",
            name=one.job.name,
            marker={"size": 11, "color": look.colour, "symbol": symbols},
            error_y={"type": "data", "color": look.colour, "thickness": 1},
            text=[f"trained on {name}" for name in apart] if timed else None,
        )
    numbers = [x for trace in figure.data for x in trace.x]
    heights = [_heights(jobs, [*map(len, points)], *choice) for choice in choices]
    for trace, y, sd in zip(figure.data, *heights[0].values(), strict=True):
        trace.update(y=y, error_y_array=sd)
    _add_menu(figure, choices, heights)
    x_title = _scaled(figure, numbers, title, LOG_ABOVE)
    _add_devices(figure, fills)
    return _laid_out(figure, x_title, _named(*choices[0]))


def _heights(
    jobs: Sequence[Gathered], counts: Sequence[int], metric: str, protocol: str
) -> dict[str, list[Any]]:
    """Means over seeds and their spread for each job, as often as it has points."""
    found = [one.metric(metric, protocol) for one in jobs]
    return {
        "y": [[one and one.mean] * n for one, n in zip(found, counts, strict=True)],
        "error_y.array": [
            None if one is None or one.sd is None else [one.sd] * n
            for one, n in zip(found, counts, strict=True)
        ],
    }


def _scaled(figure: go.Figure, numbers: Sequence[float], title: str, above: float) -> str:
    """Make the x axis logarithmic where the numbers are far apart; returns its title.

    Its ticks are full numbers: plotly's own say 2 for 20 and for 200.
    """
    if not numbers or min(numbers) <= 0 or max(numbers) <= above * min(numbers):
        figure.update_xaxes(tickformat=",")
        return title
    steps = (1, 2, 5) if max(numbers) < 500 * min(numbers) else (1,)
    decades = range(floor(log10(min(numbers))) - 2, ceil(log10(max(numbers))) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    texts = [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=texts)
    return f"{title} (log scale)"


def _fills(jobs: Sequence[Gathered]) -> dict[str, str]:
    """How the marks of each device are filled: times of two machines are not to be compared."""
    devices = dict.fromkeys(device(run) for one in jobs for run in one.runs)
    return dict(zip(devices, cycle(FILLS), strict=False))


def _add_devices(figure: go.Figure, fills: Mapping[str, str]) -> None:
    """Entries of the legend that name the devices, if there are several."""
    for name, fill in fills.items() if len(fills) > 1 and len(figure.data) else ():
        marker = {"size": 9, "color": "#555", "symbol": f"circle{fill}"}
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=f"trained on {name}", marker=marker
        )


def bars(users: Users, field: str, title: str, choices: Choices) -> go.Figure:
    """A bar for each job and group; ``_left_out`` names the jobs that have none."""
    figure = go.Figure()
    same = _same(users)
    if not same:
        return figure
    groups = groups_of(list(same.values()), field)
    looks = dict(zip(users, map(_look, range(len(users))), strict=True))  # as in the other plots
    for name, one in same.items():
        look = looks[name]
        marker = {"color": look.colour, "pattern": {"shape": look.pattern, "fgcolor": "white"}}
        y = groups.means(one, *choices[0])
        figure.add_bar(x=list(groups.names), y=y, name=name, marker=marker)
    heights = [{"y": [groups.means(one, *c) for one in same.values()]} for c in choices]
    _add_menu(figure, choices, heights)
    figure.update_layout(barmode="group")
    return _laid_out(figure, title, _named(*choices[0]))


def _same(users: Users) -> dict[str, JobUsers]:
    """The jobs whose users are known, all of the first one's data."""
    known = {name: one for name, one in users.items() if one is not None}
    return {name: one for name, one in known.items() if one.data == next(iter(known.values())).data}


def _left_out(users: Users) -> str:
    """Which jobs the bars lack, as a line; empty where they lack none."""
    missing = [name for name in users if name not in _same(users)]
    if not missing:
        return ""
    if len(missing) == len(users):
        return "Not drawn: of no job are ranks here of users that all seeds have tested."
    why = "as no ranks of users that all seeds have tested are here"
    return f"Not shown, {why}: {', '.join(missing)}."


def _add_menu(figure: go.Figure, choices: Choices, values: list[dict[str, list[Any]]]) -> None:
    """A menu that puts another metric on the y axis: ``values[choice]["y"][trace]``."""
    traces = list(range(len(figure.data)))
    buttons = [
        {
            "label": f"{metric}, {protocol}",
            "method": "update",
            "args": [found, {"yaxis.title.text": _named(metric, protocol)}, traces],
        }
        for (metric, protocol), found in zip(choices, values, strict=True)
    ]
    menu = {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(updatemenus=[menu])


def _laid_out(figure: go.Figure, x_title: str, y_title: str) -> go.Figure:
    """The legend at the very bottom: names are long, and screens may be narrow.

    The page's script makes room for as many rows as the legend has there.
    """
    figure.update_layout(
        template="plotly_white", height=480, margin={"t": 50, "r": 20, "b": 100},
        xaxis_title=x_title, yaxis_title=y_title, showlegend=True, hovermode="closest",
        hoverlabel={"namelength": -1},
        legend={"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0},
    )  # fmt: skip
    return figure


def _look(place: int) -> Look:
    """Of the job in this place of its data set."""
    return LOOKS[place % len(LOOKS)]


def _named(metric: str, protocol: str) -> str:
    return f"test {metric}, {protocol}"
