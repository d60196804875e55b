"""``calculate_loss`` against a loop over histories and positions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_model import HISTORIES, N_ITEMS, NEXT, batch, build, state
from torch import Tensor

from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.model.composable import ComposableRecommender

# Attention by distance and without position embeddings: every prefix alone is as in the packed row.
BY_PREFIX = {"attention": "relative_positional"}


def position_losses(model: ComposableRecommender, counts: tuple[int, ...]) -> list[list[Tensor]]:
    """Of each history the cross-entropy of its newest positions, PAD (item 0) being no class."""
    losses = []
    for history, following, count in zip(HISTORIES, NEXT, counts, strict=True):
        states = model.encode(torch.tensor([history]))[0]
        targets = [*history[1:], following]
        first = max(len(history) - count, 0)
        losses.append(
            [
                F.cross_entropy(states[i] @ model.item_table[1:].T, torch.tensor(targets[i] - 1))
                for i in range(first, len(history))
            ]
        )
    return losses


def flat(losses: list[list[Tensor]]) -> Tensor:
    return torch.stack([loss for row in losses for loss in row])


@pytest.mark.parametrize("counts", [(6, 4, 2, 1), (2, 1, 2, 1), (0, 3, 0, 1), (99, 99, 99, 99)])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"position_embedding": "learned", "attention": "dot_product", "n_heads": 2},
        {"norm_position": "post", "attention": "linear"},
        {"loss_chunk_size": 3, "attention": "token_mixing"},
    ],
    ids=str,
)
def test_all_positions(changes: dict[str, Any], counts: tuple[int, ...]) -> None:
    model = build(**changes)
    ours = model.calculate_loss(batch(**{TARGET_COUNT: counts}))
    expected = flat(position_losses(model, counts)).mean()
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    wanted = [p for p in model.parameters() if p.requires_grad]
    for a, b in zip(
        torch.autograd.grad(ours, wanted), torch.autograd.grad(expected, wanted), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_no_position_bears_loss() -> None:
    model = build()
    loss = model.calculate_loss(batch(**{TARGET_COUNT: (0, 0, 0, 0)}))
    loss.backward()
    assert loss.item() == 0.0
    assert not model.item_table.grad.any()


@pytest.mark.parametrize("changes", [{}, {"attention": "dot_product"}], ids=str)
def test_without_the_column_the_newest_position_bears_the_loss(changes: dict[str, Any]) -> None:
    model = build(**changes)
    ours = model.calculate_loss(batch())
    expected = flat(position_losses(model, (1, 1, 1, 1))).mean()
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours, model.calculate_loss(batch(**{TARGET_COUNT: (1, 1, 1, 1)})))


@pytest.mark.parametrize("counts", [(6, 4, 2, 1), (1, 3, 0, 1)])
def test_weights_are_those_of_rows(counts: tuple[int, ...]) -> None:
    model = build()
    weights = (0.5, 0.0, 2.0, 0.25)
    ours = model.calculate_loss(batch(**{TARGET_COUNT: counts, TARGET_WEIGHT: weights}))
    expected = sum(
        weight * loss
        for weight, row in zip(weights, position_losses(model, counts), strict=True)
        for loss in row
    )
    torch.testing.assert_close(ours, torch.as_tensor(expected), rtol=1e-5, atol=1e-6)


def test_weights_without_counts() -> None:
    model = build()
    weights = (0.5, 0.0, 2.0, 0.25)
    ours = model.calculate_loss(batch(**{TARGET_WEIGHT: weights}))
    expected = (flat(position_losses(model, (1, 1, 1, 1))) * torch.tensor(weights)).sum()
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_all_positions_at_once_are_all_prefixes_one_by_one() -> None:
    """The packed objective and RecBole's row per prefix give one loss where positions agree."""
    model = build(**BY_PREFIX)
    packed = model.calculate_loss(batch(**{TARGET_COUNT: (6, 4, 2, 1)}))
    prefixes, targets = [], []
    for history, following in zip(HISTORIES, NEXT, strict=True):
        whole = (*history, following)
        prefixes += [whole[:end] for end in range(1, len(whole))]
        targets += whole[1:]
    one_by_one = model.calculate_loss(batch(tuple(prefixes), tuple(targets)))
    torch.testing.assert_close(packed, one_by_one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_more_padding_changes_no_loss(extra: int) -> None:
    model = build(**BY_PREFIX)
    exact = model.calculate_loss(batch(**{TARGET_COUNT: (6, 4, 2, 1)}))
    wide = model.calculate_loss(batch(width=6 + extra, **{TARGET_COUNT: (6, 4, 2, 1)}))
    assert torch.equal(wide, exact)


def test_item_0_is_no_class() -> None:
    """Whatever row 0 of the table holds, the loss does not see it."""
    model = build()
    exact = model.calculate_loss(batch())
    with torch.no_grad():
        model.item_table[0] = 7.0
    assert torch.equal(model.calculate_loss(batch()), exact)


def test_padding_as_class_adds_one_logit_of_zero() -> None:
    model = build(padding_as_class=True)
    scores = model.full_sort_predict(batch())
    assert not scores[:, 0].any()
    expected = F.cross_entropy(scores, torch.tensor(NEXT))
    torch.testing.assert_close(model.calculate_loss(batch()), expected, rtol=1e-5, atol=1e-6)
    plain = build()
    assert torch.equal(plain.full_sort_predict(batch()), scores)
    assert plain.calculate_loss(batch()) < expected


@pytest.mark.parametrize("bad", [0, -1, N_ITEMS])
def test_a_target_that_is_no_item_is_an_error(bad: int) -> None:
    with pytest.raises(ValueError, match=rf"outside the classes \[1, {N_ITEMS}\)"):
        build().calculate_loss(batch(targets=(6, bad, 1, 12)))


def test_the_newest_position_scores_alike_in_training_and_inference() -> None:
    model = build()
    packed = model.encode(torch.tensor([[0, 0, 8, 8, 1, 6], list(HISTORIES[0])]))[:, -1]
    scores = model.full_sort_predict(batch(HISTORIES[1::-1], NEXT[1::-1]))
    torch.testing.assert_close(packed @ model.item_table.T, scores, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(packed[1], state(model, HISTORIES[0]), rtol=1e-5, atol=1e-6)
