"""Several mixers side by side are the sum of each alone."""

from __future__ import annotations

import pytest
import torch
from nn_cases import Case, sequences, vectors
from torch import nn

from recbole_ext.nn.attention import (
    MIXERS,
    MixerSpec,
    Sublayers,
    SumOfMixers,
    SumOfSublayers,
    build_mixer,
)

NAMES = ["dot_product", "positional", "token_mixing"]


@torch.no_grad()
@pytest.mark.parametrize("projection", [False, True])
@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("causal", [True, False])
def test_the_sum_of_the_parts_projected_once(
    causal: bool, last_only: bool, projection: bool
) -> None:
    mixer = Case("+".join(NAMES)).build(causal=causal, output_projection=projection).double()
    assert isinstance(mixer, SumOfMixers)
    assert [type(part) for part in mixer.parts] == [MIXERS[name] for name in NAMES]
    keep = sequences() != 0
    x, values = vectors(keep), vectors(keep, seed=3)
    summed = sum(part(x, values, keep, last_only) for part in mixer.parts)
    expected = mixer.output(summed) * (keep[:, -1:] if last_only else keep).unsqueeze(-1)
    torch.testing.assert_close(mixer(x, values, keep, last_only), expected, rtol=0, atol=1e-9)
    assert all(isinstance(part.output, nn.Identity) for part in mixer.parts)
    assert isinstance(mixer.output, nn.Linear) == projection


@pytest.mark.parametrize("projection", [False, True])
def test_each_part_has_its_own_parameters(projection: bool) -> None:
    spec = MixerSpec(8, 5, 2)
    alone = [sum(p.numel() for p in build_mixer(name, spec).parameters()) for name in NAMES]
    mixer = build_mixer(NAMES, MixerSpec(8, 5, 2, output_projection=projection))
    assert sum(p.numel() for p in mixer.parameters()) == sum(alone) + projection * (8 * 8 + 8)
    twice = build_mixer(["positional", "positional"], spec)
    assert isinstance(twice, SumOfMixers)
    assert not torch.equal(twice.parts[0].table, twice.parts[1].table)


@torch.no_grad()
@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("causal", [True, False])
def test_the_sum_of_sublayers(causal: bool, last_only: bool) -> None:
    """Each part with its own projection, residual and LayerNorm; then the shares."""
    settings = (("sublayers", Sublayers(1e-5, 0.0)), ("shares", (0.2, 0.5, 0.3)))
    mixer = Case("+".join(NAMES), settings).build(causal=causal, output_projection=True).double()
    assert isinstance(mixer, SumOfSublayers) and isinstance(mixer.output, nn.Identity)
    assert all(isinstance(part.output, nn.Linear) for part in mixer.parts)
    keep = sequences() != 0
    x, values = vectors(keep), vectors(keep, seed=3)
    rows = slice(-1, None) if last_only else slice(None)
    expected = sum(
        share * norm(x[:, rows] + part(x, values, keep, last_only))
        for share, norm, part in zip((0.2, 0.5, 0.3), mixer.norms, mixer.parts, strict=True)
    )
    expected = expected * keep[:, rows].unsqueeze(-1)
    torch.testing.assert_close(mixer(x, values, keep, last_only), expected, rtol=0, atol=1e-9)


def test_a_sum_of_sublayers_must_know_of_them() -> None:
    with pytest.raises(ValueError, match="LayerNorm and dropout"):
        SumOfSublayers([MIXERS["linear"]] * 2, MixerSpec(8, 5))


def test_a_list_of_one_is_that_mixer_and_an_empty_one_is_refused() -> None:
    assert type(build_mixer(["positional"], MixerSpec(8, 5))) is MIXERS["positional"]
    with pytest.raises(ValueError, match="no mixer named"):
        build_mixer([], MixerSpec(8, 5))
    with pytest.raises(KeyError):
        build_mixer(["positional", "nothing"], MixerSpec(8, 5))
