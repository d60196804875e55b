"""The fused linear cross-entropy against torch's, values and gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn import losses
from recbole_ext.nn.losses import default_chunk, linear_cross_entropy

ROWS = 41
CLASSES = [(0, None), (1, None), (1, ROWS - 1)]


def data(
    positions: int, dtype: torch.dtype, first: int = 0, last: int | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """hidden [P, 6], table [41, 6], targets [P] with a repeated one, weights [P] with a zero."""
    generator = torch.Generator().manual_seed(4)
    hidden = 2 * torch.randn(positions, 6, generator=generator, dtype=dtype)
    table = torch.randn(ROWS, 6, generator=generator, dtype=dtype)
    targets = torch.randint(first, last or ROWS, (positions,), generator=generator)
    targets[1:3] = targets[:1]
    weights = torch.rand(positions, generator=generator, dtype=dtype)
    weights[1:2] = 0.0
    return hidden.requires_grad_(), table.requires_grad_(), targets, weights


def plain(
    hidden: Tensor,
    table: Tensor,
    targets: Tensor,
    weights: Tensor | None,
    first: int = 0,
    last: int | None = None,
) -> Tensor:
    """The same through all logits and autograd."""
    each = F.cross_entropy(hidden @ table[first:last].T, targets - first, reduction="none")
    if weights is None:
        return each.sum() / max(len(each), 1)
    return (each * weights).sum()


def gradients(loss: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, inputs, retain_graph=True)


@pytest.mark.parametrize(("first", "last"), CLASSES)
@pytest.mark.parametrize("chunk", [2, 5, 100])
@pytest.mark.parametrize("weighted", [True, False])
def test_gradcheck(weighted: bool, chunk: int, first: int, last: int | None) -> None:
    hidden, table, targets, weights = data(5, torch.float64, first, last)

    def loss(h: Tensor, e: Tensor) -> Tensor:
        given = weights if weighted else None
        return linear_cross_entropy(
            h, e, targets, given, first_class=first, last_class=last, chunk_size=chunk
        )

    assert torch.autograd.gradcheck(loss, (hidden, table))


@pytest.mark.parametrize(("first", "last"), CLASSES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("chunk", [1, 7, 64, 1000, None])
@pytest.mark.parametrize("positions", [0, 1, 64, 130])
def test_float32_equals_torch(
    positions: int, chunk: int | None, weighted: bool, first: int, last: int | None
) -> None:
    hidden, table, targets, weights = data(positions, torch.float32, first, last)
    given = weights if weighted else None
    ours = linear_cross_entropy(
        hidden, table, targets, given, precision="float32",
        first_class=first, last_class=last, chunk_size=chunk,
    )  # fmt: skip
    expected = plain(hidden, table, targets, given, first, last)
    assert ours.shape == () and ours.dtype == torch.float32
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    for a, b in zip(
        gradients(ours, hidden, table), gradients(expected, hidden, table), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("first", "last"), CLASSES)
def test_rows_outside_the_classes_get_no_gradient(first: int, last: int | None) -> None:
    hidden, table, targets, _ = data(64, torch.float32, first, last)
    loss = linear_cross_entropy(hidden, table, targets, first_class=first, last_class=last)
    (gradient,) = gradients(loss, table)
    touched = gradient.abs().amax(-1) > 0
    assert touched[first:last].all() and int(touched.sum()) == len(table[first:last])


@pytest.mark.parametrize("chunk", [2, 100])
def test_gradients_to_tied_weights_accumulate(chunk: int) -> None:
    """The table embeds the inputs and scores the outputs, and has a gradient from elsewhere."""
    torch.manual_seed(0)
    embedding = nn.Embedding(ROWS, 6, padding_idx=0)
    ids, targets = torch.tensor([3, 0, 7, 3]), torch.tensor([7, 3, 3, 40])

    def gradient(loss: Tensor) -> Tensor:
        embedding.zero_grad()
        embedding.weight.square().sum().backward()
        loss.backward()
        assert embedding.weight.grad is not None
        return embedding.weight.grad.clone()

    states = embedding(ids).tanh()
    ours = linear_cross_entropy(
        states, embedding.weight, targets, first_class=1, chunk_size=chunk, precision="float32"
    )
    expected = plain(embedding(ids).tanh(), embedding.weight, targets, None, first=1)
    torch.testing.assert_close(gradient(ours), gradient(expected))


def test_backward_scales_and_accumulates() -> None:
    hidden, table, targets, weights = data(20, torch.float64)
    loss = linear_cross_entropy(hidden, table, targets, weights, chunk_size=7)
    once = gradients(loss, hidden, table)
    for factor in (-3.0, 0.0, 0.5):
        for a, b in zip(gradients(factor * loss, hidden, table), once, strict=True):
            torch.testing.assert_close(a, factor * b)
    loss.backward(retain_graph=True)
    loss.backward()
    torch.testing.assert_close(hidden.grad, 2 * once[0])
    torch.testing.assert_close(table.grad, 2 * once[1])


def test_a_second_derivative_is_refused_not_wrong() -> None:
    """The gradients are formed in the forward pass: as constants they would be wrong here."""
    hidden, table, targets, weights = data(5, torch.float64)
    loss = linear_cross_entropy(hidden, table, targets, weights)
    (gradient,) = torch.autograd.grad(loss.square(), hidden, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_no_positions_no_loss() -> None:
    hidden, table, targets, _ = data(0, torch.float32)
    loss = linear_cross_entropy(hidden, table, targets)
    loss.backward()
    assert loss.item() == 0.0
    assert hidden.grad is not None and hidden.grad.shape == (0, 6)
    assert table.grad is not None and not table.grad.any()


@pytest.mark.parametrize(
    ("bad", "first", "last"), [(-1, 0, None), (ROWS, 0, None), (0, 1, None), (40, 1, 40)]
)
def test_a_target_outside_the_classes_is_an_error(bad: int, first: int, last: int | None) -> None:
    hidden, table, targets, _ = data(5, torch.float32, 1, 40)
    targets[3] = bad
    with pytest.raises(
        ValueError, match=rf"target lies outside the classes \[{first}, {last or 41}"
    ):
        linear_cross_entropy(hidden, table, targets, first_class=first, last_class=last)


def test_padding_as_a_class_is_one_more_logit_of_zero() -> None:
    hidden, table, targets, weights = data(30, torch.float64, first=1)
    with torch.no_grad():
        table[0] = 0.0
    logits = hidden @ table[1:].T
    sums = torch.cat([logits, logits.new_zeros(30, 1)], 1).logsumexp(1)
    expected = ((sums - logits.gather(1, targets[:, None] - 1)[:, 0]) * weights).sum()
    ours = linear_cross_entropy(hidden, table, targets, weights, first_class=0)
    torch.testing.assert_close(ours, expected)
    assert ours > linear_cross_entropy(hidden, table, targets, weights, first_class=1)


def test_huge_logits_overflow_nowhere() -> None:
    hidden, table, targets, _ = data(10, torch.float32)
    big = (hidden.detach() * 1e4).requires_grad_()
    ours = linear_cross_entropy(big, table, targets, precision="float32")
    torch.testing.assert_close(ours, plain(big, table, targets, None))
    assert all(g.isfinite().all() for g in gradients(ours, big, table))


@pytest.mark.parametrize("behind", [0.0, 30.0, 68.0, 69.0, 70.0, 87.0, 88.0, 90.0, 800.0])
def test_a_target_far_behind_the_best(behind: float) -> None:
    """Where exp(largest logit - the target's) leaves float32's range the softmax serves."""
    hidden, table, targets, weights = data(12, torch.float64)
    with torch.no_grad():
        table.mul_(0.1)
        table[:, 5], hidden[:, 5] = 0.0, 1.0
        best = (targets[0] + 1) % ROWS
        table[best, 5] = behind
    small = [x.detach().float().requires_grad_() for x in (hidden, table)]
    expected = plain(hidden, table, targets, weights)
    ours = linear_cross_entropy(*small, targets, weights.float(), chunk_size=5, precision="float32")
    torch.testing.assert_close(ours.double(), expected, rtol=1e-6, atol=1e-6)
    for found, right in zip(
        gradients(ours, *small), gradients(expected, hidden, table), strict=True
    ):
        torch.testing.assert_close(found.double(), right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("classes", [1, 1000, 12_101, 57_289, 10**7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_chunk_fits_its_budget(dtype: torch.dtype, classes: int) -> None:
    chunk = default_chunk(classes, dtype, torch.device("cpu"))
    assert chunk % 64 == 0 and chunk >= 64
    budget = losses.CPU_CHUNK_BYTES.get(dtype, losses.CPU_CHUNK_BYTES_EXACT)
    assert chunk == 64 or chunk * classes * dtype.itemsize <= budget
