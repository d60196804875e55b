"""Items as codes: vectors, scores and the best items against the dense table they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recbole_ext.nn import codes as module
from recbole_ext.nn.catalogue import CodeCatalogue, CrossEntropy, TableCatalogue
from recbole_ext.nn.codes import CodePart, code_scores, smallest_dtype, top_by_codes
from recbole_ext.nn.negatives import Negatives

V, M, K, D, P = 301, 4, 7, 12, 5
COMBINATIONS = pytest.mark.parametrize("concat", [False, True], ids=["sum", "concat"])
CANDIDATES = CrossEntropy((1, V), "float32")


def part(concat: bool, seed: int = 0, dtype: torch.dtype = torch.float32) -> CodePart:
    torch.manual_seed(seed)
    made = CodePart(torch.randint(K, (V, M)).to(torch.uint8), K, D, concat)
    made.initialize(1.0)
    return made.to(dtype)


def vectors_by_hand(made: CodePart) -> Tensor:
    """[V, d], item by item."""
    rows = [torch.zeros(D, dtype=made.weight.dtype)]
    for item in range(1, V):
        found = [made.weight[level, int(made.codes[item, level])] for level in range(M)]
        rows.append(torch.cat(found) if made.concat else torch.stack(found).sum(0))
    return torch.stack(rows)


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven items at a time."""
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 7 * P * 4)


@COMBINATIONS
def test_vectors(concat: bool) -> None:
    made = part(concat)
    ids = torch.arange(V)
    torch.testing.assert_close(made(ids), vectors_by_hand(made))
    torch.testing.assert_close(made(ids.view(7, 43))[3], made(ids[129:172]))
    assert not made(torch.tensor(0)).any()


@COMBINATIONS
def test_initial_vectors_have_the_deviation_asked_for(concat: bool) -> None:
    torch.manual_seed(0)
    made = CodePart(torch.randint(256, (5000, 8)), 256, 64, concat)
    made.initialize(0.02)
    assert made(torch.arange(1, 5000)).std().item() == pytest.approx(0.02, rel=0.02)


@COMBINATIONS
@pytest.mark.usefixtures("slices")
def test_scores_are_those_of_the_table(concat: bool) -> None:
    made, queries = part(concat), torch.randn(P, D)
    expected = queries @ vectors_by_hand(made).T
    torch.testing.assert_close(
        code_scores(made.partial(queries), made.codes), expected, rtol=1e-5, atol=1e-5
    )


@COMBINATIONS
@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("k", [1, 3, 40, 300])
def test_the_best_are_those_of_the_table(concat: bool, k: int) -> None:
    made, queries = part(concat), torch.randn(P, D)
    rows = torch.tensor([0, 0, 2, 2, 4, 4])
    best = (queries @ vectors_by_hand(made).T)[:, 1:].argmax(1) + 1
    banned = (rows, torch.tensor([int(best[0]), 0, int(best[2]), 9, int(best[4]), int(best[4])]))
    table = TableCatalogue(vectors_by_hand(made).detach())
    values, ids = CodeCatalogue(made).top(queries, V, k, banned)
    expected, wanted = table.top(queries, V, k, banned)
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-5)
    distinct = wanted[:, : min(k, 20)]  # further down, equal items and near ones change places
    same = (ids[:, : min(k, 20)] == distinct).double().mean()
    assert same > 0.95
    assert not (ids[0] == best[0]).any() and not (ids[values > -torch.inf] == 0).any()
    torch.testing.assert_close(
        code_scores(made.partial(queries), made.codes).gather(1, ids)[1], values[1]
    )


@pytest.mark.usefixtures("slices")
def test_equal_items_stand_in_the_order_of_their_ids() -> None:
    """Small whole numbers: sums are exact, ties are many and across slices."""
    torch.manual_seed(1)
    partial = torch.randint(3, (P, M, K)).float()
    item_codes = torch.randint(K, (V, M))
    scores = code_scores(partial, item_codes)
    values, ids = top_by_codes(partial, item_codes, 25)
    for row in range(P):
        order = sorted(range(1, V), key=lambda item: (-float(scores[row, item]), item))[:25]
        assert ids[row].tolist() == order
        assert values[row].tolist() == [float(scores[row, item]) for item in order]


