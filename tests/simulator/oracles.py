"""Where the schema and the recordings of the real Proxmox VE are; tests skip when they are not there."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

_SCHEMA = ("PVE_API_SCHEMA", "../shared/pve-api/pve-9.2.jsonl")
_ROOT = Path(__file__).resolve().parents[2]


def _path(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or _ROOT / default)


def _place(variable: str, default: str) -> Path:
    path = _path(variable, default)
    if not path.exists():
        pytest.skip(f"{path} is not there; set {variable} to its place")
    return path


@functools.cache
def find_api_schema() -> dict[tuple[str, str], dict[str, Any]] | None:
    """Return what Proxmox VE publishes about each of its methods, by method and path; None when it is not there."""
    path = _path(*_SCHEMA)
    if not path.exists():
        return None
    methods = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(method["method"], method["path"]): method for method in methods}


def api_schema() -> dict[tuple[str, str], dict[str, Any]]:
    """Return what Proxmox VE publishes about each of its methods; skip the test when it is not there."""
    _place(*_SCHEMA)
    return find_api_schema() or {}


def recordings(name: str) -> list[dict[str, Any]]:
    """Return recorded requests and answers, in the order in which they were made."""
    path = _place("PVE_GOLDEN", "../shared/pve-golden") / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
