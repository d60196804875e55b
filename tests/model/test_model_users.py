"""SSE-PT in the model: what the user does to scores, loss and training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recbole.data.interaction import Interaction
from tiny_model import HISTORIES, N_ITEMS, NEXT, batch, build
from torch import Tensor

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.model.composable import ComposableRecommender

SSE = {"sse_item_prob": 0.6, "sse_user_prob": 0.6}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attn_dropout_prob": 0.0}


def sse_pt(**changes: Any) -> ComposableRecommender:
    quiet = {"sse_item_prob": 0.0, "sse_user_prob": 0.0, **NO_DROPOUT}
    return build("SSEPT", **{**quiet, **changes})


def of_users(*users: int) -> Interaction:
    return batch(user_id=list(users))


def newest(model: ComposableRecommender, interaction: Interaction) -> Tensor:
    columns = ("item_id_list", "item_length", "user_id")
    return model(*(interaction[name] for name in columns))


def tables(model: ComposableRecommender) -> tuple[Tensor, Tensor]:
    items, users = model.embedding.items.weight, model.embedding.users
    assert items is not None
    assert users is not None
    return items, users.table.weight


@torch.no_grad()
def test_scores_are_the_items_term_and_the_users() -> None:
    model, rows = sse_pt(), batch()
    (items, users), x = tables(model), newest(model, rows)
    expected = x[:, :4] @ items.T + (x[:, 4:] * users[rows["user_id"]]).sum(-1, keepdim=True)
    torch.testing.assert_close(model.full_sort_predict(rows), expected)
    picked = expected[torch.arange(4), rows["item_id"]]
    torch.testing.assert_close(model.predict(rows), picked)


@torch.no_grad()
def test_the_users_term_shifts_all_logits_of_a_user_alike() -> None:
    model, rows = sse_pt(), batch()
    shift = model.full_sort_predict(rows) - newest(model, rows)[:, :4] @ tables(model)[0].T
    assert shift.abs().min() > 1e-3
    torch.testing.assert_close(shift, shift[:, :1].expand_as(shift), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_a_user_acts_through_the_encoder_too() -> None:
    model = sse_pt()
    scores = [model.full_sort_predict(of_users(user, 1, 1, 1))[0] for user in (2, 3)]
    differences = scores[0] - scores[1]
    assert (differences - differences.mean()).abs().max() > 1e-3


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_the_loss_is_cross_entropy_of_the_full_logits(mode: str) -> None:
    """Training leaves the user's constant out of the softmax, which does not see it."""
    model, rows = sse_pt(), batch()
    logits = model.full_sort_predict(rows)
    expected = F.cross_entropy(logits[:, 1:], torch.tensor(NEXT) - 1)
    weights = [p for p in model.parameters() if p.requires_grad]
    wanted = torch.autograd.grad(expected, weights, allow_unused=True)
    loss = model.train(mode == "train").calculate_loss(rows)
    torch.testing.assert_close(loss, expected)
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    for ours, theirs in zip(found, wanted, strict=True):
        zeros = torch.zeros(1)
        torch.testing.assert_close(
            zeros if ours is None else ours + 0 * zeros,
            zeros if theirs is None else theirs + 0 * zeros,
            atol=1e-6, rtol=1e-4,
        )  # fmt: skip


def test_every_position_of_a_row_is_its_users() -> None:
    model = sse_pt(position_embedding="none")  # slots count from the end of a row
    rows = batch(target_count=[len(h) for h in HISTORIES])
    losses = []
    for user, history, target in zip(range(1, 5), HISTORIES, NEXT, strict=True):
        for end in range(1, len(history) + 1):
            following = (*history, target)[end]
            one = batch((history[:end],), (following,), user_id=[user])
            losses.append(model.calculate_loss(one))
    torch.testing.assert_close(model.calculate_loss(rows), torch.stack(losses).mean())


@torch.no_grad()
def test_an_unknown_user_is_scored_with_the_mean_vector() -> None:
    model, rows = sse_pt(), batch()
    columns = {name: rows[name] for name in ("item_id_list", "item_length", "item_id")}
    scores = model.full_sort_predict(Interaction(columns))
    assert torch.equal(scores, model.full_sort_predict(of_users(0, 0, 0, 0)))
    users = tables(model)[1]
    mean = users[1:].mean(0)
    users[7] = mean  # changes the mean: compare with user 7 afterwards, whose vector it then is
    users[1:7] = mean
    users[8:] = mean
    torch.testing.assert_close(scores, model.full_sort_predict(of_users(7, 7, 7, 7)))


@torch.no_grad()
def test_evaluation_is_deterministic_under_sse() -> None:
    replacing, plain, rows = sse_pt(**SSE, sse_target_prob=1.0), sse_pt(), batch()
    before = torch.get_rng_state()
    for score in ("full_sort_predict", "predict", "calculate_loss"):
        first, again = (getattr(replacing, score)(rows) for _ in range(2))
        assert torch.equal(first, again)
        assert torch.equal(first, getattr(plain, score)(rows))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("key", ["sse_item_prob", "sse_user_prob"])
def test_training_replaces_inputs_and_never_targets(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = []

    def seen(self: Any, queries: Tensor, targets: Tensor, *_: Any) -> Tensor:
        losses.append(targets)
        return queries.sum()

    monkeypatch.setattr(NextItemRecommender, "loss", seen)
    model = sse_pt(**{key: 1.0}).train()
    torch.manual_seed(0)
    values = {round(model.calculate_loss(batch()).item(), 6) for _ in range(5)}
    assert len(values) > 1
    assert all(torch.equal(targets, torch.tensor(NEXT)) for targets in losses)


def test_targets_are_replaced_by_a_key_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Tensor] = []

    def seen(self: Any, queries: Tensor, targets: Tensor, *_: Any) -> Tensor:
        drawn.append(targets)
        return queries.sum()

    monkeypatch.setattr(NextItemRecommender, "loss", seen)
    model = sse_pt(sse_target_prob=1.0).train()
    torch.manual_seed(0)
    for _ in range(200):
        model.calculate_loss(batch())
    assert set(torch.cat(drawn).tolist()) == set(range(1, N_ITEMS))


def test_half_of_the_width_is_the_users() -> None:
    plain, with_users = build("VanillaAR"), build("SSEPT")
    items, users = tables(with_users)
    assert items.shape == users.shape == (N_ITEMS, 4)
    count = [sum(p.numel() for p in model.parameters()) for model in (plain, with_users)]
    assert count[0] == count[1]  # 20 items of 8 against 20 of 4 and 20 users of 4
    assert not items[0].any()
    assert not users[0].any()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"hidden_size": 9}, "hidden_size: 9 (from config_dict) must be even: user_embedding"),
        ({"user_embedding": "none"}, "sse_user_prob: 0.2 (from properties/model/SSEPT.yaml) needs"),
        (
            {"sse_item_prob": 1.5},
            "sse_item_prob: 1.5 (from config_dict) must be a number in [0, 1]",
        ),
        ({"user_embedding": "add"}, "must be one of none, concat"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        ExtConfig("SSEPT", "shop", config_dict=keys)
    assert message in str(error.value)
