"""`recbole_ext analyze exposure`: what a model shows against what users consumed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.checked_numbers import positive, whole
from recbole_ext.errors import ConfigError, show
from recbole_ext.files import checked_output, write_report
from recbole_ext.run_folders import add_data_path, loaded, opened, report_place

if TYPE_CHECKING:
    from recbole_ext.data.store import IntArray
    from recbole_ext.runner import Run

SUMMARY = "exposure in users' lists against training consumption, and what bounding it costs"
TAKES_KEYS = False
REPORT_FILE = "exposure.json"
ITEMS_FILE = "exposure_items.csv"
ITEMS_ENDING = ".items.csv"  # beside --out

_DESCRIPTION = """\
How often each item stands in the test users' top k against how often it was consumed in training,
by decile of popularity; Gini and coverage; and what it costs in Hit and NDCG to bound every item's
share of the places by --bound times its share of consumption. The lists are those that a user would
have got before the test item: without --include_seen they never hold one seen before, whereas the
test never masks it; the run's own Hit and NDCG stand beside. Writes exposure.json into each run
folder, or --out.

  recbole_ext analyze exposure RUN_DIR RUN_DIR --k=10 --bound=2
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze exposure` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("run_dirs", nargs="+", metavar="RUN_DIR", help="run folder of a model")
    parser.add_argument("--k", default="10", metavar="N", help="items for each user; 10")
    parser.add_argument("--bound", metavar="C", help="re-rank under this bound too")
    parser.add_argument("--include_seen", action="store_true", help="show seen items too")
    parser.add_argument("--items", action="store_true", help=f"also write {ITEMS_FILE}, every item")
    parser.add_argument("--batch_size", metavar="N", help="users scored at once")
    parser.add_argument("--out", metavar="FILE", help="write the JSON of the only run here")
    add_data_path(parser)


def main(args: argparse.Namespace) -> int:
    """Print and write a report for each run; returns the exit code 0."""
    k = whole("--k", args.k)
    batch_size = None if args.batch_size is None else whole("--batch_size", args.batch_size)
    bound = None if args.bound is None else positive("--bound", args.bound)

    places = _places(args)

    from recbole_ext.analysis.exposure import lines

    for number, (folder, (place, items)) in enumerate(places.items()):
        run = loaded(folder, args.data_path)
        found = Lists.of(run, k, bound, args.include_seen, batch_size)
        report = found.report()
        print(*([""] if number else []), *lines(report), sep="\n")
        print(f"written: {write_report(place, report)}")
        if items is not None:
            print(f"written: {write_report(items, found.table())}")
    return 0


def _places(args: argparse.Namespace) -> dict[Path, tuple[Path, Path | None]]:
    """Of each run folder: where its report goes, and the table of its items if asked for."""
    folders = opened(args.run_dirs)
    output = checked_output("--out", args.out)
    if output is not None and len(folders) > 1:
        raise ConfigError(f"--out: {args.out} is one file for {len(folders)} runs; name one run")
    beside = output and checked_output("--out", str(output.with_suffix(ITEMS_ENDING)))
    return {
        folder: (
            report_place(output, folder, REPORT_FILE),
            report_place(beside, folder, ITEMS_FILE) if args.items else None,
        )
        for folder in folders
    }


class Lists:
    """The test users' lists, as ranked and under the bound, and what they are compared with."""

    def __init__(
        self,
        run: Run,
        bound: float | None,
        include_seen: bool,
        ranked: IntArray,
        bounded: IntArray | None,
        targets: IntArray,
        targets_seen_before: float,
        consumption: IntArray,
    ) -> None:
        self.run, self.bound, self.include_seen = run, bound, include_seen
        self.ranked, self.bounded = ranked, bounded
        self.targets, self.targets_seen_before = targets, targets_seen_before
        self.consumption = consumption

    @classmethod
    def of(
        cls, run: Run, k: int, bound: float | None, include_seen: bool, batch_size: int | None
    ) -> Lists:
        """Score the users of the test part.

        Raises:
            ConfigError: the bound leaves no item.
        """
        from recbole_ext.analysis.exposure import seen_before
        from recbole_ext.analysis.lists import tested_scorer, tested_sequences, top_lists
        from recbole_ext.data.popularity import interaction_counts
        from recbole_ext.inference.bounded import bounded_lists, exposure_limits
        from recbole_ext.inference.recommend import candidates_of

        store, split = run.dataset.store, run.loaders.split
        scorer, sequences = tested_scorer(run), tested_sequences(run)
        users, size = sequences.picked, batch_size or run.config["eval_batch_size"]
        ranked = top_lists(scorer, sequences, k, not include_seen, size)
        consumption = interaction_counts(store, split.train_end)
        bounded = None
        if bound is not None:
            limits = exposure_limits(consumption, bound, ranked.size)
            if not limits.any():
                raise ConfigError(f"--bound: {show(bound)} leaves no item for {len(users)} users")
            best = candidates_of(scorer, sequences, not include_seen, size)
            bounded, _ = bounded_lists(best, len(users), ranked.shape[1], limits)
        targets = store.items[split.test[users]]
        again = float(seen_before(sequences.store, users, targets).mean())
        return cls(run, bound, include_seen, ranked, bounded, targets, again, consumption)

    def report(self) -> dict[str, Any]:
        """The contents of exposure.json."""
        from recbole_ext.analysis.exposure import exposure_of, extremes, of_lists, summary

        config = self.run.config
        exposure = exposure_of(self.ranked, len(self.consumption))
        most, least = extremes(self.consumption, exposure)
        bounded = None
        if self.bounded is not None:
            bounded = of_lists(self.bounded, self.targets, self.consumption)
        return {
            "model": config["model"],
            "dataset": config["dataset"],
            "run_dir": str(self.run.run_dir),
            "k": self.ranked.shape[1],
            "include_seen": self.include_seen,
            "bound": self.bound,
            "users": len(self.ranked),
            "targets_seen_before": self.targets_seen_before,
            "tested": self._tested(),
            "consumption": summary(self.consumption),
            "lists": of_lists(self.ranked, self.targets, self.consumption),
            "bounded": bounded,
            "most_overexposed": self._tokens(most),
            "most_underexposed": self._tokens(least),
        }

    def _tested(self) -> dict[str, Any] | None:
        """Hit and NDCG of the run's own test; None where it has not measured them at this k."""
        from recbole_ext.config.keys import SEEN_MASKED

        protocol, k = "test" if self.include_seen else f"test{SEEN_MASKED}", self.ranked.shape[1]
        known = self.run.metrics.get(protocol, {})
        found = {name: known[name] for name in (f"Hit@{k}", f"NDCG@{k}") if name in known}
        return {"protocol": protocol, **found} if found else None

    def table(self) -> str:
        """A line of CSV for every item: decile, training interactions, places in the lists."""
        import csv
        from io import StringIO

        import numpy as np

        from recbole_ext.analysis.deciles import popularity_deciles
        from recbole_ext.analysis.exposure import exposure_of

        n_items = len(self.consumption)
        columns = [popularity_deciles(self.consumption), self.consumption]
        columns.append(exposure_of(self.ranked, n_items))
        if self.bounded is not None:
            columns.append(exposure_of(self.bounded, n_items))
        names = ("item", "decile", "consumed", "exposed", "exposed_bounded")
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names[: 1 + len(columns)])
        tokens = self._tokens(np.arange(1, n_items))
        rows = np.stack(columns, 1)[1:].tolist()
        writer.writerows([token, *row] for token, row in zip(tokens, rows, strict=True))
        return text.getvalue()

    def _tokens(self, ids: IntArray) -> list[str]:
        dataset = self.run.dataset
        return [str(token) for token in dataset.field2id_token[dataset.iid_field][ids]]
