"""The filters by number of interactions, and the numbering, against RecBole's own."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from recbole.data.dataset import Dataset
from recbole.utils import FeatureSource, FeatureType

from recbole_ext.data.dataset import FlatSequentialDataset

FIELDS = {"user_id": FeatureSource.USER_ID, "item_id": FeatureSource.ITEM_ID}
TABLES = ("inter_feat", "user_feat", "item_feat")
BRACKETS = st.sampled_from(["[{},{}]", "({},{}]", "[{},{})", "({},{})", "[{},inf)"])


@st.composite
def intervals(draw: st.DrawFn) -> str | None:
    """None, an interval, or two of them."""
    one = st.builds(lambda form, a, b: form.format(a, a + b), BRACKETS, st.integers(0, 4),
                    st.integers(0, 5))  # fmt: skip
    return draw(st.none() | one | st.builds("{};{}".format, one, one))


pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40)
described = st.none() | st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True)


def made(cls: type[Any], dtype: str, table: list[tuple[int, int]], config: dict[str, Any],
         users: list[int] | None, items: list[int] | None) -> Any:  # fmt: skip
    """A data set as it is after its files were read."""
    dataset = cls.__new__(cls)
    dataset.config, dataset.logger = config, logging.getLogger("unheard")
    dataset.uid_field, dataset.iid_field = FIELDS
    dataset.field2type = dict.fromkeys(FIELDS, FeatureType.TOKEN)
    dataset.field2source, dataset.field2id_token, dataset.field2token_id = FIELDS, {}, {}
    text = pd.DataFrame(table, columns=list(FIELDS)).astype(str).astype(dtype)
    dataset.inter_feat = text
    dataset.user_feat = None if users is None else pd.DataFrame({"user_id": users}, dtype=str)
    dataset.item_feat = None if items is None else pd.DataFrame({"item_id": items}, dtype=str)
    for name in TABLES[1:]:
        if getattr(dataset, name) is not None:
            setattr(dataset, name, getattr(dataset, name).astype(dtype))
    return dataset


@settings(max_examples=300, deadline=None)
@given(pairs, intervals(), intervals(), described, described)
def test_against_recbole(
    table: list[tuple[int, int]],
    of_users: str | None,
    of_items: str | None,
    users: list[int] | None,
    items: list[int] | None,
) -> None:
    config = {"user_inter_num_interval": of_users, "item_inter_num_interval": of_items}
    stock = made(Dataset, "object", table, config, users, items)
    ours = made(FlatSequentialDataset, "category", table, config, users, items)
    for dataset in (stock, ours):
        dataset._filter_by_inter_num()
    for name in TABLES:
        theirs, mine = getattr(stock, name), getattr(ours, name)
        assert (theirs is None) == (mine is None)
        if theirs is not None:
            pd.testing.assert_frame_equal(mine.astype("object"), theirs)
    for dataset in (stock, ours):
        for field in FIELDS:
            dataset._remap(dataset._get_remap_list([field]))
    assert ours.field2token_id == stock.field2token_id
    pd.testing.assert_frame_equal(ours.inter_feat, stock.inter_feat)


def test_duplicates_keep_the_order_of_ties() -> None:
    """RecBole's sort may put the second of two simultaneous interactions first."""
    table = [(user, item) for user in range(40) for item in range(20)] * 2
    early_then_late = [*range(1, 800, 2), *range(0, 800, 2)]
    for keep, first in (("first", 0), ("last", 800)):
        dataset = made(FlatSequentialDataset, "category", table, {"rm_dup_inter": keep}, None, None)
        dataset.time_field = "timestamp"
        dataset.inter_feat["timestamp"] = [2.0, 1.0] * 800  # both of a pair at one time
        dataset._remove_duplication()
        assert dataset.inter_feat.index.tolist() == [first + row for row in early_then_late]
