"""Scores: ``full_sort_predict`` against ``predict``, whatever the padding and the company."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_model import HISTORIES, N_ITEMS, batch, build, state

from recbole_ext.nn.attention import MIXERS

MODELS: list[dict[str, Any]] = [{"attention": mixer} for mixer in MIXERS]
MODELS += [
    {"norm_position": "post", "n_heads": 2, "attn_output_projection": True},
    {"position_embedding": "learned", "mask_after_softmax": True},
    {"remask_padding": False, "residual_from": "normed", "value_input": "raw"},
]


def named(changes: dict[str, Any]) -> str:
    return "-".join(str(value) for value in changes.values())


@torch.no_grad()
@pytest.mark.parametrize("changes", MODELS, ids=named)
def test_all_scores_are_the_scores_of_each_item(changes: dict[str, Any]) -> None:
    model = build(**changes)
    scores = model.full_sort_predict(batch())
    assert scores.shape == (4, N_ITEMS)
    one_by_one = [model.predict(batch(targets=(item,) * 4)) for item in range(N_ITEMS)]
    torch.testing.assert_close(torch.stack(one_by_one, 1), scores, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("changes", MODELS, ids=named)
def test_padding_on_the_right_changes_no_score(changes: dict[str, Any]) -> None:
    model = build(**changes)
    exact, wide = batch(), batch(width=11)
    assert torch.equal(model.full_sort_predict(wide), model.full_sort_predict(exact))
    assert torch.equal(model.predict(wide), model.predict(exact))


@torch.no_grad()
@pytest.mark.parametrize("changes", MODELS, ids=named)
def test_a_history_scores_alike_alone_and_in_a_batch(changes: dict[str, Any]) -> None:
    """Where padding is taken for items (``remask_padding: false``) every row has the full width."""
    model = build(**changes)
    together = model.full_sort_predict(batch())
    for row, history in enumerate(HISTORIES):
        alone = model.full_sort_predict(batch((history,), (1,)))[0]
        torch.testing.assert_close(together[row], alone, rtol=1e-5, atol=1e-5)
        if changes.get("remask_padding", True):
            bare = state(model, history) @ model.item_table.T
            torch.testing.assert_close(together[row], bare, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_leak_makes_scores_depend_on_padding() -> None:
    """As it does in the released code, where every row is padded to n."""
    model = build(remask_padding=False)
    padded = model.full_sort_predict(batch(HISTORIES[3:], (1,)))[0]
    bare = state(model, HISTORIES[3]) @ model.item_table.T
    assert (padded - bare).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("key", ["trim_batches", "mask_padding", "remask_padding"])
def test_rows_that_are_not_trimmed(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, widths = build(**{key: False}), []
    encode = model.encode
    monkeypatch.setattr(
        model, "encode", lambda ids, *a, **k: (widths.append(ids.shape[1]), encode(ids, *a, **k))[1]
    )
    model.full_sort_predict(batch())
    assert widths == [model.max_seq_length]


@torch.no_grad()
def test_padding_scores_zero() -> None:
    assert not build().full_sort_predict(batch())[:, 0].any()


@torch.no_grad()
def test_an_empty_history_has_finite_scores() -> None:
    for changes in MODELS:
        scores = build(**changes).full_sort_predict(batch((*HISTORIES[:3], ()), (1, 1, 1, 1)))
        assert scores.isfinite().all()


@torch.no_grad()
def test_the_order_of_items_counts() -> None:
    model = build()
    scores = model.full_sort_predict(batch(((1, 2, 3, 4), (4, 3, 2, 1)), (5, 5)))
    assert (scores[0] - scores[1]).abs().max() > 1e-3


@torch.no_grad()
def test_a_longer_history_than_the_maximum_is_the_callers_mistake_but_relative_clamps() -> None:
    model = build(attention="relative_positional")
    scores = model.full_sort_predict(batch((tuple(range(1, 10)),), (1,), width=9))
    assert scores.isfinite().all()
