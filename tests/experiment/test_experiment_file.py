"""Experiment files: both forms, the quick variant, and how they are refused."""

from __future__ import annotations

from tests_path import Refused  # noqa: F401
