"""A model of one's own with a fault that training would not tell is told before the first epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.errors import CheckpointError, ModelError
from recbole_ext.evaluation.scoring import scores_of_all
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.runner import run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
KEYS = {"train_objective": "all_positions"}


class Good(NextItemRecommender):
    """A running sum, which sees neither the future nor padding."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.items = nn.Embedding(self.n_items, 8, padding_idx=0)

    @property
    def item_table(self) -> Tensor:
        return self.items.weight

    def encode(self, item_seq: Tensor, last_only: bool = False, user: Any = None) -> Tensor:
        states = self.states(item_seq)
        return states[:, -1:] if last_only else states

    def states(self, item_seq: Tensor) -> Tensor:
        return self.items(item_seq).cumsum(1)


def variant(**members: Any) -> type[Good]:
    return type("Mine", (Good,), members)


def log_of(model: type[Good], settings: Settings, **keys: Any) -> str:
    finished = run(model, "ring", config_dict=settings(own=False, epochs=1, **{**KEYS, **keys}))
    return (finished.run_dir / "log.txt").read_text()


def test_a_sound_model_is_told_nothing(settings: Settings) -> None:
    assert "WARNING" not in log_of(Good, settings)


def both_ways(self: Good, item_seq: Tensor) -> Tensor:
    seen = self.items(item_seq)
    return seen.cumsum(1) + seen.flip(1).cumsum(1).flip(1)


def with_padding(self: Good, item_seq: Tensor) -> Tensor:
    """The mean counts PAD."""
    return self.items(item_seq).cumsum(1) / torch.arange(1, item_seq.shape[1] + 1).view(1, -1, 1)


def by_chance(self: Good, item_seq: Tensor) -> Tensor:
    return F.dropout(self.items(item_seq).cumsum(1), 0.5)


def the_first(self: Good, item_seq: Tensor, last_only: bool = False, user: Any = None) -> Tensor:
    states = self.states(item_seq)
    return states[:, :1] if last_only else states


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"states": both_ways}, "the state of a slot changes with a later item"),
        ({"states": with_padding}, "scores a history differently when it is padded"),
        ({"states": by_chance}, "scores one history differently from time to time"),
        ({"encode": the_first}, "gives another state with last_only than"),
    ],
)
def test_what_a_training_would_not_tell(
    members: dict[str, Any], told: str, settings: Settings
) -> None:
    assert f"WARNING Mine{'.encode' if 'encode' in members else ''}" in log_of(
        variant(**members), settings
    )
    assert told in log_of(variant(**members), settings)


def test_what_is_no_fault_where_it_is_asked_for(settings: Settings) -> None:
    both = variant(states=both_ways)
    assert "a later item" not in log_of(both, settings, train_objective="last_position")
    assert "is padded" not in log_of(variant(states=with_padding), settings, trim_batches=False)


def pair(self: Good, item_seq: Tensor, **_: Any) -> Any:
    return self.states(item_seq), None


def flat(self: Good, item_seq: Tensor, **_: Any) -> Tensor:
    return self.states(item_seq)[:, -1]


def whole(self: Good, item_seq: Tensor, **_: Any) -> Tensor:
    return self.states(item_seq)


def misspelt(self: Any) -> Tensor:
    table: Tensor = self.itms.weight
    return table


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"encode": pair}, r"Mine.encode gave tuple for ids of shape \[1, \d\]; it must give"),
        ({"encode": flat}, r"Mine.encode gave a tensor of shape \[1, 8\] for ids of"),
        ({"encode": whole}, r"with last_only for ids .* the newest state, \[1, 1, 8\]"),
        ({"item_table": lambda self: self.items.weight}, "Mine.item_table is function; it must be"),
        (
            {"item_table": property(lambda self: self.items.weight.detach().numpy())},
            r"Mine.item_table is a numpy.ndarray of shape \[31, 8\]; it must be a property",
        ),
        ({"item_table": property(lambda self: self.items)}, "Mine.item_table is Embedding; it"),
        ({"item_table": property(lambda self: self.items.weight[1:])}, "a row for each item and"),
        ({"item_table": property(lambda self: self.items.weight[:, 1:])}, "widths must be equal"),
    ],
)
def test_shapes_that_no_loss_could_use(
    members: dict[str, Any], told: str, settings: Settings
) -> None:
    keys = settings(own=False, **KEYS)
    with pytest.raises(ModelError, match=told):
        run(variant(**members), "ring", config_dict=keys)
    assert not Path(keys["checkpoint_dir"]).exists(), "no run has begun"


