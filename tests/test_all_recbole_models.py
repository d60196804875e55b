"""Every model of RecBole that its plain trainers train runs here, with small exceptions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import ConfigError
from recbole_ext.registry import list_models
from recbole_ext.runner import load, run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
LOOPS_OF_THEIR_OWN = ("NCL", "RaCT", "RecVAE", "S3Rec")
NOT_ON_THESE_DATA = {
    "FDSA": "needs features of the items",
    "GRU4RecF": "needs features of the items",
    "SASRecF": "needs features of the items",
    "GRU4RecKG": "needs vectors of a knowledge graph",
    "KSR": "needs vectors of a knowledge graph",
    "GRU4RecCPR": "picks its best 100 of more items",
    "SASRecCPR": "picks its best 100 of more items",
}
TABLES_OF_THEIR_OWN = ("DIEN", "FEARec")
NOISY = ("ADMMSLIM", "NCEPLRec", "Random")  # they add noise to every score
NAMES = [
    m.name for m in list_models() if m.source == "RecBole" and m.kind in ("general", "sequential")
]

REFUSED = (*LOOPS_OF_THEIR_OWN, *TABLES_OF_THEIR_OWN)
RUNNABLE = sorted({*NAMES} - {*REFUSED, *NOT_ON_THESE_DATA})
SHAPES = ("EASE",)  # scores of a shape of its own: [1, rows x items]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model", [m if m in SHAPES else pytest.param(m, marks=pytest.mark.slow) for m in RUNNABLE]
)
def test_trains_ranks_and_loads(model: str, settings: Settings) -> None:
    finished = run(model, "ring", config_dict=settings(own=False))
    found = finished.metrics["test"]
    assert all(0 <= value <= 1 for value in found.values())
    # 10 of 30 items at random give 0.33; DMF scores many items alike, and a tie is half a rank.
    assert found["Hit@20"] > (0.1 if model != "DMF" else -1)
    loaded = load(finished.run_dir)
    if model not in NOISY:
        assert loaded.evaluate().flat() == finished.evaluate().flat()


@pytest.mark.parametrize("model", LOOPS_OF_THEIR_OWN)
def test_trainers_of_their_own_are_refused(model: str, settings: Settings) -> None:
    with pytest.raises(ConfigError, match=f"^model = '{model}': RecBole trains it by {model}Train"):
        run(model, "ring", config_dict=settings(own=False))


@pytest.mark.parametrize("model", TABLES_OF_THEIR_OWN)
def test_models_that_need_recboles_table_are_refused(
    model: str, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        run(model, "ring", config_dict=settings(own=False))
    assert str(refused.value).startswith(f"model = '{model}': it reads ")
    assert "is not made here: rows are gathered batch by batch; models of" in str(refused.value)
    assert not (tmp_path / "saved").exists()


def test_the_list_says_which_are_refused() -> None:
    listed = {m.name for m in list_models() if not m.is_run}
    assert {*REFUSED} == listed & {*NAMES}
    others = [m for m in list_models() if m.name in listed - {*REFUSED}]
    assert {m.kind for m in others} == {"knowledge_aware"}


def test_the_exceptions_are_models() -> None:
    assert {*REFUSED, *NOT_ON_THESE_DATA, *NOISY} <= {*NAMES}
