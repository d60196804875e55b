"""The costs of the losses: what is timed is what a model computes, and the table of ratios."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F

from benchmarks.losses import FULL, full, long_tail, main, rows, sampled, sampler_of


def test_what_is_timed() -> None:
    torch.manual_seed(0)
    states, table = torch.randn(40, 8).double(), torch.randn(31, 8).double()
    counts = long_tail(30)
    assert counts[0] == 0 and counts[1] == 10_000 and (counts.diff()[1:] <= 0).all()
    targets = torch.multinomial(counts.double(), 40, replacement=True)
    exact = F.cross_entropy(states @ table[1:].T, targets - 1)
    torch.testing.assert_close(full(states, table, targets), exact)
    for sampling in ("uniform", "popularity", "mixed"):
        many = [sampled(sampler_of(sampling, 20_000, counts), states, table, targets)
                for _ in range(5)]  # fmt: skip
        assert torch.stack(many).mean().item() == pytest.approx(exact.item(), rel=0.05)


def test_ratios_are_of_medians() -> None:
    found = rows({FULL: [0.001, 0.010, 0.011], "uniform, 4": [0.002, 0.002, 1.0]})
    assert found == [(FULL, "10.00", "1.000"), ("uniform, 4", "2.00", "0.200")]


def test_a_tiny_table(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--items 50 60 --negatives 4 55 --positions 8 --hidden_size 4 --repeats 2 --threads 1"
    main(words.split())
    shown = capsys.readouterr().out
    assert len(re.findall(r"^\| CE, all items +\|.*\| +1 +\|$", shown, re.MULTILINE)) == 2
    assert shown.count("uniform, 4 ") == 2
    assert shown.count("mixed, 55 ") == 1  # as many negatives as items are left out
