"""``score: cosine``: one score in the loss, in a prediction and in a full ranking."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_model import HISTORIES, NEXT, batch, build

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.model.composable import ComposableRecommender

NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attn_dropout_prob": 0.0}


def cosine(**changes: Any) -> ComposableRecommender:
    return build("FPARec", **{"score": "cosine", "score_temperature": 0.2, **NO_DROPOUT, **changes})


@torch.no_grad()
def test_scores_are_cosines_over_the_temperature() -> None:
    model, rows = cosine(), batch()
    weight = model.embedding.items.weight
    assert weight is not None
    states = model(rows["item_id_list"], rows["item_length"])
    expected = F.cosine_similarity(states.unsqueeze(1), weight.unsqueeze(0), dim=-1) / 0.2
    scores = model.full_sort_predict(rows)
    torch.testing.assert_close(scores, expected)
    picked = scores[torch.arange(4), rows["item_id"]]
    torch.testing.assert_close(model.predict(rows), picked)
    assert scores.abs().max() <= 5.0 + 1e-5


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loss_is_cross_entropy_of_those_scores(precision: str) -> None:
    model, rows = cosine(loss_precision=precision), batch()
    scores = model.full_sort_predict(rows)
    expected = F.cross_entropy(scores[:, 1:], torch.tensor(NEXT) - 1)
    weights = [p for p in model.parameters() if p.requires_grad]
    wanted = torch.autograd.grad(expected, weights)
    loss = model.train().calculate_loss(rows)
    exact = precision == "float32"
    torch.testing.assert_close(loss, expected, rtol=1e-5 if exact else 0.02, atol=0.0)
    for ours, theirs in zip(torch.autograd.grad(loss, weights), wanted, strict=True):
        near = 1e-6 if exact else 0.03 * max(1.0, theirs.abs().max().item())
        torch.testing.assert_close(ours, theirs, atol=near, rtol=1e-4)


def test_it_holds_at_all_positions() -> None:
    model = cosine(attention="dot_product")  # other tables count from the end of a row
    rows = batch(target_count=[len(history) for history in HISTORIES])
    losses = []
    for history, target in zip(HISTORIES, NEXT, strict=True):
        for end in range(1, len(history) + 1):
            following = (*history, target)[end]
            scores = model.full_sort_predict(batch((history[:end],), (following,)))
            losses.append(F.cross_entropy(scores[:, 1:], torch.tensor([following - 1])))
    torch.testing.assert_close(model.calculate_loss(rows), torch.stack(losses).mean())


@torch.no_grad()
def test_the_length_of_an_items_vector_does_not_count_among_candidates() -> None:
    model, rows = cosine(), batch(((3, 4),), (5,))
    before = model.full_sort_predict(rows)
    model.embedding.items.weight[9] *= 7.0  # type: ignore[index]
    torch.testing.assert_close(model.full_sort_predict(rows), before)
    plain = build("FPARec")
    before = plain.full_sort_predict(rows)
    plain.embedding.items.weight[9] *= 7.0  # type: ignore[index]
    assert (plain.full_sort_predict(rows) - before).abs()[0, 9] > 0.1


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"score": "cosin"}, "score: 'cosin' (from config_dict) must be one of dot, cosine; did"),
        ({"score": "cosine", "score_temperature": 0}, "must be a number > 0"),
        (
            {"score": "cosine", "user_embedding": "concat", "hidden_size": 8},
            "score: 'cosine' (from config_dict) cannot stand beside user_embedding: 'concat'",
        ),
    ],
    ids=str,
)
def test_impossible_settings_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        ExtConfig("FPARec", "shop", config_dict=keys)
    assert message in str(error.value)
