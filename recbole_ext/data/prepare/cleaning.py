"""What is done about a table's rows that cannot be used, and about white space in its ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from recbole_ext.data.prepare.log import FieldError, LogBuilder, Vocabulary
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.spaces import ClashError, SpacedVocabulary
from recbole_ext.errors import DataError, nearest, show

BAD_ROWS = ("error", "skip")
_SPACES = re.compile(r"[^\s\x00-\x1f\x7f\"]+")


@dataclass(frozen=True)
class Cleaning:
    """The options.

    bad_rows: `error` refuses the file at the first bad row, `skip` leaves out all of them;
    spaces: stands in ids for white space; None refuses an id with some.
    Raises DataError for a value that is not allowed.
    """

    bad_rows: str = "error"
    spaces: str | None = None

    def __post_init__(self) -> None:
        if self.bad_rows not in BAD_ROWS:
            near = nearest(self.bad_rows, BAD_ROWS)
            raise DataError(f"bad_rows={self.bad_rows}: is none of {', '.join(BAD_ROWS)}{near}")
        if self.spaces is not None and not _SPACES.fullmatch(self.spaces):
            reason = "a text without white space or quotation marks is needed, as in --spaces=_"
            raise DataError(f"spaces={show(self.spaces)}: {reason}")

    @property
    def skips(self) -> bool:
        """Whether bad rows are left out."""
        return self.bad_rows == "skip"

    def vocabulary(self, kind: str) -> Vocabulary:
        """An empty one that takes white space as the options say."""
        return Vocabulary(kind) if self.spaces is None else SpacedVocabulary(kind, self.spaces)


@dataclass
class LeftOut:
    """Rows of a file that were left out, by reason: how many, and the first one's number.

    unit: what the numbers count, `line` or `row`.
    """

    unit: str = "line"
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, place: int, count: int = 1) -> None:
        """Count some more; of a reason's first call, `place` is the first row's."""
        self.first.setdefault(reason, place)
        self.counts[reason] = self.counts.get(reason, 0) + count

    @property
    def total(self) -> int:
        """How many rows."""
        return sum(self.counts.values())

    def reasons(self) -> list[str]:
        """A text per reason, the most frequent first."""
        by_count = sorted(self.counts.items(), key=lambda one: -one[1])
        return [f"{n:,} {why} (first: {self.unit} {self.first[why]})" for why, n in by_count]


class Cleaner:
    """Applies the options to one file, and remembers what it did.

    options: None for formats that have none: every bad row is refused, and no option named.
    left_out: the rows left out by the latest reading.
    """

    def __init__(self, options: Cleaning | None = None) -> None:
        self.options = options
        self.cleaning = options or Cleaning()
        self.left_out = LeftOut()
        self.vocabularies: dict[str, Vocabulary] = {}

    @property
    def skips(self) -> bool:
        """Whether bad rows are left out."""
        return self.cleaning.skips

    def start(self, unit: str = "line") -> LogBuilder:
        """What a reading from the start fills; forgets an earlier one."""
        self.left_out = LeftOut(unit)
        users, items = map(self.cleaning.vocabulary, ("user", "item"))
        self.vocabularies = {"user": users, "item": items}
        return LogBuilder(users, items)

    def refuse(self, source: Source, line: int, error: FieldError) -> None:
        """Count a bad row of a text file. Raises DataError where bad rows are not left out."""
        if not self.skips or isinstance(error, ClashError):
            raise source.error(line, f"{error}{self.way_out(error)}")
        self.left_out.add(error.reason, line)

    def way_out(self, error: FieldError) -> str:
        """The options that help, as the end of the message."""
        if self.options is None or isinstance(error, ClashError):
            return ""
        ways = ["--bad_rows=skip leaves such rows out"]
        if error.spaces:
            ways.insert(0, "--spaces=_ puts _ in its place")
        return f"; {', '.join(ways)}"

    def changed(self) -> dict[str, tuple[int, int, tuple[str, str]]]:
        """Of `user` and `item`, where ids were changed: how many, how many merged, an example."""
        spaced = {k: v for k, v in self.vocabularies.items() if isinstance(v, SpacedVocabulary)}
        return {
            kind: (len(one.changed), one.merged, min(one.changed.items(), key=_as_example))
            for kind, one in spaced.items()
            if one.changed
        }


def _as_example(change: tuple[str, str]) -> tuple[bool, str]:
    """The order in which changes are shown: first of ids with white space inside alone."""
    return change[0] != change[0].strip(), change[0]


def left_out_lines(label: str, left_out: LeftOut, read: int) -> list[str]:
    """What a report says of rows left out; read: the rows that were not."""
    if not left_out.total:
        return []
    head = f"{left_out.total:,} of {left_out.total + read:,} rows of {label} left out:"
    return [head, *(f"  {reason}" for reason in left_out.reasons())]


def changed_lines(changed: Mapping[str, tuple[int, int, tuple[str, str]]]) -> list[str]:
    """What a report says of ids whose white space was replaced."""
    lines = []
    for kind, (count, merged, (before, after)) in changed.items():
        same = f", {merged:,} of them the same but for white space" if merged else ""
        example = f"{show(before)} is {show(after)}"
        lines.append(f"white space replaced in {count:,} {kind} ids{same}; {example}")
    return lines
