"""What a run leaves for people and programs to read: its description, ``metrics.json``, ranks."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from recbole_ext import __version__
from recbole_ext.evaluation.evaluator import Evaluation
from recbole_ext.evaluation.metrics import IPS, SEEN_MASKED, protocol_of
from recbole_ext.evaluation.per_user import PerUser
from recbole_ext.training.run_folder import RANKS_FILE, RunFolder

if TYPE_CHECKING:
    from recbole_ext.config import ExtConfig
    from recbole_ext.data.store import SequenceStore
    from recbole_ext.runner import Run

EVALUATED_BY = ("metrics", "topk", "tail_ratio", "eval_users", "eval_ips_exponent")
PACKAGES = ("recbole", "torch", "numpy", "pandas", "scipy")


def write_ranks(assembled: Run, test: Evaluation, folder: RunFolder) -> None:
    """What the test found for each user."""
    loaders, store = assembled.loaders, assembled.dataset.store
    found = PerUser.of(loaders.test.rows, test.ranks, test.ranks_seen_masked, store, loaders.split)
    with folder.replacing(RANKS_FILE) as beside:
        found.write(beside, store.sha256())


def describe(assembled: Run) -> str:
    """What is about to be trained, in one line."""
    store, loaders = assembled.dataset.store, assembled.loaders
    turned = assembled.config["task"] == "next_user"
    return (
        f"{assembled.config['model']} on {assembled.config['dataset']}"
        f"{' turned round (an item is a user here)' if turned else ''}: "
        f"{store.n_users - 1:,} users, {store.n_items - 1:,} items, "
        f"{len(store.items):,} interactions; "
        f"{len(loaders.valid.rows):,} validation and {len(loaders.test.rows):,} test users; "
        f"{n_parameters(assembled.model):,} parameters on {assembled.config['device']}"
    )


def report(assembled: Run, test: dict[str, float]) -> dict[str, Any]:
    """The contents of ``metrics.json``."""
    progress = assembled.trainer.progress
    return {
        **_named(assembled.config),
        **_by_part(assembled.config, progress.best_metrics, test),
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch + 1,
        "seconds_per_epoch": assembled.trainer.seconds_per_epoch(),
        "train_seconds": progress.seconds,
        "device": device_name(assembled.config["device"]),
        "cpus": os.cpu_count(),
        "parameters": n_parameters(assembled.model),
        "data": _data(assembled.dataset.store),
        "versions": versions(),
    }


def evaluated(loaded: Run) -> dict[str, Any]:
    """Validation and test items ranked anew, in the parts of ``metrics.json``.

    Where nobody has a validation item, ``valid`` is empty, as it is there.
    """
    valid = loaded.evaluate("valid").flat() if len(loaded.loaders.valid.rows) else {}
    return {
        **_named(loaded.config),
        "run_dir": str(loaded.run_dir),
        **_by_part(loaded.config, valid, loaded.evaluate("test").flat()),
        "best_epoch": loaded.metrics.get("best_epoch"),
        "settings": {key: loaded.config[key] for key in EVALUATED_BY},
        "device": device_name(loaded.config["device"]),
        "data": _data(loaded.dataset.store),
        "versions": versions(),
    }


def _named(config: ExtConfig) -> dict[str, Any]:
    return {key: config[key] for key in ("model", "dataset", "seed")}


def _by_part(
    config: ExtConfig, valid: dict[str, float], test: dict[str, float]
) -> dict[str, dict[str, float]]:
    """``valid`` and ``test``, and the same with seen items masked and weighted users."""
    weighted = config["eval_ips_exponent"] is not None
    protocols = ("", SEEN_MASKED, *((IPS, IPS + SEEN_MASKED) if weighted else ()))
    return {
        f"{which}{protocol}": _of_protocol(metrics, protocol)
        for protocol in protocols
        for which, metrics in (("valid", valid), ("test", test))
    }


def _of_protocol(metrics: dict[str, float], protocol: str) -> dict[str, float]:
    return {
        name.removesuffix(protocol): value
        for name, value in metrics.items()
        if protocol_of(name) == protocol
    }


def _data(store: SequenceStore) -> dict[str, Any]:
    return {
        "users": store.n_users - 1,
        "items": store.n_items - 1,
        "interactions": len(store.items),
        "sha256": store.sha256(),
    }


def device_name(device: torch.device) -> str:
    """``cpu``, or what the GPU is called: seconds of one compare with those of no other."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def versions() -> dict[str, str]:
    """Of Python and of the packages that results depend on, as far as they are installed."""
    found = {"python": platform.python_version(), "recbole_ext": __version__}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def n_parameters(model: nn.Module) -> int:
    """Numbers that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
