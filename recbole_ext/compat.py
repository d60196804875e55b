"""The one place that adapts RecBole 1.2.1 to a current numpy, scipy, pandas and torch.

Importing this module applies every adaptation, once. Each carries its reason. Nothing here changes
what a model computes, with two exceptions that are corrections: the order in time
(``sort_by_exact_time``) and the counts of Pop (``count_popularity_exactly``).
``recbole.quick_start`` is never imported: it pulls in Ray at the top and, with it, a Ray API that
is gone.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
import torch

from recbole_ext.errors import UserError


def refuse_pandas_3() -> None:
    """RecBole fills missing values through chained ``inplace`` calls and counts with ``.agg(len)``.

    pandas 3 turns the first into a silent no-op (NaNs stay in the data) and breaks the second.
    """
    if int(pd.__version__.split(".")[0]) >= 3:
        raise UserError(f"pandas {pd.__version__} loses data in RecBole 1.2.1; install 'pandas<3'")


def restore_numpy_aliases() -> None:
    """RecBole uses names that NumPy 1.24 and 2.0 removed, in metrics and in Interaction."""
    aliases = {
        "bool": np.bool_,
        "int": np.int_,
        "float": np.float64,
        "complex": np.complex128,
        "object": np.object_,
        "str": np.str_,
        "unicode": np.str_,
        "float_": np.float64,
        "long": np.int64,
    }
    for name, target in aliases.items():
        if name not in vars(np):
            setattr(np, name, target)


def restore_dok_update() -> None:
    """LightGCN and six other graph models fill a ``dok_matrix`` by ``_update``, gone from SciPy."""
    if not hasattr(scipy.sparse.dok_matrix, "_update"):

        def _update(self: Any, entries: dict[tuple[int, int], float]) -> None:
            self._dict.update(entries)

        scipy.sparse.dok_matrix._update = _update


def switch_off_anomaly_detection() -> None:
    """RecBole's ``sine.py`` switches it on for the process when any sequential model is imported.

    It makes every backward pass two to three times slower. Importing the package first and
    switching it off afterwards keeps it off.
    """
    import recbole.model.sequential_recommender  # noqa: F401

    torch.autograd.set_detect_anomaly(False)


def sort_by_exact_time() -> None:
    """RecBole casts time to float32 before it sorts: 64 s steps at today's epoch seconds.

    On ml-100k that gives 15.8 % of the users a wrong test item. Here the frame is sorted in
    float64, stably, before the cast. The cast is monotone and RecBole's later sort is stable, so
    this order survives it. Only data that are to be ordered by time are touched.
    """
    from recbole.data.dataset import Dataset

    convert = Dataset._change_feat_format
    if getattr(convert, "sorts_by_exact_time", False):
        return

    def _change_feat_format(self: Any) -> None:
        by_time = self.config["eval_args"]["order"] == "TO"
        if (
            by_time
            and isinstance(self.inter_feat, pd.DataFrame)
            and self.time_field in self.inter_feat
        ):
            self.inter_feat = self.inter_feat.sort_values(
                self.time_field, kind="stable", ignore_index=True
            )
        convert(self)

    _change_feat_format.sorts_by_exact_time = True  # type: ignore[attr-defined]
    Dataset._change_feat_format = _change_feat_format


def count_popularity_exactly() -> None:
    """RecBole's Pop counts an item once a batch, however often the batch holds it."""
    from recbole.model.general_recommender import Pop

    def calculate_loss(self: Any, interaction: Any) -> torch.Tensor:
        counts = torch.bincount(interaction[self.ITEM_ID], minlength=self.n_items)
        self.item_cnt = self.item_cnt + counts.unsqueeze(1)
        self.max_cnt = self.item_cnt.max(dim=0).values
        return self.fake_loss.sum() * 0.0  # nothing is learned, but a trainer calls backward

    Pop.calculate_loss = calculate_loss


@contextmanager
def trainer_writes_nothing() -> Iterator[None]:
    """RecBole's Trainer makes ``log_tensorboard/`` and ``saved/`` wherever the process stands.

    Inside the block, its constructor makes neither; our trainer has a run folder.
    """
    import recbole.trainer.trainer as trainer

    names = ("get_tensorboard", "ensure_dir")
    before = {name: getattr(trainer, name) for name in names}
    for name in names:
        setattr(trainer, name, lambda *_: None)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(trainer, name, function)


def silence_known_warnings() -> None:
    """RecBole's own code raises these on a current stack; a user can do nothing about them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"recbole\..*")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"recbole\..*")
    warnings.filterwarnings("ignore", message=r".*torch\.cuda\.amp.*", category=FutureWarning)


def apply() -> None:
    """Apply all adaptations. Safe to call more than once."""
    refuse_pandas_3()
    silence_known_warnings()
    restore_numpy_aliases()
    restore_dok_update()
    switch_off_anomaly_detection()
    sort_by_exact_time()
    count_popularity_exactly()


apply()
