"""A small experiment file in the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from small import SMALL, SMALL_OWN

COMMON = {key: value for key, value in SMALL.items() if key not in ("seed", "torch_threads")}


def write_file(jobs: dict[str, Any], **sections: Any) -> None:
    table = {"title": "Toy", "common": {**COMMON, **SMALL_OWN}, "jobs": jobs}
    text = yaml.safe_dump({"seeds": [7], "tables": {"t": table}, **sections})
    Path("e.yaml").write_text(text)


def job(model: str = "FPARec", **keys: Any) -> dict[str, Any]:
    return {"model": model, "dataset": "ring", "keys": keys}


def times(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("metrics.json")
    }


def begun(folder: Path) -> int:
    return (folder / "log.txt").read_text().count(" users, ")
