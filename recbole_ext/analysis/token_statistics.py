"""How predictable sequences of tokens are: item ids, the codes of items, words, characters.

Counts are those of the training part, entropies are of these counts (plug-in estimates, in bits).
Both depend on how many tokens there are: compare corpora of like size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.row_numbers import row_numbers
from recbole_ext.data.store import IntArray


@dataclass(frozen=True)
class Corpus:
    """Sequences of tokens.

    Attributes:
        name: of the form.
        tokens: [N] ids, 0 and up, sequence after sequence.
        lengths: [S] tokens of each sequence.
        held_out: [T, 2] the bigrams of the test part.
    """

    name: str
    tokens: IntArray
    lengths: IntArray
    held_out: IntArray


@dataclass(frozen=True)
class Statistics:
    """What is found of a corpus; None where there is nothing to count.

    Attributes:
        tokens, types: how many, all and different ones.
        entropy: H(x), bits a token.
        conditional: H(x_t | x_{t-1}), bits a token, within sequences.
        zipf: slope of log frequency over log rank, by least squares over all types.
        repeated: share of the n-grams, n = 2 and 3, that have occurred before.
        unseen: share of the test part's bigrams that the training part does not have.
    """

    tokens: int
    types: int
    entropy: float
    conditional: float | None
    zipf: float | None
    repeated: tuple[float | None, float | None]
    unseen: float | None


def statistics(corpus: Corpus) -> Statistics:
    """Count."""
    counts = np.bincount(corpus.tokens)
    counts = counts[counts > 0]
    pairs = ngrams(corpus, 2)
    return Statistics(
        tokens=len(corpus.tokens),
        types=len(counts),
        entropy=entropy(counts),
        conditional=conditional_entropy(pairs) if len(pairs) else None,
        zipf=zipf_slope(counts) if len(counts) > 1 else None,
        repeated=(_repeated(pairs), _repeated(ngrams(corpus, 3))),
        unseen=unseen_share(pairs, corpus.held_out) if len(corpus.held_out) else None,
    )


def ngrams(corpus: Corpus, n: int) -> IntArray:
    """[number of them, n] runs of n tokens within a sequence, in order."""
    ends = np.repeat(corpus.lengths.cumsum(), corpus.lengths)
    starts = np.flatnonzero(np.arange(len(corpus.tokens)) + n <= ends)
    return corpus.tokens[starts[:, None] + np.arange(n)]


def entropy(counts: NDArray[np.integer]) -> float:
    """-Σ p log₂ p of counts > 0."""
    share = counts / counts.sum()
    return abs(float((share * np.log2(share)).sum()))


def conditional_entropy(pairs: IntArray) -> float:
    """H(x, y) - H(x) of pairs [n, 2]."""
    joint = np.bincount(row_numbers(pairs))
    first = np.bincount(pairs[:, 0])
    return max(entropy(joint) - entropy(first[first > 0]), 0.0)  # less only by rounding


def zipf_slope(counts: NDArray[np.integer]) -> float:
    """Zipf's law has -1; equal frequencies have 0."""
    frequency = np.log(np.sort(counts)[::-1])
    rank = np.log(np.arange(1, len(counts) + 1))
    return float(np.polyfit(rank, frequency, 1)[0])


def unseen_share(pairs: IntArray, held_out: IntArray) -> float:
    """Of the pairs ``held_out`` [T, 2], those that are not in ``pairs`` [n, 2]."""
    numbers = row_numbers(np.concatenate([pairs, held_out]))
    return float(1.0 - np.isin(numbers[len(pairs) :], numbers[: len(pairs)]).mean())


def _repeated(found: IntArray) -> float | None:
    return 1.0 - (row_numbers(found).max() + 1) / len(found) if len(found) else None
