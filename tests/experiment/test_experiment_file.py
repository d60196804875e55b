"""Experiment files: both forms, the quick variant, and how they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_input import Refused

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.experiment import file
from recbole_ext.experiment.jobs import SHOWN, Experiment
from recbole_ext.experiment.reported import figures_of
from recbole_ext.paths import properties_dir

LONG = """
seeds: [1, 2]
common: {epochs: 5, n_heads: 2}
baseline: VanillaAR
tables:
  "3":
    common: {epochs: 6}
    jobs:
      big_FPARec: {model: FPARec, dataset: big, keys: {n_heads: 4}, paper: [0.5, ~]}
      big_VanillaAR: {model: VanillaAR, dataset: big}
      small_FPARec: {model: FPARec, dataset: small}
  other:
    title: Other things
    baseline: big_FPARec
    jobs:
      big_PARec: {model: PARec, dataset: big}
quick:
  dataset: ml-100k
  keys: {epochs: 1}
  seeds: [9]
  tables: ["3"]
"""


def read(text: str, tmp_path: Path, quick: bool = False) -> Experiment:
    path = tmp_path / "e.yaml"
    path.write_text(text)
    return file.read(path, quick)


def test_keys_of_a_job(tmp_path: Path) -> None:
    jobs = {job.name: job for job in read(LONG, tmp_path).jobs()}
    assert list(jobs) == ["big_FPARec", "big_VanillaAR", "small_FPARec", "big_PARec"]
    assert jobs["big_FPARec"].keys == {"epochs": 6, "n_heads": 4}
    assert jobs["big_PARec"].keys == {"epochs": 5, "n_heads": 2}
    assert jobs["big_FPARec"].paper == (0.5, None)


def test_a_baseline_is_a_job_or_the_model_on_the_same_data(tmp_path: Path) -> None:
    first, other = read(LONG, tmp_path).tables
    compared = [first.baseline_of(job) for job in first.jobs]
    assert [one and one.name for one in compared] == ["big_VanillaAR", None, None]
    one = other.baseline_of(other.jobs[0])
    assert one is not None and one.name == "big_FPARec"


def test_runs_seed_by_seed(tmp_path: Path) -> None:
    experiment = read(LONG, tmp_path)
    found = [(job.name, seed) for job, seed in experiment.runs(tables=["3"])]
    names = ["big_FPARec", "big_VanillaAR", "small_FPARec"]
    assert found == [(name, seed) for seed in (1, 2) for name in names]
    assert len(list(experiment.runs())) == 8
    chosen = experiment.runs(jobs=["big_PARec"], seeds=[7])
    assert [(job.name, seed) for job, seed in chosen] == [("big_PARec", 7)]


def test_seeds_of_a_table(tmp_path: Path) -> None:
    """A job of two tables has the seeds of both; what is given stands above the file."""
    again = "{model: FPARec, dataset: big, keys: {n_heads: 4, epochs: 6}}"
    text = LONG.replace("title: Other things", "seeds: [5, 1]") + "  jobs: [big_PARec]\n"
    text = text.replace("      big_PARec:", f"      big_FPARec: {again}\n      big_PARec:")
    experiment = read(text, tmp_path)
    seeds: dict[str, list[int]] = {}
    for job, seed in experiment.runs():
        seeds.setdefault(job.name, []).append(seed)
    assert seeds == {
        "big_FPARec": [1, 2, 5], "big_VanillaAR": [1, 2], "small_FPARec": [1, 2],
        "big_PARec": [5, 1],
    }  # fmt: skip
    assert [seed for _, seed in experiment.runs(tables=["other"])] == [5, 5, 1, 1]
    assert {seed for _, seed in experiment.runs(seeds=[3])} == {3}
    quick = read(text.replace('  tables: ["3"]\n', ""), tmp_path, quick=True)
    assert [seed for _, seed in quick.runs()] == [9]


def test_metrics_of_a_file_and_of_a_table(tmp_path: Path) -> None:
    """What is not said is Hit@10 and NDCG@10; names are taken in any case."""
    assert [table.metrics for table in read(LONG, tmp_path).tables] == [SHOWN, SHOWN]
    text = "metrics: [ndcg@5, MRR@20]\n" + LONG
    assert [t.metrics for t in read(text, tmp_path).tables] == [("NDCG@5", "MRR@20")] * 2
    text = text.replace("    title: Other things", "    metrics: Hit@1")
    for quick in (False, True):
        shown = {t.key: t.metrics for t in read(text, tmp_path, quick).tables}
        assert shown == {"3": ("NDCG@5", "MRR@20")} | ({} if quick else {"other": ("Hit@1",)})
    (table, _) = read(GRID + "metrics: [Recall@10]\n", tmp_path).tables
    assert table.metrics == ("Recall@10",)


def test_config_files_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tune has found, compared; what a comparison sets itself is left out of it."""
    monkeypatch.chdir(tmp_path)
    Path("best.yaml").write_text(
        "model: FPARec\ndataset: big\nn_heads: 4\nepochs: 9\nseed: 3\ntorch_threads: 2\n"
    )
    Path("more.yaml").write_text("epochs: 10\nhidden_size: 96\n")
    text = """
common: {epochs: 5, n_heads: 2}
tables:
  t:
    jobs:
      tuned: {config_files: best.yaml}
      both: {dataset: small, config_files: [best.yaml, more.yaml], keys: {n_heads: 8}}
"""
    tuned, both = read(text, tmp_path).jobs()
    assert tuned.settings() == ("FPARec", "big", {"epochs": 9, "n_heads": 4})
    assert both.settings() == (
        "FPARec", "small", {"epochs": 10, "n_heads": 8, "hidden_size": 96}
    )  # fmt: skip


