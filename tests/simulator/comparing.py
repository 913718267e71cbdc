"""Compares an answer with a recorded one, where what changes from run to run counts by its type only."""

from __future__ import annotations

import re
from typing import Any

_VOLATILE = {
    "CSRFPreventionToken", "config_digest", "cpu", "ctime", "descr", "digest", "disk", "diskread", "diskwrite",
    "endtime", "localtime", "maxcpu", "maxdisk", "maxmem", "mem", "memhost", "netin", "netout", "pid", "pve_fp",
    "pstart", "repoid", "saved", "ssl_fingerprint", "starttime", "ticket", "time", "upid", "uptime", "value",
    "version", "priority", "email",
}  # fmt: skip
"""What is made up, measured, or said in words of one's own (`descr`, of a firewall macro)."""
_HARDWARE = {
    "avail", "available", "cores", "cpus", "family", "flags", "free", "hvm", "kversion", "mhz", "model", "pveversion",
    "release", "total", "used", "vendor",
}  # fmt: skip
_UPID = re.compile(r"UPID:([^:]+):[0-9A-F]+:[0-9A-F]+:[0-9A-F]+:")


def masked(text: str) -> str:
    """Leave what changes from run to run out of a text."""
    return _UPID.sub(r"UPID:\1:*:*:*:", text)


def difference(expected: Any, got: Any, place: str = "") -> str | None:
    """Return the first difference of two answers in words, or None when they agree."""
    if place.endswith(".loadavg") and isinstance(got, list):
        return None
    if isinstance(expected, dict) and isinstance(got, dict):
        return _of_objects(expected, got, place)
    if isinstance(expected, list) and isinstance(got, list):
        return _of_lists(expected, got, place)
    if isinstance(expected, str) and isinstance(got, str):
        if "," in expected and sorted(expected.split(",")) == sorted(got.split(",")):
            return None
        expected, got = masked(expected), masked(got)
    if expected == got and type(expected) is type(got):
        return None
    return f"{place or 'answer'}: recorded {expected!r}, got {got!r}"


def _of_objects(expected: dict[str, Any], got: dict[str, Any], place: str) -> str | None:
    missing, surplus = expected.keys() - got.keys(), got.keys() - expected.keys()
    missing, surplus = missing - {"email"}, surplus - {"email"}
    if missing or surplus:
        return f"{place or 'answer'}: lacks {sorted(missing)}, has besides {sorted(surplus)}"
    for key in sorted(expected.keys() & got.keys()):
        here = f"{place}.{key}"
        if key in _VOLATILE | _HARDWARE and not isinstance(expected[key], (dict, list)):
            if _kind(expected[key]) != _kind(got[key]):
                return f"{here}: recorded a {_kind(expected[key])}, got a {_kind(got[key])}"
        elif found := difference(expected[key], got[key], here):
            return found
    return None


def _kind(value: object) -> str:
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def _of_lists(expected: list[Any], got: list[Any], place: str) -> str | None:
    if len(expected) != len(got):
        return f"{place}: recorded {len(expected)} items, got {len(got)}"
    left = list(got)
    for number, item in enumerate(expected):
        match = next((other for other in left if difference(item, other) is None), None)
        if match is None:
            nearest = left[0] if len(left) == 1 else _of_same_name(item, left)
            why = difference(item, nearest, f"{place}[{number}]") if nearest is not None else f"{item!r} is missing"
            return f"{place}[{number}]: {why}"
        left.remove(match)
    return None


def _of_same_name(item: Any, others: list[Any]) -> Any:
    """Return the object among others that is about the same thing, for a difference that says something."""
    name = item.get("id") if isinstance(item, dict) else None
    return next((other for other in others if name is not None and other.get("id") == name), None)
