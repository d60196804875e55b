"""Checks of the evaluation's keys: leave-one-out in time order, all items ranked."""

from __future__ import annotations

import re

from recbole_ext.config.keys import IPS, LIST_METRICS, METRICS, SEEN_MASKED
from recbole_ext.config.settings import Settings
from recbole_ext.errors import nearest, show

EVAL_ARGS = {
    "split": {"LS": "valid_and_test"},
    "order": "TO",
    "group_by": "user",
    "mode": "full",
}
EVERY_MODE = {"valid": "full", "test": "full"}
_FULL_MODES = ("full", EVERY_MODE)
_SMALLER_IS_BETTER = ("averagepopularity", "giniindex")
_VALID_METRIC = re.compile(rf"([^\W_]+)@(\d+)({IPS})?({SEEN_MASKED})?", re.ASCII)


def bigger_is_better(valid_metric: str) -> bool:
    """Whether a larger value of ``valid_metric`` is the better one."""
    return valid_metric.partition("@")[0].lower() not in _SMALLER_IS_BETTER


def _eval_args(settings: Settings) -> None:
    given = settings.values["eval_args"]
    for name in given:
        if name not in EVAL_ARGS:
            hint = nearest(str(name), EVAL_ARGS) or f"; there are {', '.join(EVAL_ARGS)}"
            settings.fail_inside("eval_args", f"the unknown key {show(name)}{hint}")
    for name, wanted in EVAL_ARGS.items():
        if given[name] == wanted or (name == "mode" and given[name] in _FULL_MODES):
            continue
        wish = "{LS: valid_and_test}" if name == "split" else wanted
        settings.fail_inside(
            "eval_args",
            f"{name}: {show(given[name])}, which must be {wish}: "
            "the evaluation is leave-one-out in time order over all items",
        )


def _repeatable(settings: Settings) -> None:
    if settings.kind == "sequential" and not settings.get("repeatable"):
        settings.fail(
            "repeatable",
            "must be true for a sequential model; every result has the "
            "metrics with seen items masked beside those without",
        )


def _metrics(settings: Settings) -> None:
    metrics = settings.values["metrics"]
    if not metrics:
        settings.fail("metrics", f"names no metric; there are {', '.join(METRICS)}")
    for metric in metrics:
        if metric.lower() not in _folded_metrics():
            hint = nearest(metric, METRICS) or f"; there are {', '.join(METRICS)}"
            settings.fail_inside("metrics", f"the unknown metric {show(metric)}{hint}")


def _topk(settings: Settings) -> None:
    if not settings.values["topk"]:
        settings.fail("topk", "has no cut-off; give one or more whole numbers >= 1")


def _valid_metric(settings: Settings) -> None:
    given = settings.values["valid_metric"]
    found = _VALID_METRIC.fullmatch(given)
    if found is None:
        settings.fail(
            "valid_metric", "must be <metric>@<k> or <metric>@<k>_seen_masked, such as NDCG@10"
        )
    metric, cutoff, weighted, masked = found.groups()
    metrics, topk = settings.values["metrics"], settings.values["topk"]
    if metric.lower() not in [name.lower() for name in metrics]:
        settings.fail(
            "valid_metric", f"needs one of {settings.named('metrics')}{nearest(metric, metrics)}"
        )
    of_lists = {name.lower() for name in LIST_METRICS}
    if (masked or weighted) and metric.lower() in of_lists:
        settings.fail("valid_metric", "is one of the lists, which have seen items kept alone")
    if weighted and settings.values["eval_ips_exponent"] is None:
        settings.fail("valid_metric", "needs eval_ips_exponent, which is null")
    if cutoff not in map(str, topk):
        settings.fail("valid_metric", f"needs a cut-off of {settings.named('topk')}")


def _direction(settings: Settings) -> None:
    follows = bigger_is_better(settings.values["valid_metric"])
    if settings.values["valid_metric_bigger"] != follows:
        settings.fail(
            "valid_metric_bigger",
            f"follows from {settings.named('valid_metric')} and "
            f"is {str(follows).lower()}; leave it out",
        )


def _folded_metrics() -> set[str]:
    return {metric.lower() for metric in METRICS}


EVALUATION_CHECKS = (_eval_args, _repeatable, _metrics, _topk, _valid_metric, _direction)
