"""The command as a whole: what it runs, keeps, resumes, and what it does where a job fails."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from toy import begun, job, times, write_file

from recbole_ext.cli import main
from recbole_ext.errors import ConfigError
from recbole_ext.evaluation import per_user
from recbole_ext.experiment import compare
from recbole_ext.experiment.one_job import Spec
from recbole_ext.locks import held
from recbole_ext.runner import load
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")


def test_one_fails_the_others_go_on(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In processes of their own, as users run it."""
    data = shutil.copytree(ring, "data")
    Path(data, "bad").mkdir()
    Path(data, "bad", "bad.inter").write_text("user_id:token\titem_id:token\nu1\n")
    gone, bad = ({"model": "PARec", "dataset": name} for name in ("nowhere", "bad"))
    jobs = {"a": job(), "gone": gone, "b": job("PARec"), "lost": gone, "bad": bad}
    write_file(jobs, baseline="a")
    words = ["compare", "e.yaml", "--data_path", data, "--workers", "2"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    place = Path(data).absolute()
    reason = f"dataset 'nowhere': {place}/nowhere/nowhere.inter is missing"
    assert err.startswith(f"note: {reason}"), "before anything is trained"
    absent, damaged = (line for line in err.splitlines() if line.startswith("failed: "))
    assert absent.startswith(f"failed: gone, seed 7; lost, seed 7: {reason}")
    assert damaged.startswith(f"failed: bad, seed 7: {place}/bad/bad.inter"), damaged
    done = times(Path("results/e"))
    assert sorted(done) == ["a/7/metrics.json", "b/7/metrics.json"]
    for name in ("a", "b"):
        kept = json.loads(Path("results/e", name, "7", "metrics.json").read_text())
        figures = [f"{kept[part]['NDCG@10']:.4f}" for part in ("test", "test_seen_masked")]
        row = next(line for line in out.splitlines() if line.startswith(f"{name} "))
        assert all(figure in row.replace("*", " ").split() for figure in figures)  # bold or not
        found, data = per_user.read(Path("results/e", name, "7", "ranks.safetensors"))
        assert data == kept["data"]["sha256"]
        for masked, part in ((False, "test"), (True, "test_seen_masked")):
            assert found.metric("NDCG", 10, masked).mean() == kept[part]["NDCG@10"]
    write_file({"a": job(), "b": job("PARec")}, baseline="a")
    assert main(words) == 0
    assert "2 of 2 runs are there already" in capsys.readouterr().err
    assert times(Path("results/e")) == done


@pytest.mark.usefixtures("in_this_process")
def test_interrupted_it_goes_on_where_it_stopped(
    ring: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job that was done is not run again; the one under way ends as if nothing had been."""
    write_file({"a": job(), "b": job(epochs=4), "c": job("PARec")})
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main([*words, "--runs", "whole", "--out", "whole_out"]) == 0

    def interrupting(trainer: SequenceTrainer, *rest: Any) -> None:
        original(trainer, *rest)
        if trainer.epochs == 4 and trainer.progress.epoch == 1:
            raise KeyboardInterrupt

    original = SequenceTrainer._save_resume_state
    with monkeypatch.context() as patch:
        patch.setattr(SequenceTrainer, "_save_resume_state", interrupting)
        assert main(words) == 130
    assert capsys.readouterr().err.endswith("interrupted; the same command goes on from here\n")
    done = times(Path("results/e"))
    assert list(done) == ["a/7/metrics.json"]
    assert main(words) == 0
    after = times(Path("results/e"))
    assert sorted(after) == [f"{name}/7/metrics.json" for name in "abc"]
    assert after.items() >= done.items()
    assert [begun(Path("saved/e", name, "7")) for name in "abc"] == [1, 2, 1]
    for name in "abc":
        one, other = (
            json.loads((out / name / "7" / "metrics.json").read_text())
            for out in (Path("results/e"), Path("whole_out"))
        )
        assert one["test"] == other["test"] and one["epochs"] == other["epochs"]
    history = Path("results/e/b/7/history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in history] == ["epoch", "0", "1", "2", "3"]


@pytest.mark.usefixtures("in_this_process")
def test_a_folder_killed_at_its_birth_and_changed_settings(
    ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("saved/e/a/7")
    folder.mkdir(parents=True)
    (folder / "log.txt").touch()  # what a run leaves that is killed before its config is written
    write_file({"a": job()})
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main(words) == 0
    capsys.readouterr()
    write_file({"a": job(hidden_size=8)})
    assert main(words) == 0
    note = "note: a, seed 7, is kept though it has other settings now (hidden_size); to run it"
    assert note in capsys.readouterr().err


@pytest.mark.usefixtures("in_this_process")
def test_a_mean_is_of_one_variant_of_the_data(
    ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That another seed saw other data is found before its training, not after."""
    data = Path(shutil.copytree(ring, "data"))
    write_file({"a": job()})
    words = ["compare", "e.yaml", "--data_path", str(data)]
    assert main(words) == 0
    capsys.readouterr()
    inter = data / "ring" / "ring.inter"
    inter.write_text("\n".join(inter.read_text().splitlines()[:-1]) + "\n")
    assert main([*words, "--seeds", "8"]) == 2
    line = r"error: data set 'ring' \(\w{8}\) has changed since the seeds in .*/e/a were run"
    assert re.match(line, capsys.readouterr().err)
    assert not Path("saved/e/a/8").exists()


@pytest.mark.usefixtures("in_this_process")
def test_seeds_that_the_file_does_not_name_are_told(
    ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_file({"a": job()})
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main([*words, "--seeds", "7", "8", "9"]) == 0
    assert "note: " not in capsys.readouterr().err
    assert main(words) == 0
    out, err = capsys.readouterr()
    kept = Path("results/e/a").absolute()
    assert "7 8 9" in out
    assert err.startswith(
        "note: a counts seeds 8, 9 too, which the file does not name; to leave them out remove "
        f"them from {kept}\n"
    )


@pytest.mark.usefixtures("in_this_process")
def test_a_mean_is_of_one_set_of_settings(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A seed that was run before the file changed is seen, though only another one is asked for."""
    write_file({"a": job()})
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main(words) == 0
    capsys.readouterr()
    write_file({"a": job(hidden_size=8)})
    assert main([*words, "--seeds", "8"]) == 2
    kept = [Path(place, "e/a/7").absolute() for place in ("results", "saved")]
    assert capsys.readouterr().err == (
        "error: a, seed 7, was run with other settings than it has now (hidden_size); to run "
        f"it again with the others remove {kept[0]} and {kept[1]}\n"
    )
    assert not Path("saved/e/a/8").exists()


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("ended", [False, True])
def test_a_run_begun_with_other_settings(
    ended: bool, ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is neither resumed nor kept as one of the settings that the file has now."""
    write_file({"a": job(learning_rate=0.001)})
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main(words) == 0
    for name in ("results/e/a/7", "saved/e/a/7")[: 2 - ended]:
        Path(name, "metrics.json").unlink()
    shutil.rmtree("results/e/a")
    capsys.readouterr()
    write_file({"a": job(learning_rate=0.01)})
    assert main(words) == 2
    assert capsys.readouterr().err == (
        f"error: e.yaml: job a: {Path('saved/e/a/7').absolute()} was begun with other settings "
        "(learning_rate: 0.001, now 0.01); remove it to begin anew, or give another --runs and "
        "--out\n"
    )
    assert not Path("results/e/a").exists()
    write_file({"a": job(learning_rate=0.001)})
    assert main([*words, "--workers", "2"]) == 0  # other threads are no other settings
    assert begun(Path("saved/e/a/7")) == 2 - ended


@pytest.mark.usefixtures("in_this_process")
def test_a_run_belongs_to_one_comparison(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second one is refused before it trains; other runs of the same folder are free."""
    write_file({"a": job(), "b": job()})
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    taken = Path("saved/e/b/7").absolute()
    with held(taken.parent / ".7.lock", "free"):
        assert main(words) == 2
        assert capsys.readouterr().err == (
            f"error: {taken}: another compare runs this job; wait for it, choose others by --jobs "
            "or --seeds, or give another --runs and --out\n"
        )
        assert not times(Path("results"))
        assert main([*words, "--jobs", "a"]) == 0
    assert main(words) == 0
    assert sorted(times(Path("results/e"))) == ["a/7/metrics.json", "b/7/metrics.json"]


class NotRun:
    """Jobs that are held, every one, and not begun."""

    def __init__(self, workers: int) -> None:
        pass

    def run(self, specs: list[Spec]) -> Iterator[tuple[Spec, str | None]]:
        for spec in specs:
            run_dir = Path(spec.run_dir)
            try:
                with held(run_dir.parent / f".{run_dir.name}.lock", "held"):
                    yield spec, "free"
            except ConfigError as error:
                yield spec, str(error)


def test_more_runs_than_files_may_be_open(
    ring: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are held; the limit is as before when they have ended."""
    monkeypatch.setattr(compare, "Processes", NotRun)
    seeds = range(1, 301)
    write_file({"a": job()}, seeds=list(seeds))
    with limited_files(len(os.listdir("/dev/fd")) + 60):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert main(["compare", "e.yaml", "--data_path", str(ring)]) == 1
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    last = capsys.readouterr().err.splitlines()[-300:]
    assert last == [f"failed: a, seed {seed}: held" for seed in seeds]


def test_more_runs_than_the_system_allows(
    ring: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "Processes", NotRun)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 350))
    write_file({"a": job()}, seeds=list(range(1, 301)))
    assert main(["compare", "e.yaml", "--data_path", str(ring)]) == 2
    assert capsys.readouterr().err == (
        "error: 300 runs at once need as many open files, and a process may have 350 here "
        "(ulimit -Hn); choose fewer by --jobs, --tables or --seeds\n"
    )
    assert not Path("saved").exists()


@contextmanager
def limited_files(count: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("in_this_process")
def test_seeds_test_the_same_random_users(ring: Path) -> None:
    write_file({"a": job(epochs=1)}, seeds=[1, 2], common={"eval_users": 5})
    assert main(["compare", "e.yaml", "--data_path", str(ring)]) == 0
    one, other = (
        per_user.read(Path("results/e/a", seed, "ranks.safetensors"))[0] for seed in ("1", "2")
    )
    assert one.users.tolist() == other.users.tolist()
    assert len(one.users) == 5


@pytest.mark.usefixtures("in_this_process")
def test_results_that_could_not_be_kept(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said before anything is trained."""
    write_file({"a": job()})
    assert main(["compare", "e.yaml", "--data_path", str(ring), "--out", "/proc/x"]) == 2
    assert capsys.readouterr().err == (
        "error: --out: cannot write in /proc/x: No such file or directory\n"
    )
    assert not Path("saved").exists()


def test_runs_in_a_place_that_cannot_be_written(
    ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_file({"a": job()})
    Path("file").touch()
    assert main(["compare", "e.yaml", "--data_path", str(ring), "--runs", "file"]) == 2
    where = Path("file/a").absolute()
    assert capsys.readouterr().err == f"error: cannot write in {where}: Not a directory\n"


@pytest.mark.usefixtures("in_this_process")
def test_ranks_are_those_of_the_model(ring: Path) -> None:
    write_file({"a": job()})
    assert main(["compare", "e.yaml", "--data_path", str(ring)]) == 0
    loaded = load("saved/e/a/7")
    expected, store = loaded.evaluate("test"), loaded.dataset.store
    found, _ = per_user.read(Path("saved/e/a/7/ranks.safetensors"))
    assert found.users.tolist() == expected.users.tolist()
    assert found.ranks.tolist() == expected.ranks.tolist()
    assert found.ranks_seen_masked.tolist() == expected.ranks_seen_masked.tolist()
    assert found.targets.tolist() == [store.sequence(user)[-1] for user in found.users]
    assert found.history_length.tolist() == [len(store.sequence(u)) - 1 for u in found.users]
