"""The table of mixers: all of them can be built, and a tiny measurement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.mixers import main
from benchmarks.registry import MIXER_PEERS
from recbole_ext.config import ExtConfig
from recbole_ext.nn.attention import MIXERS


@pytest.mark.parametrize("key", MIXER_PEERS)
def test_only_the_mixing_differs(key: str) -> None:
    args = MIXER_PEERS[key].args
    config = ExtConfig(args["model"], "ml-100k", config_dict=args["keys"])
    base = ExtConfig(args["model"], "ml-100k", config_dict=MIXER_PEERS["dot_product"].args["keys"])
    for shared in ("hidden_size", "inner_size", "n_layers", "train_batch_size", "norm_position"):
        assert config[shared] == base[shared]


def test_every_registered_mixer_is_measured() -> None:
    measured = [peer.args["keys"]["attention"] for peer in MIXER_PEERS.values()]
    assert set(MIXERS) <= {name for name in measured if isinstance(name, str)}


def test_a_tiny_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--datasets", "ml-100k:5", "--peers", "dot_product", "positional", "--out"]
    assert main([*words, str(tmp_path), "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown == (tmp_path / "mixers.md").read_text() + "\n" and shown.startswith("# Mixers\n")
    rows = json.loads((tmp_path / "mixers.json").read_text())["datasets"][0]["peers"]
    assert [row["key"] for row in rows] == ["dot_product", "positional"]
    assert rows[0]["ratios"]["epoch"] == 1
    assert rows[1]["targets_per_epoch"] == rows[0]["targets_per_epoch"]
