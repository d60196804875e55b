"""Items as sums or joins of their id's vector and of what is known of them, against naive code."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from recbole_ext.nn.embedding import ItemEncoder, ItemPart
from recbole_ext.nn.embedding.parts import NumberPart, TokenPart, VectorPart

N_ITEMS, SIZE = 6, 4
IDS = torch.tensor([[0, 1, 2], [3, 4, 5]])
TOKENS = torch.tensor([[0], [2], [1], [0], [2], [3]])
SEQUENCES = torch.tensor([[0, 0, 0], [1, 2, 0], [3, 0, 0], [0, 0, 0], [2, 2, 1], [1, 2, 3]])
NUMBERS = torch.tensor([[0.0, 0.0], [1.5, -1.0], [0.0, 0.0], [-2.0, 0.5], [0.1, 0.2], [3.0, 0.0]])
VECTORS = torch.tensor([[0.0] * 3, [1.0, 2, 3], [-1.0, 0, 1], [0.0] * 3, [0.5, 0, 0], [4.0, 5, 6]])


def parts() -> list[ItemPart]:
    return [
        TokenPart(TOKENS, 4, SIZE),
        TokenPart(SEQUENCES, 4, SIZE),
        NumberPart(NUMBERS, SIZE),
        VectorPart(VECTORS, SIZE, frozen=True),
    ]


def encoder(**changes: bool) -> ItemEncoder:
    torch.manual_seed(0)
    built = ItemEncoder(N_ITEMS, SIZE, parts(), **changes)
    built.initialize(0.5)
    return built


def tensors(part: ItemPart) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in part.named_parameters()}


def naive_token(part: ItemPart, item: int) -> Tensor:
    return tensors(part)["table.weight"][TOKENS[item, 0]]


def naive_sequence(part: ItemPart, item: int) -> Tensor:
    real = [value for value in SEQUENCES[item].tolist() if value]
    table = tensors(part)["table.weight"]
    return sum((table[value] for value in real), torch.zeros(SIZE)) / max(len(real), 1)


def naive_number(part: ItemPart, item: int) -> Tensor:
    first, second = tensors(part)["vectors"]
    return NUMBERS[item, 0] * first + NUMBERS[item, 1] * second


def naive_vector(part: ItemPart, item: int) -> Tensor:
    return tensors(part)["project.weight"] @ VECTORS[item]


NAIVE: list[Callable[[ItemPart, int], Tensor]] = [
    naive_token,
    naive_sequence,
    naive_number,
    naive_vector,
]


def naive_parts(built: ItemEncoder, item: int) -> list[Tensor]:
    return [naive(part, item) for naive, part in zip(NAIVE, built.parts, strict=True)]  # type: ignore[arg-type]


@pytest.mark.parametrize("which", range(4))
def test_a_part_is_what_naive_code_makes_of_it(which: int) -> None:
    part = encoder().parts[which]
    assert isinstance(part, ItemPart)
    found = part(IDS).detach()
    assert found.shape == (2, 3, SIZE)
    for item in range(N_ITEMS):
        expected = NAIVE[which](part, item)
        torch.testing.assert_close(found.view(-1, SIZE)[item], expected)
        assert expected.any() == (item in (1, 2, 4, 5) and (which != 2 or item != 2)) or which == 2
    assert not found[0, 0].any()


@torch.no_grad()
@pytest.mark.parametrize("learned_ids", [True, False])
@pytest.mark.parametrize("concat", [True, False])
def test_vectors_are_added_or_mapped_side_by_side(concat: bool, learned_ids: bool) -> None:
    built = encoder(concat=concat, learned_ids=learned_ids)
    found = built(IDS).view(-1, SIZE)
    for item in range(N_ITEMS):
        vectors = naive_parts(built, item)
        if built.weight is not None:
            vectors.insert(0, built.weight[item])
        expected = torch.stack(vectors).sum(0)
        if concat:
            assert built.combine is not None
            expected = built.combine.weight @ torch.cat(vectors)
        torch.testing.assert_close(found[item], expected)
    assert not found[0].any()
    torch.testing.assert_close(built.table(), found)


@torch.no_grad()
def test_items_are_scored_with_their_parts_or_without() -> None:
    without = encoder(parts_in_scores=False)
    assert without.table() is without.weight
    assert (encoder().table() - without.table()).abs().max() > 0.1
    assert torch.equal(encoder()(IDS), without(IDS))


def test_without_parts_it_is_a_plain_embedding() -> None:
    torch.manual_seed(0)
    built, plain = ItemEncoder(N_ITEMS, SIZE), torch.nn.Embedding(N_ITEMS, SIZE, padding_idx=0)
    assert list(built.state_dict()) == ["weight"]
    assert built.table() is built.weight
    plain.weight.data.copy_(built.weight.data)  # type: ignore[union-attr]
    assert torch.equal(built(IDS), plain(IDS))
    built(IDS).square().sum().backward()
    plain(IDS).square().sum().backward()
    assert torch.equal(built.weight.grad, plain.weight.grad)  # type: ignore[union-attr,arg-type]


def test_an_item_needs_something_to_be_scored_with() -> None:
    with pytest.raises(ValueError, match="without learned ids"):
        ItemEncoder(N_ITEMS, SIZE, learned_ids=False)
    with pytest.raises(ValueError, match="without learned ids"):
        ItemEncoder(N_ITEMS, SIZE, parts(), learned_ids=False, parts_in_scores=False)


@pytest.mark.parametrize("frozen", [True, False])
def test_given_vectors_learn_unless_frozen_and_padding_never(frozen: bool) -> None:
    part = VectorPart(VECTORS, SIZE, frozen)
    part(IDS).sum().backward()
    assert ("vectors" in dict(part.named_parameters())) is not frozen
    assert "vectors" in part.state_dict()
    if not frozen:
        assert part.vectors.grad is not None
        assert part.vectors.grad.any(1).tolist() == [False, *[True] * 5]


def test_vectors_of_the_models_width_are_taken_as_they_are() -> None:
    part = VectorPart(VECTORS, 3, frozen=True)
    assert torch.equal(part(IDS).view(-1, 3), VECTORS)
    assert not list(part.parameters())


def test_every_parameter_learns_and_missing_values_do_not() -> None:
    built = encoder(concat=True)
    built.table().square().sum().backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
        if name == "weight" or name.endswith("table.weight"):
            assert not parameter.grad[0].any(), name
