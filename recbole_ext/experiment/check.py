"""Every job's configuration is looked at before the first one trains."""

from __future__ import annotations

import os
from collections.abc import Iterable

from recbole_ext.errors import ConfigError
from recbole_ext.experiment.one_job import Spec


def check(specs: Iterable[Spec], name: str) -> None:
    """Raises ConfigError for a model, a key or a value that cannot be used, naming file and job."""
    from recbole_ext.config import ExtConfig
    from recbole_ext.training.supported import check_trainer

    environment = dict(os.environ)  # gpu_id of one job must not choose for the others
    for spec in {spec.name: spec for spec in specs}.values():
        try:
            check_trainer(ExtConfig(spec.model, spec.dataset, config_dict=spec.config_dict()))
        except ConfigError as error:
            raise ConfigError(f"{name}: job {spec.name}: {error}") from error
        finally:
            os.environ.clear()
            os.environ.update(environment)
