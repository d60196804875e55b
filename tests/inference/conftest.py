"""Models of a small shop, trained once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from shop import trained, write_shop

from recbole_ext.runner import Run

Trained = Callable[[str], Run]


@pytest.fixture(scope="session")
def shop_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data_path that holds ``shop``."""
    return write_shop(tmp_path_factory.mktemp("shop_data"))


@pytest.fixture(scope="session")
def model_of(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The run of a model by name."""
    runs: dict[str, Run] = {}

    def get(name: str) -> Run:
        if name not in runs:
            folder = tmp_path_factory.mktemp("runs") / name
            with pytest.MonkeyPatch.context() as place:
                place.chdir(folder.parent)  # RecBole makes folders wherever the process stands
                runs[name] = trained(name, shop_data, folder)
        return runs[name]

    return get
