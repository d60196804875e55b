"""What a data set holds, as a table beside the published sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.times import LARGEST_SECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Statistics:
    """Sizes of a log.

    average, shortest, longest: interactions of a user; density: interactions / (users * items);
    tied: share of interactions at the same time as another of the same user, None without times;
    repeated: interactions of a user with an item beyond their first; first, last: seconds.
    """

    users: int
    items: int
    interactions: int
    average: float
    shortest: int
    longest: int
    density: float
    tied: float | None
    repeated: int
    first: float
    last: float


def statistics_of(log: Log) -> Statistics:
    """Count a log that has at least one interaction, without gaps in its codes."""
    users, items, count = len(log.user_tokens), len(log.item_tokens), len(log)
    lengths = np.bincount(log.users, minlength=users)
    return Statistics(
        users=users,
        items=items,
        interactions=count,
        average=count / users,
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        density=count / (users * items),
        tied=_tied(log) / count if log.timed else None,
        repeated=int(np.count_nonzero(_repeats(log.users * items + log.items))),
        first=float(log.timestamps.min()),
        last=float(log.timestamps.max()),
    )


def _tied(log: Log) -> int:
    start = log.timestamps.min()
    span = log.timestamps.max() - start + 1
    if span * len(log.user_tokens) < 2**63 and (log.timestamps % 1 == 0).all():
        # one key a pair: sorting 20 million of them takes a tenth of a sort by two columns
        same = _repeats(log.users * int(span) + (log.timestamps - start).astype(np.int64))
    else:
        order = np.lexsort((log.timestamps, log.users))
        users, times = log.users[order], log.timestamps[order]
        same = (users[1:] == users[:-1]) & (times[1:] == times[:-1])
    return int(np.count_nonzero(np.append(same, False) | np.insert(same, 0, False)))


def _repeats(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the sorted keys, but the first, equals the one before; sorts in place."""
    keys.sort()
    repeats: NDArray[np.bool_] = keys[1:] == keys[:-1]
    return repeats


def table(statistics: Statistics, published: Mapping[str, int] | None = None) -> str:
    """The statistics, one a line; published sizes beside them, 'differs' where they do."""
    published = published or {}
    rows = [
        ("users", f"{statistics.users:,}"),
        ("items", f"{statistics.items:,}"),
        ("interactions", f"{statistics.interactions:,}"),
        ("average length", f"{statistics.average:.2f}"),
        ("shortest", f"{statistics.shortest:,}"),
        ("longest", f"{statistics.longest:,}"),
        ("density", f"{statistics.density:.4%}"),
        ("ties in time", "no times" if statistics.tied is None else f"{statistics.tied:.2%}"),
        ("repeated pairs", f"{statistics.repeated:,}"),
        *_span(statistics),
    ]
    head = [f"{'':16}{'here':>12}{'published':>14}"] if published else []
    return "\n".join(head + [_row(name, text, statistics, published) for name, text in rows])


def _span(statistics: Statistics) -> list[tuple[str, str]]:
    """The days of the first and the last interaction; of what is no time, nothing."""
    if statistics.tied is None:
        return []
    seconds = {"first": statistics.first, "last": statistics.last}
    return [(name, _day(at)) for name, at in seconds.items()]


def _day(seconds: float) -> str:
    if abs(seconds) > LARGEST_SECONDS:
        return "beyond the year 5000: no seconds? see --time_unit"
    return f"{np.datetime64(int(seconds), 's').astype('datetime64[D]')}"


def _row(name: str, text: str, statistics: Statistics, published: Mapping[str, int]) -> str:
    row = f"{name:16}{text:>12}"
    if name not in published:
        return row
    differs = "  differs" if getattr(statistics, name) != published[name] else ""
    return f"{row}{published[name]:>14,}{differs}"
