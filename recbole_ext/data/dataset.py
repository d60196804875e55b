"""RecBole's Dataset, its interactions laid out as one flat, exactly ordered sequence store."""

from __future__ import annotations

import copy
import hashlib
from typing import Any, Self

import numpy as np
import recbole.data.dataset as recbole_dataset
import torch
from numpy.typing import NDArray
from recbole.data.dataset import Dataset, SequentialDataset
from recbole.data.interaction import Interaction
from recbole.utils import ModelType
from torch import Tensor

from recbole_ext import compat  # noqa: F401
from recbole_ext.data.batches import FieldNames, gather
from recbole_ext.data.filtering import QuickFilters
from recbole_ext.data.next_user import turn_round
from recbole_ext.data.reading import CheckedReading
from recbole_ext.data.rows import Rows
from recbole_ext.data.split import Split, in_training
from recbole_ext.data.store import IntArray, SequenceStore, chronological_order
from recbole_ext.errors import DataError, nearest, show


class FlatOrder(CheckedReading, QuickFilters, Dataset):
    """Mixin: interactions sorted by user and float64 time, and a :class:`SequenceStore` of them.

    Row i of ``inter_feat`` is entry i of ``store.items``. RecBole filters and numbers the atomic
    files before; its prefix augmentation never runs.
    """

    store: SequenceStore
    times: NDArray[np.float64]  # [N], of the store's items; RecBole's column is float32
    saved_codes: Tensor | None = None  # [n_items, M] of a saved model, not to be made anew
    _columns: list[str]  # of the interactions, in the file's order
    _further: Interaction  # those beside user and item
    _inter_feat: Any = None
    _shown: IntArray | None = None  # places of the store that inter_feat is of; None: all
    item_feat: Any

    @property
    def inter_feat(self) -> Any:
        """A DataFrame while RecBole reads, then an Interaction.

        The latter is put together when it is first asked for: this library's models never do.
        """
        if self._inter_feat is None and "store" in vars(self):
            ids = {
                self.uid_field: self.store.owners,
                self.iid_field: self.store.items,
            }
            table = {name: torch.from_numpy(values) for name, values in ids.items()}
            table |= self._further.interaction
            shown = slice(None) if self._shown is None else self._shown
            self._inter_feat = Interaction({name: table[name][shown] for name in self._columns})
        return self._inter_feat

    @inter_feat.setter
    def inter_feat(self, value: Any) -> None:
        self._inter_feat = value

    def _reset_index(self) -> None:
        """Before tokens are numbered: items only described, never taken, join no catalogue.

        (For RecBole's own models they do, as in RecBole.)
        """
        if self.config["item_features"]:
            taken = self.item_feat[self.iid_field].isin(self.inter_feat[self.iid_field])
            if not taken.any():
                raise DataError(f"{self.dataset_name}.item describes none of the items taken")
            self.item_feat = self.item_feat[taken]
        super()._reset_index()

    def _change_feat_format(self) -> None:
        self._check_times()
        self._drop_unused()
        if self.config["task"] == "next_user":
            turn_round(self)
        frame = self.inter_feat
        users = frame[self.uid_field].to_numpy(np.int64)
        items = frame[self.iid_field].to_numpy(np.int64)
        self._check_variety(users, items)
        times = frame[self.time_field].to_numpy(np.float64)
        order = chronological_order(users, times)
        self.times = times[order]
        self.store = SequenceStore.from_ordered(items[order], users, self.user_num, self.item_num)
        self._columns = list(frame)
        further = frame.drop(columns=[self.uid_field, self.iid_field]).iloc[order]
        self._further = self._dataframe_to_interaction(further)
        self.inter_feat = None
        for name in self.feat_name_list:
            if name != "inter_feat":
                setattr(self, name, self._dataframe_to_interaction(getattr(self, name)))

    def _drop_unused(self) -> None:
        """``unused_col``: what was loaded for filters alone."""
        for suffix, columns in (self.config["unused_col"] or {}).items():
            frame = getattr(self, f"{suffix}_feat", None)
            loaded = [] if frame is None else list(frame)
            for column in columns:
                if column not in loaded:
                    raise DataError(
                        f"unused_col: no column {show(column)} of {self.dataset_name}.{suffix} was "
                        f"loaded{nearest(column, loaded)}"
                    )
                self._del_col(frame, column)

    def _check_times(self) -> None:
        if self.time_field not in self.inter_feat:
            raise DataError(
                f"{self.dataset_name}.inter has no column '{self.time_field}' (TIME_FIELD) any "
                "more: threshold has used it up; it is needed to order the interactions"
            )

    def _check_variety(self, users: IntArray, items: IntArray) -> None:
        for kind, ids in (("user", users), ("item", items)):
            if (ids == ids[0]).all():
                raise DataError(
                    f"{self.dataset_name}: all {len(ids):,} interactions are of one {kind}; at "
                    "least two are needed"
                )

    def sha256(self) -> str:
        """A digest of who took what in which order, by the tokens of the file.

        The store's own digest is the same after two items have changed their names.
        """
        digest = hashlib.sha256(self.store.sha256().encode())
        for field in (self.uid_field, self.iid_field):
            tokens = self.field2id_token[field].tolist()
            digest.update("\0".join(["", *tokens]).encode())
        return digest.hexdigest()

    def for_training(self, split: Split) -> Self:
        """A view for a model: nothing of ``inter_feat`` is held out.

        So RecBole's ways to look at a data set (``item_counter``, ``inter_matrix``,
        ``history_item_matrix`` ...) tell a model what it may know. ``store`` stays whole.
        """
        view = copy.copy(self)
        view._shown = np.flatnonzero(in_training(self.store, split.train_end))
        view._inter_feat = None
        return view

    def interactions_at(self, places: IntArray) -> Dataset:
        """A copy that holds only the interactions at these places of the store."""
        table = self.inter_feat.interaction
        return self.copy(Interaction({name: values[places] for name, values in table.items()}))


class FlatSequentialDataset(FlatOrder, SequentialDataset):
    """The flat data set of a sequential model."""

    def _change_feat_format(self) -> None:
        self._aug_presets()  # reads the columns' names; the frame still has them
        super()._change_feat_format()

    def inter_matrix(self, form: str = "coo", value_field: str | None = None) -> Any:
        """As of RecBole's other data sets: its own looks for the rows of its augmentation."""
        return Dataset.inter_matrix(self, form, value_field)

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
    def of(
        cls, source: FlatSequentialDataset, split: Split, rows: Rows, width: int | None
    ) -> PrefixDataset:
        """The rows of ``source`` at a fixed ``width``, or trimmed to each batch's longest."""
        prefixes = source.for_training(split)
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
