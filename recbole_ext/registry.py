"""Every model by name: this library's classes, its presets (a YAML with ``base:``), RecBole's.

Nothing here imports torch or RecBole before a class is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recbole_ext import paths
from recbole_ext.config.sources import read_yaml
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.stock import CANNOT_RANK, class_in, recbole_models, why_not_run

MODELS: dict[str, str] = {
    "ComposableRecommender": "recbole_ext.model.composable:ComposableRecommender",
    "DualSASRec": "recbole_ext.model.dual:DualSASRec",
    "FPARec": "recbole_ext.model.fparec:FPARec",
    "HFRec": "recbole_ext.model.hfrec:HFRec",
    "PARec": "recbole_ext.model.fparec:PARec",
    "TokenizedSASRec": "recbole_ext.model.tokenized:TokenizedSASRec",
}

_KINDS = {
    "CONTEXT": "context_aware",
    "KNOWLEDGE": "knowledge_aware",
    "TRADITIONAL": "general",
}
REGISTERED: dict[str, Registered] = {}  # users' own, by `register_model`


@dataclass(frozen=True)
class Registered:
    """A class of a user's own and the YAML of its keys."""

    model_class: type[Any]
    yaml: Path | None


@dataclass(frozen=True)
class ModelInfo:
    """One line of the list of models."""

    name: str
    source: str  # "recbole_ext", "yours" or "RecBole"
    kind: str  # "sequential", "general", "context_aware", "knowledge_aware"
    base: str | None = None  # what its YAML names under `base:`
    is_run: bool = True  # false of RecBole's models that `run` refuses, with the reason


@dataclass(frozen=True)
class Lineage:
    """Where a model's settings come from."""

    root: str | None  # the class: a name in MODELS or of RecBole; None: neither knows it
    own: bool  # the class is this library's, or a user's on its NextItemRecommender
    files: tuple[Path, ...]  # our YAML files, the first base first
    class_files: tuple[Path, ...]  # those of real classes: they say which keys the class has
    stock: str | None = None  # the model of RecBole's that the chain ends in


def register_model(yaml: str | Path | None = None) -> Callable[[type[Any]], type[Any]]:
    """Class decorator: a model of your own is known by its name from then on.

    ``run("MyRec", "ml-100k")`` then finds it, and so does ``load`` of its run folders, wherever
    the file with the class has been imported before.

    Args:
        yaml: the file of its keys and their defaults, beside the Python file that names it. It may
            name keys that no other model has; the type of the default is the type that is allowed.
            The keys of the nearest ancestor with a name, or of the model under ``base:``, it has
            too, with their defaults.

    Raises:
        ConfigError: the name is taken, there is no such file, the class is no recommender or
            leaves out what it must define.
    """
    caller = sys._getframe(1).f_globals.get("__file__")
    file = None if yaml is None else _beside(caller, Path(yaml))

    def register(model_class: type[Any]) -> type[Any]:
        name = model_class.__name__
        if name in known_names() and name not in REGISTERED:
            raise ConfigError(f"register_model: the name {show(name)} is taken")
        if file is not None and not file.is_file():
            raise ConfigError(f"register_model: no file {file}")
        refuse_unfit(model_class)
        REGISTERED[name] = Registered(model_class, file)
        return model_class

    return register


def _beside(caller: str | None, yaml: Path) -> Path:
    """A relative name is looked for beside the file that says it, then in the current folder."""
    beside = (Path(caller or "").absolute().parent / yaml).absolute()
    return yaml.absolute() if yaml.is_file() and not beside.is_file() else beside


def refuse_unfit(model_class: type[Any]) -> None:
    """Raise ConfigError for a class that is no recommender, or leaves out what it has to define.

    torch's modules have no ABCMeta, which would refuse to make an instance.
    """
    kind = getattr(model_class, "type", None)  # a method of every module, until RecBole sets it
    if not _is_below(model_class, "AbstractRecommender") or callable(kind):
        raise ConfigError(
            f"the class {model_class.__name__} is no recommender of RecBole's kind: derive it from "
            "recbole_ext's NextItemRecommender, or RecBole's SequentialRecommender or "
            "GeneralRecommender"
        )
    missing = [
        name
        for name in dir(model_class)
        if getattr(getattr(model_class, name, None), "__isabstractmethod__", False)
    ]
    if missing:
        raise ConfigError(f"the class {model_class.__name__} must define {', '.join(missing)}")


def list_models() -> list[ModelInfo]:
    """All models, this library's first, each part sorted by name."""
    ours = [ModelInfo(name, _source(name), _kind(name), _base_of(name)) for name in _own_names()]
    theirs = [
        ModelInfo(name, "RecBole", kind, is_run=why_not_run(name) is None)
        for name, (kind, _) in recbole_models().items()
        if kind != CANNOT_RANK
    ]
    return ours + theirs


def known_names() -> list[str]:
    """The names of all models."""
    return sorted({*_own_names(), *recbole_models()})


