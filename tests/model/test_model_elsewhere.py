"""Our models under RecBole's own data set: what only our split and ranking know is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recbole.data import create_dataset, data_preparation

from recbole_ext.config import ExtConfig
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("key", "value"),
    [("task", "next_user"), ("holdout", 3), ("eval_users", 5),
     ("valid_metric", "NDCG@10_seen_masked"), ("valid_metric", "Hit@5_ips")],
)  # fmt: skip
def test_what_recbole_would_pass_over(key: str, value: Any, settings: Settings) -> None:
    given = settings(**{key: value}, eval_ips_exponent=0.5)
    config = ExtConfig("FPARec", "ring", config_dict=given)
    with pytest.raises(ConfigError, match=rf"^{key}: '?{value}'? is unknown to RecBole's "):
        config.model_class(config, create_dataset(config))
    config.model_class(config, load_data(config))  # on our own it is known


def test_as_it_is_a_model_runs_there(settings: Settings) -> None:
    config = ExtConfig("FPARec", "ring", config_dict=settings())
    train, _, _ = data_preparation(config, create_dataset(config))
    model = config.model_class(config, train.dataset)
    losses = [model.calculate_loss(batch).item() for batch in train]
    assert losses and all(0.0 < loss < 10.0 for loss in losses)
