"""Bad input of every kind: one line on stderr, exit code 2, nothing written, nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import save_file

from recbole_ext.cli import main
from recbole_ext.runner import run

pytestmark = pytest.mark.usefixtures("quiet_place")

Refused = Callable[..., str]
Tamper = Callable[[Path], Any]

KEYS = {
    "MAX_ITEM_LIST_LENGTH": 8,
    "epochs": 2,
    "hidden_size": 16,
    "inner_size": 16,
    "factor_rank": 4,
    "use_gpu": False,
    "torch_threads": 1,
    "show_progress": False,
}
HEADER = "user_id:token\titem_id:token\ttimestamp:float"
GOOD = "".join(f"u{n % 6}\ti{n % 5}\t{n}\n" for n in range(48))


def snapshot(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` and a digest of its content."""
    paths = sorted(folder.rglob("*"))
    return {
        str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
        for p in paths
    }


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a command that must be refused; returns its one line without the temporary folder."""

    def check(*argv: str) -> str:
        before = snapshot(tmp_path)
        code = main(argv)
        out, err = capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert err.startswith("error: ") and err.endswith("\n") and err[:-1].isprintable()
        assert snapshot(tmp_path) == before
        return err.removeprefix("error: ")[:-1].replace(f"{tmp_path}/", "")

    return check


def arguments(**keys: Any) -> list[str]:
    return [f"--{key}={value}" for key, value in keys.items()]


CONFIGS = [
    (["--model=FPARc"], "unknown model 'FPARc' (from --model); did you mean 'FPARec'?"),
    (["--model=FPARec", "--dataset=../d"], "must be the name of a folder in data_path, not a path"),
    (["--dataset=none"], "dataset 'none': data/none/none.inter is missing"),
    (["--learning_rte=0.1"], "unknown key 'learning_rte' (from --learning_rte) for model FPARec"),
    (["--learning_rate=nan"], "learning_rate: 'nan' (from --learning_rate) must be a number > 0"),
    (["--hidden_size=10/0"], "hidden_size: '10/0' (from --hidden_size) must be a whole number"),
    (["--n_heads=3"], "n_heads: 3 (from --n_heads) must divide hidden_size: 16"),
    (["--valid_metric=NDCG@7"], "needs a cut-off of topk"),
    (["--eval_args={split: {RS: [8,1,1]}}"], "which must be {LS: valid_and_test}"),
    (["--load_col={inter: [user_id]}"], "must load item_id, timestamp of inter"),
    (["--seed"], "'--seed' has no value; write --seed=value"),
    (["--config_files=absent.yaml"], "config file 'absent.yaml' does not exist"),
    (["--config_files=twice.yaml"], "twice.yaml:2: the key 'seed' stands there twice"),
    (["--config_files=code.yaml"], "code.yaml:1: could not determine a constructor"),
    (["--run_dir=data"], "run_dir: data is not empty; resume it with"),
]  # fmt: skip


@pytest.mark.parametrize(("extra", "expected"), CONFIGS, ids=[c[0][-1] for c in CONFIGS])
def test_configurations(extra: list[str], expected: str, tmp_path: Path, refused: Refused) -> None:
    write_files(tmp_path, {"d.inter": f"{HEADER}\n{GOOD}"})
    (tmp_path / "twice.yaml").write_text("seed: 1\nseed: 2\n")
    (tmp_path / "code.yaml").write_text("seed: !!python/object/apply:os.getcwd []\n")
    given = {key.partition("=")[0] for key in extra}
    rest = [a for a in standard(tmp_path) if a.partition("=")[0] not in given]
    assert expected in refused("run", *rest, *extra)


def standard(folder: Path) -> list[str]:
    """A run of FPARec on the data set ``d`` in ``folder / "data"``."""
    named = {"model": "FPARec", "dataset": "d", "data_path": str(folder / "data")}
    return arguments(**named, checkpoint_dir=str(folder / "saved"), **KEYS)


def write_files(folder: Path, files: dict[str, str | bytes]) -> None:
    place = folder / "data" / "d"
    place.mkdir(parents=True)
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (place / name).write_bytes(raw)


def inter(lines: str, header: str = HEADER) -> dict[str, str | bytes]:
    return {"d.inter": f"{header}\n{lines}"}


def with_items(content: str) -> dict[str, str | bytes]:
    return {"d.inter": f"{HEADER}\n{GOOD}", "d.item": content}


AT = "data/d/d.inter"
ITEM = "data/d/d.item"
FILES: list[tuple[str, dict[str, str | bytes], str]] = [
    ("no file", {}, f"dataset 'd': {AT} is missing"),
    ("an empty file", {"d.inter": ""}, f"{AT}: the file is empty"),
    ("only a header", {"d.inter": HEADER}, f"{AT}: there is a header, but no line after it"),
    ("no header", {"d.inter": GOOD}, f"{AT}, line 1: 'u0' is not name:type"),
    ("no types", inter(GOOD, "user_id\titem_id\ttimestamp"), f"{AT}, line 1: 'user_id' is not"),
    ("an unknown type", inter(GOOD, HEADER.replace("float", "flaot")), f"{AT}, line 1, column "
     "'timestamp': unknown type 'flaot'; did you mean 'float'?"),
    ("a column twice", inter("u\ti\t1\t2\n", f"{HEADER}\ttimestamp:float"),
     f"{AT}, line 1: column 'timestamp' is there twice"),
    ("no user", inter(GOOD, HEADER.replace("user_id", "userid")),
     f"{AT}, line 1: no column 'user_id' (load_col); did you mean 'userid'?"),
    ("no item", inter(GOOD, HEADER.replace("item_id", "thing")), "no column 'item_id' (load_col)"),
    ("no time", inter(GOOD, HEADER.replace("timestamp", "time")), "did you mean 'time'?"),
    ("time as token", inter(GOOD, HEADER.replace("float", "token")),
     f"{AT}, line 1, column 'timestamp': TIME_FIELD must be of type float, not token"),
    ("commas", {"d.inter": f"{HEADER}\n{GOOD}".replace("\t", ",")},
     f"{AT}, line 1: columns are separated by ',', where field_separator is '\\t'"),
    ("commas below", inter(GOOD.replace("\t", ",")),
     f"{AT}, line 2: 1 field where the header names 3: separated by ',', not by '\\t'"),
    ("a field too few", inter(GOOD + "u\ti\n" + GOOD), f"{AT}, line 50: 2 fields where the header"),
    ("a field too many", inter(GOOD + "u\ti\t1\t1\n"), f"{AT}, line 50: 4 fields where the header"),
    ("cut off", inter(GOOD + "u\ti"), f"{AT}, line 50: the last line is cut off: 2 fields"),
    ("a time in words", inter(GOOD + "u\ti\tnoon\n"), f"{AT}, line 50, column 'timestamp': 'noon'"),
    ("a NaN", inter(GOOD + "u\ti\tnan\n"), f"{AT}, line 50, column 'timestamp': 'nan' is not a"),
    ("infinity", inter(GOOD + "u\ti\tinf\n"), f"{AT}, line 50, column 'timestamp': 'inf' is not f"),
    ("no time in a line", inter(GOOD + "u\ti\t\n"), f"{AT}, line 50, column 'timestamp': is empty"),
    ("an empty user", inter(GOOD + "\ti\t1\n"), f"{AT}, line 50, column 'user_id': is empty"),
    ("an empty item", inter(GOOD + "u\t\t1\n"), f"{AT}, line 50, column 'item_id': is empty"),
    ("a missing word", inter(GOOD + "NULL\ti\t1\n"), f"{AT}, line 50, column 'user_id': 'NULL' r"),
    ("padding", inter(GOOD + "u\t[PAD]\t1\n"), f"{AT}, line 50, column 'item_id': [PAD] is the na"),
    ("an open quote", inter(GOOD + 'u\t"i\t1\n'), f"{AT}, line 50, column 'item_id': a field op"),
    ("a null byte", inter(GOOD + "u\ti\0\t1\n"), f"{AT}, line 50: a null byte stands in the line"),
    ("latin-1", {"d.inter": f"{HEADER}\n{GOOD}é\ti\t1\n".encode("latin-1")},
     f"{AT}, line 50: not utf-8 text (invalid continuation byte); set encoding"),
    ("a zip", {"d.inter": b"PK\x03\x04\x14\0\0\0\x08\0\xd9"}, f"{AT}, line 1: not utf-8 text"),
    ("one user", inter("".join(f"u\ti{n}\t{n}\n" for n in range(9))),
     "d: all 9 interactions are of one user; at least two are needed"),
    ("one item", inter("".join(f"u{n % 2}\ti\t{n}\n" for n in range(9))),
     "d: all 9 interactions are of one item; at least two are needed"),
    ("short users", inter("".join(f"u{n // 2}\ti{n}\t{n}\n" for n in range(8))),
     "d: no user has"),
    ("items without their id", with_items("title:token_seq\nA\n"),
     f"{ITEM}, line 1: no column 'item_id' (load_col)"),
    ("an item twice", with_items("item_id:token\ttitle:token_seq\ni1\tA\ni2\tB\ni1\tC\n"),
     f"{ITEM}, line 4, column 'item_id': 'i1' stands on line 2 already"),
    ("an item without a column", with_items("item_id:token\ttitle:token_seq\ni1\tA\ni2\n"),
     f"{ITEM}, line 3: 1 field where the header names 2"),
    ("no title", with_items("item_id:token\ttitel:token_seq\ni1\tA\n"),
     f"{ITEM}, line 1: no column 'title' (load_col); did you mean 'titel'?"),
    ("empty items", with_items(""), f"{ITEM}: the file is empty"),
    ("no items", {"d.inter": f"{HEADER}\n{GOOD}"},
     f"{ITEM} is missing; load_col asks for item_id, title of it"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), [c[1:] for c in FILES], ids=[c[0] for c in FILES])
def test_atomic_files(
    files: dict[str, str | bytes], expected: str, tmp_path: Path, refused: Refused
) -> None:
    write_files(tmp_path, files)
    columns = {"inter": ["user_id", "item_id", "timestamp"]}
    if "d.item" in expected:
        columns["item"] = ["item_id", "title"]
    assert expected in refused("run", *standard(tmp_path), f"--load_col={json.dumps(columns)}")


FILTERS = [
    ("--user_inter_num_interval=[99,inf)", "d: nothing is left of its inter file after filtering"),
    ("--field_separator=,", "columns are separated by '\\t', where field_separator is ','"),
    ("--encoding=utf-16", f"{AT}: not utf-16 text"),
    ("--TIME_FIELD=time", "must load time of inter"),
    ("--threshold={timestamp: 3}", "d.inter has no column 'timestamp' (TIME_FIELD) any more"),
    ("--normalize_field=[price]", f"{AT}: RecBole cannot use these data"),
    ("--unload_col={inter: [pricee]}", "unload_col"),
    ("--alias_of_item_id=[price]", f"{AT}: RecBole cannot use these data: no column 'price'"),
]


@pytest.mark.parametrize(("key", "expected"), FILTERS)
def test_keys_that_do_not_fit_the_data(
    key: str, expected: str, tmp_path: Path, refused: Refused
) -> None:
    write_files(tmp_path, inter(GOOD))
    assert expected in refused("run", *standard(tmp_path), key)


# Run folders and checkpoints


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
    ("no model in the config", without_config("model"), "no model given"),
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


def test_the_untouched_copies_work(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the cases above start from is good: they fail for their own reasons."""
    assert main(["recommend", str(folder), "--user=u1"]) == 0
    (folder / "metrics.json").unlink()
    with_config(epochs=3)(folder)
    assert main(["resume", str(folder)]) == 0
    assert "best epoch" in capsys.readouterr().out
