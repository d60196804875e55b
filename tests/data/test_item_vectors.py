"""Files of item vectors: four formats, one content; what is malformed is told in one line."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from recbole_ext.data.item_vectors import ItemVectors, read_vectors
from recbole_ext.errors import DataError

TOKENS = ["i3", "i1", "007"]
VALUES = np.array([[1.0, -2.0], [0.5, 0.25], [3.0, 1e-3]], dtype=np.float32)
IDS = {"[PAD]": 0, "i1": 1, "i2": 2, "i3": 3, "007": 4}
ROWS = [[0.0, 0.0], [0.5, 0.25], [0.0, 0.0], [1.0, -2.0], [3.0, 1e-3]]

Write = Callable[[Path, Any, Any], Path]


def csv_file(folder: Path, tokens: Any = TOKENS, values: Any = VALUES) -> Path:
    header = ",".join(["item_id:token", *(f"x{j}:float" for j in range(values.shape[1]))])
    lines = [",".join([t, *map(str, row)]) for t, row in zip(tokens, values.tolist(), strict=True)]
    (folder / "v.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder / "v.csv"


def npz_file(folder: Path, tokens: Any = TOKENS, values: Any = VALUES) -> Path:
    np.savez(folder / "v.npz", tokens=np.array(tokens), vectors=values)
    return folder / "v.npz"


def companion(folder: Path, tokens: Any) -> None:
    (folder / "v.tokens").write_text("".join(f"{token}\n" for token in tokens))


def npy_file(folder: Path, tokens: Any = TOKENS, values: Any = VALUES) -> Path:
    np.save(folder / "v.npy", values)
    companion(folder, tokens)
    return folder / "v.npy"


def safetensors_file(folder: Path, tokens: Any = TOKENS, values: Any = VALUES) -> Path:
    save_file({"vectors": values}, folder / "v.safetensors")
    companion(folder, tokens)
    return folder / "v.safetensors"


FORMATS = [csv_file, npz_file, npy_file, safetensors_file]


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_holds_the_same(write: Write, tmp_path: Path) -> None:
    vectors = read_vectors(write(tmp_path, TOKENS, VALUES), "item_id")
    assert list(vectors.tokens) == TOKENS
    table = vectors.by_id(IDS, 5, skip_unknown=False)
    assert table.dtype == torch.float32
    assert torch.equal(table, torch.tensor(ROWS))


@pytest.mark.parametrize("write", FORMATS[1:])
@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64])
def test_other_numbers_become_float32(write: Write, kind: Any, tmp_path: Path) -> None:
    values = np.array([[1, -2], [0, 5], [3, 4]], dtype=kind)
    found = read_vectors(write(tmp_path, TOKENS, values), "item_id").values
    assert found.dtype == np.float32
    assert np.array_equal(found, values)


def test_tokens_may_be_numbers(tmp_path: Path) -> None:
    vectors = read_vectors(npz_file(tmp_path, [3, 1, 12], VALUES), "item_id")
    assert list(vectors.tokens) == ["3", "1", "12"]


def test_tokens_may_stand_between_quotes_and_commas(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text('item_id:token,x:float\r\n"a,b",1\r\nc,2\r\n')
    assert list(read_vectors(tmp_path / "v.csv", "item_id").tokens) == ["a,b", "c"]


def refused(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read_vectors(path, "item_id").by_id(IDS, 5, skip_unknown=False)
    line = str(error.value)
    assert line.isprintable()
    return line.replace(f"{path.parent}/", "")


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize(
    ("tokens", "values", "message"),
    [
        (TOKENS, np.where(VALUES == 0.5, np.nan, VALUES),
         "the vector of item 'i1' holds NaN, infinity or a number beyond float32"),
        (TOKENS, np.where(VALUES == 3.0, np.inf, VALUES), "the vector of item '007' holds NaN"),
        (["i3", "i1", "i3"], VALUES, "item 'i3' has two vectors"),
        (["i3", "x", "y"], VALUES, "unknown item 'x' and 1 more, not in the data set (after its"),
        (["i3", "[PAD]", "i1"], VALUES, "unknown item '[PAD]', not in the data set"),
        (["1", "2", "3"], VALUES, "none of its 3 items is in the data set; they must be named by "
         "the tokens of its own files, not as '1'"),
    ],
    ids=["nan", "inf", "twice", "unknown", "pad", "none known"],
)  # fmt: skip
def test_bad_content(write: Write, tokens: Any, values: Any, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, tokens, values)
    assert refused(path).startswith(f"{path.name}: {message}")


def test_unknown_items_are_skipped_where_that_is_asked_for(tmp_path: Path) -> None:
    vectors = read_vectors(npz_file(tmp_path, ["i3", "x", "i1"], VALUES), "item_id")
    table = vectors.by_id(IDS, 5, skip_unknown=True)
    assert table.any(1).tolist() == [False, True, False, True, False]
    assert table[1].tolist() == pytest.approx([3.0, 1e-3])
    strangers = ItemVectors(tmp_path, ["x"], VALUES[:1])
    with pytest.raises(DataError, match="none of its 1 items"):
        strangers.by_id(IDS, 5, skip_unknown=True)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("unpickled",))


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb()))
    companion(path.parent, TOKENS)


def pickled_array(path: Path) -> None:
    objects = np.array([[Bomb(), Bomb()]], dtype=object)
    if path.suffix == ".npz":
        np.savez(path, tokens=np.array(["i1"]), vectors=objects)
    else:
        np.save(path, objects)
        companion(path.parent, ["i1"])


def text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(content) and None


def cut(write: Write) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        data = write(path.parent, TOKENS, VALUES).read_bytes()
        path.write_bytes(data[: len(data) - 9])

    return make


def without_companion(path: Path) -> None:
    npy_file(path.parent).with_suffix(".tokens").unlink()


def short_companion(path: Path) -> None:
    npy_file(path.parent)
    companion(path.parent, TOKENS[:2])


def flat(path: Path) -> None:
    np.save(path, VALUES[0])
    companion(path.parent, TOKENS)


def texts(path: Path) -> None:
    np.savez(path, tokens=np.array(TOKENS), vectors=np.array([["a"], ["b"], ["c"]]))


def numbers_as_tokens(path: Path) -> None:
    np.savez(path, tokens=VALUES, vectors=VALUES)


def nothing_named_so(path: Path) -> None:
    np.savez(path, ids=np.array(TOKENS), vectors=VALUES)


def other_tensor(path: Path) -> None:
    save_file({"weights": VALUES}, path)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        shape = (10**12, 10**4)
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )
    companion(path.parent, TOKENS)


def empty_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w"):
        pass


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("v.npy", lambda path: None, "v.npy: cannot be read (No such file or directory)"),
        ("v.csv", lambda path: path.mkdir(), "v.csv: cannot be read (Is a directory)"),
        ("v.npy", pickled, "v.npy: holds pickled objects, which are never loaded"),
        ("v.npz", pickled, "v.npz: holds pickled objects, which are never loaded"),
        ("v.npy", pickled_array, "v.npy: holds pickled objects, which are never loaded"),
        ("v.npz", pickled_array, "v.npz: holds pickled objects, which are never loaded"),
        ("v.npy", cut(npy_file), "v.npy: damaged or no .npy file"),
        ("v.npz", cut(npz_file), "v.npz: damaged or no .npz file"),
        ("v.safetensors", cut(safetensors_file), "v.safetensors: damaged or no .safetensors file"),
        ("v.safetensors", text("hello"), "v.safetensors: damaged or no .safetensors file"),
        ("v.npy", text(""), "v.npy: damaged or no .npy file"),
        ("v.npy", huge, "v.npy: damaged or no .npy file"),
        ("v.npz", empty_archive, "v.npz: no array 'tokens' in it; it has nothing"),
        ("v.npz", nothing_named_so, "v.npz: no array 'tokens' in it; it has ids, vectors"),
        ("v.npz", texts, "v.npz: vectors are of type <U1, not numbers"),
        ("v.npz", numbers_as_tokens, "v.npz: tokens are of type float32 and shape (3, 2);"),
        ("v.safetensors", other_tensor, "v.safetensors: no tensor 'vectors' in it; it has weights"),
        ("v.npy", without_companion, "v.tokens is missing: it names the items of v.npy"),
        ("v.npy", short_companion, "v.npy: 3 vectors, but 2 item tokens"),
        ("v.npy", flat, "v.npy: vectors have shape (2,); expected (items, width), neither of them"),
        ("v.csv", text(""), "v.csv, line 1: '' where the columns 'item_id:token,NAME:float,...'"),
        ("v.csv", text("item_id:token\ni1\n"), "v.csv, line 1: 'item_id:token' where the columns"),
        ("v.csv", text("id:token,x:float\n"), "v.csv, line 1: 'id:token,x:float' where the col"),
        ("v.csv", text("item_id:token,x:token\n"), "v.csv, line 1: 'x:token' where the columns"),
        ("v.csv", text("item_id:token,x:float\n"), "v.csv: vectors have shape (0, 1); expected"),
        ("v.csv", text("item_id:token,x:float\ni1,1\n\ni2,3,4\n"),
         "v.csv, line 4: 3 fields where the header names 2"),
        ("v.csv", text("item_id:token,x:float\ni1,one\n"),
         "v.csv, line 2, column 'x': 'one' is not a number"),
        ("v.csv", text("item_id:token,x:float\ni1,\n"),
         "v.csv, line 2, column 'x': '' is not a number"),
        ("v.csv", lambda path: path.write_bytes(b"\xff\xfe\x00"), "v.csv: damaged or no .csv file"),
    ],
)  # fmt: skip
def test_malformed_files(
    name: str, make: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    make(tmp_path / name)
    assert refused(tmp_path / name).startswith(message)
