"""A run interrupted anywhere and resumed ends as if it had never been interrupted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.runner import resume, run
from recbole_ext.training import checkpoint
from recbole_ext.training.run_folder import (
    HISTORY_FILE,
    LOG_FILE,
    METRICS_FILE,
    MODEL_FILE,
    RESUME_FILE,
    RunFolder,
)
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
TIMES = ("seconds_per_epoch", "train_seconds")


def interrupt_call(monkeypatch: pytest.MonkeyPatch, method: str, number: int, after: bool) -> None:
    """Press Ctrl-C before or after the given call of a trainer's method."""
    original = getattr(SequenceTrainer, method)
    calls = iter(range(1, 10_000))

    def interrupted(self: SequenceTrainer, *args: Any, **named: Any) -> Any:
        last = next(calls) == number
        if last and not after:
            raise KeyboardInterrupt
        result = original(self, *args, **named)
        if last:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(SequenceTrainer, method, interrupted)


def same_end(one: Path, other: Path) -> bool:
    """Whether two runs left the same metrics, best model and last state, bit for bit."""
    metrics = [json.loads((place / METRICS_FILE).read_text()) for place in (one, other)]
    for found in metrics:
        assert all(found.pop(key) > 0 for key in TIMES)
    for name in (MODEL_FILE, RESUME_FILE):
        tensors = [load_file(place / name) for place in (one, other)]
        assert tensors[0].keys() == tensors[1].keys()
        assert all(value.equal(tensors[1][key]) for key, value in tensors[0].items()), name
    return bool(metrics[0] == metrics[1])


