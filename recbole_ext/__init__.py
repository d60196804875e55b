"""recbole_ext: self-attentive sequential recommendation on RecBole 1.2.1.

The public names are imported on first use, so that ``import recbole_ext`` and ``--help`` cost
neither torch nor RecBole.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["list_models", "load", "register_model", "run"]

_HOME = {
    "run": "recbole_ext.runner",
    "load": "recbole_ext.runner",
    "list_models": "recbole_ext.registry",
    "register_model": "recbole_ext.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'recbole_ext' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOME[name]), name)
