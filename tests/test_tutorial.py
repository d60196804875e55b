"""The tutorial notebook runs from top to bottom, without a network, and shows what it says."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The notebook after a run of its own in an empty folder; a failing cell raises."""
    place = tmp_path_factory.mktemp("tutorial")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(place)}})
    done: nbformat.NotebookNode = client.execute(env={**os.environ, "PYTHONPATH": path})
    return done


def shown(notebook: nbformat.NotebookNode, start: str) -> str:
    """What the cell that begins so has printed or returned."""
    cell = next(cell for cell in notebook.cells if start in cell.source)
    data = [out.get("data", {}) for out in cell.outputs]
    rendered = [one.get("text/markdown") or one.get("text/plain", "") for one in data]
    texts = (out.get("text") for out in cell.outputs)
    return "\n".join(text or other for text, other in zip(texts, rendered, strict=True))


def test_the_model_beats_popularity(executed: nbformat.NotebookNode) -> None:
    pop, fparec = shown(executed, "pop = run(").rsplit("(", 1)[-1].strip(")\n ").split(", ")
    assert float(fparec) > 1.5 * float(pop)


def test_recommendations_bear_titles(executed: nbformat.NotebookNode) -> None:
    assert "title" in shown(executed, "again.recommend(histories=")


def test_own_data_and_own_model(executed: nbformat.NotebookNode) -> None:
    assert float(shown(executed, "shop = run(").split()[-1]) > 0.4  # at random 0.25
    assert float(shown(executed, "mine = run(").split()[-1]) > 0.01


def test_the_comparison_and_the_picture(executed: nbformat.NotebookNode) -> None:
    table = shown(executed, "compare first.yaml")
    assert "ml-100k_FPARec" in table and "Holm" in table
    assert "pictures/attention.png" in shown(executed, "analyze {fparec.run_dir}")
    picture = next(cell for cell in executed.cells if "Image(str(" in cell.source)
    assert len(picture.outputs[0]["data"]["image/png"]) > 10_000


def test_it_bears_no_path_of_a_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert "/tmp/" not in text and "/home/" not in text and "/root/" not in text
