"""The machine that a table was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from recbole_ext.cores import usable_cores


def describe_machine(threads: int) -> dict[str, Any]:
    """Processor, cores, memory, and the load before the measurement (0 on a quiet machine)."""
    return {
        "cpu": _cpu_model(),
        "cores": usable_cores(),
        "threads": threads,
        "memory_gb": _memory_gb(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
