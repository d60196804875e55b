"""`recbole_ext analyze RUN_DIR ... --what=...`: files, figures, tables, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.analysis import heat_maps, performance, rank_view, slot_maps, spectrum_view
from recbole_ext.analysis.blocks import rows_of
from recbole_ext.analysis.command import with_kind
from recbole_ext.analysis.labels import distinct
from recbole_ext.cli import main
from recbole_ext.errors import DataError
from recbole_ext.runner import load

FIGURES = (
    "attention", "attention_heads", "sparsity", "rank", "spectrum", "position_correlation",
    "positional_attention", "fixed_patterns", "locality", "choices",
)  # fmt: skip
RUNS = ("LocalAE", "VanillaAR", "FPARec", "SASRec", "GRU4Rec")


@pytest.fixture(scope="module")
def analyzed(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all figures of several runs."""
    out = tmp_path_factory.mktemp("figures") / "new" / "folder"
    runs = [str(trained / name) for name in RUNS]
    what = "attention,positions,sparsity,rank,spectrum,locality,choices"
    assert main(["analyze", *runs, f"--what={what}", f"--out={out}"]) == 0
    return out


def numbers(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def test_every_figure_has_three_files(analyzed: Path) -> None:
    expected = {f"{name}.{ending}" for name in FIGURES for ending in ("png", "svg", "json")}
    assert {file.name for file in analyzed.iterdir()} == expected
    assert all(numbers(analyzed, name)["figure"] == name for name in FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_not_blank_and_name_no_machine(
    name: str, analyzed: Path, trained: Path
) -> None:
    from matplotlib.image import imread

    pixels = imread(analyzed / f"{name}.png")[..., :3]
    assert pixels.std() > 0.05 and min(pixels.shape[:2]) > 150
    vector = (analyzed / f"{name}.svg").read_text()
    assert vector.startswith("<?xml") and len(vector) > 5000 and "<dc:date>" not in vector
    for text in (vector, (analyzed / f"{name}.json").read_text()):
        assert str(trained.parent) not in text and str(Path.home()) not in text


def test_heat_maps_show_the_numbers(analyzed: Path) -> None:
    data = numbers(analyzed, "attention")
    panels = [panel for panel in heat_maps.draw(data).axes if panel.images]
    n = len(data["panels"])
    assert n == 8  # two layers of each
    for place, one in enumerate(data["panels"]):  # a line for each run: layer, its rank 5, ...
        whole, near = np.array(one["attention"]), np.array(one["approximation"])
        largest = whole.max(1, keepdims=True)
        for panel, matrix in zip(panels[2 * place : 2 * place + 2], (whole, near), strict=True):
            shown = np.ma.asarray(panel.images[0].get_array())
            shares = matrix / np.where(largest > 0, largest, 1)
            seen = ~np.ma.getmaskarray(shown)
            np.testing.assert_allclose(shown.data[seen], shares[seen])
            assert not whole[~seen].any(), "grey is where nothing is attended to"
        assert np.linalg.matrix_rank(near, tol=1e-2) <= 5
        error = np.linalg.norm(whole - near) / np.linalg.norm(whole)
        assert error == pytest.approx(one["relative_error"], abs=2e-3)


def test_heads_are_shown_apart(analyzed: Path) -> None:
    rows = numbers(analyzed, "attention_heads")["rows"]
    assert {row["run"]: len(row["heads"]) for row in rows} == {
        "LocalAE": 2, "VanillaAR": 2, "FPARec": 1, "SASRec": 2,
    }  # fmt: skip
    local = np.array(rows[0]["heads"][0])[-8:, -8:]
    distance = np.abs(np.subtract.outer(range(8), range(8)))
    assert not local[distance > 2].any() and local[distance == 2].any()  # a window of 2


def test_curves_show_the_numbers(analyzed: Path) -> None:
    rank = numbers(analyzed, "rank")
    drawn = [line.get_ydata() for line in rank_view.draw(rank).axes[0].lines]
    expected = [
        run[key] for run in rank["runs"] for key in ("k_by_sigma", "k_by_sigma_noise_drawn")
    ]
    n = len(expected)
    assert [list(one) for one in drawn[:n]] == expected
    own = [run["uniform"][null] for run in rank["runs"] for null in ("bidirectional", "causal")]
    assert drawn[n:] and all(list(one) in own for one in drawn[n:])
    for run in rank["runs"]:  # the figure's null is the table's
        for null, k in run["k_of_uniform"].items():
            assert run["uniform"][null][0] == k
    assert rank["runs"][0]["uniform"]["causal"] != rank["nulls"]["causal"]["k_by_sigma"]
    assert all(run["k"] == run["k_by_sigma"][0] for run in rank["runs"])
    spectrum = numbers(analyzed, "spectrum")
    first = spectrum_view.draw(spectrum).axes[0]
    assert list(first.lines[0].get_ydata()) == spectrum["runs"][0]["layers"][0]["singular_values"]
    n = len(spectrum["runs"])
    own = [run["uniform"][null] for run in spectrum["runs"] for null in run["uniform"]]
    assert len(first.lines) >= n + 2
    assert all(list(line.get_ydata()) in own for line in first.lines[n:])
    maps = numbers(analyzed, "positional_attention")
    shown = slot_maps.draw(maps).axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.asarray(shown), maps["panels"][0]["matrix"])
    assert (shown.mask == np.triu(np.ones(shown.shape, dtype=bool), 1)).all()  # the future is grey
    choices = numbers(analyzed, "choices")
    drawn = performance.draw_choices(choices).axes[0].lines
    dots = [x for line in drawn if line.get_marker() == "o" for x in line.get_xdata()]
    assert dots == pytest.approx([100 * x for one in choices["choices"] for x in one["each"]])


def test_sparsity_and_its_nulls(analyzed: Path) -> None:
    data = numbers(analyzed, "sparsity")
    assert data["nulls"]["bidirectional"]["S"] == 0.05
    assert data["nulls"]["causal"]["S"] == pytest.approx(0.0264, abs=5e-5)
    assert [run["run"] for run in data["runs"]] == ["LocalAE", "VanillaAR", "FPARec", "SASRec"]
    for run in data["runs"]:
        layers = run["layers"]
        assert run["S"] == pytest.approx(np.mean([one["S"] for one in layers]), rel=1e-5)
        assert sum(point["users"] for point in run["by_length"]) == run["users"]
        for one in layers:
            assert one["S"] == pytest.approx(np.mean(one["S_by_head"]), rel=1e-5)
    free = data["runs"][2]  # FPARec starts at uniform attention and has hardly moved
    assert free["S"] == pytest.approx(free["S_of_uniform"]["causal"], rel=0.01)


def test_what_is_missing_is_said(
    analyzed: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(trained / "GRU4Rec"), str(trained / "SASRec"), f"--out={tmp_path}"]
    assert main(["analyze", *words, "--what=spectrum,positions", "--users=5"]) == 0
    out = capsys.readouterr().out
    assert "left out: GRU4Rec has no attention matrices\n" in out
    assert "left out: GRU4Rec has neither position embeddings nor positional attention" in out
    assert f"figure: {tmp_path / 'spectrum.png'}\n" in out
    assert main(["analyze", "runs", words[0], words[2], "--what=rank"]) == 2
    err = capsys.readouterr().err
    assert err == "error: none of the runs has what is asked for: no figure\n"


def test_the_default_folder_is_the_runs_own(trained: Path) -> None:
    from recbole_ext import load

    run = trained / "FPARec"
    load(run)
    assert main(["analyze", str(run), "--what=spectrum", "--users=3"]) == 0
    assert {file.name for file in (run / "analysis").iterdir()} == {
        "spectrum.png", "spectrum.svg", "spectrum.json",
    }  # fmt: skip
    before = (run / "analysis" / "spectrum.svg").read_bytes()
    assert main(["analyze", "--what", "spectrum", str(run), "--users=3"]) == 0
    assert (run / "analysis" / "spectrum.svg").read_bytes() == before  # and its own loading stands
    load(run)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--what=ranks"],
            "--what: 'ranks' must be some of attention, positions, sparsity, rank, ",
        ),
        (["--what="], "--what: '' must be some of attention, positions"),
        (["--users=few"], "--users: 'few' must be a whole number of 1 or more, or all"),
        (["--users=0"], "--users: 0 must be a whole number"),
        (["--out="], "--out: '' is no folder"),
        (["--user=nobody"], "--user: unknown user 'nobody'"),
        (["--what=locality"], "--what=locality: compares runs; name two or more"),
        (["{run}/", "--what=locality"], "--what=locality: compares runs; name two or more"),
        (["{run}/../SASRec", "--what=choices", "--metric=X@3"], "--metric: 'X@3' is not in "),
        (["{run}/nowhere"], "{run}/nowhere is no run folder: it does not exist"),
        (["--out={run}/config.yaml"], "--out: '{run}/config.yaml' is no folder"),
    ],
)
def test_mistakes(
    words: list[str], line: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(trained / "FPARec")
    given = [word.replace("{run}", run) for word in words]
    assert main(["analyze", run, *given]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"error: {line.replace('{run}', run)[:70]}")


def test_one_run_is_drawn_though_several_are_asked_for(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a comparison whose first job has just finished."""
    words = ["analyze", str(trained / "FPARec"), "--what=sparsity,locality", f"--out={tmp_path}"]
    assert main(words) == 0
    assert "--what=locality: compares runs; name two or more" in capsys.readouterr().out
    assert (tmp_path / "sparsity.png").exists()


def test_without_matplotlib(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["analyze", str(trained / "FPARec")]) == 2
    assert capsys.readouterr().err == (
        'error: a figure needs the package matplotlib: pip install "recbole_ext[figures]"\n'
    )


def test_run_folders_need_no_kind() -> None:
    assert with_kind(["saved/a", "--what=rank"]) == ["runs", "saved/a", "--what=rank"]
    assert with_kind(["--what", "positions", "a"]) == ["runs", "--what", "positions", "a"]
    assert with_kind(["./positions"]) == ["runs", "./positions"]
    for words in ([], ["--help"], ["runs", "a"], ["positions", "--user=1"], ["rollouts", "a"]):
        assert with_kind(words) == words
    assert with_kind(["postions", "--user=1"]) == ["postions", "--user=1"]


def test_a_misspelt_kind_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["analyze", "rolouts", "a", "--out=x.png"])
    assert stop.value.code == 2
    assert "invalid choice: 'rolouts'" in capsys.readouterr().err


def test_names_that_tell_apart() -> None:
    assert distinct([["a", "b"], ["x", "y"]]) == ["a", "b"]
    assert distinct([["a", "a"], ["x", "y"]]) == ["x", "y"]
    assert distinct([["a", "a"], ["x", "x"]]) == ["x", "x"]


def test_a_user_who_is_not_among_those_that_are_tested(trained: Path) -> None:
    few = load(trained / "FPARec", {"eval_users": 2})
    tested = few.loaders.test.rows.users.tolist()
    other = next(user for user in range(1, few.dataset.user_num) if user not in tested)
    token = str(few.dataset.id2token("user_id", other))
    with pytest.raises(DataError, match=r"no test item in FPARec, whose eval_users: 2 are tested$"):
        rows_of(few, None, token)
