"""`/etc/pve/storage.cfg`: a section per storage, `type: id`, with an indented line per option."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from simulator.api.storage import add_capacity
from simulator.guests.storage_options import SECRETS, STORAGE_OPTIONS
from simulator.guests.storage_types import TYPES, StorageType
from simulator.records import Section
from simulator.ssh.text import MalformedFileError, check_values, lines_of
from simulator.state import Datacenter

_HEAD = re.compile(r"([^\s:]+):\s*(\S+)")
_OPTION = re.compile(r"\s+(\S+)(?:\s+(.*\S))?")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]")


def render(storages: Iterable[Section]) -> str:
    """Write the file. Secrets are not in it: they have files of their own, which only root reads."""
    return "".join(_section(section) for section in storages)


def _section(section: Section) -> str:
    options = dict(section.options)
    lines = [f"{section.type}: {section.id}"]
    if options.pop("disable", "0") == "1":
        lines.append("\tdisable")
    required = TYPES[section.type].required
    keys = sorted(options.keys() - set(SECRETS), key=lambda key: (key not in required, key))
    lines += [f"\t{key} {options[key]}" for key in keys]
    return "\n".join(lines) + "\n\n"


def parse(text: str) -> list[Section]:
    """Read the file, or refuse it."""
    found: dict[str, Section] = {}
    current: str | None = None
    for number, line in lines_of(text):
        head = _HEAD.fullmatch(line) if not line.startswith((" ", "\t")) else None
        option = _OPTION.fullmatch(line)
        if not line.strip():
            current = None
        elif line.lstrip().startswith("#"):
            continue
        elif head is not None:
            current = _begin(found, number, head[1], head[2])
        elif current is not None and option is not None:
            found[current] = _with_option(found[current], number, option[1], option[2])
        else:
            raise MalformedFileError(f"line {number}: '{line.strip()}' is no section and no option")
    return [_checked(section) for section in found.values()]


def _begin(found: dict[str, Section], number: int, kind: str, name: str) -> str:
    if kind not in TYPES:
        raise MalformedFileError(f"line {number}: unknown section type '{kind}'")
    if _ID.fullmatch(name) is None:
        raise MalformedFileError(f"line {number}: '{name}' is no storage ID")
    if name in found:
        raise MalformedFileError(f"line {number}: storage '{name}' is defined twice")
    found[name] = Section(id=name, type=kind)
    return name


def _with_option(section: Section, number: int, key: str, value: str | None) -> Section:
    if key in section.options:
        raise MalformedFileError(f"line {number}: duplicate attribute '{key}'")
    if value is None:
        param = STORAGE_OPTIONS.get(key)
        if param is None or param.type != "boolean":
            raise MalformedFileError(f"line {number}: option '{key}' has no value")
        value = "1"
    return replace(section, options={**section.options, key: value})


def _checked(section: Section) -> Section:
    """Refuse a storage that the API would not have made."""
    kind, where = TYPES[section.type], f"storage '{section.id}'"
    for key in section.options:
        if not kind.knows(key):
            raise MalformedFileError(f"{where}: unexpected property '{key}'")
    missing = next((key for key in sorted(kind.required) if key not in section.options), None)
    if missing is not None:
        raise MalformedFileError(f"{where}: missing value for required option '{missing}'")
    check_values(where, STORAGE_OPTIONS, section.options)
    return replace(section, options=_normal(kind, section.options))


def _normal(kind: StorageType, options: Mapping[str, str]) -> dict[str, str]:
    """Leave out what says nothing, and say which content is meant when nothing is said."""
    kept = {key: value for key, value in options.items() if (key, value) != ("disable", "0")}
    return kept if "content" in kept or not kind.knows("content") else {**kept, "content": kind.default}


def write(datacenter: Datacenter, text: str) -> None:
    """Let the file be the state."""
    sections = parse(text)
    for name in set(datacenter.storages.keys()) - {section.id for section in sections}:
        datacenter.storages.delete(name)
    for section in sections:
        old = datacenter.storages.get(section.id)
        secrets = {key: value for key, value in old.options.items() if key in SECRETS} if old is not None else {}
        datacenter.storages.put(replace(section, options={**secrets, **section.options}))
        add_capacity(datacenter, section)
