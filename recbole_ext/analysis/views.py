"""What can be asked of runs' attention: each kind makes numbers, a figure of them, and a table.

The numbers are what is drawn and what the JSON beside the figure holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from recbole_ext.analysis import heat_maps, rank_view, sparsity_view, spectrum_view
from recbole_ext.analysis.subject import Subject

Data = dict[str, Any]


@dataclass(frozen=True)
class View:
    """One kind.

    Attributes:
        numbers: from the runs' attention to what is shown.
        draw: the figure of it.
        lines: the table of it, for the terminal.
    """

    numbers: Callable[[Sequence[Subject]], Data]
    draw: Callable[[Data], Any]
    lines: Callable[[Data], list[str]]


VIEWS: dict[str, dict[str, View]] = {
    "attention": {
        "attention": View(heat_maps.numbers, heat_maps.draw, heat_maps.lines),
        "attention_heads": View(heat_maps.head_numbers, heat_maps.draw_heads, heat_maps.no_lines),
    },
    "sparsity": {
        "sparsity": View(sparsity_view.numbers, sparsity_view.draw, sparsity_view.lines),
    },
    "rank": {"rank": View(rank_view.numbers, rank_view.draw, rank_view.lines)},
    "spectrum": {
        "spectrum": View(spectrum_view.numbers, spectrum_view.draw, spectrum_view.lines),
    },
}