def get_model_class(name: str, source: str = "") -> type[Any]:
    """The class called ``name``; a preset's is a subclass that bears the preset's name.

    RecBole reads ``Class.__name__``, so a preset needs a class of its own. Raises ConfigError
    for an unknown name (with its ``source``), for one of RecBole's models that cannot rank, and
    where a package that the model needs is absent.
    """
    if name not in known_names():
        raise unknown_model(name, source)
    root = lineage(name).root
    if root is None or name == root:
        return _class(name)
    return _preset_class(name, root)


def unknown_model(name: str, source: str = "") -> ConfigError:
    """The error for a name that no model bears."""
    came = f" (from {source})" if source else ""
    hint = nearest(name, known_names()) or "; `python -m recbole_ext models` lists all"
    return ConfigError(f"unknown model {show(name)}{came}{hint}")


def lineage(name: str) -> Lineage:
    """The chain of YAML files behind a model. Raises ConfigError for a broken chain."""
    chain = [name]
    while (base := _base_of(chain[-1])) is not None:
        _checked_base(chain[-1], base)
        if base in chain:
            raise ConfigError(
                f"{_yaml_name(chain[-1])}: 'base' goes in a circle: {' -> '.join([*chain, base])}"
            )
        chain.append(base)
    classes = [link for link in chain if _is_own_class(link) or link in recbole_models()]
    return Lineage(
        root=classes[0] if classes else None,
        own=bool(classes) and _trains_as_ours(classes[0]),
        files=_existing(chain),
        class_files=_existing(classes),
        stock=next((link for link in chain if link in recbole_models()), None),
    )


def class_lineage(model_class: type[Any]) -> Lineage:
    """The lineage of a class handed over as such: that of its nearest ancestor with a name."""
    named = _named_ancestor(model_class)
    if named is not None:
        return lineage(named)
    own = any(ancestor.__module__.startswith("recbole_ext.") for ancestor in model_class.__mro__)
    return Lineage(root=None, own=own, files=(), class_files=())


def _named_ancestor(model_class: type[Any], besides: str = "") -> str | None:
    """The nearest class of its ancestry, itself among them, whose name is known."""
    names = (ancestor.__name__ for ancestor in model_class.__mro__)
    return next((name for name in names if name != besides and name in known_names()), None)


def _own_names() -> list[str]:
    files = (paths.properties_dir() / "model").glob("*.yaml")
    return sorted({*MODELS, *REGISTERED, *(file.stem for file in files)} - set(recbole_models()))


def _is_own_class(name: str) -> bool:
    return name in MODELS or name in REGISTERED


def _trains_as_ours(name: str) -> bool:
    if name not in REGISTERED:
        return name in MODELS
    return _is_below(REGISTERED[name].model_class, "NextItemRecommender")


def _is_below(model_class: type[Any], name: str) -> bool:
    """By names: to import the ancestor would import torch."""
    return any(ancestor.__name__ == name for ancestor in model_class.__mro__)


def _source(name: str) -> str:
    return "yours" if name in REGISTERED else "recbole_ext"


def _kind(name: str) -> str:
    root = lineage(name).root
    if root in REGISTERED:
        kind = REGISTERED[root].model_class.type.name  # RecBole's ModelType
        return _KINDS.get(kind, kind.lower())
    return recbole_models()[root][0] if root in recbole_models() else "sequential"


def _yaml_of(name: str) -> Path:
    if name in REGISTERED and (file := REGISTERED[name].yaml) is not None:
        return file
    return paths.properties_dir() / "model" / f"{name}.yaml"


def _yaml_name(name: str) -> str:
    return paths.relative_name(_yaml_of(name))


def _existing(names: list[str]) -> tuple[Path, ...]:
    return tuple(_yaml_of(name) for name in reversed(names) if _yaml_of(name).is_file())


def _base_of(name: str) -> str | None:
    """What a model's YAML names under ``base:``; a preset must, a user's class has ancestors."""
    base = _read_base(name) if _yaml_of(name).is_file() else None
    if base is None and name in REGISTERED:
        return _named_ancestor(REGISTERED[name].model_class, besides=name)
    if base is None and not _is_own_class(name) and name in _own_names():
        raise ConfigError(f"{_yaml_name(name)} needs a line 'base: <model>'; no class has its name")
    return base


def _read_base(name: str) -> str | None:
    base = read_yaml(_yaml_of(name), _yaml_name(name)).get("base")
    if base is None or isinstance(base, str):
        return base
    raise ConfigError(f"{_yaml_name(name)}: base: {show(base)} must be the name of a model")


def _checked_base(name: str, base: str) -> str:
    if base in known_names():
        return base
    raise ConfigError(
        f"{_yaml_name(name)}: base: {show(base)} is no model{nearest(base, known_names())}"
    )


@cache
def _preset_class(name: str, root: str) -> type[Any]:
    base = _class(root)
    return type(name, (base,), {"__module__": base.__module__, "__doc__": base.__doc__})


def _class(name: str) -> type[Any]:
    if name in REGISTERED:
        return REGISTERED[name].model_class
    if name in MODELS:
        module, _, attribute = MODELS[name].partition(":")
        return class_in(module, attribute, name)
    kind, module = recbole_models()[name]
    if kind == CANNOT_RANK:
        raise ConfigError(f"model {name!r} scores labelled rows only; it cannot rank all items")
    return class_in(module, name, name)
