"""What a table's ``analyze:`` asks for: figures of what its finished runs have learned.

They lie in ``<results>/figures/<table>/``, with their numbers as JSON, and ``analysis.json``, which
says of which runs they are. A later comparison, on another machine too, keeps them as long as
they are of the runs at hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recbole_ext.analysis.figures import require_matplotlib
from recbole_ext.analysis.pictures import Asked, pictures
from recbole_ext.errors import DataError, UserError
from recbole_ext.experiment.gather import Gathered, gather
from recbole_ext.experiment.jobs import Experiment, Table
from recbole_ext.files import Folder
from recbole_ext.training.run_folder import CONFIG_FILE, METRICS_FILE, MODEL_FILE

FIGURES, RECORD = "figures", "analysis.json"

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
    """

    folder: Path
    what: tuple[str, ...]
    runs: Mapping[str, str]
    figures: tuple[Drawn, ...] = ()
    left_out: tuple[str, ...] = ()
    _numbers: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def numbers(self, name: str) -> Any:
        """What the figure shows. Raises DataError for a damaged file."""
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
                f"{file}: cannot be read ({error.strerror}); remove {self.folder} to draw it anew"
            ) from error

    def image(self, name: str) -> Path:
        """The figure as PNG; a relative path from the results."""
        return Path(FIGURES, self.folder.name, f"{name}.png")


def analyze(experiment: Experiment, out: Path, runs: Path, say: Say) -> None:
    """Draw what the tables ask for, of the first seed of each finished job, unless it is there.

    Args:
        out, runs: as of :func:`recbole_ext.experiment.gather.gather`.
        say: is told what was made, and what cannot be.

    Raises:
        DataError: a damaged result.
    """
    asking = [table for table in experiment.tables if table.analyze]
    found = gather(experiment, out, runs) if asking else {}
    for table in asking:
        jobs = [found[job.name] for job in table.jobs if job.name in found]
        if jobs:
            _analyze(table, jobs, out, say)


def read(table: Table, out: Path) -> Analysis | None:
    """The figures of a table as they lie there; None where there are none."""
    folder = out / FIGURES / table.key
    if not table.analyze or not (folder / RECORD).is_file():
        return None
    record = _read_json(folder / RECORD)
    try:
        figures = tuple(Drawn(one["name"], tuple(one["lines"])) for one in record["figures"])
        texts = tuple(record["what"]), dict(record["runs"]), figures, tuple(record["left_out"])
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{folder / RECORD}: not as a comparison left it ({error!r})") from error
    return Analysis(folder, *texts)


def _analyze(table: Table, jobs: list[Gathered], out: Path, say: Say) -> None:
    here = [one for one in jobs if _run_dir(one)]
    digests = {one.job.name: _digest(one, out) for one in here}
    there = read(table, out)
    if there and there.what == table.analyze and _still_of(there.runs, jobs, digests):
        return
    elsewhere = [one.job.name for one in jobs if one not in here]
    told = [f"left out: {', '.join(elsewhere)}: no run folder here"] if elsewhere else []
    made = Analysis(out / FIGURES / table.key, table.analyze, digests)
    figures = _draw(made, here, told.append) if here else []
    for line in told:
        say(f"figures of table {table.key}: {line}")
    if figures:
        _write(made, figures, told)
        names = ", ".join(one.name for one in figures)
        say(f"figures of table {table.key}: {names} in {made.folder}")


def _still_of(runs: Mapping[str, str], jobs: list[Gathered], digests: Mapping[str, str]) -> bool:
    """Whether figures are of all runs that are here, and of no job that has left the table."""
    return runs.items() >= digests.items() and runs.keys() <= {one.job.name for one in jobs}


def _draw(made: Analysis, jobs: list[Gathered], tell: Say) -> list[Drawn]:
    """The figures, written; a reason is told where they cannot be made."""
    labels = [one.job.name for one in jobs]
    asked = Asked(made.what, labels=labels)
    drawn = []
    try:
        require_matplotlib()
        folders = [folder for one in jobs if (folder := _run_dir(one))]
        for picture in pictures(asked, folders, tell):
            picture.save(made.folder)
            drawn.append(Drawn(picture.name, tuple(picture.lines)))
    except UserError as error:
        tell(str(error))
    return drawn


def _write(made: Analysis, figures: list[Drawn], told: list[str]) -> None:
    record = {
        "what": made.what,
        "runs": made.runs,
        "figures": [asdict(one) for one in figures],
        "left_out": told,
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
        raise DataError(f"{file}: not as a comparison left it ({error})") from error
