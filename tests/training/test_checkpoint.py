"""Checkpoints: what is written comes back, what is not ours is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from safetensors.torch import save_file
from torch import nn

from recbole_ext.errors import CheckpointError, ModelError
from recbole_ext.training import checkpoint
from recbole_ext.training.run_folder import RunFolder


class Counting(nn.Module):
    """A model with state beside its weights, as RecBole's have it."""

    def __init__(self, size: int = 3, **others: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(size, 2)
        self.register_buffer("seen", torch.zeros(2, dtype=torch.int64))
        self.others = others

    def other_parameter(self) -> dict[str, Any]:
        return self.others

    def load_other_parameter(self, others: dict[str, Any]) -> None:
        self.others = {**self.others, **others}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def saved(folder: RunFolder, model: nn.Module) -> Path:
    checkpoint.write(folder, "c", checkpoint.model_tensors(model), {})
    return folder.file("c")


def refusal(path: Path, model: nn.Module | None = None) -> str:
    """The one line that says why; the file's name is cut off."""
    with pytest.raises(CheckpointError) as error:
        tensors, _ = checkpoint.read(path)
        checkpoint.restore_model(model or Counting(), tensors, path)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    return line.removeprefix(f"{path}: ")


def test_tensors_and_state_come_back(folder: RunFolder) -> None:
    tensors = {
        "a": torch.tensor([1.0, -0.0, torch.inf, 1e-40]),
        "b": torch.arange(6).view(2, 3).T,  # not contiguous
        "c": torch.zeros(0, 4, dtype=torch.bfloat16),
        "d": torch.tensor(3, dtype=torch.int32),
    }
    tensors["shared"] = tensors["a"]
    state = {"score": 0.1 + 0.2, "none": None, "list": [1, "β"], "best": -1e308}
    checkpoint.write(folder, "c", tensors, state)
    found, found_state = checkpoint.read(folder.file("c"))
    assert found_state == state
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        assert torch.equal(found[name], value)
        assert found[name].dtype == value.dtype
    assert [file.name for file in folder.path.iterdir()] == ["c"]


def test_weights_and_buffers(folder: RunFolder) -> None:
    model, other = Counting(), Counting()
    model.seen += 5
    tensors, _ = checkpoint.read(saved(folder, model))
    checkpoint.restore_model(other, tensors, folder.file("c"))
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_other_state(folder: RunFolder) -> None:
    matrix = scipy.sparse.random(7, 5, density=0.3, format="lil", random_state=0, dtype=np.float32)
    model = Counting(
        tensor=torch.arange(3),
        array=np.arange(6, dtype=np.int32).reshape(2, 3).T,
        lil=matrix,
        csc=matrix.tocsc(),
        empty=scipy.sparse.csr_matrix((4, 6), dtype=np.float64),
        words={"a": [1, 0.5, None, True], "β": {}},
        count=np.int64(3),
        cache=None,
        part=nn.Linear(2, 2),
    )
    other = Counting(cache=torch.ones(1), part="kept")
    tensors, _ = checkpoint.read(saved(folder, model))
    checkpoint.restore_model(other, tensors, folder.file("c"))
    found = other.others
    assert torch.equal(found["tensor"], torch.arange(3))
    assert found["array"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["array"].dtype == np.int32
    for name in ("lil", "csc"):
        assert (found[name] != matrix).nnz == 0
        assert (found[name].dtype, found[name].shape) == (np.float32, (7, 5))
    assert (found["empty"].nnz, found["empty"].shape) == (0, (4, 6))
    assert (found["words"], found["count"]) == ({"a": [1, 0.5, None, True], "β": {}}, 3)
    assert found["cache"] is None  # a cache that was empty is empty again, not stale


@pytest.mark.parametrize(
    "odd", [{1, 2}, {3: "a key that JSON writes as text"}, (1, 2), np.array(["text"], dtype=object)]
)
def test_what_would_need_pickle_is_refused(odd: object, folder: RunFolder) -> None:
    kind = type(odd).__name__
    with pytest.raises(ModelError, match=f"^cannot save 'odd' of type {kind} without pickle"):
        saved(folder, Counting(odd=odd))
    assert list(folder.path.iterdir()) == []


def test_absent(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing") == "no such checkpoint"
    assert refusal(tmp_path) == "no such checkpoint"


def test_truncated_anywhere(folder: RunFolder) -> None:
    path = saved(folder, Counting())
    whole = path.read_bytes()
    for length in (0, 1, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert refusal(path).startswith("damaged or no safetensors file (")


def test_a_changed_header(folder: RunFolder) -> None:
    path = saved(folder, Counting())
    path.write_bytes(path.read_bytes().replace(b'"shape":[2,3]', b'"shape":[2,4]'))
    assert refusal(path).startswith("damaged or no safetensors file (")


@pytest.mark.parametrize("content", [b"\x80\x04\x95pickle", b"PK\x03\x04zip", b"text\n" * 99])
def test_files_of_other_kinds(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(content)
    assert refusal(tmp_path / "c").startswith("damaged or no safetensors file (")


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"state_dict": Bomb()}, tmp_path / "c")
    assert refusal(tmp_path / "c").startswith("damaged or no safetensors file (")
    assert not (tmp_path / "ran").exists()


def test_safetensors_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "c"
    save_file({"w": torch.ones(1)}, path)
    assert refusal(path) == "not written by recbole_ext (format recbole_ext/1 expected)"
    save_file({"w": torch.ones(1)}, path, metadata={"format": "recbole_ext/2"})
    assert refusal(path) == "not written by recbole_ext (format recbole_ext/1 expected)"


@pytest.mark.parametrize("metadata", [{}, {"state": "{"}, {"state": ""}])
def test_a_damaged_state(metadata: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "c"
    save_file({"w": torch.ones(1)}, path, metadata={"format": checkpoint.FORMAT, **metadata})
    assert refusal(path).startswith("damaged: its state is no JSON (")


def test_another_model(folder: RunFolder) -> None:
    path = saved(folder, nn.ModuleDict({"a": Counting()})["a"])
    assert refusal(path, Counting(size=4)) == (
        "'layer.weight' has shape (2, 3), the model (2, 4): another configuration or data set"
    )
    more, fewer = Counting(), Counting()
    more.extra = nn.Linear(1, 1, bias=False)
    assert refusal(path, more) == "belongs to another model: it lacks 'extra.weight'"
    del fewer.seen
    assert refusal(path, fewer) == "belongs to another model: it has the unknown 'seen'"


def test_a_refused_checkpoint_changes_nothing(folder: RunFolder) -> None:
    model = Counting(size=4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    refusal(saved(folder, Counting()), model)
    for name, value in before.items():
        assert torch.equal(model.state_dict()[name], value)


@pytest.mark.parametrize("make", [torch.optim.Adam, torch.optim.Adagrad, torch.optim.SGD])
def test_optimizers_go_on_as_if_never_stopped(make: Any, folder: RunFolder) -> None:
    def steps(model: nn.Module, optimizer: torch.optim.Optimizer, some: range) -> None:
        for step in some:
            optimizer.zero_grad()
            model.layer(torch.full((4, 3), float(step + 1))).square().sum().backward()
            optimizer.step()

    torch.manual_seed(0)
    whole, part = Counting(), Counting()
    part.load_state_dict(whole.state_dict())
    steps(whole, make(whole.parameters(), lr=1e-3), range(6))
    first = make(part.parameters(), lr=1e-3)
    steps(part, first, range(3))
    tensors, rest = checkpoint.optimizer_tensors(first)
    checkpoint.write(folder, "o", tensors, rest)
    second = make(part.parameters(), lr=7.0)
    checkpoint.restore_optimizer(second, *checkpoint.read(folder.file("o")))
    steps(part, second, range(3, 6))
    assert torch.equal(part.layer.weight, whole.layer.weight)
