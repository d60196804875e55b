"""Damaged run folders and checkpoints: one line on stderr, exit code 2, nothing written or lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from bad_input import HEADER, KEYS, Refused
from safetensors import safe_open
from safetensors.torch import save_file

from recbole_ext.cli import main
from recbole_ext.runner import run

pytestmark = pytest.mark.usefixtures("quiet_place")

Tamper = Callable[[Path], Any]


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    return Refused(tmp_path, capsys)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with the data set ``ring``, a finished run on it, and one of another model."""
    place = tmp_path_factory.mktemp("finished")
    (place / "data" / "ring").mkdir(parents=True)
    lines = [f"u{n % 30}\ti{(n * n + n // 30) % 12}\t{n}" for n in range(300)]
    (place / "data" / "ring" / "ring.inter").write_text("\n".join([HEADER, *lines, ""]))
    for model, name in (("FPARec", "run"), ("VanillaAR", "other")):
        places = {"data_path": str(place / "data"), "run_dir": str(place / name)}
        run(model, "ring", config_dict={**KEYS, **places})
    return place


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run folder, whose config points at a copy of the data."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    set_config(tmp_path / "run", data_path=str(tmp_path / "data"))
    return tmp_path / "run"


def set_config(folder: Path, **keys: Any) -> None:
    values = yaml.safe_load((folder / "config.yaml").read_text())
    text = yaml.safe_dump(values | keys)
    (folder / "config.yaml").write_text(text)


