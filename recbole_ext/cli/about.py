"""What a model is: the paper it comes from, what it is trained on, which choices it is made of.

For this library's models the facts stand under ``about:`` in their YAML and follow from its keys;
for RecBole's they are read from its own files. Neither torch nor RecBole is imported.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext import paths
from recbole_ext.config.builtin import read_builtin_yaml
from recbole_ext.config.sources import read_settings, read_yaml
from recbole_ext.errors import ConfigError, show
from recbole_ext.registry import Lineage, lineage
from recbole_ext.stock import model_source, model_yaml, recbole_dir, recbole_models

FACTS = ("paper", "year", "settings")  # what `about:` may hold
AXES = ("attention", "backbone", "position_embedding", "position_bias", "user_embedding")
_QUOTED = re.compile(r"[\"“](.+?)[.,]?[\"”]", re.DOTALL)
_UNQUOTED = re.compile(r"et al\.,?\s+(.+?)\.\s", re.DOTALL)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_KEY = re.compile(r"^(\w+):[^#\n]*(?:#\s*(.*))?$")
_MORE = re.compile(r"^\s+#\s*(.*)$")


@dataclass(frozen=True)
class About:
    """A line of the list of models. What is not known is empty.

    Attributes:
        paper: title, and where it appeared.
        year: of the paper.
        settings: where the defaults as a whole come from.
        objective: what a training step predicts, and its loss.
        axes: the choices that make the network, ``key value`` each.
    """

    paper: str = ""
    year: str = ""
    settings: str = ""
    objective: str = ""
    axes: str = ""


@dataclass(frozen=True)
class Default:
    """A key of a model: its value, the file that sets it, and what that file says about it."""

    key: str
    value: Any
    file: str
    comment: str


def about(name: str) -> About:
    """The facts about a model that the registry knows. Raises ConfigError for a malformed YAML."""
    found = lineage(name)
    if name in recbole_models() and not found.own:
        return _of_recbole(name)
    facts, values = _own_facts(found, name), _values(found)
    return About(**facts, objective=_objective(values), axes=_axes(values))


def defaults(name: str) -> list[Default]:
    """Every key of a model's own files, in their order, with the file that has the last word."""
    found: dict[str, Default] = {}
    for file in filter(Path.is_file, (model_yaml(name), *lineage(name).files)):
        shown, comments = _shown(file), _comments(file)
        for key, value in read_settings(file).items():
            found[key] = Default(key, value, shown, comments.get(key, ""))
    return list(found.values())


def _own_facts(found: Lineage, name: str) -> dict[str, str]:
    """What the model's own YAML, the last of its chain, says under ``about:``."""
    mine = [file for file in found.files if file.stem == name] or list(found.files[-1:])
    given = read_yaml(mine[0], _shown(mine[0])).get("about", {}) if mine else {}
    if not isinstance(given, dict) or not set(given) <= set(FACTS):
        raise ConfigError(
            f"{_shown(mine[0])}: about: {show(given)} may hold {', '.join(FACTS)} and nothing else"
        )
    return {fact: str(value) for fact, value in given.items()}


def _values(found: Lineage) -> dict[str, Any]:
    return {key: value for file in found.files for key, value in read_settings(file).items()}


def _objective(values: dict[str, Any]) -> str:
    cloze = values.get("direction") == "ae"
    every = values.get("train_objective") == "all_positions"
    asked = (
        "masked items" if cloze else f"next item, {'all positions' if every else 'last position'}"
    )
    loss = values.get("loss_type")
    return f"{asked}, {loss}" if loss else asked


def _axes(values: dict[str, Any]) -> str:
    chosen = {key: values[key] for key in AXES if values.get(key) not in (None, "none")}
    if values.get("n_local_heads"):
        chosen["local"] = values["local_attention"]
    return "; ".join(f"{key} {_listed(value)}" for key, value in chosen.items())


def _listed(value: Any) -> str:
    return " + ".join(map(str, value)) if isinstance(value, list) else str(value)


def _docstring(source: Path) -> str:
    """Of a module of RecBole's; Python 3.12 and later complain of the escapes in some of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""


def _of_recbole(name: str) -> About:
    text = _docstring(model_source(name))
    title = _QUOTED.search(text) or _UNQUOTED.search(text)
    year = _YEAR.search(text)
    return About(
        paper=" ".join(title[1].split()) if title else "",
        year=year[0] if year else "",
        settings="RecBole's" if model_yaml(name).is_file() else "",
        objective=_recbole_objective(name),
    )


def _recbole_objective(name: str) -> str:
    values = read_builtin_yaml(name)
    loss = values.get("loss_type")
    if recbole_models()[name][0] != "sequential":
        return str(loss or "")
    asked = (
        "masked items" if values.get("transform") == "mask_itemseq" else "next item, last position"
    )
    return f"{asked}, {loss}" if loss else asked


def _shown(file: Path) -> str:
    """The name for a reader: ``properties/…`` of ours, ``recbole/properties/…`` of RecBole's."""
    if file.is_relative_to(recbole_dir()):
        return f"recbole/{file.relative_to(recbole_dir()).as_posix()}"
    return paths.relative_name(file)


def _comments(file: Path) -> dict[str, str]:
    """The comment behind each key, with the indented comment lines that continue it."""
    found: dict[str, str] = {}
    current = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if key := _KEY.match(line):
            current = key[1]
            found[current] = key[2] or ""
        elif current and (more := _MORE.match(line)):
            found[current] = f"{found[current]} {more[1]}".strip()
        else:
            current = ""
    return found
