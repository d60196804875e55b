"""What several analyses read from their command lines. Imports nothing heavy."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from recbole_ext.errors import ConfigError, show

if TYPE_CHECKING:
    from recbole_ext.config import ExtConfig


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of :func:`data_config`."""
    parser.add_argument("--dataset", metavar="NAME", help="a folder of atomic files")
    parser.add_argument("--model", default="VanillaAR", metavar="NAME", help="whose settings count")
    parser.add_argument("--max_length", metavar="N", help="MAX_ITEM_LIST_LENGTH")


def data_config(args: argparse.Namespace, data_path: str | None = None) -> ExtConfig:
    """The settings of a data set, in ``data_path`` if given, as a sequential model reads it."""
    from recbole.utils import ModelType

    from recbole_ext.config import ExtConfig

    given = {"MAX_ITEM_LIST_LENGTH": args.max_length, "data_path": data_path}
    words = [f"--{key}={value}" for key, value in given.items() if value is not None]
    config = ExtConfig(args.model, args.dataset, cli_args=[*args.rest, *words])
    if config["MODEL_TYPE"] != ModelType.SEQUENTIAL:
        raise ConfigError(f"--model: {show(args.model)} is no sequential model: no positions")
    return config
