"""One job in a process of its own: ``python -m recbole_ext.experiment.one_job '<JSON of a Spec>'``.

It ends when its standard input is closed, so that a comparison that is killed leaves no training
behind. Why it failed is told as the last line of its standard output.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.yaml_dialect import ConfigDumper
from recbole_ext.errors import INTERRUPTED, DataError, reason
from recbole_ext.imports import import_files
from recbole_ext.training.run_folder import (
    CONFIG_FILE,
    HISTORY_FILE,
    LOG_FILE,
    METRICS_FILE,
    RANKS_FILE,
)

GIVEN = "experiment.yaml"
STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Spec:
    """All that a process needs to finish one job; the paths are absolute.

    ``data`` is the digest of the data that other seeds of the job have seen.
    """

    name: str
    model: str
    dataset: str
    seed: int
    keys: dict[str, Any]
    run_dir: str
    out: str
    data_path: str
    threads: int
    imports: tuple[str, ...] = ()
    data: str | None = None

    def given(self) -> dict[str, Any]:
        """The settings on top of ``properties/``, as they are kept beside the results."""
        return {"model": self.model, "dataset": self.dataset, "seed": self.seed, **self.keys}

    def config_dict(self) -> dict[str, Any]:
        """What the run is given."""
        own = {"data_path": self.data_path, "run_dir": self.run_dir, "torch_threads": self.threads}
        return {**self.keys, "seed": self.seed, **own}

    def json(self) -> str:
        """Text that :meth:`of_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Spec:
        """What :meth:`json` wrote."""
        return cls(**json.loads(text))


def main() -> int:
    """Finish the job that the first argument describes; returns the exit code."""
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as of what a shell puts behind
            signal.signal(number, _interrupt_once)
    spec = Spec.of_json(sys.argv[1])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        finish(spec)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        print(json.dumps(reason(error)))
        return 1
    return 0


def _interrupt_once(*_: object) -> None:
    """A terminal or a scheduler stops the whole group, and the comparison its jobs once more.

    They are not set to be ignored: of a signal that has come by then, Python prints a traceback.
    """
    for number in STOPS:
        signal.signal(number, _nothing)
    raise KeyboardInterrupt


def _nothing(*_: object) -> None:
    """A handler."""


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)  # every file of a run is written beside and renamed: nothing is left half


def finish(spec: Spec) -> None:
    """Run the job, or go on with what of it is there already, and keep its figures."""
    import_files(spec.imports)
    from recbole_ext.runner import resume, run

    run_dir = Path(spec.run_dir)
    if not (run_dir / METRICS_FILE).exists():
        if spec.data:
            _check_data(spec)
        if (run_dir / CONFIG_FILE).exists():
            resume(run_dir)
        else:
            _clear(run_dir)
            run(spec.model, spec.dataset, config_dict=spec.config_dict())
    keep(spec)


def _check_data(spec: Spec) -> None:
    """Raises DataError, before hours of training, where a mean over seeds could not be taken."""
    from recbole_ext.config import ExtConfig
    from recbole_ext.data.loading import load_data

    now = load_data(ExtConfig(spec.model, spec.dataset, config_dict=spec.config_dict()))
    if (digest := now.store.sha256()) != spec.data:
        raise DataError(
            f"data set '{spec.dataset}' ({digest[:8]}) has changed since the seeds in "
            f"{Path(spec.out).parent} were run ({str(spec.data)[:8]}); bring theirs back, or "
            "remove that folder to run all seeds anew"
        )


def _clear(run_dir: Path) -> None:
    """Remove a folder that was killed before its configuration was written."""
    files = [file.name for file in run_dir.iterdir()] if run_dir.is_dir() else []
    if all(name == LOG_FILE or name.startswith(".") for name in files):
        shutil.rmtree(run_dir, ignore_errors=True)


def keep(spec: Spec) -> None:
    """Copy what a reader needs: settings, metrics, ranks, history, the log without paths."""
    import yaml

    from recbole_ext.files import Folder

    run_dir, out = Path(spec.run_dir), Path(spec.out)
    out.mkdir(parents=True, exist_ok=True)
    folder = Folder(out)
    folder.write_text(GIVEN, yaml.dump(spec.given(), Dumper=ConfigDumper, sort_keys=False))
    log = (run_dir / LOG_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    folder.write_text(LOG_FILE, "".join(line for line in log if "run folder" not in line))
    # The metrics last: they say that all is there.
    for name in (RANKS_FILE, HISTORY_FILE, METRICS_FILE):
        if (run_dir / name).exists():
            with folder.replacing(name) as beside:
                shutil.copyfile(run_dir / name, beside)


if __name__ == "__main__":
    sys.exit(main())
