"""``transformers`` without its log lines and without the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants
from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings, and no download of a kernel or of anything else, within the block.

    The hub's switch is put back afterwards: the process may use the hub for purposes of its own.
    """
    verbosity, offline = logging.get_verbosity(), constants.HF_HUB_OFFLINE
    logging.set_verbosity_error()
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = offline
        logging.set_verbosity(verbosity)
