"""The short form of an experiment file, written out: models × data sets × overrides."""

from __future__ import annotations

from itertools import product
from typing import Any

from recbole_ext.errors import ConfigError, show
from recbole_ext.experiment import schema

Raw = dict[str, Any]


def grid_tables(raw: Raw, name: str) -> Raw:
    """A table for each data set, as ``tables`` of the long form would hold them."""
    models = _models(raw.get("models"), f"{name}: models")
    datasets = schema.texts(raw.get("datasets"), f"{name}: datasets")
    for key, given in (("models", models), ("datasets", datasets)):
        if not given:
            raise ConfigError(f"{name}: {key}: none given; give tables, or models and datasets")
    variants = _variants(raw.get("overrides"), f"{name}: overrides")
    return {
        dataset: {"title": dataset, "jobs": _jobs(dataset, models, variants)}
        for dataset in datasets
    }


def _jobs(dataset: str, models: dict[str, Raw], variants: dict[str, Raw]) -> Raw:
    jobs: Raw = {}
    for model, variant in product(models, variants):
        name = "_".join(filter(None, (dataset, model, variant)))
        if name in jobs:
            raise ConfigError(
                f"two jobs would be called {show(name)}: model {show(model)} with overrides "
                f"{show(variant)} is one; rename the overrides"
            )
        keys = {**models[model], **variants[variant]}
        jobs[name] = {"model": model, "dataset": dataset, "keys": keys}
    return jobs


def _models(models: Any, where: str) -> dict[str, Raw]:
    """A list of models, or models with keys of their own."""
    if isinstance(models, dict):
        given = schema.mapping(models, where)
        return {model: schema.mapping(keys, f"{where}: {model}") for model, keys in given.items()}
    return {model: {} for model in schema.texts(models, where)}


def _variants(overrides: Any, where: str) -> dict[str, Raw]:
    """Named sets of keys; without any, one set that changes nothing and has no name."""
    given = schema.mapping(overrides, where) or {"": {}}
    return {name: schema.mapping(keys, f"{where}: {name}") for name, keys in given.items()}
