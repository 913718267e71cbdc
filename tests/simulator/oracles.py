"""Where the schema and the recordings of the real Proxmox VE are; tests skip when they are not there."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def _place(variable: str, default: str) -> Path:
    path = Path(os.environ.get(variable) or _ROOT / default)
    if not path.exists():
        pytest.skip(f"{path} is not there; set {variable} to its place")
    return path


@functools.cache
def api_schema() -> dict[tuple[str, str], dict[str, Any]]:
    """Return what Proxmox VE publishes about each of its methods, by method and path."""
    lines = _place("PVE_API_SCHEMA", "../shared/pve-api/pve-9.2.jsonl").read_text(encoding="utf-8").splitlines()
    methods = [json.loads(line) for line in lines]
    return {(method["method"], method["path"]): method for method in methods}


def recordings(name: str) -> list[dict[str, Any]]:
    """Return recorded requests and answers, in the order in which they were made."""
    path = _place("PVE_GOLDEN", "../shared/pve-golden") / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
