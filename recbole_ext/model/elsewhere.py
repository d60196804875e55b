"""A model of this library on RecBole's own data set, loaders and trainer."""

from __future__ import annotations

from typing import Any

from recbole.data.dataset import SequentialDataset

from recbole_ext.data.dataset import FlatOrder
from recbole_ext.errors import ConfigError, show
from recbole_ext.evaluation.metrics import protocol_of

# What RecBole's split and evaluation do not know: the value with which both do the same.
_SAME: dict[str, Any] = {"task": "next_item", "holdout": 1, "eval_users": None}
_RUN = "train by recbole_ext.run, or leave the key as it is"


def refuse_unknown_elsewhere(config: Any, dataset: Any) -> None:
    """RecBole would pass over these keys, and train what they hold out.

    Raises:
        ConfigError: ``dataset`` is RecBole's, and a key says what only this library's split,
            batches and ranking do.
    """
    if isinstance(dataset, FlatOrder) or not isinstance(dataset, SequentialDataset):
        return
    for key, usual in _SAME.items():
        if config[key] != usual:
            raise ConfigError(
                f"{key}: {show(config[key])} is unknown to RecBole's data set; {_RUN}"
            )
    if protocol_of(config["valid_metric"]):
        raise ConfigError(
            f"valid_metric: {show(config['valid_metric'])} is unknown to RecBole's trainer; {_RUN}"
        )
