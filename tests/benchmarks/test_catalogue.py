"""The catalogue of millions, with a few items: its data, and that real training and ranking run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import catalogue

pytestmark = pytest.mark.usefixtures("quiet_place")
SMALL = ["--items=300", "--users=40", "--steps=3", "--ranked=7", "--at_once=3", "--n_codes=2",
         "--codebook_size=8", "--hidden_size=8", "--negatives=20", "--batch=10", "--length=6",
         "--threads=1"]  # fmt: skip


def test_every_user_has_a_window_of_targets_and_two_held_out() -> None:
    store = catalogue.synthetic_store(catalogue.parser().parse_args(SMALL))
    assert store.lengths.tolist() == [0] + [9] * 40
    assert (store.n_items, store.items.min() >= 1, store.items.max() <= 300) == (301, True, True)


@pytest.mark.parametrize("codes", ["random", "rq"])
def test_training_moves_the_codes_vectors_and_ranking_leaves_out_the_history(
    codes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = catalogue.parser().parse_args([*SMALL, f"--codes={codes}"])
    asked: list[tuple[int, torch.Tensor]] = []
    losses: list[float] = []
    top, loss = catalogue.TokenizedSASRec.top_items, catalogue.TokenizedSASRec.calculate_loss

    def watched_top(self, batch, k, banned):  # type: ignore[no-untyped-def]
        values, ids = top(self, batch, k, banned)
        seen = {(int(row), int(item)) for row, item in zip(*banned, strict=True)}
        assert not seen & {(row, item) for row in range(len(ids)) for item in ids[row].tolist()}
        asked.append((len(ids), values))
        return values, ids

    def watched_loss(self, batch):  # type: ignore[no-untyped-def]
        found = loss(self, batch)
        losses.append(float(found.detach()))
        return found

    monkeypatch.setattr(catalogue.TokenizedSASRec, "top_items", watched_top)
    monkeypatch.setattr(catalogue.TokenizedSASRec, "calculate_loss", watched_loss)
    figures, model = catalogue.measure(args)
    assert [size for size, _ in asked] == [3, 3, 1]
    assert all(torch.isfinite(values).all() for _, values in asked)
    # Untrained, the target is one of all items alike.
    assert losses[0] == pytest.approx(np.log(300), rel=0.1) and len(losses) == 3
    shown = dict(catalogue.rows(args, figures, model))
    assert shown["trained parameters"] == f"{sum(p.numel() for p in model.parameters()):,}"
