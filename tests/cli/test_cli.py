"""The command line: what it prints, and how it says no."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small import as_arguments

from recbole_ext import __version__
from recbole_ext.cli import main

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[2]
COMMANDS = (
    "run", "resume", "recommend", "evaluate", "generate", "compare", "tune", "analyze", "prepare",
    "models",
)  # fmt: skip


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=300, check=False
    )


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line of a user's mistake, without its ``error: ``."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("error: ") and "Traceback" not in err
    return err.removeprefix("error: ").rstrip("\n")


def test_unknown_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "run", "--model=FPARek", "--dataset=ml-100k") == (
        "unknown model 'FPARek' (from --model); did you mean 'FPARec'?"
    )


def test_the_short_options_of_recboles_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "run", "-m", "FPARek", "-d", "ml-100k") == (
        "unknown model 'FPARek' (from --model); did you mean 'FPARec'?"
    )


def test_unknown_key(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, "run", "--model=FPARec", "--dataset=ml-100k", "--hiden_size=8")
    assert line == (
        "unknown key 'hiden_size' (from --hiden_size) for model FPARec; did you mean 'hidden_size'?"
    )


def test_missing_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, "run", "--model=FPARec", "--dataset=ml-1m", "--data_path=d")
    assert "ml-1m.inter is missing; get it (" in line
    assert "python -m recbole_ext prepare" in line
    assert list(Path().iterdir()) == []


def test_a_run_folder_in_use(capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    Path("mine").mkdir()
    Path("mine", "thesis.tex").touch()
    words = as_arguments(settings(run_dir="mine"))
    line = refusal(capsys, "run", "--model=FPARec", "--dataset=ring", *words)
    place = Path("mine").absolute()
    assert line.startswith(f"run_dir: {place} is not empty; resume it with ")
    assert [file.name for file in place.iterdir()] == ["thesis.tex"]


def test_broken_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.yaml").write_text("epochs: 3\ntopk: [5, 10\nseed: 1\n")
    words = ("--model=FPARec", "--dataset=ml-100k", "--config_files=broken.yaml")
    assert refusal(capsys, "run", *words).startswith("broken.yaml:3: ")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "--dataset=ml-100k"], "no model given: add --model=NAME, or 'model: NAME' to a"),
        (["run", "--model=FPARec"], "no dataset given: add --dataset=NAME, or 'dataset: NAME' to"),
        (["run", "--model=FPARec", "--dataset=ml-100k", "epochs=3"], "unexpected argument 'epoch"),
        (["run", "--model=FPARec", "--dataset=ml-100k", "--epochs"], "'--epochs' has no value; w"),
        (["resume", "nowhere"], "nowhere is no run folder: it does not exist"),
        (
            ["fly"],
            "no command 'fly'; there are run, resume, tune, recommend, evaluate, gene",
        ),
        (["prepare", "--input=nowhere.txt", "--dataset=d"], "nowhere.txt: no such file"),
    ],
)
def test_other_mistakes(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, *words).startswith(line)


@pytest.mark.parametrize(
    "words",
    [
        ["recommend", "r", "--user=1", "--k"],
        ["generate", "r", "--steps"],
        ["generate", "r", "--decode=sample", "--seed"],
        ["analyze", "r", "--users"],
        ["analyze", "exposure", "r", "--batch_size"],
        ["analyze", "personalisation", "r", "--k"],
        ["analyze", "positions", "--dataset=ml-100k", "--show"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("digits", [20, 5000])
def test_a_huge_number_is_one_line(
    digits: int, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Python reads no more than 4,300 digits."""
    *others, option = words
    line = refusal(capsys, *others, f"{option}={'9' * digits}")
    shown = "9" * 20 if digits == 20 else "9" * 77 + "..."
    end = ", or all" if option == "--users" else ""
    assert line == f"{option}: {shown} must be a whole number of {2**63 - 1} or less{end}"


