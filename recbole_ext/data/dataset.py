"""RecBole's Dataset, its interactions laid out as one flat, exactly ordered sequence store."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import recbole.data.dataset as recbole_dataset
from recbole.data.dataset import Dataset, SequentialDataset
from recbole.data.interaction import Interaction
from recbole.utils import ModelType

from recbole_ext import compat  # noqa: F401
from recbole_ext.data.batches import FieldNames, gather
from recbole_ext.data.rows import Rows
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import DataError


class FlatOrder(Dataset):
    """Mixin: interactions sorted by user and float64 time, and a :class:`SequenceStore` of them.

    Row i of ``inter_feat`` is entry i of ``store.items``. RecBole reads, filters and numbers the
    atomic files before; its prefix augmentation never runs.
    """

    store: SequenceStore
    inter_feat: Any  # a DataFrame while RecBole reads, an Interaction afterwards

    def _change_feat_format(self) -> None:
        frame = self.inter_feat
        if self.time_field not in frame:
            raise DataError(
                f"{self.dataset_name}.inter has no column '{self.time_field}' (TIME_FIELD); it is "
                "needed to order the interactions"
            )
        users = frame[self.uid_field].to_numpy(np.int64)
        items = frame[self.iid_field].to_numpy(np.int64)
        times = frame[self.time_field].to_numpy(np.float64)
        self.store = SequenceStore.from_interactions(
            users, items, times, self.user_num, self.item_num
        )
        self.inter_feat = frame.iloc[np.lexsort((times, users))]
        for name in self.feat_name_list:
            setattr(self, name, self._dataframe_to_interaction(getattr(self, name)))

    def interactions_at(self, places: IntArray) -> Dataset:
        """A copy that holds only the interactions at these places of the store."""
        table = self.inter_feat.interaction
        return self.copy(Interaction({name: values[places] for name, values in table.items()}))


class FlatSequentialDataset(FlatOrder, SequentialDataset):
    """The flat data set of a sequential model."""

    def _change_feat_format(self) -> None:
        super()._change_feat_format()
        self._aug_presets()

    def store_with_columns(self) -> SequenceStore:
        """The store with every further column of the interactions, for RecBole's own models."""
        known = (self.uid_field, self.iid_field)
        table = self.inter_feat.interaction
        columns = {name: table[name].numpy() for name in table if name not in known}
        return SequenceStore(self.store.items, self.store.offsets, self.store.n_items, columns)


class PrefixDataset(FlatSequentialDataset):
    """Rows gathered on access, for RecBole's stock loaders.

    The same rows as RecBole's augmentation, without ever holding the padded table: ML-1M at L=200
    would take 5 GB.
    """

    rows: Rows
    names: FieldNames
    width: int | None

    @classmethod
    def of(cls, source: FlatSequentialDataset, rows: Rows, width: int | None) -> PrefixDataset:
        """The rows of ``source`` at a fixed ``width``, or trimmed to each batch's longest."""
        prefixes = copy.copy(source)
        prefixes.__class__ = cls
        prefixes.store = source.store_with_columns()
        prefixes.rows, prefixes.width = rows, width
        prefixes.names = FieldNames.from_config(source.config)
        return prefixes  # type: ignore[return-value]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any, join: bool = True) -> Interaction:
        picked = np.atleast_1d(np.asarray(index, dtype=np.int64))
        batch = gather(self.store, self.rows, picked, self.names, self.width)
        return self.join(batch) if join else batch


def dataset_class(config: Any) -> type[FlatOrder]:
    """The flat variant of the Dataset that RecBole would use for the model."""
    if config["MODEL_TYPE"] == ModelType.SEQUENTIAL:
        return FlatSequentialDataset
    name = "KnowledgeBasedDataset" if config["MODEL_TYPE"] == ModelType.KNOWLEDGE else "Dataset"
    stock = getattr(recbole_dataset, name)
    return type(f"Flat{name}", (FlatOrder, stock), {})
