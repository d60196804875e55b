"""What a table's ``analyze:`` asks for: figures of what its finished runs have learned.

They lie in ``<results>/figures/<table>/``, with their numbers as JSON, and ``analysis.json``, which
says of which runs they are. A later comparison, on another machine too, keeps them as long as
they are of the runs at hand, and makes those that failed or that have gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recbole_ext.analysis.figures import require_matplotlib
from recbole_ext.analysis.pictures import OF_SCORES, Asked, pictures
from recbole_ext.errors import ConfigError, DataError, reason
from recbole_ext.experiment.gather import Gathered, gather
from recbole_ext.experiment.jobs import Experiment, Table
from recbole_ext.files import Folder
from recbole_ext.training.run_folder import CONFIG_FILE, METRICS_FILE, MODEL_FILE

FIGURES, RECORD = "figures", "analysis.json"
_ENDINGS = ("png", "svg", "json")  # of a figure's files

Say = Callable[[str], None]


@dataclass(frozen=True)
class Drawn:
    """A figure: its name, which is that of its files, and its table in lines."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Analysis:
    """The figures of a table.

    Attributes:
        folder: where they lie.
        what: what was asked for.
        runs: job -> digest of the ``metrics.json`` of the run that was looked at.
        figures: in the order in which they were made.
        left_out: lines: which runs are not in them, and why.
        complete: whether all that was asked for was made.
    """

    folder: Path
    what: tuple[str, ...]
    runs: Mapping[str, str]
    figures: tuple[Drawn, ...] = ()
    left_out: tuple[str, ...] = ()
    complete: bool = True
    _numbers: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def numbers(self, name: str) -> Any:
        """What the figure shows. Raises DataError for a damaged file, or where it is gone."""
        if name not in self._numbers:
            self._numbers[name] = _read_json(self.folder / f"{name}.json")
        return self._numbers[name]

    def vector(self, name: str) -> bytes:
        """The figure as SVG. Raises DataError where it is gone."""
        file = self.folder / f"{name}.svg"
        try:
            return file.read_bytes()
        except OSError as error:
            raise DataError(
                f"{file}: cannot be read ({error.strerror}); {_how_to_go_on(self.folder)}"
            ) from error

    def whole(self) -> bool:
        """Whether all that was asked for was made and is there still."""
        files = (
            self.folder / f"{one.name}.{ending}" for one in self.figures for ending in _ENDINGS
        )
        return self.complete and all(file.is_file() for file in files)

    def image(self, name: str) -> Path:
        """The figure as PNG; a relative path from the results."""
        return Path(FIGURES, self.folder.name, f"{name}.png")


def analyze(experiment: Experiment, out: Path, runs: Path, say: Say) -> list[str]:
    """Draw what the tables ask for, of the first seed of each finished job, unless it is there.

    Args:
        out, runs: as of :func:`recbole_ext.experiment.gather.gather`.
        say: is told what was made, and what cannot be.

    Returns:
        A line for each table whose figures failed: no other table waits for them.

    Raises:
        DataError: a damaged result.
    """
    asking = [table for table in experiment.tables if table.analyze]
    found = gather(experiment, out, runs) if asking else {}
    failed = []
    for table in asking:
        jobs = [found[job.name] for job in table.jobs if job.name in found]
        try:
            if jobs:
                _analyze(table, jobs, out, say)
        except Exception as error:  # whatever it is, the tables do not wait for figures
            failed.append(f"{_called(table)}: {reason(error)}")
    return failed


def read(table: Table, out: Path) -> Analysis | None:
    """The figures of a table as they lie there; None where there are none."""
    folder = out / FIGURES / table.key
    if not table.analyze or not (folder / RECORD).is_file():
        return None
    record = _read_json(folder / RECORD)
    try:
        figures = tuple(Drawn(one["name"], tuple(one["lines"])) for one in record["figures"])
        texts = tuple(record["what"]), dict(record["runs"]), figures, tuple(record["left_out"])
        complete = record.get("complete") is not False
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder / RECORD, repr(error)) from error
    return Analysis(folder, *texts, complete)


