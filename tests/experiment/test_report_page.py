"""The HTML page: all figures in it, and in a browser without a network it sorts and filters."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_up import EXPERIMENT, write_all, write_run

from recbole_ext.experiment import file, report_text
from recbole_ext.experiment.report import build_report

pytest.importorskip("plotly", reason="plotly is not installed")

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
PLOTS = ["curves-epochs", "curves-seconds", "time", "parameters", "history_length",
         "target_popularity"]  # fmt: skip

# What a reader does, and what he then sees, told as text in the page.
SCRIPT = """
<script>
const seen = [];
const column = () => [...document.querySelectorAll("table.quality tbody tr")].filter(
  (row) => !row.hidden).map((row) => row.cells[0].textContent).join(" ");
const head = document.querySelectorAll("table.quality th")[4];
window.addEventListener("load", () => {
  seen.push("at first: " + column());
  head.click();
  seen.push(head.getAttribute("aria-sort") + ": " + column());
  head.click();
  seen.push(head.getAttribute("aria-sort") + ": " + column());
  const filter = document.getElementById("filter");
  filter.value = "Toy_G";
  filter.dispatchEvent(new Event("input"));
  seen.push("filtered: " + column());
  const sections = () => [...document.querySelectorAll("section, .grid")].filter(
    (place) => !place.hidden).length + ", " + document.getElementById("shown").textContent;
  seen.push("sections: " + sections());
  for (const words of [filter.placeholder, "FPARec nothing", ""]) {
    filter.value = words;
    filter.dispatchEvent(new Event("input"));
    seen.push(words + ": " + sections());
  }
  const traces = [...document.querySelectorAll(".plotly-graph-div")].map(
    (div) => div.id + "=" + div.data.length + "/" + div.querySelectorAll(".main-svg").length);
  seen.push("plots: " + traces.join(" "));
  const bars = document.getElementById("toy-history_length");
  const before = bars.data[0].y.join();
  Plotly.restyle(bars, bars.layout.updatemenus[0].buttons[1].args[0]).then(() => {
    seen.push("menu: " + (bars.data[0].y.join() !== before));
    seen.push("errors: " + errors.length);
    seen.push("fetched: " + performance.getEntriesByType("resource").length);
    const told = document.createElement("pre");
    told.id = "told";
    told.textContent = seen.join("\\n");
    document.body.append(told);
  });
});
</script>
"""
ERRORS = "<script>const errors = []; window.onerror = (e) => errors.push(e);</script>"


class Cells(HTMLParser):
    """The text of all cells of a page's tables."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "td":
            self.found.append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The page, and the Markdown of the same report."""
    from recbole_ext.experiment.html import page

    path, out, _ = write_all(tmp_path_factory.mktemp("page"))
    report = build_report(file.read(path), out, out)
    return page(report), report_text.markdown(report)


def test_the_page_has_every_figure_of_the_tables(made: tuple[str, str]) -> None:
    page, markdown = made
    cells = Cells()
    cells.feed(re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    rows = [line for line in lines if not line.startswith("| job")]
    texts = [cell.strip(" *") for row in rows for cell in row.strip("|").split("|")]
    assert cells.found == texts
    assert "<title>Toy &amp; test_1</title>" in page


def test_the_page_loads_nothing(made: tuple[str, str]) -> None:
    outside = re.sub(r"<script[^>]*>.*?</script>", "<script>", made[0], flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", outside)
    assert not re.search(r"<script[^>]+src", made[0])
    assert len(re.findall(r"plotly\.js v\d", made[0])) == 1  # once


def test_every_plot_is_there(made: tuple[str, str]) -> None:
    ids = re.findall(r'<div id="([^"]+)" class="plotly-graph-div"', made[0])
    assert ids == [f"toy-{name}" for name in PLOTS]


def test_bars_name_the_jobs_they_lack(tmp_path: Path) -> None:
    from recbole_ext.experiment.plots import plots

    path, out, _ = write_all(tmp_path)
    (out / "toy_good" / "2" / "ranks.safetensors").unlink()
    drawn = {one.name: one for one in plots(build_report(file.read(path), out, out))["toy"]}
    bars = drawn["toy-history_length"]
    assert [bar.name for bar in bars.figure.data] == ["toy_base", "toy_bad"]
    assert bars.note == (
        "Not shown, as no ranks of users that all seeds have tested are here: toy_good."
    )
    assert drawn["toy-time"].note == ""
    for ranks in out.glob("*/*/ranks.safetensors"):
        ranks.unlink()
    drawn = {one.name: one for one in plots(build_report(file.read(path), out, out))["toy"]}
    assert drawn["toy-history_length"].note.startswith("Not drawn")


def test_the_menus_have_the_metrics_that_are_shown(tmp_path: Path) -> None:
    from recbole_ext.experiment.plots import plots

    path, out, metrics = write_all(tmp_path)
    path.write_text(EXPERIMENT + "metrics: [MRR@20, NDCG@5]\n")
    drawn = {one.name: one.figure for one in plots(build_report(file.read(path), out, out))["toy"]}
    for name in ("toy-time", "toy-parameters", "toy-history_length"):
        (menu,) = drawn[name].layout.updatemenus
        assert [button.label for button in menu.buttons] == [
            "NDCG@5, seen kept", "NDCG@5, seen masked", "MRR@20, seen kept", "MRR@20, seen masked",
        ]  # fmt: skip
        assert drawn[name].layout.yaxis.title.text == "test NDCG@5, seen kept"
    (bad,) = (one for one in drawn["toy-time"].data if one.name == "toy_bad")
    assert bad.y == (metrics["toy_bad", 1]["test"]["NDCG@5"],)


def test_times_on_a_log_axis_by_device_with_the_spread_of_seeds(tmp_path: Path) -> None:
    from recbole_ext.experiment.plots import plots

    path, out, _ = write_all(tmp_path)
    write_run(out, "toy_absent", 1, 0.7, seconds_per_epoch=250.0, device="gpu")
    drawn = {one.name: one.figure for one in plots(build_report(file.read(path), out, out))["toy"]}
    for name in ("toy-time", "toy-curves-seconds"):
        axis = drawn[name].layout.xaxis
        assert axis.title.text.endswith("(log scale)")
        assert {"1", "10", "20", "100", "1,000"} <= {*axis.ticktext}
        assert [one.name for one in drawn[name].data[-2:]] == ["trained on cpu", "trained on gpu"]
    base, *_, absent = drawn["toy-time"].data[:-2]
    assert (base.marker.symbol, absent.marker.symbol) == (("circle",), ("circle-open",))
    assert len(base.error_y.array) == 1 and absent.error_y.array is None
    lines = drawn["toy-curves-epochs"].data
    assert [line.line.dash for line in lines[:3]] == ["solid", "dash", "solid"]


def test_no_two_jobs_look_alike() -> None:
    from recbole_ext.experiment.plots import LOOKS

    assert len({(look.colour, look.pattern) for look in LOOKS}) == len(LOOKS)
    assert len({(look.colour, look.mark) for look in LOOKS}) == len(LOOKS)


@pytest.mark.skipif(not BROWSER, reason="no chromium on this machine")
def test_in_a_browser(made: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    text = made[0].replace("<head>", f"<head>{ERRORS}").replace("</body>", f"{SCRIPT}</body>")
    page.write_text(text)
    options = (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000",
        f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri(),
    )  # fmt: skip
    ended = subprocess.run([BROWSER, *options], capture_output=True, text=True, timeout=240)
    told = re.search(r'<pre id="told">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert told, ended.stderr[-2000:]
    assert told[1].splitlines() == [
        "at first: toy_base toy_good toy_bad",
        "ascending: toy_bad toy_base toy_good",
        "descending: toy_good toy_base toy_bad",
        "filtered: toy_good",
        "sections: 5, 6 rows of 14",
        "toy base: 5, 10 rows of 14",
        "FPARec nothing: 0, 0 rows of 14",
        ": 5, ",
        "plots: toy-curves-epochs=5/3 toy-curves-seconds=5/3 toy-time=3/3 toy-parameters=3/3 "
        "toy-history_length=3/3 toy-target_popularity=3/3",
        "menu: true",
        "errors: 0",
        "fetched: 0",
    ]
