"""How many parameters a mixer has, how they start, and what FPARec's factors can represent."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nn_cases import CASES, LENGTH, Case, build_net, sequences
from torch import nn

from recbole_ext.nn.attention import build_mixer
from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.factorized import FactorizedPositionalAttention
from recbole_ext.nn.attention.positional import PositionalAttention


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def without_biases(module: nn.Module) -> int:
    """As the papers count: the bias vectors of the maps left out."""
    return sum(p.numel() for name, p in module.named_parameters() if not name.endswith("bias"))


@pytest.mark.parametrize(
    ("mixer", "n", "k", "expected"),
    [
        ("dot_product", 50, 40, 7_500),
        ("dot_product", 500, 40, 7_500),
        ("linear", 200, 40, 7_500),
        ("positional", 50, 40, 5_000),
        ("positional", 200, 40, 42_500),
        ("factorized_positional", 500, 40, 42_500),
        ("factorized_positional", 200, 40, 18_500),
        ("fixed_pattern", 200, 40, 2_500),
        ("relative_positional", 200, 40, 2_700),
        ("token_mixing", 50, 40, 5_000),
    ],
)
def test_the_counts_of_the_paper(mixer: str, n: int, k: int, expected: int) -> None:
    spec = MixerSpec(50, n, factor_rank=k)
    assert without_biases(build_mixer(mixer, spec)) == expected
    assert count(build_mixer(mixer, replace(spec, value_bias=False))) == expected + (
        100 if mixer in ("dot_product", "linear") else 0
    )


@settings(max_examples=30, deadline=None)
@given(
    head_size=st.integers(1, 8),
    h=st.integers(1, 4),
    n=st.integers(1, 20),
    k=st.integers(1, 20),
    causal=st.booleans(),
)
def test_table_1(head_size: int, h: int, n: int, k: int, causal: bool) -> None:
    """Table 1 of the paper, with h heads; a longer sequence costs dot product nothing."""
    d = head_size * h
    spec = MixerSpec(d, n, h, factor_rank=k, causal=causal)
    formulas = {
        "dot_product": 3 * d * d,
        "linear": 3 * d * d,
        "positional": d * d + h * n * n,
        "factorized_positional": d * d + 2 * h * n * k,
        "relative_positional": d * d + h * (n if causal else 2 * n - 1),
        "fixed_pattern": d * d,
        "token_mixing": d * d + h * n * n,
    }
    for mixer, expected in formulas.items():
        assert without_biases(build_mixer(mixer, spec)) == expected
        with_output = build_mixer(mixer, replace(spec, output_projection=True))
        assert count(with_output) == count(build_mixer(mixer, spec)) + d * d + d


@pytest.mark.parametrize("h", [1, 5])
def test_scores_start_small_and_equally_spread(h: int) -> None:
    torch.manual_seed(0)
    positional = build_mixer("positional", MixerSpec(50, 200, h))
    assert isinstance(positional, PositionalAttention)
    assert positional.table.abs().max() <= 0.02
    assert 0.0085 < positional.table.std() < 0.0105
    for k in (1, 8, 40):
        mixer = build_mixer("factorized_positional", MixerSpec(50, 200, h, factor_rank=k))
        assert isinstance(mixer, FactorizedPositionalAttention)
        torch.testing.assert_close(
            mixer.query_slots.std(), torch.tensor(0.1 / k**0.25), rtol=0.1, atol=0
        )
        torch.testing.assert_close(
            mixer.scores(200, 200).std(), torch.tensor(0.01), rtol=0.15, atol=0
        )


@torch.no_grad()
@pytest.mark.parametrize("heads", [1, 2])
def test_factors_of_full_rank_represent_any_scores(heads: int) -> None:
    """FPARec with k = n: the singular value decomposition of PARec's table gives equal states."""
    free = build_net(Case("positional"), n_heads=heads)
    factorized = build_net(Case("factorized_positional"), n_heads=heads, factor_rank=LENGTH, seed=1)
    state = free.state_dict()
    for name in [name for name in state if name.endswith("mixer.table")]:
        left, singular, right = torch.linalg.svd(state.pop(name))
        root = singular.sqrt().unsqueeze(-2)
        state[name.replace("table", "query_slots")] = left * root
        state[name.replace("table", "key_slots")] = right.transpose(1, 2) * root
    factorized.load_state_dict(state)
    ids = sequences()
    torch.testing.assert_close(factorized(ids), free(ids), rtol=0, atol=1e-5)
    narrow = ids[2:, 3:]
    torch.testing.assert_close(factorized(narrow), free(narrow), rtol=0, atol=1e-5)


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_gradient_reaches_every_parameter(case: Case, causal: bool, heads: int) -> None:
    net = build_net(case, n_heads=heads, causal=causal, output_projection=True).double()
    ids = sequences()
    net(ids)[ids != 0].pow(3).sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        # q·b is one number for all keys of a query: no softmax can tell.
        assert parameter.grad.abs().max() > 1e-9 or name.endswith("key.bias"), name
