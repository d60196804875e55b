"""Kept states: the scores are those of whole windows, and where states cannot be kept, none are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shop import LENGTH, SETTINGS, visits

from recbole_ext import run
from recbole_ext.inference.asked import asked
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.inference.generation.rollout import Rollouts, roll_out
from recbole_ext.inference.recommend import asked_sequences
from recbole_ext.inference.scorer import Scorer
from recbole_ext.model.composable import ComposableRecommender
from recbole_ext.nn.attention.dot_product import DotProductAttention
from recbole_ext.nn.block import Block
from recbole_ext.nn.embedding import SequenceEmbedding
from recbole_ext.nn.encoder import Encoder
from recbole_ext.runner import Run

SMALL = {"hidden_size": 16, "inner_size": 16, "factor_rank": 4, "n_heads": 2}
DOT = {"attention": "dot_product"}
KEPT: list[dict[str, Any]] = [
    {**DOT, "position_bias": "relative"},
    {**DOT, "position_bias": "rotary", "norm_position": "post", "n_layers": 3},
    {**DOT, "value_input": "raw", "ffn_placement": "final", "residual_from": "normed"},
    {"attention": "relative_positional"},
    {"attention": ["dot_product", "relative_positional"], "attn_output_projection": True},
    {"attention": "linear", "score": "cosine"},
    {
        "attention": ["dot_product", "relative_positional"],
        "attention_sum": "sublayers",
        "norm_position": "post",
    },
]
NOT_KEPT: list[dict[str, Any]] = [
    {**DOT, "position_embedding": "learned"},
    {**DOT, "direction": "ae"},
    {**DOT, "user_embedding": "concat"},
    {**DOT, "mask_padding": False},
    {**DOT, "remask_padding": False},
    {**DOT, "n_local_heads": 1},
    {"attention": "relative_positional", "mask_after_softmax": True},
    {"attention": "factorized_positional"},
    {"attention": "positional"},
    {"attention": ["dot_product", "token_mixing"]},
    {"attention": "fixed_pattern"},
    {"attention": ["frequency_filter", "dot_product"]},
]


def model_of(changes: dict[str, Any], shop_data: Path, length: int = 20) -> Run:
    """One batch of training, then everything shaken: no state may be near another by chance."""
    chosen = {**SETTINGS, **SMALL, **changes, "data_path": str(shop_data), "epochs": 1}
    chosen |= {"MAX_ITEM_LIST_LENGTH": length, "train_batch_size": 999}
    done = run("FPARec", "shop", config_dict=chosen)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in done.model.encoder.parameters():  # type: ignore[union-attr,operator]
            parameter.add_(0.3 * torch.randn_like(parameter))
    return done


def rolled(done: Run, **how: Any) -> Rollouts:
    sequences = asked_sequences(done, asked(list(visits())), "error", lambda _: None)
    scorer = Scorer(done, known=True, rolls_out=True)
    return roll_out(scorer, sequences, RolloutOptions(**{"steps": 4, **how}), batch_size=16)


@pytest.mark.usefixtures("quiet_place")
@pytest.mark.parametrize("changes", KEPT, ids=str)
def test_kept_states_give_the_scores_of_whole_windows(
    changes: dict[str, Any], shop_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = model_of(changes, shop_data)
    ways: list[dict[str, Any]] = [{}, {"exclude_seen": True}, {"decode": "beam", "beam_size": 3}]
    calls: list[int] = []
    remember = ComposableRecommender.remember

    def counted(self: Any, item_seq: Any, before: Any = None) -> Any:
        calls.append(item_seq.shape[1])
        return remember(self, item_seq, before)

    monkeypatch.setattr(ComposableRecommender, "remember", counted)
    kept = [rolled(done, **how) for how in ways]
    assert calls.count(1) >= 3 * 3 * 4 and len(calls) == 3 * 4 * 4  # 4 batches of 4 steps, 3 ways
    monkeypatch.setattr(ComposableRecommender, "extends", False)
    for one, how in zip(kept, ways, strict=True):
        whole = rolled(done, **how)
        assert np.array_equal(one.items, whole.items)
        np.testing.assert_allclose(one.scores, whole.scores, rtol=1e-4, atol=1e-4)
    assert len(calls) == 3 * 4 * 4


@pytest.mark.usefixtures("quiet_place")
def test_a_window_that_overflows_is_read_anew(
    shop_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 60 users of 3 to 16 items some fit with 4 steps into 6 slots, the others do not."""
    done = model_of(KEPT[0], shop_data, LENGTH)
    kept = rolled(done)
    monkeypatch.setattr(ComposableRecommender, "extends", False)
    whole = rolled(done)
    assert np.array_equal(kept.items, whole.items)
    np.testing.assert_allclose(kept.scores, whole.scores, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("quiet_place")
@pytest.mark.parametrize("items", [LENGTH - 1, LENGTH])
def test_the_last_history_that_leaves_room_for_two_steps(
    items: int, shop_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second step reads one item more: of a full window it drops the oldest."""
    done = model_of(KEPT[0], shop_data, LENGTH)
    longest = max(visits().values(), key=len)
    history = [longest[:items]]

    def scores() -> list[float]:
        made = done.generate(histories=history, steps=2)
        return [row.score for row in made]

    kept = scores()
    monkeypatch.setattr(ComposableRecommender, "extends", False)
    assert kept == pytest.approx(scores(), rel=1e-4, abs=1e-4)


@pytest.mark.usefixtures("quiet_place")
@pytest.mark.parametrize("changes", NOT_KEPT, ids=str)
def test_states_that_an_item_changes_are_not_kept(changes: dict[str, Any], shop_data: Path) -> None:
    done = model_of(changes, shop_data)
    assert done.model.extends is False


class Reversed(ComposableRecommender):
    def encode(self, item_seq: Any, *args: Any, **kwargs: Any) -> Any:
        return -super().encode(item_seq, *args, **kwargs)


@pytest.mark.usefixtures("quiet_place")
def test_an_encoder_of_a_users_own_is_not_gone_round(shop_data: Path) -> None:
    done = model_of(KEPT[0], shop_data)
    history = [max(visits().values(), key=len)[:5]]
    done.model.__class__ = Reversed
    generated = done.generate(histories=history, steps=1)
    best = done.recommend(histories=history, k=1, exclude_seen=False)
    assert [row.item for row in generated] == [row.item for row in best]


class OtherEncoder(Encoder):
    def forward(self, x: Any, keep: Any, last_only: bool = False) -> Any:
        return -super().forward(x, keep, last_only)


class OtherBlock(Block):
    pass


class WithMean(DotProductAttention):
    def forward(self, x: Any, values: Any, keep: Any, last_only: bool = False) -> Any:
        return super().forward(x, values, keep, last_only) + values.mean(1, keepdim=True)


class OtherEmbedding(SequenceEmbedding):
    pass


@pytest.mark.usefixtures("quiet_place")
@pytest.mark.parametrize("other", [OtherEncoder, OtherBlock, WithMean, OtherEmbedding])
def test_parts_of_a_users_own_keep_no_states(other: type[Any], shop_data: Path) -> None:
    """What they inherit, that a later item changes no older state, may not hold of them."""
    done = model_of(KEPT[0], shop_data)
    assert done.model.extends is True
    own = (type(done.model.embedding), type(done.model.encoder), Block, DotProductAttention)
    base = next(one for one in own if issubclass(other, one))
    parts = [part for part in done.model.modules() if type(part) is base]
    parts[-1].__class__ = other
    assert len(parts) >= 1 and done.model.extends is False
