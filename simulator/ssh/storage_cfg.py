"""`/etc/pve/storage.cfg`: the storages. Their secrets are in files of their own, which only root reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from simulator.api.storage import add_capacity
from simulator.guests.storage_options import SECRETS, STORAGE_OPTIONS
from simulator.guests.storage_types import TYPES, StorageType
from simulator.records import Section
from simulator.ssh.section_file import SectionForm, Warn, silently
from simulator.state import Datacenter

_LOCAL = Section(id="local", type="dir", options={"path": "/var/lib/vz", "content": "backup,iso,vztmpl"})


def _knows(kind: str, option: str) -> bool:
    return TYPES[kind].knows(option)


def _is_id(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]", name) is not None


FORM = SectionForm(
    path="/etc/pve/storage.cfg", params=STORAGE_OPTIONS, knows=_knows, valid_id=_is_id, hidden=frozenset(SECRETS),
    required={name: kind.required for name, kind in TYPES.items()},
)  # fmt: skip


def render(storages: Iterable[Section]) -> str:
    """Write the file."""
    return FORM.render(storages)


def parse(text: str, warn: Warn = silently) -> list[Section]:
    """Read the file."""
    sections = FORM.parse(text, warn)
    return [replace(section, options=_normal(TYPES[section.type], section.options)) for section in sections]


def _normal(kind: StorageType, options: Mapping[str, str]) -> dict[str, str]:
    """Leave out what says nothing, and say which content is meant when nothing is said."""
    kept = {key: value for key, value in options.items() if (key, value) != ("disable", "0")}
    return kept if "content" in kept or not kind.knows("content") else {**kept, "content": kind.default}


def write(datacenter: Datacenter, text: str) -> None:
    """Let the file be the state. There is always a storage `local`: the one that every installation has."""
    sections = parse(text)
    if not any(section.id == _LOCAL.id for section in sections):
        sections.append(_LOCAL)
    for name in set(datacenter.storages.keys()) - {section.id for section in sections}:
        datacenter.storages.delete(name)
    for section in sections:
        old = datacenter.storages.get(section.id)
        secrets = {key: value for key, value in old.options.items() if key in SECRETS} if old is not None else {}
        datacenter.storages.put(replace(section, options={**secrets, **section.options}))
        add_capacity(datacenter, section)
