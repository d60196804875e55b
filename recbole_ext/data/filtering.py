"""RecBole's filters and numbering of tokens, on codes instead of Python objects.

The results are RecBole's: the same rows, the same number for each token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from recbole.data.dataset import Dataset
from recbole.utils import FeatureType

from recbole_ext.data.reserved import PADDING
from recbole_ext.data.store import IntArray
from recbole_ext.errors import DataError, show

# How val_interval chooses rows, by the type of the column.
_WISHES = {
    FeatureType.FLOAT: (str, "an interval such as [5,inf)"),
    FeatureType.TOKEN: (list, "a list of its values"),
}
Remap = tuple[pd.DataFrame, str, FeatureType]


class QuickFilters(Dataset):
    """Mixin: k-core filters, removal of duplicates and numbering for Categorical tokens."""

    inter_feat: Any

    def _filter_by_field_value(self) -> None:
        """Also drop the interactions of users and items that ``val_interval`` has dropped."""
        self._refuse_other_intervals()
        sides = {"user_feat": self.uid_field, "item_feat": self.iid_field}
        described = {
            table: getattr(self, table)[field]
            for table, field in sides.items()
            if getattr(self, table) is not None
        }
        super()._filter_by_field_value()
        for table, tokens in described.items():
            gone = tokens.drop(getattr(self, table).index)
            if len(gone):
                self.inter_feat = self.inter_feat[~self.inter_feat[sides[table]].isin(gone)]

    def _refuse_other_intervals(self) -> None:
        """A number lies in an interval, a token is one of some; nothing else chooses rows."""
        for field, allowed in (self.config["val_interval"] or {}).items():
            kind = self.field2type.get(field)
            wish = _WISHES.get(kind, (None, "neither an interval nor a list"))
            if kind is not None and not (wish[0] and isinstance(allowed, wish[0])):
                raise DataError(
                    f"val_interval: {field}: {show(allowed)}: {field} is a {kind.value} column of "
                    f"{self.dataset_name}, which takes {wish[1]}"
                )

    def _remove_duplication(self) -> None:
        """Keep the first or the last of repeated pairs; RecBole's sort is not stable."""
        keep = self.config["rm_dup_inter"]
        if keep is not None:
            by_time = self.inter_feat.sort_values(self.time_field, kind="stable")
            pair = [self.uid_field, self.iid_field]
            self.inter_feat = by_time.drop_duplicates(pair, keep=keep)

    def _filter_by_inter_num(self) -> None:
        """Drop users and items with too few or too many interactions until none is left."""
        sides = [
            self._side("user_inter_num_interval", self.uid_field, "user_feat"),
            self._side("item_inter_num_interval", self.iid_field, "item_feat"),
        ]
        filtered = [side for side in sides if side is not None]
        alive = np.ones(len(self.inter_feat), dtype=bool)
        while True:
            banned = [(side, side.ban(alive)) for side in filtered]
            if not any(codes.any() for _, codes in banned):
                break
            for side, codes in banned:
                alive &= ~codes[side.codes]
        if filtered and not alive.all():
            self.inter_feat = self.inter_feat[alive]
        for side in filtered:
            if side.table is not None:
                setattr(self, side.table, getattr(self, side.table)[side.kept])

    def _side(self, key: str, field: str, table: str) -> _Side | None:
        intervals = self._parse_intervals_str(self.config[key])
        if not intervals:
            return None
        features = getattr(self, table)
        described = None if features is None else features[field].array
        return _Side(self, intervals, self.inter_feat[field].array, table, described)

    def _reset_index(self) -> None:
        for name in self.feat_name_list:
            if getattr(self, name).empty:
                raise DataError(
                    f"{self.dataset_name}: nothing is left of its "
                    f"{name.removesuffix('_feat')} file after filtering; see "
                    "user_inter_num_interval, item_inter_num_interval and val_interval"
                )
        super()._reset_index()

    def _remap(self, remap_list: Sequence[Remap]) -> None:
        """Number the tokens of fields that share a vocabulary by their first appearance."""
        if not remap_list or any(kind != FeatureType.TOKEN for _, _, kind in remap_list):
            super()._remap(remap_list)
            return
        joined = _join([frame[field].array for frame, field, _ in remap_list])
        ids, tokens = joined.factorize()
        ids += 1  # 0 is padding, and a missing value
        names = np.array([PADDING, *tokens])
        numbers = {name: number for number, name in enumerate(names)}
        begin = 0
        for frame, field, _ in remap_list:
            self.field2id_token.setdefault(field, names)
            self.field2token_id.setdefault(field, numbers)
            frame[field] = ids[begin : begin + len(frame)]
            begin += len(frame)


class _Side:
    """The users, or the items, of a filter by number of interactions.

    Attributes:
        codes: [N] of each interaction.
        table: name of the frame that describes them, if there is one.
        kept: rows of that frame that are left.
    """

    def __init__(
        self,
        dataset: Dataset,
        intervals: Any,
        tokens: pd.Categorical,
        table: str,
        described: pd.Categorical | None,
    ) -> None:
        self._dataset, self._intervals = dataset, intervals
        self.codes, self._size = tokens.codes, len(tokens.categories)
        self.table = None if described is None else table
        self._described = np.empty(0, np.int64)
        if described is not None:  # codes as in the interactions, -1 for one without any
            self._described = tokens.categories.get_indexer(described.categories)[described.codes]
        self.kept = np.ones(len(self._described), dtype=bool)

    def ban(self, alive: np.ndarray) -> np.ndarray:
        """[size + 1] by code, which are to be dropped; the last stands for code -1."""
        counts: IntArray = np.bincount(self.codes[alive], minlength=self._size + 1)
        banned = (counts > 0) & ~self._dataset._within_intervals(counts, self._intervals)
        least = self._intervals[0][1]  # RecBole's bound for those that have no interactions
        rare = self.kept & (counts[self._described] < least)
        banned[self._described[rare]] = True
        self.kept &= ~banned[self._described]
        return banned


def _join(columns: Sequence[pd.Categorical]) -> pd.Categorical:
    """The columns one after another, with one set of categories."""
    if len(columns) == 1:
        return columns[0]
    return pd.api.types.union_categoricals(columns)