def test_the_nearest_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "modles", "SASRec").endswith("; did you mean 'models'?")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "the following arguments are required: COMMAND; see recbole_ext --help"),
        (["resume", "a", "b"], "'b' is one word too many; see recbole_ext resume --help"),
        (["recommend", "a", "--users=1"], "no option '--users'; did you mean '--user'?; see rec"),
        (["analyze", "duality", "a", "--outt=1"], "no option '--outt'; did you mean '--out'?; see"),
        (
            ["analyze", "padding", "a", "--k=3"],
            "no option '--k'; see recbole_ext analyze padding --help",
        ),
        (["models", "--x=1"], "no option '--x'; see recbole_ext models --help"),
        (["prepare", "--min_user=x"], "argument --min_user: invalid int value: 'x'; see recbole_"),
    ],
)
def test_usage(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {line}") and said.count("\n") == 1


def test_in_a_process_of_its_own() -> None:
    found = python("-m", "recbole_ext", "run", "--model=FPARec", "--dataset=nowhere")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("error: dataset 'nowhere': ")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_needs_neither_torch_nor_recbole(words: list[str]) -> None:
    code = (
        "import sys, atexit; from recbole_ext.cli import main;"
        "heavy = ('torch', 'recbole', 'pandas', 'ray', 'matplotlib', 'transformers');"
        "found = lambda: [name for name in heavy if name in sys.modules];"
        "atexit.register(lambda: print('loaded:', *found()));"
        "main(sys.argv[1:])"
    )
    found = python("-c", code, *words)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("usage: recbole_ext")
    assert found.stdout.splitlines()[-1] == "loaded:"


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for command in COMMANDS:
        assert any(line.split()[:1] == [command] for line in lines), command


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{__version__}\n"


def test_the_readmes_command_is_recbole_ext_run(settings: Settings) -> None:
    """Both ways of starting a run give the same table and the same results."""
    outputs = []
    for name, words in (
        ("a", [str(ROOT / "run_recbole_ext.py")]),
        ("b", ["-m", "recbole_ext", "run"]),
    ):
        arguments = as_arguments(settings(run_dir=str(Path(name).absolute())))
        found = python(*words, "--model=FPARec", "--dataset=ring", *arguments)
        assert found.returncode == 0, found.stderr
        table, _, rest = found.stdout.partition("best epoch")
        outputs.append((table, json.loads(Path(name, "metrics.json").read_text())))
        assert rest.endswith(f"run folder: {Path(name).absolute()}\n")
    (table, one), (other_table, other) = outputs
    for metrics in (one, other):
        del metrics["seconds_per_epoch"], metrics["train_seconds"]
    assert (table, one) == (other_table, other)
    lines = table.splitlines()
    assert " ".join(lines[0].split()) == (
        "metric valid, seen kept seen masked test, seen kept seen masked"
    )
    shown = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert len(shown) == 9
    parts = ("valid", "valid_seen_masked", "test", "test_seen_masked")
    assert shown["NDCG@10"] == [f"{one[part]['NDCG@10']:.4f}" for part in parts]


def test_weighted_metrics_stand_beside_the_plain_ones(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = as_arguments(settings(eval_ips_exponent=0.5, run_dir="r"))
    assert main(["run", "--model=FPARec", "--dataset=ring", *arguments]) == 0
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert " ".join(header.split()).endswith("seen masked test, IPS, seen kept seen masked")
    metrics = json.loads(Path("r", "metrics.json").read_text())
    shown = {row.split()[0]: row.split()[1:] for row in rows if row.startswith("NDCG")}
    weighted = [metrics[part]["NDCG@10"] for part in ("test_ips", "test_ips_seen_masked")]
    assert shown["NDCG@10"][4:] == [f"{value:.4f}" for value in weighted]


def test_config_files_in_order(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("epochs: 1\nhidden_size: 8\nmodel: PARec\ndataset: ring\n")
    Path("b.yaml").write_text("hidden_size: 12\ntopk: [3]\nvalid_metric: MRR@3\n")
    chosen = settings()
    for key in ("epochs", "hidden_size"):
        del chosen[key]
    words = ["run", "--config_files=a.yaml b.yaml", *as_arguments(chosen), "--run_dir=r"]
    assert main(words) == 0
    metrics = json.loads(Path("r", "metrics.json").read_text())
    assert (metrics["model"], metrics["epochs"]) == ("PARec", 1)
    assert list(metrics["test"]) == ["Hit@3", "NDCG@3", "MRR@3"]
    assert "hidden_size: 12" in Path("r", "config.yaml").read_text()
    assert "MRR@3" in capsys.readouterr().out