def test_fewer_items_than_places() -> None:
    partial = torch.ones(2, 1, 2)
    banned = (torch.tensor([0, 0]), torch.tensor([1, 3]))
    values, ids = top_by_codes(partial, torch.zeros(4, 1, dtype=torch.uint8), 3, banned)
    assert values.tolist() == [[1.0, -torch.inf, -torch.inf], [1.0, 1.0, 1.0]]
    assert (ids[0, 0].item(), ids[1].tolist()) == (2, [1, 2, 3])


@pytest.mark.usefixtures("slices")
def test_a_nan_is_not_passed_over() -> None:
    partial = torch.rand(P, M, K)
    partial[3, 2, 4] = torch.nan
    values, _ = top_by_codes(partial, torch.randint(K, (V, M)), 5)
    assert values[3].isnan().any() and not values[:3].isnan().any()


@COMBINATIONS
@pytest.mark.parametrize("shape", [(6,), (P, 6)], ids=["shared", "a draw each"])
def test_sampled_scores_and_pairs(concat: bool, shape: tuple[int, ...]) -> None:
    made, queries = part(concat), torch.randn(P, D)
    targets, drawn = torch.randint(1, V, (P,)), torch.randint(1, V, shape)
    negatives = Negatives(drawn, torch.zeros(shape))
    table = TableCatalogue(vectors_by_hand(made))
    ours, theirs = (c.sampled(queries, targets, negatives) for c in (CodeCatalogue(made), table))
    torch.testing.assert_close(ours.negative, theirs.negative)
    torch.testing.assert_close(ours.target, theirs.target)
    torch.testing.assert_close(
        CodeCatalogue(made).pairs(queries, targets), table.pairs(queries, targets)
    )


@COMBINATIONS
@pytest.mark.parametrize("chunk", [None, 1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_and_its_gradients_are_those_of_the_table(
    concat: bool, chunk: int | None, weighted: bool
) -> None:
    """In float64, down to the code vectors and the queries."""
    made = part(concat, dtype=torch.float64)
    queries = torch.randn(P, D, dtype=torch.float64, requires_grad=True)
    targets, weights = torch.tensor([1, 300, 17, 17, 5]), torch.rand(P) if weighted else None
    how = CrossEntropy((1, V), "float32", chunk)
    found = []
    for catalogue in (CodeCatalogue(made), TableCatalogue(vectors_by_hand(made))):
        loss = 3.0 * catalogue.cross_entropy(queries, targets, weights, how)
        found.append((loss, *torch.autograd.grad(loss, (queries, made.weight))))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    plain = torch.nn.functional.cross_entropy(
        queries @ vectors_by_hand(made)[1:].T, targets - 1, reduction="none"
    )
    share = torch.full((P,), 1 / P) if weights is None else weights
    torch.testing.assert_close(found[0][0], 3.0 * (plain * share).sum())


def test_an_empty_batch_has_loss_0() -> None:
    made = part(False)
    loss = CodeCatalogue(made).cross_entropy(
        torch.zeros(0, D), torch.zeros(0, dtype=torch.long), None, CANDIDATES
    )
    loss.backward()
    assert loss.item() == 0.0 and made.weight.grad is not None and not made.weight.grad.any()


@pytest.mark.parametrize("target", [0, V])
def test_a_target_that_is_no_item(target: int) -> None:
    with pytest.raises(ValueError, match=rf"outside the classes \[1, {V}\)"):
        CodeCatalogue(part(False)).cross_entropy(
            torch.zeros(1, D), torch.tensor([target]), None, CANDIDATES
        )


def test_codes_are_kept_narrow() -> None:
    dtypes = [smallest_dtype(size) for size in (2, 256, 257, 2**15, 2**15 + 1)]
    assert dtypes == [torch.uint8, torch.uint8, torch.int16, torch.int16, torch.int32]


def test_concatenated_codes_must_share_the_width() -> None:
    with pytest.raises(ValueError, match="5 codes cannot share a width of 12"):
        CodePart(torch.zeros(3, 5, dtype=torch.uint8), K, D, concat=True)
