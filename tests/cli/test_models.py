"""`recbole_ext models`: the list, and what it says of one."""

from __future__ import annotations

import pytest

from recbole_ext.cli import main

pytestmark = pytest.mark.usefixtures("quiet_place")


@pytest.mark.parametrize("columns", [100, 120, 200])
def test_the_list_of_models_fits_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["models", "--own"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert ("base" in lines[0].split()) == (columns == 200)


def test_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert rows["FPARec"][:3] == ["recbole_ext", "2024", "sequential"]
    assert rows["VanillaAR"][:4] == ["recbole_ext", "2018", "sequential", "ComposableRecommender"]
    assert rows["SASRec"][:3] == ["RecBole", "2018", "sequential"]
    assert rows["BPR"][:3] == ["RecBole", "2009", "general"]
    assert "XGBoost" not in rows
    assert len(rows) > 90


@pytest.mark.parametrize(
    ("name", "why"),
    [("S3Rec", "by S3RecTrainer"), ("FEARec", "augmented table"), ("KGCN", "knowledge graph")],
)
def test_a_model_that_is_not_run_says_why(
    name: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for shown in (name, "SASRec"):
        assert main(["models", shown]) == 0
        facts = [line for line in capsys.readouterr().out.splitlines() if "not run" in line]
        assert [why in fact for fact in facts] == [True] * (shown == name)
