"""Corpora: a data set's item sequences, the codes of these items, a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recbole_ext.analysis.token_statistics import Corpus
from recbole_ext.data.split import Split, in_training, train_lengths
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import DataError, show

HELD_OUT_LINES = 10  # of a text, every tenth part is held out: its last lines


def item_corpus(store: SequenceStore, split: Split) -> Corpus:
    """Training parts of users; held out: each test item after the item before it."""
    lengths = train_lengths(store, split)
    tested = split.test[split.test > 0]
    held_out = np.stack([store.items[tested - 1], store.items[tested]], 1)
    return Corpus("items", store.items[in_training(store, split.train_end)], lengths, held_out)


def code_corpus(items: Corpus, codes: NDArray[np.integer]) -> Corpus:
    """Each item as its M codes in turn; a code is another token at each level.

    Args:
        codes: [V, M] by item id.
    """
    levels = codes.shape[1]
    tokens = codes.astype(np.int64) + np.arange(levels) * (int(codes.max()) + 1)  # [V, M]
    before, test = tokens[items.held_out[:, 0], -1:], tokens[items.held_out[:, 1]]
    chain = np.concatenate([before, test], 1)  # [T, M + 1]
    pairs = np.stack([chain[:, :-1], chain[:, 1:]], 2).reshape(-1, 2)
    return Corpus(
        f"codes ({levels} an item)", tokens[items.tokens].reshape(-1), items.lengths * levels, pairs
    )


def read_text(path: str) -> list[str]:
    """The lines of a UTF-8 file that hold a word, in lower case.

    Raises:
        DataError: no such file, not UTF-8, or fewer than two such lines.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"--text: {path} is not UTF-8 (byte {error.start})") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"--text: {show(path)} cannot be read: {reason}") from error
    lines = [line for line in text.lower().splitlines() if re.search(r"\w", line)]
    if len(lines) < 2:
        raise DataError(f"--text: {path} needs two lines of text: one is held out")
    return lines


def text_corpora(lines: list[str]) -> list[Corpus]:
    """Words and characters of a text, each line a sequence, the last tenth of lines held out."""
    words = [re.findall(r"\w+", line) for line in lines]
    return [
        _corpus("text, words", words),
        _corpus("text, characters", [" ".join(line) for line in words]),
    ]


def _corpus(name: str, sequences: list[list[str]] | list[str]) -> Corpus:
    test = -(-len(sequences) // HELD_OUT_LINES)
    numbers: dict[str, int] = {}
    coded = [_numbered(sequence, numbers) for sequence in sequences]
    train, held_out = coded[:-test], coded[-test:]
    pairs = [np.stack([line[:-1], line[1:]], 1) for line in held_out]
    lengths = np.array([len(line) for line in train], np.int64)
    return Corpus(name, np.concatenate(train), lengths, np.concatenate(pairs))


def _numbered(tokens: Iterable[str], numbers: dict[str, int]) -> IntArray:
    return np.array([numbers.setdefault(token, len(numbers)) for token in tokens], np.int64)
