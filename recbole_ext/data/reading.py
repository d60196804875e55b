"""Atomic files into RecBole's Dataset: checked line by line, tokens as codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recbole.data.dataset import Dataset
from recbole.utils import FeatureSource, FeatureType

from recbole_ext.data.atomic import AtomicFile, Column, read_columns, read_header
from recbole_ext.errors import DataError, nearest, show

_LINK = "link"  # of a knowledge graph: RecBole keeps its columns out of the data set's fields


class CheckedReading(Dataset):
    """Mixin: reads atomic files as RecBole does, but refuses what RecBole drops or fills.

    RecBole drops interactions without user or item, fills missing times with their mean, ignores
    columns of ``load_col`` that are not there and keeps the first of two lines of one item. Here
    each is a DataError. Tokens come as pandas Categoricals: 4 bytes each instead of some 60.
    """

    def _load_feat(self, filepath: str, source: Any) -> pd.DataFrame | None:
        """The columns to load as a frame; None where none is asked for."""
        load, unload = self._get_load_and_unload_col(source)
        if load == set():
            return None
        file = read_header(self._atomic_file(filepath, source), self.time_field)
        if source == FeatureSource.ITEM:
            _check_features(file, self.config["item_features"] or ())
        columns = file.chosen(load, unload)
        if not columns:
            return None
        frame = read_columns(file, columns, self.config["seq_separator"])
        for column in columns:
            length = self._split_sequences(frame, column)
            if source != _LINK:
                self._note(column, source, length)
        return frame

    def _atomic_file(self, filepath: str, source: Any) -> AtomicFile:
        needed = {
            FeatureSource.INTERACTION: ("USER_ID_FIELD", "ITEM_ID_FIELD", "TIME_FIELD"),
            FeatureSource.USER: ("USER_ID_FIELD",),
            FeatureSource.ITEM: ("ITEM_ID_FIELD",),
        }.get(source, ())
        roles = {self.config[key]: key for key in needed}
        return AtomicFile(
            Path(filepath),
            self.config["field_separator"],
            self.config["encoding"] or "utf-8",
            roles=roles,
            unique=next(iter(roles)) if len(roles) == 1 else None,
        )

    def _note(self, column: Column, source: Any, length: int) -> None:
        """What RecBole wants to know of a column."""
        self.set_field_property(column.name, FeatureType(column.type), source, length)
        if column.type.startswith("float"):
            self.field2bucketnum[column.name] = 2

    def _split_sequences(self, frame: pd.DataFrame, column: Column) -> int:
        """Texts of a sequence column into arrays, in place; the length of the longest."""
        if not column.type.endswith("_seq"):
            return 1
        texts = frame[column.name].fillna("")
        members = [[m for m in text.split(self.config["seq_separator"]) if m] for text in texts]
        limit = (self.config["seq_len"] or {}).get(column.name)
        arrays = [_array(one[:limit], column.type) for one in members]
        frame[column.name] = pd.Series(arrays, index=frame.index, dtype=object)
        return max(map(len, arrays))

    def _load_user_or_item_feat(
        self, token: str, dataset_path: str, source: Any, field_name: str
    ) -> pd.DataFrame | None:
        load, _ = self._get_load_and_unload_col(source)
        path = Path(dataset_path, f"{token}.{source.value}")
        key, wanted = "load_col", load
        if not load and source == FeatureSource.ITEM:  # load_col: null loads what there is
            key, wanted = "item_features", self.config["item_features"]
        if wanted and not path.is_file():
            raise DataError(f"{path} is missing; {key} asks for {', '.join(sorted(wanted))} of it")
        frame: pd.DataFrame | None = super()._load_user_or_item_feat(
            token, dataset_path, source, field_name
        )
        return frame


def _check_features(file: AtomicFile, features: Sequence[str]) -> None:
    names = [column.name for column in file.columns if column.name not in file.roles]
    for name in features:
        if name not in names:
            has = f"there are {', '.join(names)}" if names else "there is none but the item's id"
            problem = f"no column {show(name)} (item_features); {has}{nearest(name, names)}"
            raise file.error(problem, 1)


def _array(members: Sequence[str], kind: str) -> np.ndarray:
    return np.array([float(m) for m in members] if kind == "float_seq" else members)
