"""The configuration of a run folder, with what a trained model can be given anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from recbole_ext.config.ext_config import ExtConfig
from recbole_ext.config.keys import GIVEN_ANEW
from recbole_ext.config.layers import ARGUMENTS, DICT, Layer
from recbole_ext.config.sources import parse_arguments
from recbole_ext.errors import ConfigError, nearest, show

_MEASURED = {"metrics", "topk", "eval_ips_exponent"}
_STOPPED = ("valid_metric", "valid_metric_bigger")


class SavedConfig(ExtConfig):
    """A run's ``config.yaml``, less what is given anew.

    What stopped the run is of no use any more: where other things are measured, ``valid_metric``
    follows them.

    Args:
        file: the run's ``config.yaml``.
        config_dict, cli_args: as of :class:`ExtConfig`, keys of ``GIVEN_ANEW`` alone.

    Raises:
        ConfigError: as ExtConfig; another key.
    """

    def __init__(
        self, file: Path, config_dict: Mapping[str, Any] | None = None, cli_args: Iterable[str] = ()
    ) -> None:
        words = list(cli_args)
        anew = [Layer(DICT, config_dict or {}), Layer(ARGUMENTS, parse_arguments(words))]
        for layer in anew:
            _refuse_others(layer)
        self._measures_anew = any(_MEASURED & layer.values.keys() for layer in anew)
        super().__init__(config_file_list=file, config_dict=config_dict, cli_args=words)

    def _load_config_files(self, file_list: list[str]) -> dict[str, Any]:
        values = super()._load_config_files(file_list)
        if self._measures_anew:
            self._layers = [Layer(one.source, _unstopped(one.values)) for one in self._layers]
        return _unstopped(values) if self._measures_anew else values


def _unstopped(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in _STOPPED}


def _refuse_others(layer: Layer) -> None:
    for key in layer.values:
        if key not in GIVEN_ANEW:
            raise ConfigError(
                f"{show(key)} (from {layer.origin(key)}) is not given to a trained model anew; "
                f"what can be is {', '.join(GIVEN_ANEW)}{nearest(str(key), GIVEN_ANEW)}"
            )
