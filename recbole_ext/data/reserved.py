"""Tokens that no user and no item may have."""

from __future__ import annotations

PADDING = "[PAD]"  # RecBole's name for item 0
# What pandas, and so RecBole, reads as a missing value. (To import its set takes half a second.)
MISSING = {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}
MISSING |= {"<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
