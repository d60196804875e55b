"""The attention matrices of backbones out of transformers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from backbones import FAMILIES, LENGTH, build, keep_of, padded, tiny, vectors

from recbole_ext.nn.attending import NoAttentionError
from recbole_ext.nn.backbone import HuggingFaceEncoder


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False], ids=["ar", "ae"])
@pytest.mark.parametrize("family", FAMILIES)
def test_rows_sum_to_one_and_see_what_they_may(family: str, causal: bool) -> None:
    encoder, keep = build(family, causal), keep_of()
    x = padded(vectors(), keep)
    before = encoder(x, keep)
    seen = encoder.attention(x, keep, last_only=True)
    assert torch.equal(encoder(x, keep), before)  # looking changes nothing
    assert len(seen.layers) == 2 and seen.keep is keep
    future = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
    for layer in seen.layers:
        assert layer.shape == (len(keep), 2, LENGTH, LENGTH)
        sums = keep[:, None].float().expand(-1, 2, -1)
        torch.testing.assert_close(layer.sum(-1), sums, rtol=0, atol=1e-5)
        assert not layer.masked_select(~keep[:, None, None, :]).any()
        assert bool(layer[..., future].any()) != causal


@torch.no_grad()
@pytest.mark.parametrize("left", [True, False])
def test_bert_matrices_recomputed_from_queries_and_keys(left: bool) -> None:
    """Softmax of the scaled products, over the real items, in the slots of the batch."""
    encoder, keep = build("bert", causal=False), keep_of(left=left)
    x = padded(vectors(), keep)
    attention = encoder.model.encoder.layer[0].attention.self  # type: ignore[union-attr]
    inputs: list[Any] = []
    hook = attention.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    shown = encoder.attention(x, keep).layers[0]
    hook.remove()
    for row, real in enumerate(keep):
        items = inputs[0][row, : int(real.sum())]  # the model sees real items first
        query, key = (part(items).view(-1, 2, 8) for part in (attention.query, attention.key))
        for head in range(2):
            scores = query[:, head] @ key[:, head].T / 8**0.5
            found = shown[row, head][real][:, real]
            torch.testing.assert_close(found, scores.softmax(-1), rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_state_space_model_has_none() -> None:
    torch.manual_seed(0)
    encoder, keep = HuggingFaceEncoder(tiny("mamba")).eval(), keep_of()
    with pytest.raises(NoAttentionError, match=r"^has a backbone that gives no attention matrices"):
        encoder.attention(padded(vectors(), keep), keep)
