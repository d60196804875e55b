"""What is recommended against what was consumed, for each item and each decile of popularity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_ext.analysis.deciles import DECILES, popularity_deciles
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.evaluation.metrics import FloatArray, summarize
from recbole_ext.evaluation.statistics import gini_of_counts
from recbole_ext.nn.embedding import PAD

EXTREMES = 10  # items named at either end


def exposure_of(items: IntArray, n_items: int) -> IntArray:
    """[V] how many places of the lists [R, k] each item fills; PAD is an empty place."""
    counts = np.bincount(items.ravel(), minlength=n_items)
    counts[PAD] = 0
    return counts


def summary(counts: IntArray) -> dict[str, float | None]:
    """Gini over all items and the share of them that occur; counts [V] by item id."""
    own = counts[PAD + 1 :]
    gini = gini_of_counts(own) if own.any() else None
    return {"gini": gini, "coverage": float((own > 0).mean())}


def shares(counts: IntArray, of: int | None = None) -> FloatArray:
    """[V] of ``of``, or of their sum; 0 where it is 0."""
    found: FloatArray = counts / max(int(counts.sum()) if of is None else of, 1)
    return found


def by_decile(consumption: IntArray, exposure: IntArray, places: int) -> list[dict[str, Any]]:
    """For each decile its share of consumption and of exposure, and how many items are shown.

    Args:
        places: in all lists, empty ones too, as :func:`~recbole_ext.inference.bounded.
            exposure_limits` counts them.
    """
    deciles = popularity_deciles(consumption)
    consumed, exposed = shares(consumption), shares(exposure, places)
    rows = []
    for decile in range(1, DECILES + 1):
        mine = deciles == decile
        taken, shown = float(consumed[mine].sum()), float(exposed[mine].sum())
        rows.append(
            {
                "decile": decile,
                "items": int(mine.sum()),
                "consumed": taken,
                "exposed": shown,
                "ratio": shown / taken if taken else None,
                "coverage": float((exposure[mine] > 0).mean()) if mine.any() else None,
            }
        )
    return rows


def largest_ratio(consumption: IntArray, exposure: IntArray, places: int) -> float | None:
    """Of exposure's share to consumption's; None where an item is shown that no one consumed."""
    shown = exposure > 0
    if not shown.any() or (consumption[shown] == 0).any():
        return None
    return float((shares(exposure, places)[shown] / shares(consumption)[shown]).max())


def extremes(consumption: IntArray, exposure: IntArray) -> tuple[IntArray, IntArray]:
    """Ids of the items exposed most above, and most below, their share of consumption."""
    difference = shares(exposure) - shares(consumption)
    order = np.argsort(difference[PAD + 1 :], kind="stable") + 1
    return order[::-1][:EXTREMES], order[:EXTREMES]


def quality(items: IntArray, targets: IntArray) -> dict[str, float]:
    """Hit and NDCG of the lists [R, k] against one held-out item each [R]."""
    found = items == targets[:, None]
    ranks = np.where(found.any(1), found.argmax(1) + 1.0, np.inf)
    return summarize(ranks, ("Hit", "NDCG"), items.shape[1:])


def seen_before(histories: SequenceStore, users: IntArray, targets: IntArray) -> NDArray[np.bool_]:
    """[R] whether the held-out item of each user [R] stands in the history too."""
    owners = histories.owners
    wanted = np.full(histories.n_users, PAD)
    wanted[users] = targets
    again = np.zeros(histories.n_users, dtype=bool)
    again[owners[histories.items == wanted[owners]]] = True
    return again[users]


def of_lists(items: IntArray, targets: IntArray, consumption: IntArray) -> dict[str, Any]:
    """All that is said of one set of lists [R, k]."""
    exposure = exposure_of(items, len(consumption))
    return {
        **quality(items, targets),
        **summary(exposure),
        "filled": float((items != PAD).mean()),
        "largest_ratio": largest_ratio(consumption, exposure, items.size),
        "deciles": by_decile(consumption, exposure, items.size),
    }


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report as text: a table of the lists, one of the deciles, and what columns mean."""
    from tabulate import tabulate

    kinds = {"as ranked": report["lists"], "bounded": report["bounded"]}
    kinds = {name: part for name, part in kinds.items() if part is not None}
    k = report["k"]
    measured = (f"Hit@{k}", f"NDCG@{k}", "gini", "coverage", "filled", "largest_ratio")
    rows = [["consumed", None, None, *(report["consumption"][n] for n in ("gini", "coverage"))]]
    rows += [[name, *(part[column] for column in measured)] for name, part in kinds.items()]
    if tested := report["tested"]:
        rows.append([tested["protocol"], *(tested.get(column) for column in measured[:2])])
    seen = "seen items kept" if report["include_seen"] else "seen items left out"
    bound = "" if report["bound"] is None else f", bounded by {report['bound']:g} x consumption"
    heads = ("", *measured[:2], "Gini", "coverage", "filled", "largest ratio")
    decile_rows = [
        [one["decile"], one["items"], one["consumed"],
         *(x for part in kinds.values() for x in _cells(part["deciles"][place]))]
        for place, one in enumerate(report["lists"]["deciles"])
    ]  # fmt: skip
    heads_of = ("share", "ratio", "coverage")
    decile_heads = ["decile", "items", "consumed"]
    decile_heads += [f"{name}: {head}" for name in kinds for head in heads_of]
    return [
        f"{report['model']} on {report['dataset']}: top {k} of {report['users']:,} users, "
        f"{seen}{bound}",
        tabulate(rows, heads, floatfmt=".4f", missingval="-"),
        "",
        tabulate(decile_rows, decile_heads, floatfmt=".4f", missingval="-"),
        LEGEND,
        *_beside(report),
    ]


def _beside(report: Mapping[str, Any]) -> list[str]:
    """How Hit and NDCG of the lists and of the test differ, where seen items are left out."""
    if report["include_seen"]:
        return []
    line = (
        f"Hit, NDCG: of the lists as a user sees them; {100 * report['targets_seen_before']:.2f} % "
        "of the test items were seen before, so that no list holds them."
    )
    if report["tested"]:
        line += (
            f" {report['tested']['protocol']}: the run's own test, which never masks the target."
        )
    return [line]


def _cells(decile: Mapping[str, Any]) -> list[float | None]:
    return [decile["exposed"], decile["ratio"], decile["coverage"]]


LEGEND = (
    "decile: of the items by training interactions, 10 the most popular. share: of all places in "
    "the lists; consumed: of the training interactions; ratio: of the two. coverage: items that "
    "occur. filled: places that hold an item. Gini: over all items, 0 if all occur alike."
)
