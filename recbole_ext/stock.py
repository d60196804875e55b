"""RecBole's own models by name, and how a model's class is imported.

Nothing here imports torch or RecBole before a class is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from recbole_ext.errors import ConfigError

CANNOT_RANK = "exlib"  # RecBole's kind for gradient-boosted trees: they score labelled rows
# Models that cannot do with batches alone, and what they look up besides.
NEED_THE_TABLE = {
    "DIEN": "negative items beside every row of RecBole's augmented table",
    "FEARec": "RecBole's augmented table, for other rows of the same target",
}
_EXTRAS = {"transformers": "hf"}  # packages that an extra of ours installs


@cache
def recbole_models() -> dict[str, tuple[str, str]]:
    """RecBole's models: name -> (kind, module), read from its files without importing them."""
    found = {}
    for file in sorted((recbole_dir() / "model").glob("*_recommender/*.py")):
        classes = re.findall(r"^class (\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
        kind = file.parent.name.removesuffix("_recommender")
        for name in classes:
            if name.lower() == file.stem:
                found[name] = (kind, f"recbole.model.{file.parent.name}.{file.stem}")
    return dict(sorted(found.items()))


def why_not_run(model: str) -> str | None:
    """Why a model of RecBole's is not run here; None where it is."""
    if model in NEED_THE_TABLE:
        return (
            f"it reads {NEED_THE_TABLE[model]}, which is not made here: rows are gathered batch by "
            "batch"
        )
    if model in _own_loops():
        return f"RecBole trains it by {model}Trainer, a loop of its own"
    if recbole_models()[model][0] == "knowledge_aware":
        return "RecBole trains it by KGTrainer, on a knowledge graph beside the interactions"
    return None


@cache
def _own_loops() -> frozenset[str]:
    """What RecBole trains by trainers of their own: <model>Trainer."""
    text = (recbole_dir() / "trainer" / "trainer.py").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^class (\w+)Trainer\(", text, re.MULTILINE))


@cache
def recbole_dir() -> Path:
    """The folder of the installed RecBole."""
    spec = importlib.util.find_spec("recbole")
    if spec is None or spec.origin is None:
        raise ConfigError("RecBole is not installed; run `make setup`")
    return Path(spec.origin).parent


def model_source(name: str) -> Path:
    """The file with the class of a model of RecBole's."""
    _, module = recbole_models()[name]
    return recbole_dir().parent / Path(*module.split(".")).with_suffix(".py")


def model_yaml(name: str) -> Path:
    """The file of a model's defaults; a few have none."""
    return recbole_dir() / "properties" / "model" / f"{name}.yaml"


def class_in(module: str, attribute: str, name: str) -> type[Any]:
    """The class in a module; ``name``: of the model, for the line that says what is missing."""
    from recbole_ext import compat  # noqa: F401 - RecBole must be adapted before it is imported

    found: type[Any] = getattr(_import(module, name), attribute)
    return found


def _import(module: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "")
        how = f": pip install 'recbole_ext[{extra}]'" if extra else ""
        raise ConfigError(
            f"model {name!r} needs the package {error.name!r}, which is not installed{how}"
        ) from error
