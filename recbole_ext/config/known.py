"""Which keys a model knows, and the error for one it does not."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from recbole_ext.config.builtin import builtin_keys, key_of, models_with_key
from recbole_ext.config.keys import ANY_MODEL, ARCHITECTURE, BACKBONE, DUALITY, OWN, TOKENS
from recbole_ext.config.schema import Key
from recbole_ext.config.sources import read_settings
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.registry import REGISTERED, Lineage, known_names

# What other libraries call a key.
ELSEWHERE = {
    "device": "use_gpu",
    "lr": "learning_rate",
    "batch_size": "train_batch_size",
    "max_epochs": "epochs",
    "num_epochs": "epochs",
    "maxlen": "MAX_ITEM_LIST_LENGTH",
    "max_len": "MAX_ITEM_LIST_LENGTH",
    "max_length": "MAX_ITEM_LIST_LENGTH",
    "max_seq_length": "MAX_ITEM_LIST_LENGTH",
    "optimizer": "learner",
    "patience": "stopping_step",
    "num_workers": "worker",
    "eval_setting": "eval_args",
    "group_by_user": "eval_args",
    "split_ratio": "eval_args",
    "leave_one_num": "eval_args",
    "real_time_process": "eval_args",
    "embedding_size": "hidden_size",
    "embed_size": "hidden_size",
    "num_layers": "n_layers",
    "num_heads": "n_heads",
    "dropout": "hidden_dropout_prob",
}
# Of RecBole's scripts: processes of one run.
PROCESSES = ("nproc", "group_offset", "world_size", "ip", "port")
OF_YOUR_MODEL = "of your model"  # what is known of a user's own key
_NAMED = 3  # owners of a key that are named
_ALIKE = 0.9  # of two names: one letter in ten


def known_keys(line: Lineage) -> dict[str, Key]:
    """The keys of any model and those of this one.

    A class of this library has the keys that its YAML and those of its bases name; one that a user
    has registered may name new ones there. A class that no registry knows may use every key of
    this library.
    """
    if line.root is None:
        return {**ANY_MODEL, **OWN}
    named = {k: v for f in line.class_files for k, v in read_settings(f).items()}
    own = {name: key for name, key in OWN.items() if name in named}
    if line.root in REGISTERED:
        new = {k: key_of(k, v, OF_YOUR_MODEL) for k, v in named.items() if k not in own}
        return {**new, **ANY_MODEL, **own, **(builtin_keys(line.stock) if line.stock else {})}
    if line.own:
        return {**ANY_MODEL, **own}
    return {**ANY_MODEL, **builtin_keys(line.root)}


def look_alikes(line: Lineage) -> Iterator[tuple[str, str]]:
    """New keys of a user's own YAML that look like a known one misspelt, each with that one."""
    for file in line.class_files if line.root in REGISTERED else ():
        for key in read_settings(file):
            close = get_close_matches(key, {**ANY_MODEL, **OWN}, n=1, cutoff=_ALIKE)
            if close and close[0] != key:
                yield key, close[0]


def unknown_key(key: str, source: str, model: str, known: dict[str, Key]) -> ConfigError:
    """The error for a key that ``model`` does not have: who has it, or the nearest known name."""
    line = f"unknown key {show(key)} (from {source}) for model {model}"
    name = ELSEWHERE.get(key.lower())
    if name in known:
        return ConfigError(f"{line}; its name here is {name!r}")
    if key in PROCESSES:
        return ConfigError(f"{line}: a run is one process, on one device")
    if model not in known_names():  # a class that was handed over
        line = f"{line}; name its keys and their defaults in a YAML: @register_model('FILE.yaml')"
        return ConfigError(f"{line}{nearest(key, known)}")
    if key in ARCHITECTURE and "backbone" in known:
        return ConfigError(
            f"{line}: attention, positions and blocks are its backbone's, which reads items alone"
        )
    owners = _owners(key)
    if owners:
        return ConfigError(f"{line}: it is a key of {owners}")
    where = "; a new key of its own goes into its YAML" if model in REGISTERED else ""
    return ConfigError(f"{line}{where}{nearest(key, known)}")


def _owners(key: str) -> str:
    if key in BACKBONE:
        return "recbole_ext's HFRec"
    if key in TOKENS:
        return "recbole_ext's TokenizedSASRec"
    if key in DUALITY:
        return "recbole_ext's DualSASRec"
    if key in OWN:
        return "recbole_ext's own models"
    owners = models_with_key(key)
    more = f" and {len(owners) - _NAMED} more" if len(owners) > _NAMED else ""
    return f"RecBole's {', '.join(owners[:_NAMED])}{more}" if owners else ""


def choices_hint(value: object, key: Key) -> str:
    """The nearest choice to the first text, alone or in a list, that is none."""
    names = [choice for choice in key.options if isinstance(choice, str)]
    given = value if isinstance(value, list) else [value]
    wrong = [item for item in given if isinstance(item, str) and item not in names]
    return nearest(wrong[0], names) if wrong else ""
