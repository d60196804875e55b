"""Checks of the data's keys, as far as they can be made before a file is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from recbole_ext.config.keys import DATA
from recbole_ext.config.schema import Key
from recbole_ext.config.settings import Settings
from recbole_ext.errors import nearest, show

_COLUMNS = Key("strs", "")
_ENTRIES = {
    "seq_len": Key("int", "", "[1, inf)"),
    "threshold": Key("float", ""),
    "val_interval": Key("str|strs", ""),
    "preload_weight": Key("str", ""),
    "unload_col": _COLUMNS,
    "unused_col": _COLUMNS,
}
_INTERVAL_KEYS = (
    "user_inter_num_interval",
    "item_inter_num_interval",
    "entity_kg_num_interval",
    "relation_kg_num_interval",
)
_FIELDS = ("USER_ID_FIELD", "ITEM_ID_FIELD", "TIME_FIELD")
_FURTHER_FIELDS = ("ITEM_LIST_LENGTH_FIELD", "LABEL_FIELD")
_SUFFIXES = ("inter", "user", "item", "kg", "link")
_END = r"\s*([-+]?(?:inf|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?))\s*"
_INTERVAL = re.compile(rf"[\[(]{_END},{_END}[\])]", re.ASCII)
_INTERVAL_WORDS = "an interval such as [5,inf) or (2,10], or several joined by ;"


def _no_empty_name(settings: Settings) -> None:
    for key in DATA:
        if settings.get(key) == "":
            settings.fail(key, "must not be empty")


def _fields_differ(settings: Settings) -> None:
    """Two columns of a batch under one name: the second takes the place of the first."""
    keys = [key for key in (*_FIELDS, *_FURTHER_FIELDS) if settings.get(key) is not None]
    for position, key in enumerate(keys):
        for other in keys[:position]:
            if settings.get(key) == settings.get(other):
                settings.fail(key, f"must differ from {settings.named(other)}")
        if settings.get(key) == f"{settings.get('ITEM_ID_FIELD')}{settings.get('LIST_SUFFIX')}":
            settings.fail(key, "is what the list of items is called (ITEM_ID_FIELD, LIST_SUFFIX)")


def _entries(settings: Settings) -> None:
    for key, entry in _ENTRIES.items():
        settings.check_entries(key, entry)


def _suffixes(settings: Settings) -> None:
    """A misspelt file would be left unread without a word."""
    known = (*_SUFFIXES, *(settings.get("additional_feat_suffix") or ()))
    for key in ("load_col", "unload_col", "unused_col"):
        for suffix in settings.get(key) or {}:
            if suffix not in known:
                hint = nearest(str(suffix), known) or f"; there are {', '.join(known)}"
                settings.fail_inside(key, f"the unknown file suffix {show(suffix)}{hint}")


def _load_col(settings: Settings) -> None:
    load = settings.get("load_col")
    if load is None:
        return
    for suffix, columns in load.items():
        if not isinstance(suffix, str) or not (columns == "*" or _COLUMNS.accepts(columns)):
            entry = f"{show(suffix)}: {show(columns)}"
            settings.fail_inside("load_col", f"{entry}, which must be a list of names or '*'")
    columns = load.get("inter", [])
    missing = [settings.get(key) for key in _FIELDS if settings.get(key) not in columns]
    if columns != "*" and missing:
        settings.fail(
            "load_col",
            f"must load {', '.join(missing)} of inter: the evaluation needs user, item and time",
        )


def _not_unloaded(settings: Settings) -> None:
    load = settings.get("load_col") or {}
    for suffix, columns in (settings.get("unload_col") or {}).items():
        if columns and load.get(suffix, "*") != "*":
            settings.fail(
                "unload_col",
                f"cannot stand beside {settings.named('load_col')}; set load_col: null",
            )
    for key in ("unload_col", "unused_col"):
        dropped = (settings.get(key) or {}).get("inter", [])
        needed = [settings.get(field) for field in _FIELDS if settings.get(field) in dropped]
        if needed:
            settings.fail(
                key, f"drops {', '.join(needed)}: the evaluation needs user, item and time"
            )


def _intervals(settings: Settings) -> None:
    for key in _INTERVAL_KEYS:
        text = settings.get(key)
        if text is not None and not _are_intervals(text):
            settings.fail(key, f"must be {_INTERVAL_WORDS}")
    for column, text in (settings.get("val_interval") or {}).items():
        names = isinstance(text, list)
        if not text or not (names or _are_intervals(text)):
            problem = f"{column}: {show(text)}, which must be {_INTERVAL_WORDS}, or a list of names"
            settings.fail_inside("val_interval", problem)


def _filtered_columns(settings: Settings) -> None:
    """RecBole would say that there is no such field, of a file that has it."""
    for key in ("val_interval", "threshold"):
        for column in settings.get(key) or {}:
            if not _is_loaded(settings, column, _SUFFIXES):
                _fail_unloaded(settings, key, column, "inter")


def _selected_features(settings: Settings) -> None:
    """RecBole would end in a KeyError, or in no tensors to join."""
    columns = settings.get("selected_features")
    if settings.own or columns is None:
        return
    if not columns or not _COLUMNS.accepts(columns):
        settings.fail("selected_features", "must be a list of at least one column's name")
    for column in columns:
        if not _is_loaded(settings, column, ("item",)):
            _fail_unloaded(settings, "selected_features", column, "item")


def _is_loaded(settings: Settings, column: str, suffixes: Sequence[str]) -> bool:
    """Whether ``load_col`` lets a file give the column, if it has it."""
    load = settings.get("load_col")
    return load is None or any(load.get(s) == "*" or column in load.get(s, ()) for s in suffixes)


def _fail_unloaded(settings: Settings, key: str, column: str, suffix: str) -> NoReturn:
    load = settings.values["load_col"]
    more = {**load, suffix: [*load.get(suffix, [settings.get("ITEM_ID_FIELD")]), column]}
    lists = {name: "'*'" if one == "*" else f"[{', '.join(one)}]" for name, one in more.items()}
    text = ", ".join(f"{name}: {columns}" for name, columns in lists.items())
    settings.fail_inside(
        key, f"the column {show(column)}, which load_col does not load: {{{text}}} would"
    )


def _are_intervals(text: str) -> bool:
    found = [_INTERVAL.fullmatch(part.strip()) for part in text.split(";")]
    return all(one is not None and float(one[1]) <= float(one[2]) for one in found)


def _no_pickles(settings: Settings) -> None:
    """RecBole pickles data sets and unpickles whatever lies at the path."""
    for key in ("save_dataset", "save_dataloaders", "dataset_save_path", "dataloaders_save_path"):
        if settings.get(key):
            settings.fail(key, "is refused: RecBole's caches are pickles; reading is quick")


def _no_wandb(settings: Settings) -> None:
    if settings.get("log_wandb"):
        settings.fail("log_wandb", "is refused: a run logs to TensorBoard, in its folder")


def _no_split_files(settings: Settings) -> None:
    if settings.get("benchmark_filename"):
        settings.fail(
            "benchmark_filename", "is refused: every run holds out the last items of its users"
        )


def _encoding(settings: Settings) -> None:
    try:
        "".encode(settings.get("encoding") or "utf-8")
    except (LookupError, ValueError):
        settings.fail("encoding", "is no text encoding, such as utf-8 or latin-1")


DATA_CHECKS = (
    _no_empty_name,
    _fields_differ,
    _entries,
    _suffixes,
    _load_col,
    _not_unloaded,
    _intervals,
    _filtered_columns,
    _selected_features,
    _encoding,
    _no_pickles,
    _no_wandb,
    _no_split_files,
)
