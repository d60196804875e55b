"""Each adaptation of RecBole, seen from outside."""

from __future__ import annotations

import subprocess
import sys
from logging import getLogger
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from recbole.data.dataset import Dataset
from recbole.trainer import trainer as stock

from recbole_ext import compat
from recbole_ext.errors import UserError


def test_anomaly_detection_is_off_whatever_is_imported() -> None:
    code = (
        "import torch; from recbole_ext import compat; import recbole.model.sequential_recommender;"
        "from recbole.model.sequential_recommender.sine import SINE;"
        "from recbole_ext.registry import get_model_class, list_models;"
        "[get_model_class(m.name) for m in list_models() if m.kind == 'sequential'];"
        "import sys; print(torch.is_anomaly_enabled(), 'recbole.quick_start' in sys.modules)"
    )
    words = [sys.executable, "-c", code]
    found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    assert found.stdout.split() == ["False", "False"]


def test_recbole_alone_switches_it_on() -> None:
    """The reason for the adaptation; when this fails, it can go."""
    code = (
        "import numpy as np; np.float = float; import torch;"
        "import recbole.model.sequential_recommender.sine; print(torch.is_anomaly_enabled())"
    )
    words = [sys.executable, "-c", code]
    found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    assert found.stdout.split() == ["True"]


@pytest.mark.parametrize(
    ("alias", "target"),
    [
        ("float", np.float64),
        ("float_", np.float64),
        ("int", np.int_),
        ("bool", np.bool_),
        ("object", np.object_),
        ("str", np.str_),
        ("complex", np.complex128),
        ("unicode", np.str_),
    ],
)
def test_numpy_aliases(alias: str, target: type) -> None:
    assert np.dtype(getattr(np, alias)) == np.dtype(target)


def test_dok_matrices_take_a_dictionary() -> None:
    matrix = scipy.sparse.dok_matrix((3, 4), dtype=np.float32)
    matrix._update({(0, 1): 1.0, (2, 3): 5.0})
    assert matrix.tocsr().toarray().tolist() == [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 5]]


def test_pandas_3_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pd, "__version__", "3.0.1")
    with pytest.raises(UserError) as error:
        compat.apply()
    assert str(error.value) == "pandas 3.0.1 loses data in RecBole 1.2.1; install 'pandas<3'"


def test_applying_twice_changes_nothing() -> None:
    before = Dataset._change_feat_format, stock.get_tensorboard, scipy.sparse.dok_matrix._update
    compat.apply()
    after = Dataset._change_feat_format, stock.get_tensorboard, scipy.sparse.dok_matrix._update
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert not torch.is_anomaly_enabled()


def test_a_trainer_can_be_made_without_writing(tmp_path: Path) -> None:
    before = stock.get_tensorboard, stock.ensure_dir
    with compat.trainer_writes_nothing():
        stock.ensure_dir(str(tmp_path / "saved"))
        assert stock.get_tensorboard(getLogger()) is None
    assert not list(tmp_path.iterdir())
    assert (stock.get_tensorboard, stock.ensure_dir) == before
