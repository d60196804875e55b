"""Statistics of tokens on sequences counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_ext.analysis.corpora import code_corpus, item_corpus, text_corpora
from recbole_ext.analysis.token_statistics import Corpus, ngrams, statistics, zipf_slope
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import SequenceStore

A, B, C = 0, 1, 2


def corpus(*sequences: list[int], held_out: tuple[tuple[int, int], ...] = ()) -> Corpus:
    return Corpus(
        "toy",
        np.array([token for one in sequences for token in one]),
        np.array([len(one) for one in sequences]),
        np.array(held_out, np.int64).reshape(-1, 2),
    )


def test_by_hand() -> None:
    """ABAB and AC: four pairs, AB twice, BA, AC; no pair spans two sequences."""
    found = statistics(corpus([A, B, A, B], [A, C], held_out=((A, B), (B, C), (C, A), (A, C))))
    assert (found.tokens, found.types) == (6, 3)
    unigram = -(3 / 6 * math.log2(3 / 6) + 2 / 6 * math.log2(2 / 6) + 1 / 6 * math.log2(1 / 6))
    assert found.entropy == pytest.approx(unigram)
    # After A (3 of 4 pairs): B twice, C once; after B: A for certain.
    after_a = -(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3))
    assert found.conditional == pytest.approx(3 / 4 * after_a)
    assert found.repeated == (pytest.approx(1 / 4), 0.0)  # AB again; ABA and BAB once each
    assert found.unseen == pytest.approx(2 / 4)


def test_a_sequence_that_tells_its_next_token() -> None:
    found = statistics(corpus([A, B] * 8))
    assert found.entropy == pytest.approx(1.0)
    assert found.conditional == pytest.approx(0.0, abs=1e-12)
    assert found.repeated == (pytest.approx(1 - 2 / 15), pytest.approx(1 - 2 / 14))


def test_independent_tokens_gain_nothing_from_the_one_before() -> None:
    tokens = np.random.default_rng(0).integers(4, size=200_000)
    found = statistics(corpus(tokens.tolist()))
    assert found.entropy == pytest.approx(2.0, abs=1e-3)
    assert found.conditional == pytest.approx(2.0, abs=1e-3)


def test_nothing_to_count() -> None:
    found = statistics(corpus([A], [A]))
    assert (found.entropy, found.conditional, found.zipf) == (0.0, None, None)
    assert (found.repeated, found.unseen) == ((None, None), None)


@pytest.mark.parametrize("slope", [0.0, -1.0, -2.0])
def test_zipfs_slope(slope: float) -> None:
    counts = np.round(1e9 * np.arange(1.0, 51.0) ** slope).astype(np.int64)
    assert zipf_slope(np.random.default_rng(0).permutation(counts)) == pytest.approx(
        slope, abs=1e-6
    )


def test_ngrams_stay_within_sequences() -> None:
    found = ngrams(corpus([1, 2, 3, 4], [5], [6, 7, 8]), 3)
    assert found.tolist() == [[1, 2, 3], [2, 3, 4], [6, 7, 8]]


STORE = SequenceStore(
    np.array([1, 2, 3, 1, 3, 1, 2, 2, 3]), np.array([0, 0, 5, 7, 9]), 4
)  # 1 2 3 | 1 | 3; 1 2; 2 3: too short to hold anything out


def test_items_of_the_training_part() -> None:
    found = item_corpus(STORE, leave_one_out(STORE))
    assert found.tokens.tolist() == [1, 2, 3, 1, 2, 2, 3]
    assert found.lengths.tolist() == [0, 3, 2, 2]
    assert found.held_out.tolist() == [[1, 3]]
    assert statistics(found).unseen == 1.0
    assert statistics(found).repeated[0] == pytest.approx(1 - 2 / 4)  # 12 23 12 23


def test_codes_in_turn() -> None:
    items = item_corpus(STORE, leave_one_out(STORE))
    codes = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])  # K = 2: second level tokens 2 and 3
    found = code_corpus(items, codes)
    assert found.name == "codes (2 an item)"
    assert found.tokens.tolist() == [0, 3, 1, 3, 1, 2, 0, 3, 1, 3, 1, 3, 1, 2]
    assert found.lengths.tolist() == [0, 6, 4, 4]
    assert found.held_out.tolist() == [[3, 1], [1, 2]]
    assert statistics(found).unseen == 0.0  # 31 and 12 have been seen


def test_words_and_characters_of_a_text() -> None:
    words, characters = text_corpora(["a cat, a cat", "a dog."])
    assert (words.tokens.tolist(), words.lengths.tolist()) == ([0, 1, 0, 1], [4])
    assert words.held_out.tolist() == [[0, 2]]
    assert (statistics(words).unseen, statistics(words).conditional) == (1.0, 0.0)
    assert len(characters.tokens) == len("a cat a cat")
    assert len(characters.held_out) == len("a dog") - 1
