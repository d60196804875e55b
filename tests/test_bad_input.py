"""Bad configurations and atomic files: one line on stderr, exit code 2, nothing written or lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bad_input import HEADER, KEYS, Refused

pytestmark = pytest.mark.usefixtures("quiet_place")

GOOD = "".join(f"u{n % 6}\ti{n % 5}\t{n}\n" for n in range(48))


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    return Refused(tmp_path, capsys)


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
    (["--valid_metric=NDCG@7", "--topk=[5]"], "needs a cut-off of topk"),
    (["--eval_args={split: {RS: [8,1,1]}}"], "which must be {LS: valid_and_test}"),
    (["--load_col={inter: [user_id]}"], "must load item_id, timestamp of inter"),
    (["--seed"], "'--seed' has no value; write --seed=value"),
    (["--config_files=absent.yaml"], "config file 'absent.yaml' does not exist"),
    (["--config_files=twice.yaml"], "twice.yaml:2: the key 'seed' stands there twice"),
    (["--config_files=code.yaml"], "code.yaml:1: could not determine a constructor"),
    (["--config_files=a.yaml", "--config_files=twice.yaml"], "--config_files is given twice, as "
     "'a.yaml' and as 'twice.yaml'; give one"),
    (["--model=FPARec", "--model=PARec"], "--model is given twice, as 'FPARec' and as 'PARec'"),
    (["--loss_type=BPR", "--n_negatives=5"], "n_negatives: 5 must be smaller than the catalogue"),
    (["--unused_col={item: [class]}"], "unused_col: no column 'class' of d.item was loaded"),
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
