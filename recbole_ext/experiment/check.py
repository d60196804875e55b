"""Every job's configuration is looked at before the first one trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.config.keys import CIRCUMSTANCES
from recbole_ext.config.layers import said_of
from recbole_ext.config.sources import read_yaml
from recbole_ext.errors import ConfigError, DataError, show
from recbole_ext.evaluation.metrics import split_metrics
from recbole_ext.experiment.gather import same_run
from recbole_ext.experiment.jobs import Table
from recbole_ext.experiment.one_job import Spec
from recbole_ext.training.run_folder import CONFIG_FILE

if TYPE_CHECKING:
    from recbole_ext.config import ExtConfig


def check(specs: Iterable[Spec], name: str, tables: Sequence[Table]) -> dict[str, str]:
    """Look at every job, and at what is there of its runs.

    Args:
        tables: those of the file ``name``.

    Returns:
        A line for each data set that is not there, by its name; the jobs on others can run.

    Raises:
        ConfigError: naming file and job: a model, a key or a value that cannot be used, a job that
            measures nothing of what its table shows, or a run that was begun with other settings
            than the file has now.
    """
    configs: dict[str, ExtConfig] = {}
    for spec in specs:
        try:
            if spec.name not in configs:
                configs[spec.name] = _config(spec)
                _check_shown(spec.name, configs[spec.name], tables)
            _check_begun(Path(spec.run_dir), configs[spec.name].resolved())
        except ConfigError as error:
            raise ConfigError(f"{name}: job {spec.name}: {said_of(name, error)}") from error
    return _absent(configs.values())


def _check_shown(job: str, config: ExtConfig, tables: Iterable[Table]) -> None:
    """Raises ConfigError where a row of a table would be nothing but dashes."""
    names, topk = split_metrics(config["metrics"]), config["topk"]
    measured = [f"{metric}@{k}" for metric in (*names[0], *names[1]) for k in topk]
    for table in tables:
        if any(one.name == job for one in table.jobs) and not {*measured} & {*table.metrics}:
            raise ConfigError(
                f"it measures {', '.join(measured)}, nothing of what the table {show(table.key)} "
                f"shows ({', '.join(table.metrics)}); name one of the former under metrics of the "
                "file or of the table, or have one of the latter by metrics and topk of the job"
            )


def _absent(configs: Iterable[ExtConfig]) -> dict[str, str]:
    """Why which data set cannot be read."""
    from recbole_ext.data.loading import interactions_file

    found = {}
    for config in configs:
        try:
            interactions_file(config)
        except DataError as error:
            found[config["dataset"]] = str(error)
    return found


def _config(spec: Spec) -> ExtConfig:
    """The configuration of a job that can run."""
    from recbole_ext.config import ExtConfig
    from recbole_ext.training.supported import check_trainer

    config = ExtConfig(spec.model, spec.dataset, config_dict=spec.config_dict())
    check_trainer(config)
    return config


def changed_files(spec: Spec, run_dir: Path, kept: Path) -> list[str]:
    """Keys that a model's or a data set's YAML has changed since a run whose results are kept.

    None of them where its run folder is gone, or the job could not be run any more.
    """
    ended = run_dir / CONFIG_FILE
    if not ended.is_file() or not same_run(kept, run_dir):
        return []
    try:
        return _other(read_yaml(ended, str(ended)), _config(spec).resolved())
    except ConfigError:
        return []


def _other(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The settings of an experiment that differ."""
    both = then.keys() & now.keys() - {*CIRCUMSTANCES}
    return sorted(key for key in both if then[key] != now[key])


def _check_begun(run_dir: Path, now: Mapping[str, Any]) -> None:
    """A run goes on with the settings that it began with: they must be those of the file."""
    begun = run_dir / CONFIG_FILE
    if not begun.is_file():
        return
    then = read_yaml(begun, str(begun))
    if other := _other(then, now):
        changes = (f"{key}: {show(then[key])}, now {show(now[key])}" for key in other)
        raise ConfigError(
            f"{run_dir} was begun with other settings ({'; '.join(changes)}); remove it to begin "
            "anew, or give another --runs and --out"
        )
