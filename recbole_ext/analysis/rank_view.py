"""Ranks of runs' attention: the table of all definitions, and the paper's k against its σ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_ext.analysis.blocks import SIZE, uniform_blocks
from recbole_ext.analysis.figures import draw_nulls, legend_below, new_figure, series
from recbole_ext.analysis.rank import (
    SIGMAS,
    entropy_rank,
    gavish_donoho,
    rank_k,
    singular_values,
    stable_rank,
)
from recbole_ext.analysis.sparsity import NULLS, uniform
from recbole_ext.analysis.subject import Subject, mean

FloatArray = NDArray[np.float64]

_PANEL = (6.4, 5.4)
_SEED = 0
_NAMES = ("k", "gavish_donoho", "stable_rank", "entropy_rank")


def numbers(subjects: Sequence[Subject]) -> dict[str, Any]:
    """Means over users and heads, by layer and over all layers, and both nulls."""
    nulls = {name: uniform(SIZE, causal) for name, causal in NULLS.items()}
    return {
        "figure": "rank",
        "block": SIZE,
        "sigmas": list(SIGMAS),
        "nulls": {name: _ranks(matrix[None]) for name, matrix in nulls.items()},
        "runs": [_of_run(subject) for subject in subjects],
    }


def draw(data: dict[str, Any]) -> Any:
    """k of the fixed matrix and of the matrix with noise drawn anew, against σ."""
    figure, ((panel,),) = new_figure(1, 1, _PANEL)
    places = range(len(data["sigmas"]))
    for place, run in enumerate(data["runs"]):
        style = series(place)
        panel.plot(places, run["k_by_sigma"], label=run["run"], **style)
        thin = {**style, "linewidth": 1.0, "fillstyle": "none"}
        panel.plot(places, run["k_by_sigma_noise_drawn"], "--", **thin)
    draw_nulls(panel, places, data["runs"])
    panel.set_xticks(places, [f"{sigma:g}" for sigma in data["sigmas"]])
    panel.set(xlabel="σ", ylabel="k", ylim=(0, None))
    panel.set_title("rank k; hollow: with the noise drawn and added", fontsize="medium")
    legend_below(figure, [panel], 2)
    return figure


def lines(data: dict[str, Any]) -> list[str]:
    """The table: a row for each run and layer, the nulls below."""
    from tabulate import tabulate

    rows: list[list[Any]] = []
    for run in data["runs"]:
        for one in run["layers"]:
            rows.append([run["run"], one["layer"], *(one[name] for name in _NAMES)])
        nulls = run["k_of_uniform"].values()
        rows.append([run["run"], "all", *(run[name] for name in _NAMES), *nulls])
    for name, null in data["nulls"].items():
        what = f"uniform {name}, {data['block']} items"
        rows.append([what, "", *(null[one] for one in _NAMES)])
    own = ("k if uniform, bidirectional", "causal")
    headers = ("run", "layer", "k (σ→0)", "Gavish-Donoho", "stable", "entropy", *own)
    title = f"rank of the newest {data['block']} x {data['block']} block"
    return [title, *tabulate(rows, headers, floatfmt=".2f").splitlines()]


def _of_run(subject: Subject) -> dict[str, Any]:
    layers = [
        {"layer": number, **_ranks(layer.blocks.reshape(-1, *layer.blocks.shape[-2:]))}
        for number, layer in subject.blocks.layers.items()
    ]
    lengths = subject.blocks.lengths
    values = {
        name: singular_values(uniform_blocks(lengths, causal)) for name, causal in NULLS.items()
    }
    nulls = {name: mean(rank_k(of_null)) for name, of_null in values.items()}
    uniforms = {
        name: [mean(rank_k(of_null, sigma)) for sigma in SIGMAS] for name, of_null in values.items()
    }
    whole = _over_layers(layers)
    return {
        **subject.described,
        **whole,
        "k_of_uniform": nulls,
        "uniform": uniforms,
        "layers": layers,
    }


def _ranks(matrices: FloatArray) -> dict[str, Any]:
    """[M, n, n] -> the mean of each rank."""
    values = singular_values(matrices)
    noise = np.random.default_rng(_SEED).standard_normal(matrices.shape)
    noisy = [singular_values(matrices + sigma * noise) for sigma in SIGMAS]
    pairs = zip(noisy, SIGMAS, strict=True)
    return {
        "k": mean(rank_k(values)),
        "gavish_donoho": mean(gavish_donoho(values)),
        "stable_rank": mean(stable_rank(values)),
        "entropy_rank": mean(entropy_rank(values)),
        "k_by_sigma": [mean(rank_k(values, sigma)) for sigma in SIGMAS],
        "k_by_sigma_noise_drawn": [mean(rank_k(drawn, sigma)) for drawn, sigma in pairs],
    }


def _over_layers(layers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every layer weighs the same."""
    whole: dict[str, Any] = {name: mean([one[name] for one in layers]) for name in _NAMES}
    for name in ("k_by_sigma", "k_by_sigma_noise_drawn"):
        whole[name] = [mean(column) for column in zip(*(one[name] for one in layers), strict=True)]
    return whole
