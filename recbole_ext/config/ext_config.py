"""``ExtConfig``: RecBole's Config with sources remembered and every value checked first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from recbole.config import Config

from recbole_ext import compat, paths, registry  # noqa: F401 - compat adapts RecBole
from recbole_ext.config.checks import check
from recbole_ext.config.device import device_of
from recbole_ext.config.known import known_keys
from recbole_ext.config.layers import ARGUMENTS, DICT, Layer
from recbole_ext.config.normal import normalise
from recbole_ext.config.settings import Settings
from recbole_ext.config.sources import parse_arguments, read_settings, read_yaml
from recbole_ext.config.yaml_dialect import ConfigLoader, dump
from recbole_ext.errors import ConfigError, show

_NOT_DATASETS = ("url.yaml", "kg_url.yaml")  # RecBole keeps its download addresses beside them
_COMPUTED = "computed"
_TELL_INPUT = ("CE", "BPR")  # the losses that say what a model learns from


class ExtConfig(Config):
    """The checked configuration of one run; RecBole takes it wherever it takes its own.

    The later source wins: RecBole's files, this library's properties (overall, the model's chain
    of bases, the data set's), ``config_file_list`` in order, ``config_dict``, ``cli_args``.

    Args:
        model: a model's name, or a class; None: the sources name it.
        dataset: a data set's name; None: the sources name it.
        config_file_list: YAML files.
        config_dict: values; text among them is read as on the command line.
        cli_args: ``--key=value`` arguments (``sys.argv`` is not read); ``--config_files`` too.

    Raises:
        ConfigError: for anything that cannot be used, before any data are read.
    """

    def __init__(
        self,
        model: str | type[Any] | None = None,
        dataset: str | None = None,
        config_file_list: str | Path | Iterable[str | Path] | None = None,
        config_dict: Mapping[str, Any] | None = None,
        cli_args: Iterable[str] = (),
    ) -> None:
        self._arguments: dict[str, Any] = dict(parse_arguments(cli_args))
        files = _as_list(config_file_list) + self._arguments.pop("config_files", "").split()
        self._origins: dict[str, str] = {}
        self._layers: list[Layer] = []
        super().__init__(model, dataset, files, config_dict)

    def origin(self, key: str) -> str:
        """Where the value of ``key`` comes from: a file, ``config_dict``, ``--key``, ``computed``.

        ``properties/...`` are this library's files; RecBole's are called ``RecBole's ...``.
        """
        return self._origins.get(key, _COMPUTED)

    @property
    def lineage(self) -> registry.Lineage:
        """Where the model's settings come from."""
        return self._lineage

    def resolved(self) -> dict[str, Any]:
        """All settings in plain YAML values; as ``config_dict`` they give an equal config."""
        return deepcopy(self._resolved)

    def snapshot_yaml(self) -> str:
        """``resolved()`` as YAML text, less the place of the run: another one has its own.

        Equal settings give equal text.
        """
        return dump({**self._resolved, "run_dir": None})

    # RecBole's __init__ calls the methods below, in this order.

    def compatibility_settings(self) -> None:
        """Nothing: RecBole's own fails on NumPy 2; compat.py has adapted it."""

    def _init_parameters_category(self) -> None:
        super()._init_parameters_category()
        for category, keys in self.parameters.items():
            # RecBole appends to its module's lists; a copy keeps one config out of the next.
            self.parameters[category] = list(keys)

    def _build_yaml_loader(self) -> type[ConfigLoader]:
        return ConfigLoader

    def _load_config_files(self, file_list: list[str]) -> dict[str, Any]:
        layers = [Layer(str(file), read_yaml(Path(file), str(file))) for file in file_list]
        return self._add(*layers)

    def _load_variable_config_dict(self, config_dict: Mapping[str, Any] | None) -> dict[str, Any]:
        if not isinstance(config_dict or {}, Mapping):
            raise ConfigError(f"config_dict must be a mapping, not {show(config_dict)}")
        for key in config_dict or {}:
            if not isinstance(key, str):
                raise ConfigError(f"config_dict: the key {show(key)} must be text")
        return self._add(Layer(DICT, dict(config_dict or {})))

    def _load_cmd_line(self) -> dict[str, Any]:
        return self._add(Layer(ARGUMENTS, self._arguments))

    def _add(self, *layers: Layer) -> dict[str, Any]:
        self._layers += layers
        return {key: value for layer in layers for key, value in layer.values.items()}

    def _get_model_and_dataset(
        self, model: str | type[Any] | None, dataset: str | None
    ) -> tuple[str, type[Any], str]:
        chosen = self._chosen("model", model)
        if isinstance(chosen, type):
            registry.refuse_unfit(chosen)
            self._lineage = registry.class_lineage(chosen)
            return chosen.__name__, chosen, self._dataset_name(dataset)
        name = self._name("model", chosen)
        model_class = registry.get_model_class(name, self.origin("model"))
        self._lineage = registry.lineage(name)
        return name, model_class, self._dataset_name(dataset)

    def _chosen(self, key: str, argument: Any) -> Any:
        """The argument, else what the last source says; remembers which."""
        if argument is not None:
            self._origins[key] = f"the {key} argument"
            return argument
        for layer in self._layers:
            if key in layer.values:
                self._origins[key] = layer.origin(key)
        return self.external_config_dict.get(key)

    def _dataset_name(self, argument: str | None) -> str:
        """A plain name, since files are looked for under it."""
        name = self._name("dataset", self._chosen("dataset", argument))
        if name in (".", "..") or any(mark in name for mark in "/\\\0"):
            raise ConfigError(
                f"dataset: {show(name)} (from {self.origin('dataset')}) must be the name of a "
                "folder in data_path, not a path"
            )
        return name

    def _name(self, key: str, name: Any) -> str:
        """The name, if it is one."""
        if name is None or name == "":
            raise ConfigError(
                f"no {key} given: add --{key}=NAME, or '{key}: NAME' to a config file"
            )
        if not isinstance(name, str):
            raise ConfigError(
                f"{key}: {show(name)} (from {self.origin(key)}) must be a name (text)"
            )
        return name

    def _load_internal_config_dict(self, model: str, model_class: type[Any], dataset: str) -> None:
        # A preset of one of RecBole's models starts from that model's settings.
        start = self._lineage.stock or self._lineage.root or model
        super()._load_internal_config_dict(start, model_class, dataset)
        folder = paths.properties_dir()
        self._recbole_load_col = self.internal_config_dict.get("load_col")
        own = [
            folder / "overall.yaml",
            *self._lineage.files,
            folder / "dataset" / f"{dataset}.yaml",
        ]
        layers = [
            Layer(paths.relative_name(file), read_settings(file), own=True)
            for file in own
            if os.path.isfile(file)  # Path.is_file raises where a name is too long
        ]
        self._layers = layers + self._layers

    def _update_internal_config_dict(self, file: str) -> dict[str, Any]:
        name = os.path.basename(file)
        if name in _NOT_DATASETS:
            return {}
        values = read_yaml(Path(file), f"RecBole's {name}")
        values = {key: None if value == "None" else value for key, value in values.items()}
        self.internal_config_dict.update(values)
        self._origins.update({key: f"RecBole's {name}" for key in values})
        return values

    def _get_final_config_dict(self) -> dict[str, Any]:
        known = known_keys(self._lineage)
        final = deepcopy(self.internal_config_dict)
        chosen: dict[str, Layer] = {}
        for layer in self._layers:
            values = layer.checked(known, self.model)
            final.update(self._with_feature_files(values, layer))
            chosen.update(dict.fromkeys(values, layer))
        self._origins.update({key: layer.origin(key) for key, layer in chosen.items()})
        for key in normalise(final, chosen, self._lineage.own):
            self._origins[key] = _COMPUTED
        self._check(final)
        self._resolved = {key: deepcopy(value) for key, value in final.items() if key in known}
        self._resolved |= {"model": self.model, "dataset": self.dataset}
        return final

    def _with_feature_files(self, values: dict[str, Any], layer: Layer) -> dict[str, Any]:
        """Our overall.yaml says which interactions to load; RecBole's say which feature files."""
        theirs = self._recbole_load_col
        if not layer.is_overall or not theirs or "load_col" not in values:
            return values
        return {**values, "load_col": {**theirs, **values["load_col"]}}

    def _check(self, final: dict[str, Any]) -> None:
        names = {"model": self.model, "dataset": self.dataset}
        if (
            not hasattr(self.model_class, "input_type")
            and final.get("loss_type") not in _TELL_INPUT
        ):
            raise ConfigError(
                f"the class {self.model} does not say what its loss is of: give it 'input_type = "
                "InputType.POINTWISE' (or PAIRWISE, of recbole.utils), or its YAML 'loss_type: CE' "
                "(or BPR)"
            )
        kind = final["MODEL_TYPE"].name.lower()
        check(Settings(self.model, self._lineage.own, kind, {**final, **names}, self._origins))

    def _set_default_parameters(self) -> None:
        own_folder = Path(self.final_config_dict["data_path"], self.dataset)
        super()._set_default_parameters()
        if self.dataset == "ml-100k" and any(own_folder.glob("*.inter")):
            self.final_config_dict["data_path"] = str(own_folder)  # RecBole takes the bundled one

    def _init_device(self) -> None:
        """Choose the device, and nothing else of what RecBole sets for several processes."""
        final = self.final_config_dict
        if not final["use_gpu"]:
            final["gpu_id"] = ""
        final["device"] = device_of(final["gpu_id"], self.origin("gpu_id"))
        final["single_spec"], final["local_rank"] = True, 0

    def __getstate__(self) -> dict[str, Any]:
        """Without the class: a preset's is made on the spot and cannot be written by reference."""
        return {key: value for key, value in self.__dict__.items() if key != "model_class"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.model in registry.known_names():
            self.model_class = registry.get_model_class(self.model)


def _as_list(files: str | Path | Iterable[str | Path] | None) -> list[str]:
    if isinstance(files, str | Path):
        return [str(files)]
    return [str(file) for file in files or ()]
