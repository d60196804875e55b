"""``direction: ae``: what is hidden, asked for and scored, against the defects of RecBole's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_model import HISTORIES, LENGTH, N_ITEMS, NEXT, batch, build

from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.model.composable import ComposableRecommender
from recbole_ext.nn.attention import MIXERS

SMALL = {"n_heads": 2}
MASK = N_ITEMS  # the id after the last item's
SHORT = ((3, 5, 7, 2, 9), (8, 8, 1, 6), (11, 3), (19,))  # with its next item each fits the window


def cloze(**changes: Any) -> ComposableRecommender:
    return build("VanillaAE", **{**SMALL, **changes})


def encoded(model: ComposableRecommender, *histories: tuple[int, ...]) -> torch.Tensor:
    """The ids that a prediction encodes."""
    seen: list[torch.Tensor] = []
    encode = model.encode

    def watched(item_seq: torch.Tensor, last_only: bool = False, user: Any = None) -> torch.Tensor:
        seen.append(item_seq)
        return encode(item_seq, last_only, user)

    model.encode = watched  # type: ignore[method-assign]
    model.full_sort_predict(batch(histories, (1,) * len(histories)))
    model.encode = encode  # type: ignore[method-assign]
    return seen[0]


@torch.no_grad()
def test_a_prediction_is_made_at_a_mask_behind_the_whole_history() -> None:
    """RecBole's BERT4Rec drops item 0 of every user here."""
    ids = encoded(cloze(), *SHORT)
    assert ids.tolist() == [
        [3, 5, 7, 2, 9, MASK],
        [0, 8, 8, 1, 6, MASK],
        [0, 0, 0, 11, 3, MASK],
        [0, 0, 0, 0, 19, MASK],
    ]


@torch.no_grad()
def test_the_oldest_item_makes_room_only_in_a_full_window() -> None:
    ids = encoded(cloze(), (3, 5, 7, 2, 9, 4), (8, 6))
    assert ids.tolist() == [[5, 7, 2, 9, 4, MASK], [0, 0, 0, 8, 6, MASK]]


@torch.no_grad()
def test_the_first_item_of_a_history_moves_its_scores() -> None:
    model = cloze()
    one, other = (model.full_sort_predict(batch((h,), (1,))) for h in ((3, 5, 7), (4, 5, 7)))
    assert (one - other).abs().max() > 1e-3


def trained_items(model: ComposableRecommender, rounds: int = 60) -> list[set[int]]:
    """Of each row the places, counted from 0 in its sequence with the next item, ever asked for."""
    torch.manual_seed(0)
    found: list[set[int]] = [set() for _ in SHORT]
    for _ in range(rounds):
        task = model.task(batch(SHORT, NEXT))
        assert task.asked is not None
        width = task.inputs.shape[1]
        for row, slot in task.asked.nonzero().tolist():
            found[row].add(slot - (width - len(SHORT[row]) - 1))
    return found


@pytest.mark.parametrize("last", [0.0, 0.1])
def test_every_item_is_trained_the_first_and_the_last_too(last: float) -> None:
    """RecBole's BERT4Rec never trains slot 0, nor the last training item of a user."""
    found = trained_items(cloze(mask_last_prob=last))
    assert found == [set(range(len(history) + 1)) for history in SHORT]


def test_the_task_is_the_sequence_with_holes() -> None:
    model = cloze()
    torch.manual_seed(0)
    for _ in range(20):
        task = model.task(batch(HISTORIES, NEXT))
        assert task.asked is not None and task.asked.any(1).all()
        filled = task.inputs.masked_scatter(task.asked, task.targets)
        assert (task.inputs[task.asked] == MASK).all()
        assert filled.tolist() == [  # the first history fills the window: its oldest item goes
            [5, 7, 2, 9, 4, 6],
            [0, 8, 8, 1, 6, 3],
            [0, 0, 0, 11, 3, 1],
            [0, 0, 0, 0, 19, 12],
        ]