def test_the_quick_variant(tmp_path: Path) -> None:
    quick = read(LONG, tmp_path, quick=True)
    assert (quick.name, quick.seeds) == ("e-quick", (9,))
    (table,) = quick.tables
    assert [job.name for job in table.jobs] == ["ml-100k_FPARec", "ml-100k_VanillaAR"]
    assert {job.dataset for job in table.jobs} == {"ml-100k"}
    assert table.jobs[0].keys == {"epochs": 1, "n_heads": 4}  # the first of two stays
    assert table.jobs[0].paper is None
    assert [job.name for job in table.baselines] == ["ml-100k_VanillaAR"]


GRID = """
models: {FPARec: {n_heads: 2}, SASRec: }
datasets: [a, b]
overrides: {short: {epochs: 1}, long: {epochs: 9}}
common: {epochs: 3, eval_step: 2}
"""


def test_the_grid_is_every_model_on_every_data_set_under_every_override(tmp_path: Path) -> None:
    experiment = read(GRID, tmp_path)
    assert [table.key for table in experiment.tables] == ["a", "b"]
    assert [job.name for job in experiment.tables[0].jobs] == [
        "a_FPARec_short", "a_FPARec_long", "a_SASRec_short", "a_SASRec_long",
    ]  # fmt: skip
    jobs = {job.name: job for job in experiment.jobs()}
    assert jobs["b_FPARec_long"].keys == {"epochs": 9, "eval_step": 2, "n_heads": 2}
    assert jobs["b_SASRec_short"].settings() == ("SASRec", "b", {"epochs": 1, "eval_step": 2})


def test_two_jobs_of_one_name(tmp_path: Path) -> None:
    text = "models: [PARec, PARec_x]\ndatasets: d\noverrides: {x_y: {}, y: {epochs: 2}}\n"
    with pytest.raises(ConfigError, match="two jobs would be called 'd_PARec_x_y': model 'PARec_x"):
        read(text, tmp_path)


def test_a_grid_without_overrides(tmp_path: Path) -> None:
    experiment = read("models: [FPARec]\ndatasets: a\n", tmp_path)
    assert [(job.name, job.keys) for job in experiment.jobs()] == [("a_FPARec", {})]
    assert experiment.seeds == (file.SEED,)


OWN = sorted(
    path.stem
    for path in (properties_dir() / "experiment").glob("*.yaml")
    if path.stem != "quick_ml-100k"  # a config file of run
)


@pytest.mark.parametrize("name", OWN)
def test_the_librarys_own_files(name: str) -> None:
    """Every job can be configured and gets the values that the file gives it."""
    experiment = file.read(file.find(name))
    for job in experiment.jobs():
        config = ExtConfig(job.model, job.dataset, config_dict=job.keys)
        for key, value in job.keys.items():
            assert config[key] == value or key == "train_neg_sample_args", (job.name, key)
    for job in (job for table in experiment.tables for job in table.jobs):
        for (_, metric), one in figures_of(job).items():
            assert 0 < one.value < (21 if metric == "rank k" else 1), (job.name, metric)


@pytest.mark.parametrize("name", OWN)
def test_the_librarys_quick_variants(name: str) -> None:
    """They need no download, and few epochs."""
    for job in file.read(file.find(name), quick=True).jobs():
        config = ExtConfig(job.model, job.dataset, config_dict=job.keys)
        assert (job.dataset, config["epochs"] <= 5) == ("ml-100k", True), job.name


