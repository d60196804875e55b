"""Padding is nothing, and each defect that a key brings back is the defect it says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_model import HISTORIES, LENGTH, batch, build
from torch import Tensor

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.model.base import right_align

ATTENDED = {"mask_padding": False}
HARMLESS_WHERE_MASKED: list[dict[str, Any]] = [
    {"position_at_padding": True},
    {"padding_row": "learned"},
    {"position_at_padding": True, "padding_row": "learned"},
]


def padded(width: int) -> Tensor:
    lengths = torch.tensor([len(history) for history in HISTORIES])
    return right_align(batch()["item_id_list"], lengths, width)


def test_right_align_to_a_given_width() -> None:
    ids = torch.tensor([[3, 5, 0], [7, 0, 0]])
    found = right_align(ids, torch.tensor([2, 1]), 4)
    assert found.tolist() == [[0, 0, 3, 5], [0, 0, 0, 7]]


@torch.no_grad()
@pytest.mark.parametrize("changes", HARMLESS_WHERE_MASKED, ids=str)
def test_what_stands_in_padding_is_not_seen(changes: dict[str, Any]) -> None:
    """As long as the attention masks it, and every block zeroes it again."""
    plain, changed = build("VanillaAR"), build("VanillaAR", **changes)
    changed.load_state_dict(plain.state_dict())
    if "padding_row" in changes:
        changed.embedding.items.weight[0] = 3.0  # type: ignore[index]
    assert torch.equal(
        changed.full_sort_predict(batch())[:, 1:], plain.full_sort_predict(batch())[:, 1:]
    )


@torch.no_grad()
@pytest.mark.parametrize("position", [False, True])
@pytest.mark.parametrize("row", ["zero", "learned"])
def test_what_stands_in_padding(position: bool, row: str) -> None:
    """sqrt(d) e(PAD) where it is learned, p(slot) where positions are added, else zero."""
    model = build("VanillaAR", position_at_padding=position, padding_row=row)
    ids = padded(LENGTH)
    found = model.embedding(ids, ids != 0)
    expected = torch.zeros(LENGTH, 8)
    if row == "learned":
        expected += 8**0.5 * model.item_table[0]
        assert model.item_table[0].norm() > 0.1
    if position:
        expected += model.embedding.positions.weight  # type: ignore[union-attr]
    empty = ids[3] == 0
    assert empty.sum() == LENGTH - 1
    torch.testing.assert_close(found[3][empty], expected[empty])
    real = 8**0.5 * model.item_table[19] + model.embedding.positions.weight[-1]  # type: ignore[union-attr]
    torch.testing.assert_close(found[3, -1], real)


@torch.no_grad()
def test_attended_padding_against_a_naive_attention() -> None:
    """One block: the newest item looks at w slots, the padded ones zero vectors before the norm."""
    model = build("VanillaAR", n_layers=1, **ATTENDED)
    block, width = model.encoder.blocks[0], 5
    x = torch.zeros(width, 8)
    ids = torch.tensor([[0, 0, 0, 11, 3]])
    positions = model.embedding.positions.weight  # type: ignore[union-attr]
    for slot in (3, 4):
        x[slot] = 8**0.5 * model.item_table[ids[0, slot]] + positions[slot - width]
    normed = block.mixer_norm(x)
    mixer: Any = block.mixer
    query, key, value = mixer.query(normed[-1]), mixer.key(normed), mixer.value(normed)
    weights = torch.stack([query @ k / 8**0.5 for k in key]).softmax(0)
    state = x[-1] + weights @ value
    state = state + block.feed_forward(block.feed_forward_norm(state))
    torch.testing.assert_close(model.newest_state(ids)[0], model.encoder.final_norm(state))


@torch.no_grad()
@pytest.mark.parametrize("direction", ["ar", "ae"])
def test_attended_padding_changes_scores_but_company_does_not(direction: str) -> None:
    """Every batch is as wide as the window: a score depends on the history alone."""
    model = build("VanillaAR", direction=direction, **ATTENDED)
    bare, full = (model.newest_state(padded(width)[1:2]) for width in (4, LENGTH))
    assert (bare - full).abs().max() > 1e-3
    together = model.full_sort_predict(batch())
    torch.testing.assert_close(
        model.full_sort_predict(batch(HISTORIES[1:2], (3,))), together[1:2], rtol=0, atol=1e-6
    )
    torch.testing.assert_close(together[1:2], model.queries(full, None) @ model.item_table[:20].T)


def losses(model: Any, steps: int = 3) -> None:
    """Train for a few steps."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model.calculate_loss(batch(target_count=[5, 3, 1, 1])).backward()
        optimizer.step()


@pytest.mark.parametrize("defect", ["padding_as_class", "remask_padding", "mask_padding", "none"])
def test_the_zero_row_stays_zero(defect: str) -> None:
    value = {"padding_as_class": True, "remask_padding": False, "mask_padding": False}
    model = build("VanillaAR", **({} if defect == "none" else {defect: value[defect]}))
    losses(model)
    assert torch.equal(model.item_table[0], torch.zeros(8))


@pytest.mark.parametrize("reads", [{"mask_padding": False}, {"padding_as_class": True}], ids=str)
def test_a_learned_row_learns(reads: dict[str, Any]) -> None:
    """From the input where the attention sees it, from the softmax where it is a class."""
    model = build("VanillaAR", padding_row="learned", **reads)
    before = model.item_table[0].detach().clone()
    losses(model)
    assert before.norm() > 0.1
    assert (model.item_table[0] - before).norm() > 0.01


def test_a_learned_row_that_nothing_reads_stays_as_drawn() -> None:
    model = build("VanillaAR", padding_row="learned")
    before = model.item_table[0].detach().clone()
    losses(model)
    assert torch.equal(model.item_table[0], before)


@pytest.mark.parametrize(
    ("model", "changes", "line"),
    [
        (
            "FPARec",
            {"position_at_padding": True},
            "position_at_padding: true (from config_dict) needs position_embedding: learned, not "
            "position_embedding: 'none'",
        ),
        (
            "VanillaAR",
            {"padding_row": "learned", "item_id_embedding": False, "item_features": ["genre"]},
            "padding_row: 'learned' (from config_dict) is learned with the items' vectors: not "
            "with item_id_embedding: false",
        ),
        (
            "VanillaAR",
            {"padding_row": "random"},
            "padding_row: 'random' (from config_dict) must be",
        ),
    ],
)
def test_impossible_combinations(model: str, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ExtConfig(model, "shop", config_dict=changes)
    assert str(refused.value).startswith(line)