def test_the_loss_is_the_cross_entropy_of_the_hidden_items() -> None:
    model = cloze()
    columns = {TARGET_COUNT: (6, 5, 3, 2), TARGET_WEIGHT: (0.5, 0.0, 2.0, 0.25)}
    interaction = batch(**columns)
    torch.manual_seed(3)
    ours = model.calculate_loss(interaction)
    torch.manual_seed(3)
    task = model.task(interaction)
    assert task.asked is not None
    states, expected, items = model.encode(task.inputs), torch.zeros(()), iter(task.targets)
    for row, slot in task.asked.nonzero().tolist():
        length, count = int((task.inputs[row] != 0).sum()), columns[TARGET_COUNT][row]
        hidden_on_average = 0.1 + 0.9 * max(1.0, 0.5 * length)
        weight = columns[TARGET_WEIGHT][row] * count / hidden_on_average
        # Candidates are the items alone: neither PAD nor [MASK].
        logits = states[row, slot] @ model.item_table[1:N_ITEMS].T
        expected = expected + weight * F.cross_entropy(logits, next(items) - 1)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    wanted = [p for p in model.parameters() if p.requires_grad]
    for a, b in zip(
        torch.autograd.grad(ours, wanted), torch.autograd.grad(expected, wanted), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("counted", [True, False])
def test_every_item_weighs_the_same_on_average(counted: bool) -> None:
    """Over the draws of the masks; without counts (RecBole's loaders) every row does."""
    model = cloze(mask_last_prob=0.0, mask_ratio=0.3)
    counts = (6, 5, 3, 2)
    columns = {TARGET_COUNT: counts} if counted else {}
    total = torch.zeros(4, LENGTH, dtype=torch.float64)
    torch.manual_seed(4)
    rounds = 2000
    for _ in range(rounds):
        task = model.task(batch(**columns))
        assert task.asked is not None and task.weights is not None
        total[task.asked] += task.weights.double() / rounds
    for row, count in zip(total, counts, strict=True):
        items = row[LENGTH - count :]
        wanted = 1 / 16 if counted else 1 / 4 / count
        assert items.tolist() == pytest.approx([wanted] * count, rel=0.15)
    assert total.sum().item() == pytest.approx(1.0, rel=0.02)


@torch.no_grad()
def test_mask_is_scored_nowhere() -> None:
    model = cloze()
    scores = model.full_sort_predict(batch())
    assert scores.shape == (4, N_ITEMS)
    assert model.item_table.shape == (N_ITEMS + 1, 8)
    assert build("VanillaAR", **SMALL).item_table.shape == (N_ITEMS, 8)


def test_mask_learns_as_an_input() -> None:
    model = cloze()
    model.calculate_loss(batch()).backward()
    gradient = model.item_table.grad
    assert gradient is not None and gradient[MASK].any() and not gradient[0].any()


def with_other_item(ids: torch.Tensor, slot: int) -> torch.Tensor:
    changed = ids.clone()
    changed[:, slot] = ids[:, slot] % (N_ITEMS - 1) + 1
    return changed


@torch.no_grad()
@pytest.mark.parametrize("direction", ["ar", "ae"])
@pytest.mark.parametrize("attention", MIXERS)
def test_a_later_item_moves_an_earlier_output_under_ae_alone(
    attention: str, direction: str
) -> None:
    model = build(attention=attention, direction=direction, n_heads=2)
    ids = torch.tensor([[3, 5, 7, 2, 9, 4]])
    before = model.encode(ids)
    for slot in range(1, LENGTH):
        earlier = (model.encode(with_other_item(ids, slot)) - before)[0, :slot].abs().amax(-1)
        assert bool((earlier > 1e-6).all()) == (direction == "ae")
        assert bool((earlier == 0).all()) == (direction == "ar")


@torch.no_grad()
@pytest.mark.parametrize("attention", MIXERS)
def test_padding_changes_no_score(attention: str) -> None:
    model = cloze(attention=attention)
    exact, wide = batch(), batch(width=11)
    together = model.full_sort_predict(exact)
    assert torch.equal(model.full_sort_predict(wide), together)
    for row, history in enumerate(HISTORIES):
        alone = model.full_sort_predict(batch((history,), (1,)))[0]
        torch.testing.assert_close(together[row], alone, rtol=1e-5, atol=1e-5)


def test_padding_changes_no_loss() -> None:
    model = cloze()
    losses = []
    for width in (LENGTH, 11):
        torch.manual_seed(0)
        losses.append(model.calculate_loss(batch(width=width)))
    assert torch.equal(*losses)


@torch.no_grad()
def test_predict_is_a_column_of_full_sort_predict() -> None:
    model = cloze()
    scores = model.full_sort_predict(batch())
    one = model.predict(batch())
    torch.testing.assert_close(one, scores[torch.arange(4), torch.tensor(NEXT)])


def test_a_seed_gives_the_same_loss() -> None:
    model = cloze().train()
    losses = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        losses.append(model.calculate_loss(batch()).item())
    assert losses[0] == losses[1] != losses[2]


def test_the_network_is_vanilla_ars() -> None:
    """The two differ in the mask, the objective and the row of [MASK]."""
    sizes = {"hidden_size": 8, "inner_size": 8, "n_heads": 2}
    ae, ar = build("VanillaAE", **sizes), build("VanillaAR", **sizes)
    assert {n: p.shape for n, p in ae.encoder.named_parameters()} == {
        n: p.shape for n, p in ar.encoder.named_parameters()
    }
    assert not ae.encoder.blocks[0].mixer.spec.causal and ar.encoder.blocks[0].mixer.spec.causal


def test_it_learns_four_histories_by_heart() -> None:
    off = {"hidden_dropout_prob": 0.0, "attn_dropout_prob": 0.0, "mask_last_prob": 0.5}
    model = cloze(random=False, **off).train()
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(150):
        optimizer.zero_grad()
        model.calculate_loss(batch(SHORT, NEXT)).backward()
        optimizer.step()
    best = model.eval().full_sort_predict(batch(SHORT, NEXT))[:, 1:].argmax(1) + 1
    assert best.tolist() == list(NEXT)
