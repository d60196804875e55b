"""A user's own class: the README's example as it stands, and what registering refuses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from recbole_ext import load, register_model, registry, run
from recbole_ext.cli import main
from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.model.fparec import FPARec
from recbole_ext.training.doubtful import doubtful_settings

pytestmark = pytest.mark.usefixtures("registers_nothing_for_good")

ROOT = Path(__file__).parent.parent


def readme_files() -> dict[str, str]:
    """The fenced blocks of the README that begin with a file's name, by that name."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w+\n# (\S+\.(?:py|yaml))\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return dict(blocks)


def test_the_readme_example_runs(tmp_path: Path) -> None:
    for name, text in readme_files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "decayed_mean.py"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert len(re.findall(r"^\d\s+196\s", ended.stdout, re.MULTILINE)) == 3
    log = next((tmp_path / "saved").glob("DecayedMean-ml-100k-*/log.txt")).read_text()
    losses = [float(found) for found in re.findall(r"loss (\d+\.\d+)", log)]
    assert len(losses) == 5
    assert losses[-1] < losses[0] - 0.2


class Widened(FPARec):
    """A class with a base's keys and one of its own."""


def test_keys_of_its_own_have_the_type_of_their_default(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: FPARec\nwarmth: 0.5\nn_heads: 2\n")
    register_model(file)(Widened)
    config = ExtConfig("Widened", "ml-100k", config_dict={"warmth": 0.25})
    assert (config["warmth"], config["n_heads"], config["factor_rank"]) == (0.25, 2, 40)
    with pytest.raises(ConfigError, match=r"warmth.*number, as its default in the m"):
        ExtConfig("Widened", "ml-100k", config_dict={"warmth": "hot"})
    with pytest.raises(ConfigError, match=r"warmht.*did you mean 'warmth'"):
        ExtConfig("Widened", "ml-100k", config_dict={"warmht": 0.25})


def test_faults_of_its_yaml_name_that_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: [FPARec]\n")
    register_model(file)(Widened)
    with pytest.raises(ConfigError, match=f"^{file}: base: .* must be the name of a model"):
        ExtConfig("Widened", "ml-100k")
    file.write_text("base: FPAREC\n")
    with pytest.raises(ConfigError, match=f"^{file}: base: 'FPAREC' is no model.*'FPARec'"):
        ExtConfig("Widened", "ml-100k")
    file.write_text("base: FPARec\nsince: 2020-01-01\n")
    with pytest.raises(ConfigError, match=r"since: .*mine\.yaml\) is of type date, not a plain"):
        ExtConfig("Widened", "ml-100k")


@pytest.mark.parametrize("key", ["base", "about"])
def test_what_its_yaml_says_of_the_model_is_no_setting(key: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: FPARec\nabout: {year: 2026}\n")
    register_model(file)(Widened)
    with pytest.raises(ConfigError, match=f"unknown key '{key}'"):
        ExtConfig("Widened", "ml-100k", config_dict={key: "Nonsense"})


def test_it_is_listed_run_and_loaded_by_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: FPARec\n")
    register_model(file)(Widened)
    assert next(m for m in registry.list_models() if m.name == "Widened").source == "yours"
    settings = {"epochs": 1, "run_dir": str(tmp_path / "run"), "show_progress": False}
    finished = run("Widened", "ml-100k", config_dict=settings)
    assert type(load(finished.run_dir).model) is Widened
    saved = yaml.safe_load((finished.run_dir / "config.yaml").read_text())
    assert saved["model"] == "Widened"


MINE = """
from recbole_ext import register_model
from recbole_ext.model.fparec import FPARec

@register_model("mine.yaml")
class Imported(FPARec):
    pass
"""


def test_its_yaml_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever the command is given."""
    monkeypatch.setattr("recbole_ext.imports._imported", [])
    place, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    for folder in (place, elsewhere):
        folder.mkdir()
    (place / "lies_beside.py").write_text(MINE)
    (place / "mine.yaml").write_text("base: FPARec\nwarmth: 0.5\n")
    monkeypatch.chdir(elsewhere)
    assert main(["models", "Imported", f"--import={place / 'lies_beside.py'}"]) == 0
    assert "warmth" in capsys.readouterr().out


def test_a_file_of_the_current_folder_serves_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.yaml").write_text("base: FPARec\n")
    register_model("here.yaml")(Widened)
    assert registry.REGISTERED["Widened"].yaml == tmp_path / "here.yaml"


def test_a_class_that_leaves_out_what_it_must_define() -> None:
    class Half(NextItemRecommender):
        def encode(self, *args: Any, **kwargs: Any) -> Any: ...

    with pytest.raises(ConfigError, match="the class Half must define item_table"):
        register_model()(Half)
    with pytest.raises(ConfigError, match="the class Half must define item_table"):
        ExtConfig(Half, "ml-100k")


def test_a_new_key_that_looks_misspelt_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: FPARec\ntrain_objectiv: all_positions\nwarmth: 1\nn_heads: 2\n")
    register_model(file)(Widened)
    config = ExtConfig("Widened", "ml-100k")
    assert [*doubtful_settings(config)] == [
        "train_objectiv is a new key of Widened's own YAML; is train_objective meant?"
    ]


def test_a_run_folder_whose_class_is_not_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: FPARec\n")
    register_model(file)(Widened)
    settings = {"epochs": 1, "run_dir": str(tmp_path / "run"), "show_progress": False}
    finished = run("Widened", "ml-100k", config_dict=settings)
    registry.REGISTERED.clear()
    assert main(["recommend", str(finished.run_dir), "--user=196"]) == 2
    said = capsys.readouterr().err
    assert "run: unknown model 'Widened' (from config.yaml)" in said
    assert "--import=FILE.py" in said


def test_every_command_takes_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("recbole_ext.imports._imported", [])  # what later tests do not import
    Path("imported_mine.py").write_text(MINE)
    Path("mine.yaml").write_text("base: FPARec\nepochs: 1\nshow_progress: false\n")
    mine = "--import=imported_mine.py"
    words = ["run", "--model=Imported", "--dataset=ml-100k", "--run_dir=r"]
    assert main(words) == 2
    assert "Imported" in capsys.readouterr().err
    assert main([*words, mine]) == 0
    for later in (
        ["recommend", "r", "--user=196", "--k=2"],
        ["generate", "r", "--user=196", "--steps=2"],
        ["analyze", "padding", "r"],
        ["models", "Imported"],
        ["resume", "r"],
    ):
        capsys.readouterr()
        registry.REGISTERED.clear()
        monkeypatch.setattr("recbole_ext.imports._imported", [])
        monkeypatch.delitem(sys.modules, "imported_mine")
        known = 2 if later[0] == "resume" else 0  # it has finished
        assert main([*later, mine]) == known, later
    assert "has finished" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gone.py", None, "gone.py is no Python file"),
        ("mine.txt", "", "mine.txt is no Python file"),
        ("json.py", "", "there is another module 'json'; rename it"),
        ("tabulate.py", "", "there is another module 'tabulate'; rename it"),
        ("my-model.py", "", "'my-model' cannot be a module's name; rename it"),
    ],
)
def test_files_that_cannot_be_imported(
    name: str,
    text: str | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path(name).write_text(text)
    assert main(["models", f"--import={name}"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["FPARec", "SASRec", "VanillaAR"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"the name '{name}' is taken"):
        register_model()(type(name, (FPARec,), {}))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file .*mine.yaml"):
        register_model(tmp_path / "mine.yaml")(Widened)