def test_what_a_name_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file here goes before the library's own, a folder does not: results lie in one."""
    monkeypatch.chdir(tmp_path)
    Path("fparec").mkdir()
    assert file.find("fparec") == properties_dir() / "experiment" / "fparec.yaml"
    Path("attention").write_text(ONE)
    for as_it_is in ("attention", "./fparec", "fparec.yaml"):
        assert file.find(as_it_is) == Path(as_it_is)
    for neither in ("none", "n" * 300, ""):
        with pytest.raises(ConfigError, match="is neither a file nor one of ae_ar, attention, "):
            file.find(neither)


ONE = "tables: {t: {jobs: {x: {model: FPARec, dataset: d}}}}\n"
BAD = {
    "an unknown key": (ONE + "seed: 3", "e.yaml: unknown key 'seed'; did you mean 'seeds'?"),
    "a key of a table": (
        "tables: {t: {titel: T, jobs: {}}}",
        "e.yaml: tables: t: unknown key 'titel'; did you mean 'title'?",
    ),
    "a key of a job": (
        "tables: {t: {jobs: {x: {model: FPARec, data: d}}}}",
        "e.yaml: tables: t: jobs: x: unknown key 'data'; did you mean 'dataset'?",
    ),
    "no model": (
        "tables: {t: {jobs: {x: {dataset: d}}}}",
        "e.yaml: tables: t: jobs: x: model is missing",
    ),
    "no text": (
        "tables: {t: {jobs: {x: {model: 3, dataset: d}}}}",
        "e.yaml: tables: t: jobs: x: model must be text, not 3",
    ),
    "a key that is a number": (
        "tables: {3: {jobs: {}}}",
        "e.yaml: tables: the key 3 must be text; write it in quotes",
    ),
    "a config file that is not there": (
        "tables: {t: {jobs: {x: {model: FPARec, dataset: d, config_files: no/best.yaml}}}}",
        "config file 'no/best.yaml' does not exist; nor does its folder 'no'",
    ),
    "no jobs": ("seeds: [1]", "e.yaml: no jobs; give tables, or models and datasets"),
    "an empty table": ("tables: {t: {}}", "e.yaml: tables: t: it has no jobs"),
    "both forms": (
        ONE + "models: [FPARec]",
        "e.yaml: models and tables exclude each other; give one of them",
    ),
    "half a grid": (
        "models: [FPARec]",
        "e.yaml: datasets: none given; give tables, or models and datasets",
    ),
    "no mapping": (
        ONE + "common: [1]",
        "e.yaml: common must hold 'key: value' lines, not [1]",
    ),
    "a table's seeds": (
        LONG.replace("title: Other things", "seeds: [1.5]"),
        "e.yaml: tables: other: seeds: 1.5 is no seed (an integer of 0 or more)",
    ),
    "a seed": (ONE + "seeds: [one]", "e.yaml: seeds: 'one' is no seed (an integer of 0 or more)"),
    "a number of seeds": (
        ONE + "seeds: 3",
        "e.yaml: seeds must be a list of different integers, not 3",
    ),
    "a seed twice": (
        ONE + "seeds: [1, 1]",
        "e.yaml: seeds must be a list of different integers, not [1, 1]",
    ),
    "a metric": (
        ONE + "metrics: [NDCG@10, NDGC@20]",
        "e.yaml: metrics: 'NDGC@20' is no metric of a rank, such as NDCG@10; did you mean "
        "'NDCG@20'?",
    ),
    "a metric without a cut-off": (
        ONE.replace("t: {", "t: {metrics: mrr, "),
        "e.yaml: tables: t: metrics: 'MRR' is no metric of a rank, such as NDCG@10; did you mean "
        "'MRR@10'?",
    ),
    "a metric with its protocol": (
        ONE + "metrics: NDCG@5_seen_masked",
        "e.yaml: metrics: 'NDCG@5_seen_masked' is no metric of a rank, such as NDCG@10; did you "
        "mean 'NDCG@5'?",
    ),
    "a metric of lists": (
        ONE + "metrics: [GiniIndex@10]",
        "e.yaml: metrics: 'GiniIndex@10' is no metric of a rank, such as NDCG@10; there are Hit, "
        "Recall, NDCG, MRR, MAP, Precision",
    ),
    "a metric twice": (
        ONE + "metrics: [NDCG@10, ndcg@10]",
        "e.yaml: metrics must be a list of different metrics, not ['NDCG@10', 'ndcg@10']",
    ),
    "no metric": (
        ONE + "metrics:",
        "e.yaml: metrics must be a list of different metrics, not null",
    ),
    "nothing of what is shown": (
        ONE + "common: {metrics: [Recall, MRR], topk: [5], valid_metric: MRR@5}",
        "e.yaml: job x: it measures Recall@5, MRR@5, nothing of what the table 't' shows (Hit@10, "
        "NDCG@10); name one of the former under metrics of the file or of the table, or have one "
        "of the latter by metrics and topk of the job",
    ),
    "figures": (
        "tables: {t: {jobs: {x: {model: FPARec, dataset: d, paper: [25.5, 3]}}}}",
        "e.yaml: tables: t: jobs: x: paper must be [Hit@10, NDCG@10], each from 0 to 1 or ~: "
        "[25.5, 3]",
    ),
    "a name that is a path": (
        "tables: {t: {jobs: {../x: {model: FPARec, dataset: d}}}}",
        "e.yaml: tables: t: jobs: ../x: '../x' cannot be the name of a job: it is that of a folder",
    ),
    "two settings": (
        ONE.replace("}}}}", "}}}, u: {jobs: {x: {model: PARec, dataset: d}}}}"),
        "e.yaml: the job 'x' stands in two tables with different settings",
    ),
    "a baseline": (
        ONE + "baseline: FPARek",
        "e.yaml: baseline: there is no job and no model 'FPARek' in the file; did you mean "
        "'FPARec'?",
    ),
    "two baselines": (
        "models: [FPARec]\ndatasets: [d]\noverrides: {a: {}, b: {}}\nbaseline: FPARec",
        "e.yaml: baseline: two jobs on d in the table 'd': d_FPARec_a, d_FPARec_b; name one",
    ),
    "figures of papers without jobs": (
        "models: [FPARec]\ndatasets: [d]\nreported: {data: Beauty}",
        "e.yaml: reported: figures of papers are named by job; give tables",
    ),
    "the quick variant": (
        ONE + "quick: {tables: [u]}",
        "e.yaml: quick: tables: there is no 'u'",
    ),
    "no rows": (
        "tables: {t: {jobs: {x: {model: FPARec, dataset: d, reported: {data: Beuty}}}}}",
        "job x: reported: data: reported.csv has no such row with 'Beuty'; did you mean 'Beauty'?",
    ),
    "several rows": (
        "tables: {t: {jobs: {x: {model: PARec, dataset: d, reported: {}}}}}",
        "job x: reported: several rows of reported.csv fit (Beauty, PARec, Hit@10); name more "
        "columns",
    ),
    "a key that a comparison sets": (
        "tables: {t: {common: {torch_threads: 3}, jobs: {x: {model: FPARec, dataset: d}}}}",
        "e.yaml: tables: t: common: torch_threads cannot be set here: the runs at work share the "
        "cores; see --workers",
    ),
    "a model": (
        "tables: {t: {jobs: {x: {model: FPARek, dataset: d}}}}",
        "e.yaml: job x: unknown model 'FPARek' (from the model argument); did you mean 'FPARec'?",
    ),
    "a key of the model": (
        "tables: {t: {jobs: {x: {model: FPARec, dataset: d, keys: {n_head: 2}}}}}",
        "e.yaml: job x: unknown key 'n_head' (from e.yaml) for model FPARec; did you mean "
        "'n_heads'?",
    ),
    "a loop of its own": (
        "tables: {t: {jobs: {x: {model: RecVAE, dataset: d}}}}",
        "e.yaml: job x: model = 'RecVAE': RecBole trains it by RecVAETrainer, a loop of its own; "
        "models of RecBole's plain Trainer and TraditionalTrainer run here",
    ),
}


