"""Configuration: where every value comes from and what it may be.

``ExtConfig`` is imported on first use, because it needs RecBole and with it torch; the table of
keys and the readers beside it need neither.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole_ext.config.ext_config import ExtConfig

__all__ = ["ExtConfig"]


def __getattr__(name: str) -> Any:
    if name != "ExtConfig":
        raise AttributeError(f"module 'recbole_ext.config' has no attribute '{name}'")
    from recbole_ext.config.ext_config import ExtConfig

    return ExtConfig
