"""What `models` says: papers, objectives, and where each default comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbole_ext import paths, registry, stock
from recbole_ext.cli import main
from recbole_ext.cli.about import about, defaults

OWN = [model.name for model in registry.list_models() if model.source == "recbole_ext"]


@pytest.mark.parametrize("name", OWN)
def test_every_own_model_says_what_it_is(name: str) -> None:
    what = about(name)
    assert what.paper and what.settings and 2017 <= int(what.year) <= 2026
    assert what.objective.endswith((", CE", ", sampled_softmax"))
    assert "attention " in what.axes or "backbone " in what.axes


def test_objectives_and_axes_follow_from_the_keys() -> None:
    assert about("VanillaAE").objective == "masked items, CE"
    assert about("CorrectedSASRec").objective == "next item, last position, CE"
    assert about("SASRecPlus").axes == "attention relative_positional"
    assert about("LocalAE").axes.endswith("local window")


def test_recboles_papers_are_read_from_its_files() -> None:
    sasrec = about("SASRec")
    assert sasrec.paper == "Self-Attentive Sequential Recommendation"
    assert (sasrec.year, sasrec.objective) == ("2018", "next item, last position, CE")
    assert about("BERT4Rec").objective == "masked items, CE"
    assert about("Pop").paper == ""
    years = [about(name).year for name in stock.recbole_models()]
    assert sum(year != "" for year in years) > 80
    assert all(1990 < int(year) < 2025 for year in years if year)


def test_a_default_comes_from_the_file_that_has_the_last_word() -> None:
    found = {default.key: default for default in defaults("LocalAE")}
    assert found["n_heads"].file == "properties/model/VanillaAE.yaml"
    assert found["local_window"].file == "properties/model/LocalAE.yaml"
    assert found["factor_rank"].comment == "k of R = R1 R2^T; released settings on ML-1M"
    assert found["mask_last_prob"].comment.endswith("once in 11 copies of a sequence")  # continued
    assert not {"base", "about"} & set(found)
    theirs = {default.key: default for default in defaults("SASRec")}
    assert theirs["n_heads"].file == "recbole/properties/model/SASRec.yaml"


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--own"]) == 0
    own = capsys.readouterr().out
    assert "FPARec" in own and "2407.02793" in own and "GRU4Rec" not in own
    assert main(["models", "--kind=sequential"]) == 0
    sequential = capsys.readouterr().out
    assert "GRU4Rec" in sequential and "ItemKNN" not in sequential


def test_one_model_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "FPARec"]) == 0
    shown = capsys.readouterr().out
    assert "arXiv 2407.02793) 2024" in shown and "properties/model/FPARec.yaml" in shown
    assert main(["models", "FPARek"]) == 2
    assert capsys.readouterr().err == ("error: unknown model 'FPARek'; did you mean 'FPARec'?\n")


def test_a_wrong_fact_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "Mine.yaml").write_text("base: SASRec\nabout: {papr: x}\n")
    monkeypatch.setattr(paths, "properties_dir", lambda: tmp_path)
    for words in (["models"], ["models", "Mine"]):
        assert main(words) == 2
        assert capsys.readouterr().err == (
            "error: properties/model/Mine.yaml: about: {'papr': 'x'} may hold paper, year, "
            "settings and nothing else\n"
        )
