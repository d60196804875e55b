"""Attention of trained models: own ones against a naive recomputation, RecBole's against theirs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from recbole.model.layers import MultiHeadAttention
from torch import Tensor, nn

from recbole_ext import load
from recbole_ext.analysis.attention import attention_of
from recbole_ext.analysis.blocks import collect, newest_block, rows_of
from recbole_ext.errors import DataError
from recbole_ext.model.base import right_align
from recbole_ext.nn.attending import Attention, NoAttentionError
from recbole_ext.runner import Run

ATTENTIVE = ("VanillaAR", "LocalAE", "FPARec", "SASRec", "BERT4Rec")


def seen_by(run: Run) -> tuple[Attention, Tensor, Tensor]:
    """What all test users' rows show, their ids [B, L] and lengths [B]."""
    rows = rows_of(run, None)
    batch = run.loaders.test.batch(rows).interaction
    lengths = torch.from_numpy(run.loaders.test.rows.lengths[rows])
    return attention_of(run.model, batch, lengths), batch["item_id_list"], lengths


@pytest.mark.parametrize("model", ATTENTIVE)
def test_rows_sum_to_one_and_see_no_padding(model: str, trained: Path) -> None:
    seen, _, lengths = seen_by(load(trained / model))
    longer = 1 if model == "LocalAE" else 0  # [MASK] is one more slot, up to n = 8
    assert torch.equal(seen.keep.sum(1), (lengths + longer).clamp(max=8))
    assert torch.equal(seen.keep.int().sort(1).values, seen.keep.int())  # right-aligned
    assert seen.layers and not any(layer.requires_grad for layer in seen.layers)
    future = torch.ones(seen.keep.shape[1], seen.keep.shape[1], dtype=torch.bool).triu(1)
    for layer in seen.layers:
        sums = seen.keep[:, None].to(layer).expand(-1, layer.shape[1], -1)
        torch.testing.assert_close(layer.sum(-1), sums, rtol=0, atol=1e-5)
        assert not layer.masked_select(~seen.keep[:, None, None, :]).any()
        assert bool(layer[..., future].any()) == (model in ("LocalAE", "BERT4Rec"))


@torch.no_grad()
def test_vanilla_ar_recomputed_query_by_query(trained: Path) -> None:
    """Layer 1: softmax of q·k / √(d/h) over the items up to the query, of normed embeddings."""
    run = load(trained / "VanillaAR")
    seen, ids, lengths = seen_by(run)
    block, heads, size = run.model.encoder.blocks[0], 2, 8
    aligned = right_align(ids, lengths)
    x = block.mixer_norm(run.model.embedding(aligned, aligned != 0))
    query, key = block.mixer.query(x), block.mixer.key(x)
    for row in range(0, len(aligned), 7):
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for i in range(aligned.shape[1]):
                scores = [
                    float(query[row, i, part] @ key[row, j, part]) / math.sqrt(size)
                    if aligned[row, j] and j <= i
                    else -math.inf
                    for j in range(aligned.shape[1])
                ]
                real = bool(aligned[row, i])
                expected = torch.tensor(scores).softmax(0) if real else torch.zeros(len(scores))
                found = seen.layers[0][row, head, i]
                torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("model", ["SASRec", "BERT4Rec"])
def test_recboles_matrices_are_its_own_softmax_output(model: str, trained: Path) -> None:
    run = load(trained / model)
    given: list[Tensor] = []
    parts = [part for part in run.model.modules() if isinstance(part, MultiHeadAttention)]
    for part in parts:
        part.softmax = Recording(given)
    seen, _, lengths = seen_by(run)
    assert len(seen.layers) == len(given) == len(parts) == 2
    for shown, softmax in zip(seen.layers, given, strict=True):
        for row, length in enumerate(lengths.tolist()):
            theirs = softmax[row, :, :length, :length]
            assert torch.equal(shown[row, :, -length:, -length:], theirs)


class Recording(nn.Softmax):
    """RecBole's softmax, whose output a test keeps too."""

    def __init__(self, given: list[Tensor]) -> None:
        super().__init__(dim=-1)
        self.given = given

    def forward(self, scores: Tensor) -> Tensor:
        self.given.append(super().forward(scores))
        return self.given[-1]


@torch.no_grad()
@pytest.mark.parametrize("model", ATTENTIVE)
def test_looking_leaves_nothing_behind(model: str, trained: Path) -> None:
    run = load(trained / model)
    batch = run.loaders.test.batch(np.arange(5)).interaction
    before = run.model.full_sort_predict(batch)
    seen_by(run)
    assert torch.equal(run.model.full_sort_predict(batch), before)
    for part in run.model.modules():
        assert not part._forward_hooks and not part._forward_pre_hooks


def test_a_model_without_attention_says_so(trained: Path) -> None:
    with pytest.raises(NoAttentionError, match=r"^has no attention matrices$"):
        seen_by(load(trained / "GRU4Rec"))


def test_blocks_are_the_newest_slots(trained: Path) -> None:
    run = load(trained / "FPARec")
    seen, _, lengths = seen_by(run)
    rows = rows_of(run, None)
    for size in (3, 20):
        blocks = collect(run, rows, size)
        assert blocks.lengths.tolist() == lengths.tolist() and blocks.users == len(rows)
        assert list(blocks.layers) == [1, 2]
        for number, layer in blocks.layers.items():
            whole = seen.layers[number - 1].double().numpy()
            width = min(size, whole.shape[-1])
            newest = layer.blocks[..., -width:, -width:]
            np.testing.assert_allclose(newest, whole[..., -width:, -width:], atol=1e-6)
            assert layer.blocks.shape[-2:] == (size, size)
            assert layer.blocks.sum() == pytest.approx(newest.sum())  # zeros around it
            expected = 1 / np.linalg.norm(whole, axis=(-2, -1))  # S·m of m rows that sum to 1
            np.testing.assert_allclose(layer.scaled, expected, rtol=1e-5)


def test_padding_of_a_block() -> None:
    weights = torch.arange(4.0).view(2, 2)
    assert newest_block(weights, 3).tolist() == [[0, 0, 0], [0, 0, 1], [0, 2, 3]]
    assert newest_block(weights, 1).tolist() == [[3]]


def test_which_users(trained: Path) -> None:
    run = load(trained / "FPARec")
    users = run.loaders.test.rows.users
    some = rows_of(run, 10)
    assert len(set(some.tolist())) == 10 and some.tolist() == rows_of(run, 10).tolist()
    assert rows_of(run, 10_000).tolist() == list(range(len(users)))
    token = str(run.dataset.field2id_token["user_id"][users[4]])
    assert rows_of(run, 10, token).tolist() == [4]
    with pytest.raises(DataError, match=r"^--user: unknown user 'nobody', not in data set 'ring'"):
        rows_of(run, 10, "nobody")
