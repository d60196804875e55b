"""The one line that a malformed configuration ends in."""

from __future__ import annotations

from typing import Any

import pytest

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError


def message(model: Any = "FPARec", dataset: Any = "no-such-data", **sources: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        ExtConfig(model, dataset, **sources)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text
