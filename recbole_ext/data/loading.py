"""From a configuration to the flat data set that a run works on."""

from __future__ import annotations

from pathlib import Path

from recbole_ext.config import ExtConfig
from recbole_ext.data.catalog import missing_data_message
from recbole_ext.data.dataset import FlatOrder, dataset_class
from recbole_ext.errors import DataError, UserError


def load_data(config: ExtConfig) -> FlatOrder:
    """Read and filter the atomic files as RecBole does, and lay them out flat.

    Raises:
        DataError: the files are missing (with the commands that bring them) or malformed.
    """
    atomic = interactions_file(config)
    try:
        flat = dataset_class(config)(config)
        flat._change_feat_format()
    except UserError:
        raise
    except (ValueError, LookupError, TypeError, OSError, AttributeError, ArithmeticError) as error:
        reason = f"no column '{error.args[0]}'" if isinstance(error, KeyError) else error
        raise DataError(f"{atomic}: RecBole cannot use these data: {reason}") from error
    return flat


def interactions_file(config: ExtConfig) -> Path:
    """The data set's ``.inter``. Raises DataError, with commands that bring it, for none."""
    atomic = Path(config["data_path"]) / f"{config['dataset']}.inter"
    if not atomic.is_file():
        said = config.origin("data_path")
        moved = f"; if it has moved, give data_path anew, or change it in {said}"
        hint = moved if Path(said).is_file() else ""
        raise DataError(missing_data_message(config["dataset"], atomic) + hint)
    return atomic
