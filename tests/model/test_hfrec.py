"""HFRec: as every model of this library, with a backbone of transformers inside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.trainer import Trainer
from recbole.utils import init_seed
from safetensors.torch import load_file
from tiny_model import N_ITEMS, FakeDataset, batch

from recbole_ext.cli import main
from recbole_ext.config import ExtConfig
from recbole_ext.data.batches import TARGET_COUNT
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.model.hfrec import HFRec
from recbole_ext.runner import load, resume, run
from recbole_ext.training.run_folder import METRICS_FILE, MODEL_FILE, RESUME_FILE
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
PRESETS = {"HFRec": "llama", "HFLlama": "llama", "HFALBERT": "albert", "HFXLNet": "xlnet"}
LENGTH = 6
SIZES = {"hidden_size": 8, "inner_size": 12, "n_heads": 2, "MAX_ITEM_LIST_LENGTH": LENGTH}


def build(model: str = "HFRec", direction: str = "ar", seed: int = 0, **changes: Any) -> HFRec:
    """In eval mode, with weights large enough to be seen."""
    small = {**SIZES, "use_gpu": False, "initializer_range": 0.3, "loss_precision": "float32"}
    config = ExtConfig(model, "shop", config_dict={**small, **changes})
    config["direction"] = direction
    torch.manual_seed(seed)
    return config.model_class(config, FakeDataset()).eval()


@pytest.mark.parametrize("name", PRESETS)
def test_the_named_models(name: str) -> None:
    model = build(name)
    assert type(model).__name__ == name
    assert model.encoder.model.config.model_type == PRESETS[name]
    assert model.encoder.causal


def test_the_papers_settings() -> None:
    config = ExtConfig("HFALBERT", "shop", config_dict={"use_gpu": False})
    keys = ("hidden_size", "inner_size", "n_layers", "learning_rate", "train_batch_size")
    assert [config[key] for key in keys] == [64, 256, 2, 1e-3, 256]
    assert config["clip_grad_norm"] == {"max_norm": 5.0} and config["stopping_step"] == 30
    assert config["n_heads"] in (1, 2)


@torch.no_grad()
@pytest.mark.parametrize("direction", ["ar", "ae"])
@pytest.mark.parametrize("name", ["HFLlama", "HFALBERT", "HFXLNet"])
def test_direction_decides_what_a_state_sees(name: str, direction: str) -> None:
    model = build(name, direction)
    before = model.encode(torch.tensor([[0, 0, 3, 5, 7, 2]]))[:, 2:5]
    after = model.encode(torch.tensor([[0, 0, 3, 5, 7, 9]]))[:, 2:5]
    changed = (before - after).abs().amax(-1)[0] > 1e-4
    assert changed.tolist() == [direction == "ae"] * 3


def test_the_mask_item_is_no_candidate() -> None:
    """'ae' encodes [MASK] as row ``n_items`` of the embedding; no score belongs to it."""
    model = build(direction="ae")
    assert model.items.weight.shape == (N_ITEMS + 1, 8)
    with torch.no_grad():
        masked = model.encode(torch.tensor([[0, 0, 0, 3, 5, N_ITEMS]]))
    assert masked.isfinite().all()
    assert build().items.weight.shape == (N_ITEMS, 8)


@torch.no_grad()
@pytest.mark.parametrize("name", ["HFLlama", "HFALBERT", "HFXLNet"])
def test_scores_are_against_the_items_own_embeddings(name: str) -> None:
    model = build(name)
    states = model.forward(batch()["item_id_list"], batch()["item_length"])
    expected = torch.stack([model.items.weight @ state for state in states])
    torch.testing.assert_close(model.full_sort_predict(batch()), expected)
    own = expected[torch.arange(4), batch()["item_id"]]
    torch.testing.assert_close(model.predict(batch()), own)


@torch.no_grad()
def test_scores_may_be_cosines() -> None:
    model = build("HFLlama", score="cosine", score_temperature=0.5)
    states = model.forward(batch()["item_id_list"], batch()["item_length"])
    items = model.items.table()[1:]
    expected = torch.nn.functional.cosine_similarity(states[:, None], items[None], dim=-1) / 0.5
    torch.testing.assert_close(model.full_sort_predict(batch())[:, 1:], expected)


@torch.no_grad()
@pytest.mark.parametrize("name", ["HFLlama", "HFALBERT", "HFXLNet"])
def test_wider_batches_score_alike(name: str) -> None:
    """Padding on the right as RecBole's, any amount of it."""
    model, histories = build(name), ((3, 5), (7,))
    exact = model.full_sort_predict(batch(histories, (1, 2), width=2))
    for width in (3, LENGTH):
        wide = model.full_sort_predict(batch(histories, (1, 2), width=width))
        torch.testing.assert_close(wide, exact, rtol=0, atol=1e-5)


