"""Duality's parts against what they say: bank, sequences of users, consistency, no leakage."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_ext.nn.attention import MixerSpec, build_mixer
from recbole_ext.nn.block import BlockStyle
from recbole_ext.nn.duality import (
    CONSISTENCIES,
    Consistency,
    DualEncoder,
    Duality,
    ItemUsers,
    VectorBank,
)
from recbole_ext.nn.encoder import Encoder
from recbole_ext.nn.feed_forward import FeedForward

D = 6
N_USERS = 12  # PAD included
SEQUENCES: tuple[tuple[int, ...], ...] = ((), (3, 5, 1), (2,), (), (9, 8, 7, 6, 5, 4, 3, 2))


def item_users(max_users: int = 5) -> ItemUsers:
    lengths = torch.tensor([len(users) for users in SEQUENCES])
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    return ItemUsers(torch.tensor(sum(SEQUENCES, ())), offsets, max_users)


def allowed(*out: int) -> Tensor:
    return torch.ones(N_USERS, dtype=torch.bool).index_fill(0, torch.tensor(out or (0,)), False)


def dual_encoder(max_users: int = 5) -> DualEncoder:
    spec = MixerSpec(hidden_size=D, max_length=max_users)
    encoder = Encoder(
        1, D, lambda: build_mixer("dot_product", spec), lambda: FeedForward(D, D, "relu", 0.0),
        BlockStyle(),
    )  # fmt: skip
    return DualEncoder(encoder, D, D, max_users, dropout=0.0, std=0.5)


def duality(kind: str = "cosine", n_items: int = 9, stopped: str = "none") -> Duality:
    torch.manual_seed(3)
    consistency = Consistency(kind, stopped, 0.5)
    built = Duality(VectorBank(N_USERS, D), item_users(), dual_encoder(), consistency, n_items)
    built.bank.write(torch.arange(1, N_USERS), torch.randn(N_USERS - 1, D))
    return built


@pytest.fixture
def items() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(len(SEQUENCES), D)


class TestBank:
    def test_of_an_id_that_comes_twice_the_later_row_stays(self) -> None:
        bank = VectorBank(5, 2)
        rows = torch.arange(8.0).view(4, 2)
        bank.write(torch.tensor([3, 1, 3, 4]), rows)
        assert bank(torch.tensor([1, 3, 4])).equal(rows[1:])
        assert bank.known.tolist() == [False, True, False, True, True]
        assert not bank.vectors[[0, 2]].any()

    def test_it_is_saved_and_not_trained(self) -> None:
        bank, other = VectorBank(4, 2), VectorBank(4, 2)
        bank.write(torch.tensor([2]), torch.ones(1, 2, requires_grad=True) * 3)
        assert not list(bank.parameters())
        assert not bank.vectors.requires_grad
        other.load_state_dict(bank.state_dict())
        assert other.vectors.equal(bank.vectors) and other.known.equal(bank.known)


class TestItemUsers:
    def test_by_hand(self) -> None:
        found = item_users()(torch.tensor([1, 4, 3, 2]), allowed(5))
        assert found.tolist() == [[0, 0, 3, 1], [6, 4, 3, 2], [0, 0, 0, 0], [0, 0, 0, 2]]

    def test_only_the_newest_are_read_and_the_width_is_the_longest(self) -> None:
        assert item_users(3)(torch.tensor([4, 2]), allowed()).tolist() == [[4, 3, 2], [0, 0, 2]]
        assert item_users(3)(torch.tensor([4]), allowed(4, 2)).tolist() == [[3]]  # 5 was not read

    @pytest.mark.parametrize("picked", [[], [3, 2]])
    def test_nobody_is_left(self, picked: list[int]) -> None:
        found = item_users()(torch.tensor(picked, dtype=torch.int64), allowed(2))
        assert found.shape == (len(picked), 0)

    @pytest.mark.parametrize("out", [(1,), (2, 3), (9, 6, 2), tuple(range(12))], ids=str)
    def test_against_lists(self, out: tuple[int, ...]) -> None:
        found = item_users(6)(torch.arange(1, 5), allowed(*out))
        for row, users in zip(found.tolist(), SEQUENCES[1:], strict=True):
            wanted = [user for user in users[-6:] if user not in out]
            assert row == [0] * (len(row) - len(wanted)) + wanted

    def test_it_is_the_datas_and_not_saved(self) -> None:
        assert not item_users().state_dict()


class TestConsistency:
    def test_each_by_hand(self) -> None:
        dual = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
        item = torch.tensor([[1.0, 0.0], [0.0, -1.0], [1.0, 0.0]])
        assert Consistency("cosine")(dual, item).item() == pytest.approx((0 + 2 + 0.4) / 3)
        assert Consistency("mse")(dual, item).item() == pytest.approx((1 + 4 + 4 + 16) / 6)
        cosines = [[1, 0, 1], [0, -1, 0], [0.6, -0.8, 0.6]]
        wanted = [
            math.log(sum(math.exp(c / 0.5) for c in row)) - row[i] / 0.5
            for i, row in enumerate(cosines)
        ]
        found = Consistency("infonce", temperature=0.5)(dual, item).item()
        assert found == pytest.approx(sum(wanted) / 3)

    @pytest.mark.parametrize("kind", CONSISTENCIES)
    def test_no_gradient_reaches_the_stopped_side(self, kind: str) -> None:
        for stopped, reached in {"none": (1, 1), "item": (1, 0), "dual": (0, 1)}.items():
            torch.manual_seed(0)
            sides = [torch.randn(3, D, requires_grad=True) for _ in range(2)]
            Consistency(kind, stopped, 0.5)(*sides).backward()
            norms = [0.0 if side.grad is None else side.grad.norm().item() for side in sides]
            assert tuple(norm > 1e-3 for norm in norms) == reached

    def test_unknown_names(self) -> None:
        for names in (("cos", "none"), ("mse", "both")):
            with pytest.raises(ValueError, match="no consistency"):
                Consistency(*names)


class TestDuality:
    @pytest.mark.parametrize("kind", CONSISTENCIES)
    def test_a_user_of_the_batch_does_not_matter(self, kind: str, items: Tensor) -> None:
        """Neither the bank's row nor whether there is one; of anyone else's the loss depends."""
        part = duality(kind)
        present = torch.tensor([3, 5])
        part.bank.vectors.requires_grad_()
        torch.manual_seed(0)  # the order in which items are drawn moves the last digit
        loss = part(torch.tensor([1, 4, 4]), present, items.__getitem__)
        (gradient,) = torch.autograd.grad(loss, part.bank.vectors)
        reached = gradient.norm(dim=1) > 1e-5
        assert reached.nonzero().flatten().tolist() == [1, 2, 4, 6]  # 5 newest, less 3 and 5
        with torch.no_grad():
            part.bank.vectors[present] = 100.0
            part.bank.known[present] = False
            torch.manual_seed(0)
            assert part(torch.tensor([1, 4, 4]), present, items.__getitem__).equal(loss)

    def test_the_test_above_would_see_a_leak(self, items: Tensor) -> None:
        part = duality()
        part.bank.vectors.requires_grad_()
        loss = part(torch.tensor([1, 4]), torch.tensor([0]), items.__getitem__)
        (gradient,) = torch.autograd.grad(loss, part.bank.vectors)
        assert (gradient[[3, 5]].norm(dim=1) > 1e-5).all()

    def test_against_one_item_at_a_time(self, items: Tensor) -> None:
        """Padding, other items of the step and users taken out leave no trace."""
        part, present = duality(), torch.tensor([5, 11])
        wanted = []
        for item in (1, 2, 4):
            users = torch.tensor([u for u in SEQUENCES[item][-5:] if u not in (5, 11)])
            vectors = part.bank(users).unsqueeze(0)
            dual = part.encoder(vectors, torch.ones(1, len(users), dtype=torch.bool))
            wanted.append(1 - F.cosine_similarity(dual[0], items[item], dim=0))
        found = part(torch.tensor([4, 2, 1, 3, 4]), present, items.__getitem__)  # 3 has no users
        torch.testing.assert_close(found, torch.stack(wanted).mean())

    def test_a_user_without_a_vector_is_left_out(self, items: Tensor) -> None:
        part = duality()
        part.bank.known[[1, 4]] = False
        found = part(torch.tensor([1, 4]), torch.tensor([0]), items.__getitem__)
        part.bank.known[[1, 4]] = True
        torch.testing.assert_close(
            found, part(torch.tensor([1, 4]), torch.tensor([1, 4]), items.__getitem__)
        )

    def test_nobody_is_known_at_first(self, items: Tensor) -> None:
        part = Duality(VectorBank(N_USERS, D), item_users(), dual_encoder(), Consistency("mse"), 4)
        assert part(torch.tensor([1, 2, 4]), torch.tensor([0]), items.__getitem__).item() == 0.0

    def test_items_are_drawn_without_repetition(self) -> None:
        part = duality(n_items=3)
        drawn = [part.pick(torch.tensor([7, 7, 7, 2, 4, 4, 9])).tolist() for _ in range(50)]
        assert all(len(set(one)) == 3 for one in drawn)
        assert {item for one in drawn for item in one} == {2, 4, 7, 9}
        assert sorted(duality().pick(torch.tensor([2, 2, 1])).tolist()) == [1, 2]

    def test_the_order_of_users_counts(self, items: Tensor) -> None:
        part, last = duality(), torch.tensor([2])
        before = part(torch.tensor([1]), last, items.__getitem__)
        part.bank.vectors[[3, 5]] = part.bank.vectors[[5, 3]]
        assert abs(part(torch.tensor([1]), last, items.__getitem__) - before) > 1e-4
