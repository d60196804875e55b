"""`recbole_ext analyze RUN_DIR ... --what=...`: figures and tables of what runs have learned."""

from __future__ import annotations

import argparse
from pathlib import Path

from recbole_ext.analysis.figures import require_matplotlib
from recbole_ext.analysis.pictures import METRIC, USERS, WHAT, Asked, checked, pictures
from recbole_ext.checked_numbers import whole
from recbole_ext.errors import ConfigError, DataError, show
from recbole_ext.run_folders import add_data_path, opened

SUMMARY = "figures and tables of what runs have learned (also without the word 'runs')"
TAKES_KEYS = False

DEFAULT_WHAT = WHAT[:5]

_DESCRIPTION = """\
Figures of trained models, for one or several runs side by side, as PNG and SVG, with the numbers
as JSON beside each, and the tables on the terminal. Needs matplotlib: pip install
"recbole_ext[figures]".

  recbole_ext analyze RUN_DIR RUN_DIR --what=attention,positions,sparsity,rank,spectrum

  attention   mean attention of the newest 20 slots, above its rank-5 approximation; each head
  positions   correlation of position embeddings; learned positional attention; fixed patterns
  sparsity    S of the newest 20 x 20 block, and S·m by length
  rank        the paper's k over a range of σ, Gavish-Donoho, stable rank, entropy rank
  spectrum    sorted singular values, layer by layer
  locality    of several runs: test metric by AE, local AE, AR, local AR
  choices     of several runs: relative change of the test metric by design choice

A model that lacks what is asked for is named in a line and left out. A run folder that is called
as one of the things that `recbole_ext analyze -h` lists is written ./positions.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `analyze runs` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("runs", nargs="+", metavar="RUN_DIR", help="a run folder")
    parser.add_argument(
        "--what", default=",".join(DEFAULT_WHAT), metavar="KIND[,KIND]", help="the five if absent"
    )
    parser.add_argument("--out", metavar="DIR", help="of the figures; the first RUN_DIR/analysis")
    parser.add_argument(
        "--users", default=str(USERS), metavar="N", help="test users at random, or all; 1000"
    )
    parser.add_argument("--user", metavar="TOKEN", help="one user's attention, nobody else's")
    parser.add_argument(
        "--metric", default=METRIC, metavar="NAME", help="of locality and choices; NDCG@10"
    )
    add_data_path(parser)


def main(args: argparse.Namespace) -> int:
    """Make the figures asked for; returns the exit code 0."""
    what = checked([kind.strip() for kind in args.what.split(",")], "--what")
    asked = Asked(what, _users(args.users), args.user, args.metric, data_path=args.data_path)
    require_matplotlib()
    folders = opened(args.runs)
    out = _folder(args.out, folders[0])
    made = 0
    for picture in pictures(asked, folders, _tell):
        for line in picture.lines:
            print(line)
        print(f"figure: {picture.save(out)}\n")
        made += 1
    if not made:
        raise DataError("none of the runs has what is asked for: no figure")
    return 0


def _tell(line: str) -> None:
    print(f"{line}\n")


def _users(text: str) -> int | None:
    try:
        return None if text == "all" else whole("--users", text)
    except ConfigError as error:
        raise ConfigError(f"{error}, or all") from None


def _folder(given: str | None, first: Path) -> Path:
    """Where figures go; refused before any work where that is a file."""
    folder = first / "analysis" if given is None else Path(given)
    if given == "" or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"--out: {show(str(folder) if given is None else given)} is no folder")
    return folder
