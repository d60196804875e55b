"""Positions of items in each form: by hand, and as the loaders and the model really place them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.analysis.positions import ABSOLUTE, CORRECTED, FORMS, RELATIVE, audit, positions
from recbole_ext.data.batches import FieldNames, gather
from recbole_ext.data.rows import Rows, newest_rows, prefix_rows
from recbole_ext.data.split import Split
from recbole_ext.data.store import SequenceStore
from recbole_ext.model.base import right_align

NAMES = FieldNames("user_id", "item_id", "item_id_list", "item_length", "_list")
LENGTHS = st.lists(st.integers(0, 12), min_size=1, max_size=8)

Pairs = dict[tuple[int, int], int]  # (place of the target, place of the item) -> position


def test_a_user_of_four_training_items_by_hand() -> None:
    """Three predictions; the row that predicts the last item is the same in every form."""
    assert positions(ABSOLUTE, 3, 50).tolist() == [[3, 0, 0], [3, 2, 0], [3, 2, 1]]
    assert positions(CORRECTED, 3, 50).tolist() == [[1, 0, 0], [2, 1, 0], [3, 2, 1]]
    assert positions(RELATIVE, 3, 50).tolist() == [[1, 0, 0], [2, 1, 0], [3, 2, 1]]


def test_a_user_longer_than_the_window_by_hand() -> None:
    """Four inputs in a window of two: packed, the first two predictions are never trained."""
    assert positions(ABSOLUTE, 4, 2).tolist() == [[0] * 4, [0] * 4, [0, 0, 2, 0], [0, 0, 2, 1]]
    assert positions(CORRECTED, 4, 2).tolist() == [
        [1, 0, 0, 0], [2, 1, 0, 0], [0, 2, 1, 0], [0, 0, 2, 1],
    ]  # fmt: skip
    assert positions(RELATIVE, 4, 2).tolist() == [[0] * 4, [0] * 4, [0, 0, 1, 0], [0, 0, 2, 1]]


def test_the_audit_by_hand() -> None:
    """Users of 4, 5 and 1 training items: windows of 3 of 3, and 3 of 4 inputs."""
    found = {one.form: one for one in audit(np.array([4, 5, 1, 0]), 3)}
    absolute, exact, relative = (found[form] for form in FORMS)
    assert (absolute.predictions, absolute.pairs) == (6, 12)
    assert (absolute.differing, absolute.unread) == (6, 3)
    assert (exact.predictions, exact.pairs, exact.differing, exact.unread) == (7, 15, 0, 0)
    assert (relative.predictions, relative.pairs) == (6, 12)
    assert (relative.differing, relative.unread) == (0, 3)


@given(LENGTHS, st.integers(1, 6))
def test_the_closed_form_counts_what_enumeration_finds(lengths: list[int], limit: int) -> None:
    exact = enumerated(CORRECTED, lengths, limit)
    for one in audit(np.array(lengths), limit):
        pairs = enumerated(one.form, lengths, limit)
        differing = sum(exact[pair] != position for pair, position in pairs.items())
        assert one.pairs == len(pairs)
        assert one.predictions == len({target for target, _ in pairs})
        assert one.differing == differing
        assert one.unread == len(exact.keys() - pairs.keys())


@given(LENGTHS, st.integers(1, 6))
def test_batches_place_items_as_the_table_says(lengths: list[int], limit: int) -> None:
    """From the rows that are really gathered, aligned and counted from the sequence's end."""
    store, split = whole(lengths)
    packed = newest_rows(store, split, limit)
    assert placed(store, packed, all_positions=True) == enumerated(ABSOLUTE, lengths, limit)
    prefixes = prefix_rows(store, split, limit)
    assert placed(store, prefixes, all_positions=False) == enumerated(CORRECTED, lengths, limit)


def enumerated(form: str, lengths: list[int], limit: int) -> Pairs:
    """Every pair of the tables of all users, by places in the flat store."""
    pairs, begin = {}, 0
    for length in lengths:
        table = positions(form, max(length - 1, 0), limit)
        for m, j in zip(*np.nonzero(table), strict=True):
            pairs[(begin + int(m) + 1, begin + int(j))] = int(table[m, j])
        begin += length
    return pairs


def whole(lengths: list[int]) -> tuple[SequenceStore, Split]:
    """All items are trained on; an item's id is its place, plus 1."""
    offsets = np.concatenate([[0, 0], np.cumsum(lengths)]).astype(np.int64)
    store = SequenceStore(np.arange(1, offsets[-1] + 1), offsets, int(offsets[-1]) + 1)
    nobody = np.full(store.n_users, -1)
    return store, Split(offsets[1:], nobody, nobody)


def placed(store: SequenceStore, rows: Rows, all_positions: bool) -> Pairs:
    """Pairs of gathered rows: slot -1 is position 1, as in ``SequenceEmbedding``."""
    if not len(rows):
        return {}
    batch = gather(store, rows, np.arange(len(rows)), NAMES)
    aligned = right_align(batch["item_id_list"], batch["item_length"])
    targets = torch.cat([aligned[:, 1:], batch["item_id"].unsqueeze(1)], 1)
    width = aligned.shape[1]
    pairs = {}
    for row in range(len(rows)):
        for slot in range(width) if all_positions else [width - 1]:
            for item in range(slot + 1):
                if aligned[row, item]:
                    pair = (int(targets[row, slot]) - 1, int(aligned[row, item]) - 1)
                    pairs[pair] = width - item
    return pairs


@pytest.mark.parametrize("limit", [1, 5, 200])
def test_absolute_and_corrected_agree_on_the_newest_prediction(limit: int) -> None:
    for inputs in (1, 4, 9):
        assert (positions(ABSOLUTE, inputs, limit) == positions(CORRECTED, inputs, limit))[-1].all()