MOMENTS = {
    "before the first step": ("_step", 1, False),
    "in the first epoch": ("_step", 2, True),
    "in the third epoch": ("_step", 3 * 3 - 1, False),
    "before a validation": ("_validate", 2, False),
    "after a validation": ("_validate", 3, True),
    "before the state is written": ("_save_resume_state", 2, False),
    "between epochs": ("_save_resume_state", 2, True),
    "before the test": ("rank_with_best", 1, False),
}
KINDS: dict[str, dict[str, Any]] = {
    "FPARec": {"long_sequences": "chunk", "lr_schedule": "cosine", "warmup_steps": 5},
    "PARec": {"train_objective": "last_position", "hidden_dropout_prob": 0.5},
    "DualSASRec": {"dual_items": 8, "max_users": 6, "dual_weight": 1.0},
    "VanillaAE": {
        "loss_type": "sampled_softmax",
        "negative_sampling": "mixed",
        "n_negatives": 8,
        "long_sequences": "chunk",
    },
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted_anywhere(
    moment: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check("FPARec", settings(epochs=4, **KINDS["FPARec"]), MOMENTS[moment], tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "model", ["PARec", "VanillaAE", "DualSASRec", "SASRec", "BPR", "Pop", "BERT4Rec"]
)
def test_other_models(
    model: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RecBole's loaders shuffle, its samplers and masks draw: all of it must go on."""
    chosen = settings(own=False, epochs=4, **KINDS.get(model, {}))
    moment = ("_save_resume_state", 1 if model == "Pop" else 2, True)
    _check(model, chosen, moment, tmp_path, monkeypatch)


def _check(
    model: str,
    chosen: dict[str, Any],
    moment: tuple[str, int, bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run(model, "ring", config_dict={**chosen, "run_dir": str(whole)})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_call(patch, *moment)
        run(model, "ring", config_dict={**chosen, "run_dir": str(stopped)})
    assert not (stopped / METRICS_FILE).exists()
    resumed = resume(stopped)
    assert resumed.metrics["epochs"] == (1 if model == "Pop" else 4)
    assert same_end(whole, stopped)


def test_what_an_interrupted_run_has_to_show(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its history so far; resumed, it says where it goes on, and its seconds are those of both."""
    stopped = tmp_path / "stopped"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_call(patch, "_train_epoch", 3, False)
        run("FPARec", "ring", config_dict=settings(epochs=4, run_dir=str(stopped)))
    history = (stopped / HISTORY_FILE).read_text().splitlines()
    assert [line.split(",")[0] for line in history] == ["epoch", "0", "1"]
    _, state = checkpoint.read(stopped / RESUME_FILE)
    assert state["progress"]["seconds"] > sum(state["progress"]["epoch_seconds"]) > 0
    state["progress"]["seconds"] = 1000.0
    tensors = load_file(stopped / RESUME_FILE)
    checkpoint.write(RunFolder(stopped), RESUME_FILE, tensors, state)
    metrics = resume(stopped).metrics
    assert 1000 < metrics["train_seconds"] < 1900
    best = metrics["valid"]["NDCG@10"]
    log = (stopped / LOG_FILE).read_text()
    assert "resumed after epoch 1, best NDCG@10 0." in log
    assert log.count(f"{best:.4f}") >= 1
    assert len((stopped / HISTORY_FILE).read_text().splitlines()) == 5


def test_interrupted_twice(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(epochs=5)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run("FPARec", "ring", config_dict={**chosen, "run_dir": str(whole)})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_call(patch, "_validate", 2, after=True)
        run("FPARec", "ring", config_dict={**chosen, "run_dir": str(stopped)})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_call(patch, "_step", 7, after=True)
        resume(stopped)
    resume(stopped)
    assert same_end(whole, stopped)


@pytest.fixture
def interrupted(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder of a run that was stopped after two of its three epochs."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_call(patch, "_save_resume_state", 2, after=True)
        run("FPARec", "ring", config_dict=settings(epochs=3, run_dir=str(tmp_path / "r")))
    yield tmp_path / "r"


def refusal(place: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        resume(place)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_finished_run_is_not_resumed(interrupted: Path) -> None:
    resume(interrupted)
    assert refusal(interrupted) == f"{interrupted} has finished; its results are in metrics.json"


def test_a_run_that_another_process_trains_is_left_alone(interrupted: Path) -> None:
    folder = RunFolder.open(interrupted)
    half = folder.path / f".{MODEL_FILE}.half"  # that process is writing it
    half.write_bytes(b"")
    log = folder.file(LOG_FILE).read_text()
    with folder.held(), pytest.raises(ConfigError, match=r"another process is training this run$"):
        resume(interrupted)
    assert half.exists() and folder.file(LOG_FILE).read_text() == log
    resume(interrupted)  # the lock went with its holder
    assert not half.exists() and folder.file(METRICS_FILE).exists()


def test_no_run_folder(tmp_path: Path) -> None:
    place = tmp_path / "nowhere"
    assert refusal(place) == f"{place} is no run folder: it does not exist"


def test_a_damaged_state(interrupted: Path) -> None:
    path = RunFolder.open(interrupted).file(RESUME_FILE)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refusal(interrupted).startswith(f"{path}: damaged or no safetensors file (")


def test_the_model_is_no_state(interrupted: Path) -> None:
    folder = RunFolder.open(interrupted)
    shutil.copy(folder.file(MODEL_FILE), folder.file(RESUME_FILE))
    path = folder.file(RESUME_FILE)
    assert refusal(interrupted) == f"{path}: no state to resume from ('progress')"


def test_the_state_of_another_configuration(interrupted: Path) -> None:
    config = interrupted / "config.yaml"
    config.write_text(config.read_text().replace("hidden_size: 16", "hidden_size: 8"))
    assert refusal(interrupted).endswith(": another configuration or data set")


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "\x00"])
def test_a_damaged_configuration(text: str, interrupted: Path) -> None:
    (interrupted / "config.yaml").write_text(text)
    assert refusal(interrupted).startswith(str(RunFolder.open(interrupted).file("config.yaml")))


def test_a_later_fit_goes_on_from_the_resumed_model(interrupted: Path) -> None:
    """Not from the state that the run was resumed from."""
    resumed = resume(interrupted)
    trained = {name: value.clone() for name, value in resumed.model.state_dict().items()}
    resumed.trainer.fit(resumed.loaders.train, resumed.loaders.valid)  # no epoch is left
    assert all(value.equal(trained[name]) for name, value in resumed.model.state_dict().items())