def test_the_loss_of_all_positions_is_that_of_all_prefixes() -> None:
    """Llama's positions are relative and its mask is causal."""
    model, histories = build("HFLlama"), ((3, 5, 7, 2), (8, 1))
    packed = model.calculate_loss(batch(histories, (6, 4), **{TARGET_COUNT: (4, 2)}))
    prefixes = ((3,), (3, 5), (3, 5, 7), (3, 5, 7, 2), (8,), (8, 1))
    one_by_one = model.calculate_loss(batch(prefixes, (5, 7, 2, 6, 1, 4)))
    torch.testing.assert_close(packed, one_by_one, rtol=1e-5, atol=1e-6)


def test_a_step_moves_items_and_backbone_and_no_padding() -> None:
    model = build("HFALBERT")
    model.calculate_loss(batch(**{TARGET_COUNT: (6, 4, 2, 1)})).backward()
    assert not model.items.weight.grad[0].any() and model.items.weight.grad[1:].any(-1).all()
    for name, parameter in model.named_parameters():
        assert not parameter.requires_grad or parameter.grad is not None, name


def refusal(**changes: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        build(**changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"backbone": "lama"},
            "backbone: 'lama' (from config_dict) is no model type of transformers; "
            "did you mean 'llama'?",
        ),
        (
            {"backbone": "#"},
            "backbone: '#' (from config_dict) is no model type of transformers, "
            "such as llama, albert or xlnet",
        ),
        (
            {"backbone": "t5"},
            "backbone: 't5' (from config_dict) is a sequence-to-sequence model, "
            "an encoder and a decoder; one of the two is needed",
        ),
        (
            {"backbone_config": {"hiden_act": "relu"}},
            "backbone_config (from config_dict) has 'hiden_act', unknown to llama; "
            "did you mean 'hidden_act'?",
        ),
        (
            {"backbone_config": {"num_hidden_layers": 3}},
            "backbone_config (from config_dict) has 'num_hidden_layers', "
            "which follows from n_layers",
        ),
        (
            {"backbone": "gpt2", "backbone_config": {"n_positions": 3}},
            "backbone_config (from config_dict) has 'n_positions', "
            "which follows from MAX_ITEM_LIST_LENGTH",
        ),
        (
            {"backbone_config": {"vocab_size": 3}},
            "backbone_config (from config_dict) has 'vocab_size', which is not used here",
        ),
        (
            {"backbone": "llama", "backbone_config": {"hidden_act": "no"}},
            "backbone: 'llama' (from config_dict) cannot be built: KeyError: ",
        ),
        ({"n_heads": 3}, "n_heads: 3 (from config_dict) must divide hidden_size: 8"),
        (
            {"attention": "positional"},
            "unknown key 'attention' (from config_dict) for model HFRec: attention, positions and "
            "blocks are its backbone's, which reads items alone",
        ),
    ],
    ids=str,
)
def test_what_is_refused(changes: dict[str, Any], line: str) -> None:
    assert refusal(**changes).startswith(line)


def test_a_backbone_that_cannot_look_ahead() -> None:
    with pytest.raises(ConfigError, match=r"^backbone: 'mamba' sees no later items, so it cannot"):
        build(direction="ae", backbone="mamba")


def test_other_models_have_no_backbone() -> None:
    line = "unknown key 'backbone' (from config_dict) for model FPARec: it is a key of recbole_ext"
    with pytest.raises(ConfigError) as caught:
        ExtConfig("FPARec", "shop", config_dict={"backbone": "llama"})
    assert str(caught.value).startswith(line)


def test_sizes_that_a_family_has_not_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        build(backbone="mamba")
    assert "backbone mamba has no n_heads, inner_size, attn_dropout_prob of its own" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        build(backbone="llama")
    assert caplog.text == ""