@pytest.fixture
def refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Refused:
    monkeypatch.chdir(tmp_path)
    return Refused(tmp_path, capsys)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_one_line(kind: str, refused: Refused) -> None:
    text, line = BAD[kind]
    (refused.folder / "e.yaml").write_text(text)
    assert refused("compare", "e.yaml") == line


ARGUMENTS = {
    "no experiment": (
        ["fparek"],
        "experiment: 'fparek' is neither a file nor one of ae_ar, attention, "
        "correction, duality, fparec, quality, rollouts, sampling, speed, tokens; "
        "did you mean 'fparec'?",
    ),
    "no file": (["nowhere.yaml"], "config file 'nowhere.yaml' does not exist"),
    "a job": (["e.yaml", "--jobs", "y"], "--jobs: there is no job 'y'"),
    "a table": (
        ["e.yaml", "--tables", "tt"],
        "--tables: there is no table 'tt'; did you mean 't'?",
    ),
    "quick": (["e.yaml", "--quick"], "e.yaml: quick: the file has no quick variant"),
    "workers": (["e.yaml", "--workers", "0"], "--workers must be 1 or more, not 0"),
    "seeds": (["e.yaml", "--seeds", "1", "1"], "--seeds must be a list of different integers"),
    "an import": (["e.yaml", "--import", "m.py"], "--import: m.py is no Python file"),
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_bad_arguments(kind: str, refused: Refused) -> None:
    words, line = ARGUMENTS[kind]
    (refused.folder / "e.yaml").write_text(ONE)
    assert refused("compare", *words).startswith(line)
