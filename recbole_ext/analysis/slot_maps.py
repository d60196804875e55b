"""What a model has learned of positions (FPARec, arXiv 2407.02793, Figures 1, 3 and 4).

Slots are right-aligned, the newest last, save RecBole's own models', which count from the oldest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recbole_ext.analysis.figures import colour_bar, heat, new_figure, unseen
from recbole_ext.analysis.subject import nested
from recbole_ext.model.composable import ComposableRecommender
from recbole_ext.nn.attention import FixedPattern, MixerSpec, PositionOnlyMixer
from recbole_ext.nn.attention.fixed import PATTERNS

if TYPE_CHECKING:
    from recbole_ext.runner import Run

FloatArray = NDArray[np.float64]
Data = dict[str, Any]

_COLUMNS = 4
_DIGITS = 5
_PANEL = (2.6, 3.0)  # inches
_PATTERN_LENGTHS = (50, 200)
_UNIFORM = 0.05  # a panel whose values differ by less, of the row's maximum, shows no pattern
_MEANING = {"position_correlation": "exp(P Pᵀ / √d), share of the row's maximum"}
_TABLES = ("positions", "position_embedding")  # what models call their table of slots
# Of RecBole's: they mask no future. The others with such a table are causal.
_BIDIRECTIONAL = frozenset({"BERT4Rec", "LightSANs"})
_LAYER = re.compile(r"\bblocks\.(\d+)\.")


def correlation(table: FloatArray, causal: bool) -> FloatArray:
    """Position embeddings [n, d] -> exp(P Pᵀ / √d), each row divided by its maximum (Figure 1).

    Causal: the lower triangle alone, before the division.
    """
    scores = table @ table.T / np.sqrt(table.shape[1])
    scores = np.where(_visible(len(table), causal), scores, -np.inf)
    return np.asarray(np.exp(scores - scores.max(1, keepdims=True)), dtype=np.float64)


def by_row_maximum(matrix: FloatArray) -> FloatArray:
    """[..., n, n] magnitudes, each row divided by its largest one; rows of zeros stay."""
    sizes = np.abs(matrix)  # a token mixer's map has signs
    top = sizes.max(-1, keepdims=True)
    return np.asarray(sizes / np.where(top > 0, top, 1.0), dtype=np.float64)


def correlation_numbers(runs: Sequence[Run], labels: Sequence[str]) -> Data:
    """Figure 1: a panel for each run that learns an embedding of positions."""
    panels = []
    for run, label in zip(runs, labels, strict=True):
        if (table := _position_table(run.model)) is not None:
            shown = correlation(table.detach().double().cpu().numpy(), _is_causal(run))
            panels.append(_panel(run, label, f"{label}\nposition correlation", shown))
    return {"figure": "position_correlation", "panels": panels}


def attention_numbers(runs: Sequence[Run], labels: Sequence[str]) -> Data:
    """Figure 3: the learned positional attention, a panel for each run, layer and head."""
    panels = []
    for run, label in zip(runs, labels, strict=True):
        for layer, mixer in _positional(run.model):
            for head, matrix in enumerate(_matrices(mixer), start=1):
                of_several = f", head {head}" if mixer.spec.n_heads > 1 else ""
                title = f"{label}\n{layer}{of_several}"
                panels.append(_panel(run, label, title, by_row_maximum(matrix)))
    return {"figure": "positional_attention", "panels": panels}


def pattern_numbers() -> Data:
    """Figure 4: the fixed patterns; they need no run."""
    panels = []
    for length in _PATTERN_LENGTHS:
        for name in PATTERNS:
            mixer = FixedPattern(MixerSpec(1, length, pattern=name)).double()
            title = f"{name.replace('_', ' ')}\nn = {length}"
            panels.append({"title": title, "matrix": nested(by_row_maximum(_matrices(mixer)[0]))})
    return {"figure": "fixed_patterns", "columns": len(PATTERNS), "panels": panels}


def draw(data: Data) -> Any:
    """A panel for each matrix on one colour scale; what causality hides is grey.

    Patterns from 0; what is learned from the figure's lowest value: embeddings of slots are often
    short, and positional attention starts flat. Never less than :data:`_UNIFORM` is spread over
    the colours, so that noise looks like none.
    """
    panels = data["panels"]
    columns = min(data.get("columns", _COLUMNS), len(panels))
    figure, grid = new_figure(-(-len(panels) // columns), columns, _PANEL)
    cells = grid.ravel()
    for cell in cells[len(panels) :]:
        cell.axis("off")
    low = min(1.0 - _UNIFORM, *(one.get("lowest_in_sight", 0.0) for one in panels))
    for cell, one in zip(cells, panels, strict=False):
        flat = 1.0 - one.get("lowest_in_sight", 0.0) < _UNIFORM
        title = one["run"] if data["figure"] in _MEANING else one["title"]
        title += "\nnearly uniform" if flat else ""
        image = heat(cell, one["matrix"], title, low, 1.0, unseen(one["matrix"]))
        cell.set_xlabel("key slot", fontsize="x-small")
    for row in grid:
        row[0].set_ylabel("query slot", fontsize="x-small")
    label = _MEANING.get(data["figure"], "share of the row's maximum")
    colour_bar(figure, image, grid, shrink=0.8, label=label)
    return figure


def _panel(run: Run, label: str, title: str, matrix: FloatArray) -> dict[str, Any]:
    shown = np.round(matrix, _DIGITS)
    lowest = float(shown[matrix > 0].min())
    names = {"run": label, "model": run.config["model"], "dataset": run.config["dataset"]}
    return {**names, "title": title, "lowest_in_sight": lowest, "matrix": shown.tolist()}


@torch.no_grad()
def _matrices(mixer: PositionOnlyMixer) -> FloatArray:
    """[h, n, n] at full length."""
    keep = torch.ones(1, mixer.spec.max_length, dtype=torch.bool, device=mixer.value.weight.device)
    return np.asarray(mixer.matrices(keep)[0].double().cpu().numpy(), dtype=np.float64)


def _positional(model: nn.Module) -> list[tuple[str, PositionOnlyMixer]]:
    """``layer 2``, or ``layer 2, part 1`` of a sum of mixers, and the mixer."""
    # DualSASRec has another encoder, of an item's users: no layers of what makes the states.
    states_from = model.encoder if isinstance(model, ComposableRecommender) else model
    found = []
    for name, part in states_from.named_modules():
        if isinstance(part, PositionOnlyMixer) and part.learned_scores:
            block, place = _LAYER.search(name), name.rpartition(".parts.")
            layer = f"layer {int(block[1]) + 1}" if block else name
            found.append((layer + (f", part {int(place[2]) + 1}" if place[1] else ""), part))
    return found


def _position_table(model: nn.Module) -> Tensor | None:
    """The embedding of slots, if the model learns one."""
    for name, part in model.named_modules():
        if name.split(".")[-1] in _TABLES and isinstance(part, nn.Embedding):
            return part.weight
    return None


def _is_causal(run: Run) -> bool:
    if hasattr(run.model, "cloze"):
        return run.model.cloze is None
    return run.config["model"] not in _BIDIRECTIONAL


def _visible(size: int, causal: bool) -> NDArray[np.bool_]:
    every = np.ones((size, size), dtype=bool)
    return np.tril(every) if causal else every
