"""What the trainer cannot train is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import ConfigError
from recbole_ext.runner import run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def test_pointwise_models_need_labels(settings: Settings) -> None:
    """RecBole would end in a KeyError, after the run folder has been made."""
    keys = settings(own=False, epochs=1, train_neg_sample_args=None)
    for model in ("DIN", "NeuMF", "FM"):
        with pytest.raises(
            ConfigError, match=f"{model} learns from labels: of negatives, of thres"
        ):
            run(model, "ring", config_dict=keys)
    assert not Path(keys["checkpoint_dir"]).exists()
    run("SASRec", "ring", config_dict=keys)