def cut(name: str, share: float = 0.5) -> Tamper:
    def tamper(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return tamper


def put(name: str, content: str | bytes) -> Tamper:
    raw = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(raw)


def removed(name: str) -> Tamper:
    return lambda folder: (folder / name).unlink()


def a_folder(name: str) -> Tamper:
    def tamper(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return tamper


def pickled(folder: Path) -> None:
    torch.save({"weights": torch.ones(3)}, folder / "model.safetensors")


def rewritten(
    name: str,
    tensors: Callable[[dict[str, torch.Tensor]], Any] | None = None,
    state: Callable[[dict[str, Any]], Any] | None = None,
    header: dict[str, str | None] | None = None,
) -> Tamper:
    """The checkpoint with its tensors, its JSON state or its header changed in place."""

    def tamper(folder: Path) -> None:
        with safe_open(folder / name, framework="pt") as file:
            names = file.keys()  # the handle itself cannot be iterated
            metadata, held = dict(file.metadata()), {name: file.get_tensor(name) for name in names}
        values = json.loads(metadata["state"])
        for change, target in ((tensors, held), (state, values)):
            if change is not None:
                change(target)
        metadata |= {"state": json.dumps(values)} | (header or {})
        save_file(held, folder / name, {k: v for k, v in metadata.items() if v is not None})

    return tamper


def from_other(name: str) -> Tamper:
    return lambda folder: shutil.copy(folder.parent / "other" / name, folder / name)


def with_config(**keys: Any) -> Tamper:
    return lambda folder: set_config(folder, **keys)


def without_config(key: str) -> Tamper:
    def tamper(folder: Path) -> None:
        values = yaml.safe_load((folder / "config.yaml").read_text())
        del values[key]
        (folder / "config.yaml").write_text(yaml.safe_dump(values))

    return tamper


def with_data(change: Callable[[list[str]], list[str]]) -> Tamper:
    """The lines of the data set's file changed."""

    def tamper(folder: Path) -> None:
        file = folder.parent / "data" / "ring" / "ring.inter"
        header, *lines = file.read_text().splitlines()
        file.write_text("\n".join([header, *change(lines)]) + "\n")

    return tamper


def without_data(folder: Path) -> None:
    shutil.rmtree(folder.parent / "data")


def first_key(tensors: dict[str, torch.Tensor]) -> str:
    return min(key for key in tensors if key.startswith("model."))


def swap(lines: list[str]) -> list[str]:
    """Two items change places: the sizes stay."""
    return [line.replace("\ti1\t", "\tX\t").replace("\ti2\t", "\ti1\t").replace("X", "i2")
            for line in lines]  # fmt: skip


def halve(tensors: dict[str, torch.Tensor]) -> None:
    tensors[first_key(tensors)] = tensors[first_key(tensors)].half()


def other_shape(tensors: dict[str, torch.Tensor]) -> None:
    tensors[first_key(tensors)] = torch.zeros(2, 3)


MODEL, RESUME = "model.safetensors", "resume.safetensors"
NOT_OURS = f"run/{MODEL}: not written by recbole_ext"
DAMAGED = f"run/{MODEL}: damaged or no safetensors file"
CHANGED = "data set 'ring' has changed since this run was trained"
FOLDERS: list[tuple[str, Tamper, str]] = [
    ("model cut off", cut(MODEL), DAMAGED),
    ("one byte missing", cut(MODEL, 0.9999), DAMAGED),
    ("model empty", put(MODEL, b""), DAMAGED),
    ("model is text", put(MODEL, "weights\n" * 40), DAMAGED),
    ("model is a pickle", pickled, DAMAGED),
    ("a header without end", put(MODEL, b"\xff" * 64), DAMAGED),
    ("a header that is no JSON", put(MODEL, (8).to_bytes(8, "little") + b"{[}]    "), DAMAGED),
    ("model missing", removed(MODEL), f"run/{MODEL}: no such checkpoint"),
    ("model is a folder", a_folder(MODEL), f"run/{MODEL}: no such checkpoint"),
    ("not ours", rewritten(MODEL, header={"format": "pt"}), NOT_OURS),
    ("no format", rewritten(MODEL, header={"format": None}), NOT_OURS),
    ("state is no JSON", rewritten(MODEL, header={"state": "{"}), "its state is no JSON"),
    ("no state", rewritten(MODEL, header={"state": None}), "its state is no JSON"),
    ("a tensor less", rewritten(MODEL, lambda t: t.pop(first_key(t))), "belongs to another model: "
     "it lacks"),
    ("a tensor more", rewritten(MODEL, lambda t: t.update({"model.z": torch.ones(1)})),
     "belongs to another model: it has the unknown 'z'"),
    ("another shape", rewritten(MODEL, other_shape), "another configuration or data set"),
    ("half a matrix", rewritten(MODEL, lambda t: t.update({"extra.w#csr.data": torch.ones(1)})),
     f"run/{MODEL}: damaged: KeyError"),
    ("a method replaced", rewritten(MODEL, lambda t: t.update({"extra.forward": torch.ones(1)})),
     f"run/{MODEL}: belongs to another model: it has the unknown 'forward'"),
    ("half precision", rewritten(MODEL, halve), "is torch.float16, not torch.float32"),
    ("another model's", from_other(MODEL), f"run/{MODEL}: belongs to another model"),
    ("no config", removed("config.yaml"), "run is no run folder: it has no config.yaml"),
    ("config is a folder", a_folder("config.yaml"), "run is no run folder"),
    ("config is a list", put("config.yaml", "- a\n- b\n"), "run/config.yaml: no configuration"),
    ("config is empty", put("config.yaml", ""), "run/config.yaml: no configuration"),
    ("config is no YAML", put("config.yaml", "model: [FPARec\nseed: 1\n"), "run/config.yaml"),
    ("config is no text", put("config.yaml", b"seed: \xff\n"), "run/config.yaml: unreadable"),
    ("config nested", put("config.yaml", "seed: " + "[" * 3000), "run/config.yaml"),
    ("config with code", put("config.yaml", "seed: !!python/object/apply:os.getcwd []\n"),
     "run/config.yaml: unreadable"),
    ("an unknown key", with_config(hiden_size=16), "unknown key 'hiden_size'"),
    ("a wrong value", with_config(hidden_size=-1), "hidden_size: -1"),
    ("a key that is no text", with_config(**{"model": 3}), "must be a name"),
    ("no model in the config", without_config("model"),
     "run/config.yaml: not as a run left it (no model)"),
    ("no data set in the config", without_config("dataset"),
     "run/config.yaml: not as a run left it (no dataset)"),
    ("another width", with_config(hidden_size=32), "another configuration or data set"),
    ("an unknown model", with_config(model="FPARc"), "unknown model 'FPARc'"),
    ("metrics cut off", cut("metrics.json"), "run/metrics.json: "),
    ("metrics without data", put("metrics.json", '{"model": "FPARec"}'), "run/metrics.json"),
    ("metrics are a list", put("metrics.json", "[]"), "run/metrics.json"),
    ("metrics are no text", put("metrics.json", b"\xff"), "run/metrics.json"),
    ("fewer data", with_data(lambda lines: lines[:-40]), CHANGED),
    ("changed data", with_data(swap), CHANGED),
    ("malformed data", with_data(lambda lines: [*lines, "u\ti"]), "data/ring/ring.inter, line "),
    ("no data", without_data, "dataset 'ring': data/ring/ring.inter is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("tamper", "expected"), [c[1:] for c in FOLDERS],
                         ids=[c[0] for c in FOLDERS])  # fmt: skip
def test_run_folders(tamper: Tamper, expected: str, folder: Path, refused: Refused) -> None:
    tamper(folder)
    assert expected in refused("recommend", str(folder), "--user=u1")


@pytest.mark.parametrize("command", [("recommend", "--user=u1"), ("resume",)])
def test_places_that_are_no_run_folders(
    command: tuple[str, ...], tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for place in ("absent", "file", "empty", "file/below"):
        name, *rest = command
        assert f"{place} is no run folder" in refused(name, str(tmp_path / place), *rest)


def drop(*path: str) -> Callable[[dict[str, Any]], None]:
    """Removes an entry of a nested mapping."""

    def change(values: dict[str, Any]) -> None:
        for key in path[:-1]:
            values = values[key]
        del values[path[-1]]

    return change


def replace(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda values: values.update({key: value})


HALF = f"run/{RESUME}: "
INTERRUPTED: list[tuple[str, Tamper, str]] = [
    ("cut off", cut(RESUME), f"{HALF}damaged or no safetensors file"),
    ("empty", put(RESUME, b""), f"{HALF}damaged or no safetensors file"),
    ("state is no JSON", rewritten(RESUME, header={"state": "["}), f"{HALF}damaged: its state is"),
    ("state is a list", rewritten(RESUME, header={"state": "[]"}), f"{HALF}damaged: its state is"),
    ("state nested", rewritten(RESUME, header={"state": "[" * 10**5}), f"{HALF}damaged: its state"),
    ("no progress", rewritten(RESUME, state=drop("progress")), f"{HALF}no state to resume from"),
    ("unknown progress", rewritten(RESUME, state=lambda s: s["progress"].update(x=1)),
     f"{HALF}no state to resume from"),
    ("progress of another type", rewritten(RESUME, state=lambda s: s["progress"].update(epoch="x")),
     f"{HALF}no state to resume from (its epoch is no int)"),
    ("no optimiser", rewritten(RESUME, state=drop("optimizer")), HALF),
    ("no groups", rewritten(RESUME, state=lambda s: s["optimizer"].update(groups=[])), HALF),
    ("no random state", rewritten(RESUME, state=drop("random")), HALF),
    ("no torch state", rewritten(RESUME, drop("random.torch")), HALF),
    ("half a torch state", rewritten(RESUME, replace("random.torch", torch.zeros(9).byte())), HALF),
    ("no python state", rewritten(RESUME, state=drop("random", "python")), HALF),
    ("no schedule", rewritten(RESUME, state=drop("schedule")), HALF),
    ("an optimiser's tensor less", rewritten(RESUME, drop("optimizer.0.exp_avg")),
     f"{HALF}damaged: "),
    ("an optimiser's tensor more",
     rewritten(RESUME, replace("optimizer.99.exp_avg", torch.ones(1))), f"{HALF}damaged: "),
    ("an optimiser's tensor cut", rewritten(RESUME, replace("optimizer.0.exp_avg", torch.ones(1))),
     "the optimiser's 'exp_avg' of parameter 0 has another shape"),
    ("another model's", from_other(RESUME), f"{HALF}belongs to another model"),
    ("a model's file", lambda f: shutil.copy(f / MODEL, f / RESUME), f"{HALF}no state to resume"),
    ("changed data", with_data(swap), f"{HALF}data set 'ring' has changed since"),
    ("fewer data", with_data(lambda lines: lines[:-40]), "has changed since this run was begun"),
    ("an unknown key", with_config(hiden_size=16), "unknown key 'hiden_size'"),
    ("no data", without_data, "dataset 'ring': data/ring/ring.inter is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("tamper", "expected"), [c[1:] for c in INTERRUPTED],
                         ids=[c[0] for c in INTERRUPTED])  # fmt: skip
def test_interrupted_runs(tamper: Tamper, expected: str, folder: Path, refused: Refused) -> None:
    (folder / "metrics.json").unlink()
    with_config(epochs=3)(folder)
    tamper(folder)
    assert expected in refused("resume", str(folder))


def test_a_finished_run_is_not_resumed(folder: Path, refused: Refused) -> None:
    assert "run has finished; its results are in metrics.json" in refused("resume", str(folder))


def test_a_damaged_metrics_file_can_be_written_anew(
    folder: Path, refused: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the run can be resumed."""
    metrics = folder / "metrics.json"
    before = json.loads(metrics.read_text())
    cut("metrics.json")(folder)
    way = "; remove it, and it is written anew by: recbole_ext resume run"
    for command in (("recommend", str(folder), "--user=u1"), ("resume", str(folder))):
        line = refused(*command)
        assert line.startswith("run/metrics.json: not as a run left it (") and line.endswith(way)
    metrics.unlink()
    assert main(["resume", str(folder)]) == 0
    after = json.loads(metrics.read_text())
    assert {**after, "train_seconds": 0} == {**before, "train_seconds": 0}
    capsys.readouterr()
    cut("metrics.json")(folder)
    removed(RESUME)(folder)
    assert "recbole_ext resume" not in refused("recommend", str(folder), "--user=u1")


def test_the_untouched_copies_work(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the cases above start from is good: they fail for their own reasons."""
    assert main(["recommend", str(folder), "--user=u1"]) == 0
    (folder / "metrics.json").unlink()
    with_config(epochs=3)(folder)
    assert main(["resume", str(folder)]) == 0
    assert "best epoch" in capsys.readouterr().out
