"""Reports: every figure is that of metrics.json, comparisons are those of the users' ranks."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np
import pytest
from made_up import USERS, made_up_users, write_all, write_run
from scipy import stats

from recbole_ext.errors import DataError
from recbole_ext.evaluation.per_user import PerUser
from recbole_ext.experiment import file, report_csv, report_latex, report_text, report_write
from recbole_ext.experiment.curves import read_curve
from recbole_ext.experiment.gather import KEPT, MASKED, PARTS
from recbole_ext.experiment.report import Report, build_report
from recbole_ext.experiment.significance import wilcoxon_p
from recbole_ext.experiment.users import JobUsers, make_groups, paired
from recbole_ext.paths import properties_dir

Metrics = dict[tuple[str, int], dict[str, Any]]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Metrics, Path]:
    path, out, metrics = write_all(tmp_path_factory.mktemp("toy"))
    return build_report(file.read(path), out, out / "none"), metrics, out


def rows_of(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| job"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_markdown_figures_are_those_of_metrics_json(toy: tuple[Report, Metrics, Path]) -> None:
    report, metrics, _ = toy
    rows = list(rows_of(report_text.markdown(report)))
    shown = {row[0]: row for row in rows[:3]}
    for part, columns in (("test", (3, 4)), ("test_seen_masked", (6, 7))):
        for column, metric in zip(columns, ("Hit@10", "NDCG@10"), strict=True):
            two = [metrics["toy_good", seed][part][metric] for seed in (1, 2)]
            expected = f"{mean(two):.4f} ± {stdev(two):.4f}"  # of two, the median is the mean
            assert shown["toy_good"][column] == f"**{expected}**"
            assert shown["toy_bad"][column] == f"{metrics['toy_bad', 1][part][metric]:.4f}"
    assert [shown[job][5] for job in shown] == ["0.2500/–", "0.0821/0.0402", "–"]
    assert [shown[job][1] for job in shown] == ["1 2", "1 2", "1"]
    cost = {row[0]: row for row in rows[3:6]}
    assert cost["toy_good"] == ["toy_good", "1 of 3, 1 of 3", "2.5", "5.0", "2,000", "cpu"]


def test_csv_has_every_metric_in_full_precision(toy: tuple[Report, Metrics, Path]) -> None:
    report, metrics, _ = toy
    rows = list(csv.DictReader(report_csv.to_csv(report).splitlines()))
    assert len(rows) == 3 * 4 * 9
    for row in rows:
        seeds = [int(seed) for seed in row["seeds"].split()]
        part = PARTS[row["part"], row["protocol"]]
        values = [metrics[row["job"], seed][part][row["metric"]] for seed in seeds]
        assert [float(value) for value in row["values"].split()] == values
        assert float(row["mean"]) == pytest.approx(mean(values), rel=1e-15)
        assert float(row["median"]) == median(values)
        assert row["sd"] == "" if len(seeds) == 1 else float(row["sd"]) == stdev(values)
    published = {
        (r["job"], r["protocol"], r["metric"]): r["reported"] for r in rows if r["reported"]
    }
    assert published == {
        ("toy_base", KEPT, "Hit@10"): "0.25",
        ("toy_good", KEPT, "Hit@10"): "0.0821",
        ("toy_good", KEPT, "NDCG@10"): "0.0402",
    }


def test_latex_escapes_and_marks_the_best(toy: tuple[Report, Metrics, Path]) -> None:
    text = report_latex.latex(toy[0])
    assert r"toy\_good & 1 2 & " in text
    assert text.count(r"\textbf{") == 4  # the best of four columns
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 3
    assert r"\label{tab:out-a-quality}" in text
    assert r"\caption{First table. Cost: training without evaluation.}" in text
    assert "% Leave-one-out, all items ranked" in text
    lines = [line for line in text.splitlines() if line.startswith(r"toy\_")]
    assert all(line.replace(r"\_", "").count("_") == 0 and line.endswith(r" \\") for line in lines)
    assert report_latex.escaped("-0.1 to +0.2, x-0.07") == "$-$0.1 to +0.2, x-0.07"
    assert report_latex.escaped("a_b & 5 % ± <x>") == r"a\_b \& 5 \% $\pm$ $<$x$>$"


@pytest.mark.parametrize("path", sorted((properties_dir() / "experiment").glob("*.yaml")))
def test_latex_knows_every_letter_of_the_shipped_titles(path: Path) -> None:
    if "quick" not in path.stem:
        assert all(report_latex.escaped(table.title).isascii() for table in file.read(path).tables)


def test_latex_compiles_within_the_margins(
    toy: tuple[Report, Metrics, Path], tmp_path: Path
) -> None:
    """Also a table that is wider than the page by itself."""
    if (pdflatex := shutil.which("pdflatex")) is None:
        pytest.skip("no pdflatex here: Debian's texlive-latex-base and -recommended bring it")
    (table,) = toy[0].tables
    long = replace(table, table=replace(table.table, title="η, λ " + "and a long title " * 20))
    packages = "".join(rf"\usepackage{{{name}}}" for name in ("booktabs", "graphicx"))
    text = report_latex.latex(replace(toy[0], tables=(long,)))
    Path(tmp_path, "t.tex").write_text(
        rf"\documentclass[twocolumn]{{article}}{packages}\begin{{document}}{text}\end{{document}}"
    )
    words = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_comparisons_are_those_of_the_users(toy: tuple[Report, Metrics, Path]) -> None:
    (table,) = toy[0].tables
    found = {(c.job, c.protocol, c.metric): c for c in table.comparisons}
    assert len(found) == 2 * 4
    ndcg = {
        job: np.mean([made_up_users(quality, s).metric("NDCG", 10, True) for s in seeds], axis=0)
        for job, quality, seeds in (
            ("base", 1.0, (1, 2)), ("good", 2.0, (1, 2)), ("bad", 0.5, (1,)),
        )
    }  # fmt: skip
    p = {}
    for job in ("good", "bad"):
        one = found[f"toy_{job}", MASKED, "NDCG@10"]
        p[job] = stats.wilcoxon((ndcg[job] - ndcg["base"]).round(10)).pvalue  # ties are ties
        assert one.baseline == "toy_base" and one.users == 200
        assert one.difference.mean == pytest.approx((ndcg[job] - ndcg["base"]).mean())
        assert one.difference.p_wilcoxon == pytest.approx(p[job])
    assert found["toy_good", MASKED, "NDCG@10"].difference.low > 0
    assert found["toy_bad", MASKED, "NDCG@10"].difference.high < 0
    low, high = sorted(p, key=lambda job: p[job])
    assert found[f"toy_{low}", MASKED, "NDCG@10"].holm_wilcoxon == pytest.approx(2 * p[low])
    assert found[f"toy_{high}", MASKED, "NDCG@10"].holm_wilcoxon == pytest.approx(
        max(2 * p[low], p[high])
    )


def test_ranks_are_found_in_the_run_folders_too(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    for job in ("toy_base", "toy_good"):
        for seed in ("1", "2"):
            (tmp_path / "runs" / job / seed).mkdir(parents=True)
            name = "ranks.safetensors"
            (out / job / seed / name).rename(tmp_path / "runs" / job / seed / name)
            shutil.copy(out / job / seed / "metrics.json", tmp_path / "runs" / job / seed)
    (table,) = build_report(file.read(path), out, tmp_path / "runs").tables
    assert {one.job for one in table.comparisons} == {"toy_good", "toy_bad"}
    (table,) = build_report(file.read(path), out, tmp_path / "none").tables
    assert table.comparisons == ()
    other = tmp_path / "runs" / "toy_base" / "1" / "metrics.json"  # a run for another --out
    other.write_text(other.read_text().replace("train_seconds", "train_second"))
    assert build_report(file.read(path), out, tmp_path / "runs").tables[0].comparisons == ()


def test_comparisons_outlive_the_ranks(tmp_path: Path) -> None:
    """Results handed on without the users' ranks, as a repository's are: the report is the same."""
    path, out, _ = write_all(tmp_path)
    report = build_report(file.read(path), out, out)
    report_write.write_report(report, out)
    for ranks in out.glob("*/*/ranks.safetensors"):
        ranks.unlink()
    again = build_report(file.read(path), out, out)
    assert again.tables[0].comparisons == report.tables[0].comparisons != ()
    before = {name: (out / name).read_bytes() for name in ("tables.md", "results.csv")}
    report_write.write_report(again, out)
    assert {name: (out / name).read_bytes() for name in before} == before

    shutil.rmtree(out / "toy_bad")  # run anew: what was told was told of other figures
    write_run(out, "toy_bad", 1, 0.7)
    (out / "toy_bad" / "1" / "ranks.safetensors").unlink()
    (table,) = build_report(file.read(path), out, out).tables
    assert {one.job for one in table.comparisons} == {"toy_good"}
    shutil.rmtree(out / "toy_base")
    for seed in (1, 2):
        write_run(out, "toy_base", seed, 1.1)
        (out / "toy_base" / str(seed) / "ranks.safetensors").unlink()
    assert build_report(file.read(path), out, out).tables[0].comparisons == ()


def test_comparisons_of_a_damaged_report_are_none(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    report_write.write_report(build_report(file.read(path), out, out), out)
    for ranks in out.glob("*/*/ranks.safetensors"):
        ranks.unlink()
    written = (out / "results.csv").read_bytes()
    for text in (b"", b"a,b\n1,2\n", b"\xff\x00", written[:-40], written.replace(b",200,", b",,")):
        (out / "results.csv").write_bytes(text)
        assert len(build_report(file.read(path), out, out).tables[0].comparisons) <= 8
    assert build_report(file.read(path), out, out).tables[0].comparisons == ()


def test_users_are_paired_by_id() -> None:
    """Two seeds that ranked other users, in another order: those of both count."""
    one = made_up_users(1.0, 1)
    turned = PerUser(*(getattr(one, name)[::-1] for name in PerUser.__dataclass_fields__))
    few = PerUser(*(getattr(turned, name)[:50] for name in PerUser.__dataclass_fields__))
    whole = JobUsers("d", np.sort(one.users), (one,))
    part = JobUsers("d", np.sort(few.users), (few,))
    differences = paired(part, whole, "NDCG@10", KEPT)
    assert differences is not None and differences.tolist() == [0.0] * 50
    assert paired(part, JobUsers("e", whole.users, (one,)), "NDCG@10", KEPT) is None


def hits(first_half: int, second_half: int) -> JobUsers:
    """A job of three seeds, with so many hits of three for each user of either half."""
    first = np.arange(USERS) < USERS // 2
    seeds = []
    for seed in range(3):
        hit = np.where(first, first_half > seed, second_half > seed)
        seeds.append(replace(made_up_users(1.0, 1), ranks=np.where(hit, 1.0, 99.0)))
    return JobUsers("d", seeds[0].users, tuple(seeds))


def test_equal_differences_of_three_seeds_are_ties() -> None:
    """1 - 2/3 and 0 - 1/3 are of one size, and half the users for each side is no difference."""
    differences = paired(hits(3, 0), hits(2, 1), "Hit@10", KEPT)
    assert differences is not None
    assert np.unique(abs(differences)).tolist() == [pytest.approx(1 / 3)]
    assert wilcoxon_p(differences) == 1.0


def test_users_with_other_targets_are_not_paired() -> None:
    """A run with more items held out is tested on another item of each user."""
    one = made_up_users(1.0, 1)
    other = replace(one, targets=one.targets + 1)
    sides = (JobUsers("d", one.users, (side,)) for side in (one, other))
    assert paired(*sides, "NDCG@10", KEPT) is None


def test_seeds_that_tested_no_user_in_common(tmp_path: Path) -> None:
    """Of such a job nothing is told user by user; the rest of the report is as without it."""
    path, out, _ = write_all(tmp_path)
    users = made_up_users(2.0, 2)
    others = replace(users, users=users.users + USERS)
    others.write(out / "toy_good" / "2" / "ranks.safetensors", "d")
    report = build_report(file.read(path), out, out)
    assert report.users["toy_good"] is None
    assert {one.job for one in report.tables[0].comparisons} == {"toy_bad"}
    assert "toy_good" in report_text.markdown(report)


def test_a_page_that_fails_takes_no_table_along(
    toy: tuple[Report, Metrics, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(report: Report) -> str:
        raise IndexError("no such group")

    monkeypatch.setattr(report_write, "_page", fail)
    monkeypatch.setattr(report_write, "find_spec", lambda name: name)
    with pytest.raises(IndexError, match="no such group"):
        report_write.write_report(toy[0], tmp_path)
    assert (tmp_path / "tables.md").read_text() == report_text.markdown(toy[0])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["results.csv", "tables.md", "tables.tex"]


def test_seeds_of_other_data_and_folders_that_are_no_seeds(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    (out / "toy_good" / "1").rename(out / "toy_good" / "1.bak")
    (table,) = build_report(file.read(path), out, out).tables
    assert {one.job.name: [run.seed for run in one.runs] for one in table.jobs} == {
        "toy_base": [1, 2], "toy_good": [2], "toy_bad": [1],
    }  # fmt: skip
    write_run(out, "toy_good", 3, 2.0, data="other")
    with pytest.raises(DataError) as error:
        build_report(file.read(path), out, out)
    assert str(error.value) == (
        f"{out / 'toy_good'}: seed 2 was run on other data than seed 3 (d, other); remove the "
        "folder of one"
    )
    (out / "toy_good" / "3").rename(out / "toy_good" / "4")
    with pytest.raises(DataError, match="of seed 3, not of its folder's"):
        build_report(file.read(path), out, out)


def test_a_run_that_was_never_validated(tmp_path: Path) -> None:
    """Its last epoch is the one that was tested."""
    path, out, _ = write_all(tmp_path)
    write_run(out, "toy_absent", 1, 1.5, best_epoch=-1)
    report = build_report(file.read(path), out, out)
    rows = [row for row in rows_of(report_text.markdown(report)) if row[0] == "toy_absent"]
    assert rows[1][1:4] == ["– of 3", "2.5", "7.5"]


def test_groups_hold_every_user_once() -> None:
    numbers = np.array([2, 2, 2, 2, 3, 3, 5, 8, 9, 40])
    groups = make_groups(numbers, "history_length")
    assert groups.edges == (2, 3, 5, 9, 41)
    assert groups.names == (
        "2 (4 users)", "3–4 (2 users)", "5–8 (2 users)", "9–40 (2 users)",
    )  # fmt: skip
    users = made_up_users(1.0, 1, users=10)
    users = PerUser(users.users, users.ranks, users.ranks, users.targets, numbers, numbers)
    means = groups.means(JobUsers("d", users.users, (users,)), "Hit@10", KEPT)
    hits = users.ranks <= 10
    parts = (slice(0, 4), slice(4, 6), slice(6, 8), slice(8, 10))
    assert means == [pytest.approx(hits[part].mean()) for part in parts]


def test_the_curve_of_a_log_is_that_of_its_last_epochs(tmp_path: Path) -> None:
    begin, speed = "2026-01-01 00:00:00 INFO epoch", "20.80 s  47,198 targets/s"
    log = [
        f"{begin}   0  loss 6.7  {speed}  valid NDCG@10 0.06 *",
        f"{begin}   1  loss 6.0  {speed}",
        f"{begin}   2  loss 5.8  {speed}  valid NDCG@10 0.09 *",
        f"{begin}   2  loss 5.8  {speed}  valid NDCG@10 0.08",
    ]
    (tmp_path / "log.txt").write_text("\n".join(log))
    assert read_curve(tmp_path).of("NDCG@10") == [(0, 0.06), (2, 0.08)]
    (tmp_path / "history.csv").write_text("epoch,loss,seconds,NDCG@10\n0,6.7,2,0.5\n1,6.6,2,\n")
    assert read_curve(tmp_path).of("NDCG@10") == [(0, 0.5)]
    (tmp_path / "history.csv").write_text("epoch,loss\n0,6.7\nx,y\n")
    with pytest.raises(DataError, match=r"history\.csv:3: not as a run left it"):
        read_curve(tmp_path)
    (tmp_path / "history.csv").write_bytes(b"epoch,loss\n0,\xff\n")
    with pytest.raises(DataError, match=r"history\.csv: unreadable"):
        read_curve(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[1]", "{", '{"best_epoch": "one"}'])
def test_damaged_metrics(text: str, tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    place = out / "toy_bad" / "1" / "metrics.json"
    place.write_text(text)
    with pytest.raises(DataError) as error:
        build_report(file.read(path), out, out)
    assert str(error.value).startswith(f"{place}: not as a run left it")


def test_a_metric_that_is_no_number(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    place = out / "toy_bad" / "1" / "metrics.json"
    metrics = json.loads(place.read_text())
    metrics["test"]["NDCG@10"] = "high"
    place.write_text(json.dumps(metrics))
    with pytest.raises(DataError, match=r"not as a run left it \(NDCG@10 of test is 'high'\)"):
        build_report(file.read(path), out, out)


def test_results_of_the_repository_are_readable(tmp_path: Path) -> None:
    """Those of runs that have left neither ranks nor a history."""
    results = Path(__file__).parents[2] / "results" / "fparec"
    report = build_report(file.read(file.find("fparec")), results, tmp_path)
    rows = {row[0]: row for row in reversed(list(rows_of(report_text.markdown(report))))}
    done = json.loads((results / "ml-1m_FPARec_chunk" / "2024" / "metrics.json").read_text())
    assert rows["ml-1m_FPARec_chunk"][3].strip("*") == f"{done['test']['Hit@10']:.4f}"
    jobs = {one.job.name: one for one in report.jobs()["ml-1m"]}
    curve = jobs["ml-1m_FPARec_chunk"].runs[0].curve.of("NDCG@10")
    best = max(curve, key=lambda point: point[1])
    assert best == (done["best_epoch"], round(done["valid"]["NDCG@10"], 4))
    assert len(curve) == done["epochs"]


def test_without_plotly_the_rest_is_written(
    toy: tuple[Report, Metrics, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_write, "find_spec", lambda name: None)
    lines = report_write.write_report(toy[0], tmp_path)
    assert lines[0] == report_write.NO_PLOTLY
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["results.csv", "tables.md", "tables.tex"]


def test_an_unfinished_table_without_a_row_of_its_own_waits(tmp_path: Path) -> None:
    job = {name: f"{{model: FPARec, dataset: toy, keys: {{n_layers: {n}}}}}" for name, n in
           (("a", 1), ("b", 2), ("c", 3))}  # fmt: skip
    text = "seeds: [1]\ntables:\n"
    for table, names in {"first": "ab", "second": "ac", "third": "a"}.items():
        text += f"  {table}:\n    jobs:\n"
        text += "".join(f"      {name}: {job[name]}\n" for name in names)
    path = tmp_path / "e.yaml"
    path.write_text(text)

    def shown() -> list[str]:
        report = build_report(file.read(path), tmp_path, tmp_path / "none")
        return [one.table.key for one in report.tables]

    write_run(tmp_path, "a", 1, 0.5)
    assert shown() == ["first", "third"]  # all of the third is there
    write_run(tmp_path, "c", 1, 0.5)
    assert shown() == ["first", "second", "third"]
