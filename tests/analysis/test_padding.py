"""`recbole_ext analyze padding`: by hand on a model made up, and on trained ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from recbole_ext import run
from recbole_ext.analysis import padding
from recbole_ext.cli import main
from recbole_ext.data.rows import Rows
from recbole_ext.data.store import SequenceStore
from recbole_ext.nn.catalogue import TableCatalogue

Settings = Callable[..., dict[str, Any]]
WINDOW = 8


class CountsSlots:
    """Scores every item by the number of slots times a number of its own."""

    n_items, device = 4, "cpu"
    catalogue = TableCatalogue(torch.tensor([[9.0], [1.0], [-1.0], [0.5]]))

    def eval(self) -> None:
        pass

    def newest_state(self, aligned: Tensor, user: Tensor) -> Tensor:
        assert ((aligned != 0).long().diff(dim=1) >= 0).all()  # padding on the left alone
        # Wider by more than two slots than the history: the order of the items turns over.
        spare = (aligned == 0).sum(1)
        return torch.where(spare > 2, -1.0, 1.0)[:, None] * aligned.shape[1]

    def queries(self, states: Tensor, user: Tensor) -> Tensor:
        return states


def rows_of(*lengths: int) -> tuple[SequenceStore, Rows]:
    """User u's history: ``lengths[u-1]`` items; the held-out item is item 1."""
    items = [item for length in lengths for item in [*[2] * length, 1]]
    offsets = np.cumsum([0, 0, *(length + 1 for length in lengths)])
    end = offsets[2:] - 1
    rows = Rows(np.arange(1, len(lengths) + 1), end - np.array(lengths), end)
    return SequenceStore(np.array(items), offsets, 4), rows


def test_effect_by_hand() -> None:
    """Window 4: a history of 3 goes from 3·e to 4·e, one of 1 from 1·e to -4·e."""
    store, rows = rows_of(3, 1, 4)
    found = padding.effect(CountsSlots(), store, rows, 4, 2)  # type: ignore[arg-type]
    assert found.largest.tolist() == [1.0, 5.0, 0.0]
    assert found.mean == pytest.approx([2.5 / 3, 12.5 / 3, 0.0])
    assert found.other_list.tolist() == [False, True, False]
    assert found.bare.tolist() == [1.0, 1.0, 1.0]
    assert found.padded.tolist() == [1.0, 3.0, 1.0]
    both = found.of(np.array([True, True, False]))
    assert both["users"] == 2
    assert (both["largest_change"], both["mean_change"]) == (5.0, pytest.approx(2.5))
    assert both["other_list"] == 0.5
    assert (both["NDCG@10_bare"], both["NDCG@10_padded"]) == (1.0, pytest.approx(0.75))
    assert (both["Hit@10_bare"], both["Hit@10_padded"]) == (1.0, 1.0)


def test_shares_of_padding_by_hand() -> None:
    _, rows = rows_of(1, 5, 9, 10)
    assert padding.tenth_of_padding(rows, 10).tolist() == [9, 5, 1, 0]
    assert [padding.kept_slots(tenth, 50) for tenth in (0, 1, 5, 9)] == [50, 45, 25, 5]
    assert padding.kept_slots(9, 3) == 1
    short = padding.cut(rows, 5)
    assert short.users.tolist() == [2, 3, 4]
    assert short.lengths.tolist() == [5, 5, 5]
    assert short.end.tolist() == rows.end[1:].tolist()


def trained(settings: Settings, model: str = "VanillaAR", **changes: Any) -> Any:
    chosen = settings(epochs=1, own=model != "GRU4Rec", **changes)
    return run(model, "ring", config_dict=chosen)


def report_of(run_dir: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["analyze", "padding", str(run_dir), *words]) == 0
    written = capsys.readouterr().out.splitlines()[-1].removeprefix("written: ")
    found: dict[str, Any] = json.loads(Path(written).read_text())
    return found


@pytest.mark.usefixtures("quiet_place")
@pytest.mark.parametrize("model", ["VanillaAR", "SSEPT"])
def test_padding_is_nothing(
    model: str, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    done = trained(settings, model)
    found = report_of(done.run_dir, capsys)
    assert found["padding_row_norm"] == 0.0
    assert [*found["by_ratio"]] == ["0 %", "12 %", "25 %", "38 %", "50 %", "62 %", "75 %", "88 %"]
    for one in (*found["by_ratio"].values(), *found["by_bucket"].values()):
        assert one["largest_change"] < 1e-4
        assert one["NDCG@10_bare"] == pytest.approx(one["NDCG@10_padded"], abs=1e-9)
    everyone = found["by_bucket"]["all"]
    assert everyone["users"] == len(done.loaders.test.rows)
    users = [one["users"] for name, one in found["by_bucket"].items() if name != "all"]
    assert sum(users) == everyone["users"]
    for name in ("Hit@10", "NDCG@10"):
        assert everyone[f"{name}_bare"] == pytest.approx(done.metrics["test"][name], abs=1e-9)


@pytest.mark.usefixtures("quiet_place")
def test_attended_padding_shows(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = trained(settings, mask_padding=False, position_at_padding=True, padding_row="learned")
    found = report_of(done.run_dir, capsys, f"--out={tmp_path / 'found.json'}")
    assert json.loads((tmp_path / "found.json").read_text()) == found
    assert found["keys"]["mask_padding"] is False
    assert found["padding_row_norm"] > 0.01
    assert found["by_ratio"]["0 %"]["largest_change"] < 1e-4  # a full window has no padding
    assert found["by_ratio"]["88 %"]["largest_change"] > 0.01
    everyone = found["by_bucket"]["all"]
    for name in ("Hit@10", "NDCG@10"):  # the run itself fills the window
        assert everyone[f"{name}_padded"] == pytest.approx(done.metrics["test"][name], abs=1e-9)


@pytest.mark.usefixtures("quiet_place")
def test_one_line_for_a_model_of_recbole(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    done = trained(settings, "GRU4Rec", loss_type="CE", hidden_size=8, embedding_size=8)
    assert main(["analyze", "padding", str(done.run_dir)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: model 'GRU4Rec' is RecBole's: how much it pads cannot be chosen; analyze padding "
        "is for recbole_ext's own models"
    )