def test_without_transformers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*sys.modules]:
        if name == "recbole_ext.model.hfrec" or name.startswith("recbole_ext.nn.backbone"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert main(["run", "--model=HFRec", "--dataset=ml-100k"]) == 2
    assert capsys.readouterr().err == (
        "error: model 'HFRec' needs the package 'transformers', which is not installed: "
        "pip install 'recbole_ext[hf]'\n"
    )


def test_other_models_do_not_import_transformers() -> None:
    program = (
        "import sys; from recbole_ext.registry import list_models; list_models();"
        "from recbole_ext import runner; from recbole_ext.config import ExtConfig;"
        "ExtConfig('FPARec', 'shop', config_dict={'use_gpu': False});"
        "print('transformers' in sys.modules);"
        "ExtConfig('HFRec', 'shop', config_dict={'use_gpu': False});"
        "print('transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]


SMALL = {
    "hidden_size": 16,
    "inner_size": 32,
    "n_heads": 2,
    "hidden_dropout_prob": 0.1,
    "attn_dropout_prob": 0.1,
}


@pytest.mark.parametrize("name", ["HFLlama", "HFALBERT", "HFXLNet"])
def test_learns_and_loads(name: str, settings: Settings) -> None:
    finished = run(name, "ring", config_dict=settings(own=False, epochs=8, **SMALL))
    assert finished.metrics["test"]["Hit@5"] > 0.5  # 5 of 30 at random: 0.17
    assert finished.metrics["parameters"] == sum(
        p.numel() for p in finished.model.parameters() if p.requires_grad
    )
    loaded = load(finished.run_dir)
    assert loaded.model.state_dict().keys() == finished.model.state_dict().keys()
    one, other = finished.evaluate(), loaded.evaluate()
    assert one.flat() == other.flat()
    history = [["i3", "i4", "i5"]]
    asked = [each.recommend(histories=history, k=5) for each in (finished, loaded)]
    assert str(asked[0]) == str(asked[1])


def test_resumes_bit_for_bit(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    chosen = settings(own=False, epochs=3, **SMALL)
    run("HFXLNet", "ring", config_dict={**chosen, "run_dir": str(whole)})
    original = SequenceTrainer._save_resume_state

    def interrupted(self: SequenceTrainer, *args: Any) -> Any:
        original(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SequenceTrainer, "_save_resume_state", interrupted)
        run("HFXLNet", "ring", config_dict={**chosen, "run_dir": str(stopped)})
    assert not (stopped / METRICS_FILE).exists()
    resume(stopped)
    for name in (MODEL_FILE, RESUME_FILE):
        one, other = (load_file(place / name) for place in (whole, stopped))
        assert one.keys() == other.keys()
        assert all(torch.equal(value, other[key]) for key, value in one.items())
    ends = [json.loads((place / METRICS_FILE).read_text())["test"] for place in (whole, stopped)]
    assert ends[0] == ends[1]


def stock_run(config: ExtConfig) -> tuple[Any, dict[str, float]]:
    """RecBole alone: data set, loaders, Trainer and evaluator."""
    init_seed(config["seed"], config["reproducibility"])
    train, valid, test = data_preparation(config, create_dataset(config))
    model = config.model_class(config, train.dataset).to(config["device"])
    trainer = Trainer(config, model)
    trainer.fit(train, valid, saved=False, verbose=False)
    return model, trainer.evaluate(test, load_best_model=False)


def test_trains_and_ranks_under_stock_recbole(settings: Settings) -> None:
    chosen = settings(own=False, split_protocol="recbole", metric_decimal_place=10, **SMALL)
    config = ExtConfig("HFALBERT", "ring", config_dict=chosen)
    model, theirs = stock_run(config)
    loaders = build_loaders(config, load_data(config), own_model=True)
    ours = Evaluator(config, loaders.split).evaluate(model, loaders.test).seen_kept
    assert {name.lower(): value for name, value in ours.items()} == pytest.approx(theirs, abs=1e-6)
    assert theirs["hit@5"] > 0.25  # 5 of 30 at random: 0.17


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HFLlama", "HFALBERT", "HFXLNet"])
def test_ml_100k(name: str, ml_100k: Settings) -> None:
    chosen = ml_100k(own=False, epochs=10, MAX_ITEM_LIST_LENGTH=50, learning_rate=0.003, **SMALL)
    finished = run(name, "ml-100k", config_dict=chosen)
    # 10 of 1,682 items at random hit 0.6 %, the most popular ones about 4 %.
    assert finished.metrics["test"]["Hit@10"] > 0.05
    assert load(finished.run_dir).evaluate().flat() == finished.evaluate().flat()
