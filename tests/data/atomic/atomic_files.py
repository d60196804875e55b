"""Reading a file's bytes as interactions or as items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from recbole_ext.data.atomic import AtomicFile, read_columns, read_header

INTER = {"user_id": "USER_ID_FIELD", "item_id": "ITEM_ID_FIELD", "timestamp": "TIME_FIELD"}
ITEM = {"item_id": "ITEM_ID_FIELD"}
HEADER = b"user_id:token\titem_id:token\ttimestamp:float\n"


def read(
    path: Path,
    content: bytes,
    load: list[str] | None = None,
    block_size: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Write ``content`` to ``path`` and read it as what its suffix says."""
    path.write_bytes(content)
    items = path.suffix == ".item"
    given = {"separator": "\t", "encoding": "utf-8", "unique": "item_id" if items else None}
    file = AtomicFile(path, roles=ITEM if items else INTER, **{**given, **options})
    file = read_header(file, "timestamp")
    return read_columns(file, file.chosen(load, None), " ", block_size)