def _analyze(table: Table, jobs: list[Gathered], out: Path, say: Say) -> None:
    here = [one for one in jobs if _run_dir(one)]
    digests = {one.job.name: _digest(one, out) for one in here}
    there = read(table, out)
    if there and there.what == table.analyze and _to_keep(there, jobs, digests):
        return
    elsewhere = [one.job.name for one in jobs if one not in here]
    told = [f"left out: {', '.join(elsewhere)}: no run folder here"] if elsewhere else []
    made = Analysis(out / FIGURES / table.key, table.analyze, digests)
    figures, failure = _draw(made, here, told.append) if here else ([], None)
    for line in told:
        say(f"{_called(table)}: {line}")
    if figures:
        _write(made, figures, told, failure)
        names = ", ".join(one.name for one in figures)
        say(f"{_called(table)}: {names} in {made.folder}")
    if failure:
        raise failure


def _called(table: Table) -> str:
    return f"figures of table {table.key}"


def _to_keep(there: Analysis, jobs: list[Gathered], digests: Mapping[str, str]) -> bool:
    """Whether figures are of all runs that are here, and of no job that has left the table.

    Those that failed or have gone are drawn anew, if that takes no run from the others.
    """
    still = there.runs.items() >= digests.items()
    still &= there.runs.keys() <= {one.job.name for one in jobs}
    return still and (there.whole() or there.runs.keys() > digests.keys())


def _draw(made: Analysis, jobs: list[Gathered], tell: Say) -> tuple[list[Drawn], Exception | None]:
    """The figures, written, and what has ended that early; what they lack is told."""
    drawn: list[Drawn] = []
    if lacking := _lacking(made.what, jobs):
        tell(lacking)
        return drawn, None
    folders = [folder for one in jobs if (folder := _run_dir(one))]
    asked = Asked(made.what, labels=[one.job.name for one in jobs])
    try:
        for picture in pictures(asked, folders, tell):
            picture.save(made.folder)
            drawn.append(Drawn(picture.name, tuple(picture.lines)))
    except Exception as error:  # of linear algebra, of memory: those before it are made
        return drawn, error
    return drawn, None


def _lacking(what: tuple[str, ...], jobs: list[Gathered]) -> str | None:
    """What there must be first, in a line: nothing has failed."""
    if len(jobs) < 2 and set(what) <= set(OF_SCORES):
        return f"{', '.join(what)}: compares runs: two or more are needed"
    try:
        require_matplotlib()
    except ConfigError as error:
        return str(error)
    return None


def _write(
    made: Analysis, figures: list[Drawn], told: list[str], failure: Exception | None
) -> None:
    failed = [f"not all figures were made ({type(failure).__name__})"] if failure else []
    record = {
        "what": made.what,
        "runs": made.runs,
        "figures": [asdict(one) for one in figures],
        "left_out": [*told, *failed],
        "complete": failure is None,
    }
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    Folder(made.folder).write_text(RECORD, text)


def _run_dir(one: Gathered) -> Path | None:
    """The run folder that is drawn, where it is here with its model."""
    folder = one.runs[0].run_dir
    there = folder and all((folder / name).is_file() for name in (CONFIG_FILE, MODEL_FILE))
    return folder if there else None


def _digest(one: Gathered, out: Path) -> str:
    kept = one.job.folder(out, one.runs[0].seed) / METRICS_FILE
    return hashlib.sha256(kept.read_bytes()).hexdigest()


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise _damaged(file, str(error)) from error


def _damaged(file: Path, why: str) -> DataError:
    return DataError(f"{file}: not as a comparison left it ({why}); {_how_to_go_on(file.parent)}")


def _how_to_go_on(folder: Path) -> str:
    return f"remove {folder}: figures are drawn anew where the run folders are"