def test_a_slip_inside_item_table_is_told_as_it_is(settings: Settings) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'itms'"):
        run(variant(item_table=property(misspelt)), "ring", config_dict=settings(own=False, **KEYS))


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ([torch.zeros(())], "gave list"),
        (None, "gave NoneType"),
        (0.5, "gave float"),
        ((torch.zeros(()), 0.5), "gave a tensor of shape [], float"),
        (torch.zeros(2), "gave a tensor of shape [2]"),
    ],
)
def test_what_no_loss_is(loss: Any, told: str, settings: Settings) -> None:
    keys = settings(own=False, **KEYS)
    with pytest.raises(ModelError) as error:
        run(variant(calculate_loss=lambda self, batch: loss), "ring", config_dict=keys)
    assert f"Mine.calculate_loss {told}; it must give a tensor of one number" in str(error.value)
    assert not Path(keys["checkpoint_dir"]).exists(), "no epoch has ended"


def test_several_losses_are_told_one_by_one(settings: Settings) -> None:
    def two(self: Good, batch: Any) -> tuple[Tensor, Tensor]:
        return Good.calculate_loss(self, batch), self.items.weight.square().mean().reshape(1)

    line = next(row for row in log_of(variant(calculate_loss=two), settings).splitlines()
                if "epoch   0" in row)  # fmt: skip
    total, first, second = (float(line.split()[place]) for place in (6, 8, 10))
    assert total == pytest.approx(first + second, abs=2e-4) and second > 0


@pytest.mark.parametrize("shape", [(5, 3), (3,), (3, 1, 4), (16,)])
def test_scores_of_another_shape(shape: tuple[int, ...]) -> None:
    class Scores(nn.Module):
        def full_sort_predict(self, _: Any) -> Tensor:
            return torch.zeros(shape)

    class Three(dict[str, Any]):
        def to(self, _: Any) -> Any:
            return self

    class Data:
        class store:  # noqa: N801
            n_items = 5

    batch = Three(a=1, b=2, c=3)
    with pytest.raises(ModelError, match=r"of 3 rows and 5 items, \[3, 5\] or flat"):
        scores_of_all(Scores(), batch, Data(), "cpu")  # type: ignore[arg-type]
    shape = (15,)
    assert scores_of_all(Scores(), batch, Data(), "cpu").shape == (3, 5)  # type: ignore[arg-type]


def test_a_full_disk_keeps_the_folder_that_it_names(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line says to go on with the folder, even if it was the first epoch's state."""

    def full(*_: Any) -> None:
        raise CheckpointError("no space left; go on with: recbole_ext resume ...")

    keys = settings(own=False, epochs=1, **KEYS)
    with monkeypatch.context() as disk, pytest.raises(CheckpointError):
        disk.setattr("recbole_ext.training.checkpoint.write", full)
        run(Good, "ring", config_dict=keys)
    assert len([*Path(keys["checkpoint_dir"]).iterdir()]) == 1


def test_what_cannot_be_saved_is_refused_before_the_first_epoch(settings: Settings) -> None:
    seen: list[int] = []
    model = variant(
        other_parameter=lambda self: {"odd": {1, 2}},
        calculate_loss=lambda self, batch: seen.append(1) or Good.calculate_loss(self, batch),
    )
    keys = settings(own=False, epochs=1, **KEYS)
    with pytest.raises(ModelError, match="cannot save 'odd' of type set"):
        run(model, "ring", config_dict=keys)
    assert not seen
    assert not [*Path(keys["checkpoint_dir"]).glob("*")]
